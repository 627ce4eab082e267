package controller

import (
	"maps"
	"slices"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestARestartInTheMiddleOfAdoption(t *testing.T) {
	for after := 500 * time.Millisecond; after < 6*time.Second; after += 500 * time.Millisecond {
		inLab(t, 12, func(w *ec2sim.World) { w.Latency.Call = ec2sim.Exactly(400 * time.Millisecond) }, func(l *lab) {
			l.ask("a", 1)
			l.pass(2 * time.Minute)
			before, calls := l.owners(), l.replacing()
			l.stop()
			l.vanish("a")
			l.restore("a", 1)
			l.start()
			l.pass(after)
			l.stop()
			l.start()
			l.pass(time.Minute)
			l.wantAdopted(before, calls, "uid-again-a")
		})
	}
}

func TestAdoptionUnderFaults(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault ec2sim.Fault
	}{
		{"answers lost", ec2sim.Fault{Effect: "cut-after", Every: 2}},
		{"every answer lost for a while", ec2sim.Fault{Effect: "cut-after", Times: 20}},
		{"calls lost", ec2sim.Fault{Effect: "cut-before", Every: 2}},
		{"throttled", ec2sim.Fault{Effect: "throttle", Times: 20}},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 5, func(w *ec2sim.World) {
				w.Consistency = ec2sim.Consistency{Lag: ec2sim.Spread(200*time.Millisecond, 4*time.Second, horizon)}
			}, func(l *lab) {
				l.ask("a", 1)
				l.pass(2 * time.Minute)
				before, calls := l.owners(), l.replacing()
				l.vanish("a")
				test.fault.Action = "CreateTags"
				l.fault(test.fault)
				l.restore("a", 1)
				l.pass(10 * time.Minute)
				l.wantAdopted(before, calls, "uid-again-a")
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			})
		})
	}
}

func TestADeniedAdoptionIsReportedAndReplacesNothing(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.fault(ec2sim.Fault{Action: "CreateTags", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.restore("a", 1)
		l.pass(time.Hour)
		l.wantAdopted(before, calls, "uid-a")
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonPermissionDenied)
		l.heal()
		l.pass(6 * time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	})
}

// Somebody has edited the name in an interface's tags, and a cache that has lost its owner is not believed.
func TestTheFormerOwnerIsLookedForLive(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		former := l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.stop()
		l.tag(id, eni.TagNodeENIName, "b")
		l.vanish("a")
		heir := l.ask("b", 1)
		watching := true // the informer lists first
		l.still()
		l.client.PrependReactor("list", "nodeenis", func(clienttesting.Action) (bool, runtime.Object, error) {
			if watching {
				watching = false
				return false, nil, nil
			}
			return true, &v1alpha1.NodeENIList{Items: []v1alpha1.NodeENI{*former, *heir}}, nil
		})
		l.start()
		l.pass(10 * time.Minute)
		if got := l.owners(); got[id] != "uid-a" || len(got) != 1 {
			t.Errorf("owners: %v, want that of before: it lives", got)
		}
	})
}

// The finalizer of an heir waits for an adoption without an answer.
func TestNoAdoptionFollowsTheFinalizer(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(12 * time.Minute)
		l.vanish("a")
		l.fault(ec2sim.Fault{Action: "CreateTags", Nth: 1, Effect: "delay", Duration: ec2sim.Duration(25 * time.Second)})
		l.restore("a", 1)
		l.pass(3 * time.Second)
		l.delete("a")
		for range 240 {
			l.pass(time.Second)
			if got := l.owners(); len(l.nodeENI("a").Finalizers) == 0 && slices.Contains(slices.Collect(maps.Values(got)), "uid-again-a") {
				l.Fatalf("the finalizer has gone, and an interface is its NodeENI's: %v", got)
			}
		}
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
		l.pass(15 * time.Minute)
		l.wantOurs()
	})
}
