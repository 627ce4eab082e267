package app

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// replica runs lead against the shared fake API server.
type replica struct {
	stop    context.CancelFunc
	leading atomic.Bool
	err     chan error
}

func startReplica(t *testing.T, kube *fake.Clientset, drain time.Duration) *replica {
	t.Helper()
	return startReplicaWith(t, kube, drain, func(*fence) {})
}

func startReplicaWith(t *testing.T, kube *fake.Clientset, drain time.Duration, change func(*fence)) *replica {
	t.Helper()
	o := NewOptions()
	o.LeaderElection.ResourceNamespace = "ns"
	f, err := newFence(kube, o.LeaderElection)
	if err != nil {
		t.Fatal(err)
	}
	change(f)
	ctx, stop := context.WithCancel(t.Context())
	r := &replica{stop: stop, err: make(chan error, 1)}
	go func() {
		r.err <- lead(ctx, f, o.LeaderElection, leaderelection.NewLeaderHealthzAdaptor(watchdogTolerance), func(ctx context.Context) error {
			r.leading.Store(true)
			<-ctx.Done()
			time.Sleep(drain)
			r.leading.Store(false)
			return nil
		})
	}()
	return r
}

func TestOneReplicaLeadsAndTheNextFollowsWhenItHasFinished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kube := fake.NewClientset()
		first := startReplica(t, kube, 5*time.Second)
		time.Sleep(time.Second)
		second := startReplica(t, kube, 0)
		time.Sleep(time.Minute)
		if !first.leading.Load() || second.leading.Load() {
			t.Fatalf("leading: first %v, second %v; want the first alone", first.leading.Load(), second.leading.Load())
		}
		first.stop()
		time.Sleep(4 * time.Second)
		if second.leading.Load() {
			t.Error("the second leads while the first is finishing")
		}
		time.Sleep(6 * time.Second)
		if !second.leading.Load() {
			t.Error("the lease was not given up: the second does not lead yet")
		}
		if err := <-first.err; err != nil {
			t.Errorf("the first ended with %v, want no error", err)
		}
		second.stop()
		if err := <-second.err; err != nil {
			t.Errorf("the second ended with %v, want no error", err)
		}
	})
}

func TestAReplicaThatWaitsEndsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kube := fake.NewClientset()
		leader := startReplica(t, kube, 0)
		time.Sleep(time.Second)
		waiting := startReplica(t, kube, 0)
		time.Sleep(time.Second)
		told := time.Now()
		waiting.stop()
		if err := <-waiting.err; err != nil || time.Since(told) > time.Second {
			t.Errorf("ended with %v after %v, want no error at once", err, time.Since(told))
		}
		leader.stop()
		if err := <-leader.err; err != nil {
			t.Errorf("the leader ended with %v, want no error", err)
		}
	})
}

func TestALostLeaseEndsTheProcessAndIsNotReleased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kube := fake.NewClientset()
		var mu sync.Mutex
		unreachable, writes := false, 0
		kube.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
			mu.Lock()
			defer mu.Unlock()
			writes++
			if unreachable {
				return true, nil, apierrors.NewInternalError(errors.New("unreachable"))
			}
			return false, nil, nil
		})
		leader := startReplica(t, kube, time.Hour)
		time.Sleep(10 * time.Second)
		mu.Lock()
		unreachable = true
		mu.Unlock()
		if err := <-leader.err; !errors.Is(err, errLeaseLost) {
			t.Errorf("ended with %v, want %v", err, errLeaseLost)
		}
		mu.Lock()
		unreachable = false
		mu.Unlock()
		standby := startReplica(t, kube, 0)
		time.Sleep(14 * time.Second)
		if standby.leading.Load() {
			t.Error("another replica leads before the lease has expired")
		}
		time.Sleep(10 * time.Second)
		if !standby.leading.Load() {
			t.Error("no replica leads after the lease has expired")
		}
		standby.stop()
		if err := <-standby.err; err != nil {
			t.Errorf("the standby ended with %v, want no error", err)
		}
		leader.stop()
		time.Sleep(time.Hour) // the first one's calls come to an end after all
	})
}

// sleepyLock is a lock whose process sleeps before it reads, until it is woken.
type sleepyLock struct {
	resourcelock.Interface
	asleep atomic.Bool
	wakes  chan struct{}
}

func (l *sleepyLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	if l.asleep.Load() {
		<-l.wakes
		ctx = context.WithoutCancel(ctx) // its clock slept as well
	}
	return l.Interface.Get(ctx)
}

func TestAReplicaThatSleptPastItsLeaseLeavesItToTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kube := fake.NewClientset()
		lock := &sleepyLock{wakes: make(chan struct{})}
		first := startReplicaWith(t, kube, 0, func(f *fence) { lock.Interface, f.Interface = f.Interface, lock })
		time.Sleep(5 * time.Second)
		lock.asleep.Store(true)
		first.stop() // it is about to give up its lease
		time.Sleep(time.Second)
		second := startReplica(t, kube, 0)
		time.Sleep(time.Minute)
		if !second.leading.Load() {
			t.Fatal("the second does not lead, though the lease has expired")
		}
		close(lock.wakes)
		if err := <-first.err; err != nil && !errors.Is(err, errLeaseLost) {
			t.Errorf("the first ended with %v", err)
		}
		lease, err := kube.CoordinationV1().Leases("ns").Get(t.Context(), NewOptions().LeaderElection.ResourceName, metav1.GetOptions{})
		if err != nil || lease.Spec.HolderIdentity == nil || *lease.Spec.HolderIdentity == "" {
			t.Errorf("the lease is nobody's (%v, %v): the first one gave up what the second has", lease, err)
		}
		second.stop()
		if err := <-second.err; err != nil {
			t.Errorf("the second ended with %v, want no error", err)
		}
	})
}
