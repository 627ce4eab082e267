package controller

import (
	"errors"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// trickle takes the labels from a number of Nodes, one after the other, and lets cleanup come to rest.
func (l *lab) trickle(nodes int) (left int) {
	l.Helper()
	for i := range nodes {
		l.patchNode(i, `{"metadata":{"labels":{"ng":null}}}`)
		l.pass(3 * time.Second)
	}
	l.pass(time.Minute)
	return len(l.ours())
}

// releasedLately is what the Lease says.
func (l *lab) releasedLately() (count int) {
	l.Helper()
	if text, ok := l.lease().Annotations[v1alpha1.AnnotationReleasedLately]; ok {
		var err error
		count, err = strconv.Atoi(text)
		l.must(err)
	}
	return count
}

// leaseWrites counts the writes of the Lease.
func (l *lab) leaseWrites() (count int) {
	for _, action := range l.kube.Actions() {
		if action.GetVerb() == "update" && action.GetResource().Resource == "leases" {
			count++
		}
	}
	return count
}

// What is left when cleanup has halted may be too little to halt for: whoever leads next knows what went before.
func TestAHaltOutlivesTheLeader(t *testing.T) {
	for _, nodes := range []int{24, fleet} {
		for _, pause := range []time.Duration{0, 15 * time.Minute} {
			inFleet(t, func(l *lab) {
				left := l.trickle(nodes)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
				for range 4 {
					l.stop()
					l.pass(pause)
					l.start()
					l.pass(30 * time.Minute)
					l.wantAttached(left)
					l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
				}
				l.approve()
				l.pass(2 * time.Minute)
				if got := len(l.ours()); got != fleet-nodes {
					l.Errorf("%d interfaces are left after the approval, want %d", got, fleet-nodes)
				}
				l.pass(12 * time.Minute)
				if got := l.releasedLately(); got != 0 {
					l.Errorf("the Lease says that %d went lately, long after", got)
				}
			})
		}
	}
}

// Whoever restarts while labels are lost one by one must not begin to count anew each time.
func TestATrickleIsCountedAcrossRestarts(t *testing.T) {
	inFleet(t, func(l *lab) {
		for i := range fleet {
			l.patchNode(i, `{"metadata":{"labels":{"ng":null}}}`)
			l.pass(3 * time.Second)
			if i%4 == 3 {
				l.stop()
				l.start()
			}
		}
		l.pass(time.Hour)
		// What is on its way when a process ends counts as gone, so that there may be a few more.
		if left := len(l.ours()); left < fleet-atMost || left > fleet-atMost+4 {
			l.Errorf("%d of %d interfaces are left, want about half", left, fleet)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
		// Eight are recorded one by one, then each write accounts for an eighth more.
		if writes := l.leaseWrites(); writes >= fleet-atMost {
			l.Errorf("%d writes of the Lease for %d departures", writes, fleet-len(l.ours()))
		}
	})
}

// What was put back while nobody led ends the halt, and the count with it.
func TestAHaltEndsWhenItsCauseIsPutBackWhileNobodyLeads(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.trickle(24)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
		l.stop()
		l.labelAll("multi")
		l.start()
		l.pass(5 * time.Minute)
		l.wantAttached(fleet)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.pass(10 * time.Minute)
		if got := l.releasedLately(); got != 0 {
			l.Errorf("the Lease says that %d went lately, long after", got)
		}
		// It is forgotten: as many may go as ever.
		if left := l.trickle(9); left != fleet-9 {
			l.Errorf("%d of %d interfaces are left, of which nine were to go", left, fleet)
		}
	})
}

// Nothing goes that the Lease does not account for, at any moment at which a process may die.
func TestADepartureIsRecordedFirst(t *testing.T) {
	inFleet(t, func(l *lab) {
		var refused atomic.Bool
		refused.Store(true)
		l.still()
		l.kube.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
			return refused.Load(), nil, errors.New("no write is taken")
		})
		l.trickle(3)
		l.wantAttached(fleet)
		refused.Store(false)
		l.pass(5 * time.Minute)
		if left := len(l.ours()); left != fleet-3 {
			l.Errorf("%d interfaces are left once the Lease can be written, want %d", left, fleet-3)
		}
		if got := l.releasedLately(); got < 3 {
			l.Errorf("the Lease says that %d went lately, want 3", got)
		}
	})
}

// The elector writes the Lease each few seconds.
func TestAConflictOverTheLeaseIsNoFailure(t *testing.T) {
	inFleet(t, func(l *lab) {
		var turns atomic.Int32
		l.still()
		l.kube.PrependReactor("update", "leases", func(action clienttesting.Action) (bool, runtime.Object, error) {
			if turns.Add(1)%2 == 1 {
				return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "leases"}, ourLease.Name, errors.New("renewed"))
			}
			return false, nil, nil
		})
		if left := l.trickle(5); left != fleet-5 {
			l.Errorf("%d interfaces are left, want %d", left, fleet-5)
		}
	})
}

// Who has been deposed must not write what its successor counts by.
func TestWhoIsDeposedRecordsNothing(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.editLease(func(lease *coordinationv1.Lease) { lease.Spec.HolderIdentity = new("another") })
		l.trickle(3)
		l.wantAttached(fleet)
		if got := l.releasedLately(); got != 0 {
			l.Errorf("the Lease says that %d went", got)
		}
	})
}

func TestOrdersAreNotRecorded(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.delete("a")
		l.pass(10 * time.Minute)
		l.wantOurs()
		if writes := l.leaseWrites(); writes > 0 {
			l.Errorf("%d writes of the Lease for what was ordered", writes)
		}
	})
}
