package chaos

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

const (
	leaseName     = "multi-eni-controller"
	leaseDuration = 2 * time.Second // of quickLease
)

// holder is who holds the Lease.
func (l *lab) holder(ctx context.Context) (string, error) {
	lease, err := l.cluster.Kube.CoordinationV1().Leases(sandbox.Namespace).Get(ctx, leaseName, metav1.GetOptions{})
	if err != nil || lease.Spec.HolderIdentity == nil {
		return "", err
	}
	return *lease.Spec.HolderIdentity, nil
}

// held demands that somebody holds the Lease, or that somebody else does.
func (l *lab) held(ctx context.Context, somebody string, by bool) error {
	holder, err := l.holder(ctx)
	if err == nil && (holder == somebody) != by {
		err = fmt.Errorf("the lease is held by %q", holder)
	}
	return err
}

// ghost is another replica, whose clock is wrong. It takes the Lease from whoever has it, and renews it.
type ghost struct {
	clock time.Duration
}

const ghostName = "ghost"

func (g ghost) renew(l *lab) error {
	leases := l.cluster.Kube.CoordinationV1().Leases(sandbox.Namespace)
	lease, err := leases.Get(l.ctx, leaseName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	name, seconds, now := ghostName, int32(leaseDuration.Seconds()), metav1.NewMicroTime(time.Now().Add(g.clock))
	lease.Spec = coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &seconds, AcquireTime: &now, RenewTime: &now}
	if _, err := leases.Update(l.ctx, lease, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return err
	}
	return nil // the leader has renewed in between; the next try comes
}

// A replica whose clock is an hour off takes the Lease. As long as it renews it, nobody else works, whatever it says
// the time is; when it is gone, its Lease ends like any other.
func TestLeaseIsAnHourOff(t *testing.T) {
	for name, clock := range map[string]time.Duration{"in the past": -time.Hour, "in the future": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			r := l.newReplica(quickLease...)
			l.base()
			g := ghost{clock}
			l.eventually("taken by another replica", func(ctx context.Context) error {
				return errors.Join(g.renew(l), l.held(ctx, ghostName, true))
			})
			taken := time.Now()
			l.act()
			l.meanwhile(outage(), func() error {
				// What the deposed leader has sent by the end of its own lease, it may have sent.
				for _, c := range r.since(taken.Add(leaseDuration)) {
					if c.ec2() && c.changes() {
						return fmt.Errorf("%s although another replica leads", c.kind)
					}
				}
				return g.renew(l)
			})
			gone := time.Now()
			l.must(l.held(l.ctx, ghostName, true))
			l.eventually("led again", func(ctx context.Context) error { return l.held(ctx, ghostName, false) })
			if late := time.Since(gone); late < leaseDuration/2 || late > 5*leaseDuration {
				t.Errorf("a lease of %s ended after %s", leaseDuration, late)
			}
			l.settled("recovered")
		})
	}
}

// The leader is paused in the middle of a call for longer than its lease. Another replica takes over and ends the
// work; then the call arrives after all, and the old leader goes on where it was.
func TestPausedLeaderWakesUp(t *testing.T) {
	kinds := []string{"CreateNetworkInterface", "DeleteNetworkInterface"}
	if *all {
		kinds = append(kinds, "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute", "DetachNetworkInterface", "patch nodeenis/status")
	}
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			old := l.newReplica(quickLease...)
			l.base()
			next := l.newReplica(quickLease...)
			l.must(next.process().WaitHealthy(l.ctx))
			leader, err := l.holder(l.ctx)
			l.must(err)

			paused, arrives := make(chan error, 1), make(chan struct{})
			old.set(newTrap(kind, old.counts()[kind]+1, passed, func() {
				paused <- old.signal(syscall.SIGSTOP)
				select {
				case <-arrives:
				case <-l.ctx.Done():
				}
			}))
			// An interface that is gone by then has no tags, by which the IAM policy would allow the call.
			l.denials = map[string]int{kind: 1}
			l.act()
			select {
			case err := <-paused:
				l.must(err)
			case <-l.ctx.Done():
				t.Fatalf("the leader has not come to %s: %v", kind, old.counts())
			}
			l.eventually("taken over", func(ctx context.Context) error { return l.held(ctx, leader, false) })
			l.eventually("ended by the next", l.holds)
			l.wakes(old, arrives)
		})
	}
}

// wakes has a paused leader go on, and its last call arrive.
func (l *lab) wakes(old *replica, arrives chan struct{}) {
	l.Helper()
	process, woken := old.process(), time.Now()
	close(arrives)
	l.must(old.signal(syscall.SIGCONT))
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	defer cancel()
	code, err := process.Wait(ctx)
	l.must(err)
	if code != 1 {
		l.Errorf("exit code %d of who lost the lease, want 1\n%s", code, sandbox.Tail(process.Log()))
	}
	for _, c := range old.since(woken) {
		if c.ec2() && c.changes() {
			l.Errorf("%s by who has lost the lease", c.kind)
		}
	}
	l.settled("undisturbed")
}
