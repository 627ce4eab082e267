package strictapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// label sets a label of NodeENI a, as a call that takes effect or not.
func (r *rig) label(ctx context.Context, value string) error {
	_, err := r.enis.Patch(ctx, "a", "application/merge-patch+json", fmt.Appendf(nil, `{"metadata":{"labels":{"of":%q}}}`, value), metav1.PatchOptions{})
	return err
}

// labelNow is the label, as somebody else reads it.
func (r *rig) labelNow() string {
	r.Helper()
	n, err := r.server.NewClient("user").NodeENIs().NetworkingV1alpha1().NodeENIs().Get(context.Background(), "a", metav1.GetOptions{})
	r.must(err)
	return n.Labels["of"]
}

// TestFailures has each failure happen, and looks whether the call took effect.
func TestFailures(t *testing.T) {
	for failure, is := range map[Failure]func(error) bool{
		FailInternal:     apierrors.IsInternalError,
		FailUnavailable:  apierrors.IsServiceUnavailable,
		FailThrottled:    apierrors.IsTooManyRequests,
		FailTimeout:      apierrors.IsTimeout,
		FailReset:        utilnet.IsConnectionReset,
		FailTimeoutAfter: apierrors.IsTimeout,
		FailResetAfter:   utilnet.IsConnectionReset,
		FailConflict:     apierrors.IsConflict,
		FailExpired:      apierrors.IsInternalError, // a patch does not expire
	} {
		t.Run(string(failure), func(t *testing.T) {
			inRig(t, func(r *rig) {
				r.newENI("a")
				r.client.SetFaults(Faults{ErrorShare: 1, Failures: []Failure{failure}, Hang: 3 * time.Second})
				start := time.Now()
				r.wantErr(is, r.label(r.Context(), "new"))
				r.want(time.Since(start) == 3*time.Second, failure.hangs())
				r.want(r.labelNow() == "new", failure.afterEffect())
				_, err := r.enis.Watch(r.Context(), metav1.ListOptions{ResourceVersion: "4"})
				r.want(err == nil, false)
				if failure == FailExpired {
					r.wantErr(apierrors.IsResourceExpired, err)
				}
				synctest.Wait()
				r.want(r.client.Watches(), 0)
			})
		})
	}
}

// TestErrorShare counts the calls that fail.
func TestErrorShare(t *testing.T) {
	inRig(t, func(r *rig) {
		r.newENI("a")
		r.client.SetFaults(Faults{ErrorShare: 0.3})
		failed, kinds := 0, map[string]bool{}
		for i := range 1000 {
			if err := r.label(r.Context(), fmt.Sprint(i)); err != nil {
				failed++
				kinds[fmt.Sprintf("%T %s", err, apierrors.ReasonForError(err))] = true
			}
		}
		r.want(failed > 250 && failed < 350, true)
		r.want(len(kinds), 6) // expiry is an internal error here, and both timeouts and both resets look alike
	})
}

// TestFaultsFollowTheSeed makes the same calls in another order, of servers with one seed and with two.
func TestFaultsFollowTheSeed(t *testing.T) {
	outcome := func(seed uint64, order []int) (list []string) {
		s := New(seed)
		c := s.NewClient("test")
		c.SetFaults(Faults{ErrorShare: 0.5, Failures: []Failure{FailInternal, FailUnavailable}})
		list = make([]string, 20)
		for _, i := range order {
			_, err := c.Kube().CoreV1().Nodes().Get(t.Context(), fmt.Sprint("n", i), metav1.GetOptions{})
			list[i] = err.Error()
		}
		return list
	}
	forward := make([]int, 20)
	for i := range forward {
		forward[i] = i
	}
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	if !slices.Equal(outcome(1, forward), outcome(1, backward)) {
		t.Error("the order of independent calls changes their faults")
	}
	if slices.Equal(outcome(1, forward), outcome(2, forward)) {
		t.Error("two seeds have the same faults")
	}
}

// TestUnreachable cuts a connection and heals it.
func TestUnreachable(t *testing.T) {
	inRig(t, func(r *rig) {
		r.newENI("a")
		w := r.watch(metav1.ListOptions{ResourceVersion: r.server.ResourceVersion()})
		r.client.SetFaults(Faults{Latency: Exactly(time.Second)})
		inProgress := make(chan error, 1)
		go func() { inProgress <- r.label(context.Background(), "new") }()
		later(1500 * time.Millisecond) // it took effect and was not answered
		r.client.SetFaults(Faults{Unreachable: true})
		r.want(fmt.Sprint(r.seen(w)), "[closed]")
		r.wantErr(utilnet.IsConnectionReset, <-inProgress)
		r.want(r.labelNow(), "new")
		r.wantErr(utilnet.IsConnectionRefused, r.label(r.Context(), "newer"))
		_, err := r.enis.Watch(r.Context(), metav1.ListOptions{})
		r.wantErr(func(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }, err)
		r.client.SetFaults(Faults{})
		r.want(r.labelNow(), "new")
		r.must(r.label(r.Context(), "newer"))
	})
}

// TestStalled has nothing pass for a while: a call of before takes effect afterwards, one whose caller gave up
// never does, and the watch misses nothing.
func TestStalled(t *testing.T) {
	inRig(t, func(r *rig) {
		n := r.newENI("a")
		w := r.watch(metav1.ListOptions{ResourceVersion: n.ResourceVersion})
		r.client.SetFaults(Faults{Stalled: true})
		patient, impatient := make(chan error, 1), make(chan error, 1)
		ctx, cancel := context.WithTimeout(r.Context(), time.Minute)
		defer cancel()
		go func() { patient <- r.label(context.Background(), "late") }()
		go func() { impatient <- r.label(ctx, "never") }()
		_, err := r.server.NewClient("user").NodeENIs().NetworkingV1alpha1().NodeENIs().Create(r.Context(), &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: "b"}}, metav1.CreateOptions{})
		r.must(err)
		later(30 * time.Minute)
		r.wantErr(func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, <-impatient)
		r.want(r.labelNow(), "eni-a")
		r.want(len(r.seen(w)), 0)
		r.client.SetFaults(Faults{})
		r.must(<-patient)
		r.want(r.labelNow(), "late")
		r.want(fmt.Sprint(r.seen(w)), "[ADDED b 6 MODIFIED a 7]")
	})
}

// TestLatency waits for calls, and gives up waiting.
func TestLatency(t *testing.T) {
	inRig(t, func(r *rig) {
		r.newENI("a")
		r.client.SetFaults(Faults{Latency: Exactly(2 * time.Second)})
		start := time.Now()
		done := make(chan error)
		for i := range 3 { // together, as calls do not wait for each other
			go func() { done <- r.label(context.Background(), fmt.Sprint(i)) }()
		}
		for range 3 {
			r.must(<-done)
		}
		r.want(time.Since(start), 4*time.Second)
		for _, c := range []struct {
			patience time.Duration
			effect   bool
		}{{time.Second, false}, {3 * time.Second, true}} {
			before := r.labelNow()
			ctx, cancel := context.WithTimeout(r.Context(), c.patience)
			start := time.Now()
			r.wantErr(func(err error) bool { return errors.Is(err, context.DeadlineExceeded) }, r.label(ctx, "late"))
			cancel()
			r.want(time.Since(start), c.patience)
			r.want(r.labelNow() != before, c.effect)
		}
	})
}

// TestKill kills a process before and after its third call.
func TestKill(t *testing.T) {
	for _, after := range []bool{false, true} {
		for _, byHook := range []bool{false, true} {
			t.Run(fmt.Sprintf("after=%t hook=%t", after, byHook), func(t *testing.T) {
				inRig(t, func(r *rig) {
					r.newENI("a")
					w := r.watch(metav1.ListOptions{ResourceVersion: r.server.ResourceVersion()})
					if byHook {
						r.client.OnCall(func(c Call) Decision {
							switch {
							case c.Number != 5 || !c.IsWrite() || c.Verb != "patch" || c.Resource != "nodeenis" || c.Name != "a":
								return Proceed
							case after:
								return KillAfter
							}
							return KillBefore
						})
					} else {
						r.client.KillAt(3, after)
					}
					r.must(r.label(r.Context(), "1"))
					r.must(r.label(r.Context(), "2"))
					r.want(r.label(r.Context(), "3"), ErrKilled)
					<-r.client.Killed()
					want := "2"
					if after {
						want = "3"
					}
					r.want(r.labelNow(), want)
					r.want(r.label(r.Context(), "4"), ErrKilled)
					_, err := r.enis.Watch(r.Context(), metav1.ListOptions{})
					r.want(err, ErrKilled)
					seen := r.seen(w)
					r.want(seen[len(seen)-1], "closed")
					r.want(r.labelNow(), want)
				})
			})
		}
	}
}

// TestKillInProgress kills a process while calls wait: they end, with the effect they had.
func TestKillInProgress(t *testing.T) {
	for _, c := range []struct {
		at     time.Duration
		effect bool
	}{{500 * time.Millisecond, false}, {1500 * time.Millisecond, true}} {
		inRig(t, func(r *rig) {
			r.newENI("a")
			r.client.SetFaults(Faults{Latency: Exactly(time.Second)})
			done := make(chan error, 1)
			go func() { done <- r.label(context.Background(), "new") }()
			later(c.at)
			r.client.Kill()
			synctest.Wait()
			r.want(<-done, ErrKilled)
			later(time.Minute)
			r.want(r.labelNow() == "new", c.effect)
		})
	}
}

// TestWritesAreLogged reads the log, and what hooks see.
func TestWritesAreLogged(t *testing.T) {
	inRig(t, func(r *rig) {
		var hooked []string
		r.server.OnWrite(func(w Write) { hooked = append(hooked, fmt.Sprint(w, " ", w.Old != nil, w.New != nil)) })
		r.newENI("a", "example.com/a")
		later(time.Second)
		_, err := r.merge("a", `{"status":{"observedGeneration":1}}`, "status")
		r.must(err)
		_, err = r.merge("a", `{}`)
		r.must(err)
		r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
		_, err = r.merge("a", `{"metadata":{"finalizers":null}}`)
		r.must(err)
		r.wantErr(apierrors.IsNotFound, r.label(r.Context(), "x"))
		want := []string{
			"test create nodeenis a 5 false true",
			"test patch nodeenis/status a 6 true true",
			"test patch nodeenis a 6 (nothing changed) true true",
			"test delete nodeenis a 7 true true",
			"test patch nodeenis a 8 (gone) true false",
		}
		if !slices.Equal(hooked, want) {
			r.Errorf("the hook saw %q, want %q", hooked, want)
		}
		log := r.server.TakeWrites()
		r.want(len(log), len(want))
		r.want(log[1].Time.Sub(log[0].Time), time.Second)
		r.want(log[0].New, nil)
		r.want(len(r.server.Writes()), 0)
	})
}

// TestClientsAreCheap has the clients ready at once, and leaves nothing behind.
func TestClientsAreCheap(t *testing.T) {
	inRig(t, func(r *rig) {
		for range 100 {
			c := r.server.NewClient("short-lived")
			w, err := c.Kube().CoreV1().Nodes().Watch(r.Context(), metav1.ListOptions{})
			r.must(err)
			c.Kill()
			_, open := <-w.ResultChan()
			r.want(open, false)
		}
		r.want(len(r.server.clients), 1)
	})
}
