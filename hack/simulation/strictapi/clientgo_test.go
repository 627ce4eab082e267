package strictapi

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	"k8s.io/client-go/tools/record"
)

// candidate takes part in an election until ctx ends or its client dies.
func candidate(ctx context.Context, c *Client, leading chan<- string) (done chan struct{}) {
	ctx, cancel := context.WithCancel(ctx)
	done = make(chan struct{})
	go func() {
		select {
		case <-c.Killed():
			cancel()
		case <-ctx.Done():
		}
	}()
	go func() {
		defer close(done)
		defer cancel()
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: &resourcelock.LeaseLock{
				LeaseMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "lock"}, Client: c.Kube().CoordinationV1(),
				LockConfig: resourcelock.ResourceLockConfig{Identity: c.Name()},
			},
			LeaseDuration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 2 * time.Second,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { leading <- c.Name() },
				OnStoppedLeading: func() {},
			},
		})
	}()
	return done
}

// TestLeaderElection has the second of two candidates take over when the first one dies, under errors.
func TestLeaderElection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := New(1)
		first, second, leading := s.NewClient("first"), s.NewClient("second"), make(chan string, 2)
		faults := Faults{Latency: Range{0, time.Second}, ErrorShare: 0.02, Hang: 3 * time.Second}
		first.SetFaults(faults)
		second.SetFaults(faults)
		ctx, cancel := context.WithCancel(t.Context())
		doneFirst := candidate(ctx, first, leading)
		if who := <-leading; who != "first" {
			t.Fatal(who, "leads")
		}
		doneSecond := candidate(ctx, second, leading)
		time.Sleep(time.Hour)
		if len(leading) > 0 {
			t.Fatal(<-leading, "leads beside the first one")
		}
		first.Kill()
		died := time.Now()
		<-doneFirst
		if who := <-leading; who != "second" || time.Since(died) < 10*time.Second || time.Since(died) > time.Minute {
			t.Errorf("%s took over after %s", who, time.Since(died))
		}
		cancel()
		<-doneSecond
		renewals := map[string]int{}
		for _, w := range s.Writes() {
			if w.Resource == "leases" {
				renewals[w.Client]++
			}
		}
		if renewals["first"] < 1000 || renewals["second"] == 0 {
			t.Errorf("wrote the Lease: %v", renewals)
		}
	})
}

// TestLeaseTakesTurns has two updates of one version meet: one of them wins.
func TestLeaseTakesTurns(t *testing.T) {
	inRig(t, func(r *rig) {
		leases := r.kube.CoordinationV1().Leases("kube-system")
		lease, err := leases.Create(r.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
		r.must(err)
		r.client.SetFaults(Faults{Latency: Range{0, time.Second}})
		results := make(chan error, 10)
		for i := range cap(results) {
			go func() {
				mine := lease.DeepCopy()
				mine.Spec.HolderIdentity = new(fmt.Sprint(i))
				_, err := leases.Update(context.Background(), mine, metav1.UpdateOptions{})
				results <- err
			}()
		}
		won := 0
		for range cap(results) {
			if err := <-results; err == nil {
				won++
			} else {
				r.wantErr(apierrors.IsConflict, err)
			}
		}
		r.want(won, 1)
	})
}

// TestEventRecorder has the real recorder and broadcaster write Events: a new one, then counts by patches.
func TestEventRecorder(t *testing.T) {
	inRig(t, func(r *rig) {
		r.client.SetFaults(Faults{Latency: Exactly(100 * time.Millisecond)})
		broadcaster := record.NewBroadcaster(record.WithContext(r.Context()))
		broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: r.kube.CoreV1().Events("")})
		recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "test"})
		about := &corev1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: "a", UID: "b"}
		for range 3 {
			recorder.Event(about, corev1.EventTypeNormal, "Reason", "message")
			later(time.Second)
		}
		events, err := r.kube.CoreV1().Events("default").List(r.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=a"})
		r.must(err)
		if len(events.Items) != 1 || events.Items[0].Count != 3 || events.Items[0].InvolvedObject.UID != types.UID("b") {
			r.Errorf("the events are %+v", events.Items)
		}
		broadcaster.Shutdown()
	})
}

// TestEventsOfOneInstant has the recorder tell two things of one object while virtual time stands still: client-go gives
// both one name. The same event again is one that is known.
func TestEventsOfOneInstant(t *testing.T) {
	inRig(t, func(r *rig) {
		broadcaster := record.NewBroadcaster(record.WithContext(r.Context()))
		broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: r.kube.CoreV1().Events("")})
		recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "test"})
		about := &corev1.ObjectReference{Kind: "Node", APIVersion: "v1", Name: "a", UID: "b"}
		recorder.Event(about, corev1.EventTypeWarning, "One", "message")
		recorder.Event(about, corev1.EventTypeWarning, "Another", "message")
		later(time.Second)
		events, err := r.kube.CoreV1().Events("default").List(r.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=a"})
		r.must(err)
		if len(events.Items) != 2 {
			r.Fatalf("the events are %+v", events.Items)
		}
		again := events.Items[0]
		again.ResourceVersion, again.UID = "", ""
		_, err = r.kube.CoreV1().Events("default").Create(r.Context(), &again, metav1.CreateOptions{})
		r.wantErr(apierrors.IsAlreadyExists, err)
		broadcaster.Shutdown()
	})
}
