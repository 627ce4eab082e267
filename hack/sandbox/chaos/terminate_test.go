package chaos

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// grace is half of what a pod is given to end.
const grace = 15 * time.Second

// Told to end in the middle of each phase, the controller finishes the calls that it has begun, gives up the lease,
// calls no more, and ends with 0. The next one finishes the work.
func TestTerminatedInAnyPhase(t *testing.T) {
	for phase, kind := range map[string]string{
		"create": "CreateNetworkInterface", "attach": "AttachNetworkInterface", "detach": "DetachNetworkInterface",
		"delete": "DeleteNetworkInterface", "modify": "ModifyNetworkInterfaceAttribute", "tag": "CreateTags", "untag": "DeleteTags",
		"finalize": "patch nodeenis", "report": "patch nodeenis/status", "idle": "",
	} {
		t.Run(phase, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			r := l.newReplica(quickLease...)
			l.base()
			process, told := r.process(), make(chan error, 1)
			if kind == "" {
				l.settled("idle")
				told <- process.Signal(syscall.SIGTERM)
			} else {
				r.set(newTrap(kind, r.counts()[kind]+1, passed, func() { told <- process.Signal(syscall.SIGTERM) }))
				l.act()
				l.edit("a", map[string]any{"tags": map[string]any{"team": nil, "squad": "a"}})
			}
			select {
			case err := <-told:
				l.must(err)
			case <-l.ctx.Done():
				t.Fatalf("the controller has not come to %s: %v", kind, r.counts())
			}
			l.endsWell(r, process)
			if kind == "" {
				l.act()
			}
			l.settled("finished by the next")
		})
	}
}

// Told to end before it has seen anything, or while it waits to lead, the controller changes nothing and ends with 0.
func TestTerminatedBeforeItLeads(t *testing.T) {
	t.Run("before its first list", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		r := l.newReplica(quickLease...)
		l.base()
		told := make(chan *sandbox.Controller, 1)
		first := r.process()
		r.set(newTrap("watch nodeenis", r.counts()["watch nodeenis"]+1, passed, func() {
			// It may call before its starter has it noted.
			err := wait.PollUntilContextCancel(l.ctx, pollEvery, true, func(context.Context) (bool, error) { return r.process() != first, nil })
			if err := errors.Join(err, r.signal(syscall.SIGTERM)); err != nil {
				l.Error(err)
			}
			told <- r.process()
		}))
		r.kill()
		select {
		case process := <-told:
			l.endsUnheard(r, process)
		case <-l.ctx.Done():
			t.Fatalf("the next process has not come to its first list: %v", r.counts())
		}
		l.act()
		l.settled("done by the next")
	})
	t.Run("waiting", func(t *testing.T) {
		t.Parallel()
		l := newLab(t)
		leader := l.newReplica(quickLease...)
		l.base()
		waits := l.newReplica(quickLease...)
		process := waits.process()
		l.must(process.WaitHealthy(l.ctx))
		holder, err := l.holder(l.ctx)
		l.must(err)
		l.must(process.Signal(syscall.SIGTERM))
		l.endsUnheard(waits, process)
		l.must(l.held(l.ctx, holder, true))
		l.act()
		l.settled("done by the leader")
		if leader.starts() != 1 {
			t.Errorf("the leader was started %d times", leader.starts())
		}
	})
}

// endsUnheard demands a good end of a process that does not lead: with 0, and without a change of anything.
func (l *lab) endsUnheard(r *replica, process *sandbox.Controller) {
	l.Helper()
	told := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, grace)
	defer cancel()
	code, err := process.Wait(ctx)
	l.must(err)
	ended := time.Now()
	if code != 0 {
		l.Errorf("exit code %d\n%s", code, sandbox.Tail(process.Log()))
	}
	for _, c := range r.since(told) {
		if c.began.Before(ended) && c.changes() {
			l.Errorf("%s by who does not lead", c.kind)
		}
	}
	l.Logf("ended after %s", ended.Sub(told).Round(10*time.Millisecond))
}

// endsWell demands a good end of a process that was told to.
func (l *lab) endsWell(r *replica, process *sandbox.Controller) {
	l.Helper()
	told := time.Now()
	ctx, cancel := context.WithTimeout(l.ctx, grace)
	defer cancel()
	code, err := process.Wait(ctx)
	l.must(err)
	ended := time.Now()
	if holder, err := l.holder(l.ctx); err != nil || holder != "" {
		l.Errorf("the lease is held by %q, error %v", holder, err)
	}
	if code != 0 {
		l.Errorf("exit code %d\n%s", code, sandbox.Tail(process.Log()))
	}
	calls := r.since(told)
	released := -1
	for i, c := range calls {
		if c.kind == "put leases" && c.began.Before(ended) {
			released = i
		}
	}
	if released < 0 {
		l.Fatalf("the lease was not given up: %v", calls)
	}
	for _, c := range calls[released+1:] {
		if c.began.Before(ended) {
			l.Errorf("%s after the lease was given up", c.kind)
		}
	}
	l.Logf("ended after %s, calls until then: %v", ended.Sub(told).Round(10*time.Millisecond), calls[:released+1])
}
