package controller

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// vanish takes a NodeENI away as if somebody had forced its finalizer off.
func (l *lab) vanish(names ...string) {
	l.Helper()
	for _, name := range names {
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), name, metav1.DeleteOptions{}))
	}
}

// restore makes a NodeENI again, with another UID and without what the controller had put on it.
func (l *lab) restore(name string, index int32, changes ...func(*v1alpha1.NodeENI)) {
	l.Helper()
	again := func(n *v1alpha1.NodeENI) { n.UID = types.UID("uid-again-" + name) }
	l.ask(name, index, append([]func(*v1alpha1.NodeENI){again}, changes...)...)
}

// owners are the IDs of ours in EC2 with the UID of their NodeENI.
func (l *lab) owners() map[string]string {
	owners := map[string]string{}
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.Tags[eni.TagClusterID] == "cluster-1" {
			owners[i.ID] = i.Tags[eni.TagNodeENIUID]
		}
	}
	return owners
}

// wantAdopted checks that the interfaces are those of before, all of the given owner, and that nothing was created,
// attached, detached or deleted since.
func (l *lab) wantAdopted(before map[string]string, calls map[string]int, by string) {
	l.Helper()
	after := l.owners()
	if len(after) != len(before) {
		l.Errorf("%d interfaces, want the %d of before", len(after), len(before))
	}
	for id := range before {
		if after[id] != by {
			l.Errorf("%s is of %q, want %q", id, after[id], by)
		}
	}
	for action, count := range calls {
		if got := l.calls(action); got != count {
			l.Errorf("%d calls of %s since, want none", got-count, action)
		}
	}
}

// replacing counts the calls so far that an adoption has to do without.
func (l *lab) replacing() map[string]int {
	calls := map[string]int{}
	for _, action := range mutatingActions {
		if action != "CreateTags" && action != "DeleteTags" && action != "ModifyNetworkInterfaceAttribute" {
			calls[action] = l.calls(action)
		}
	}
	return calls
}

func TestARestoreFromBackupReplacesNothing(t *testing.T) {
	inFleet(t, func(l *lab) {
		before, calls, tagged := l.owners(), l.replacing(), l.calls("CreateTags")
		l.stop()
		l.vanish("a")
		l.restore("a", 1)
		l.told("")
		l.start()
		l.pass(30 * time.Second)
		l.wantAdopted(before, calls, "uid-again-a")
		if got := l.calls("CreateTags") - tagged; got != fleet {
			t.Errorf("%d calls of CreateTags, want one for each of %d interfaces", got, fleet)
		}
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		told := l.tellsOf("Adopted")
		if len(told) == 0 || len(told) > 10 || !strings.Contains(told[0], "of an earlier NodeENI of this name") {
			t.Errorf("events of adoption: %q", told)
		}
		mutating, writes := l.mutatingCalls(), l.writes()
		l.pass(time.Hour)
		if got := l.mutatingCalls() - mutating + l.writes() - writes; got > 0 {
			t.Errorf("%d calls and writes in an hour in which nothing happened", got)
		}
		l.delete("a")
		l.pass(5 * time.Minute)
		l.wantOurs()
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

// tellsOf are the events so far that have the reason, and forgets all of them.
func (l *lab) tellsOf(reason string) (found []string) {
	for {
		select {
		case event := <-l.events.Events:
			if strings.Contains(event, " "+reason+" ") {
				found = append(found, event)
			}
		default:
			return found
		}
	}
}

// The CustomResourceDefinition is deleted, with finalizers forced off, and installed again: what fits is adopted, the
// rest is held by the guard, also over a restart.
func TestAfterTheOwnersVanishedWhatFitsIsAdoptedAndTheRestHalts(t *testing.T) {
	inFleet(t, func(l *lab) {
		const fit = 10
		for i := range fit {
			l.patchNode(i, `{"metadata":{"labels":{"tier":"x"}}}`)
		}
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.pass(20 * time.Minute)
		l.wantAttached(fleet)
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector["tier"] = "x" })
		for range 3 {
			l.pass(20 * time.Minute)
			l.wantAttached(fleet)
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			adopted := 0
			for id, owner := range l.owners() {
				if before[id] == "" {
					t.Errorf("%s is new", id)
				}
				if owner == "uid-again-a" {
					adopted++
				}
			}
			if adopted != fit {
				t.Errorf("%d interfaces adopted, want the %d that fit", adopted, fit)
			}
			l.stop()
			l.start() // while halted
		}
		for action, count := range calls {
			if got := l.calls(action); got != count {
				t.Errorf("%d calls of %s, want none", got-count, action)
			}
		}
		l.approveOnLease(time.Hour)
		l.pass(20 * time.Minute) // the last start has yet to see for itself that the owners are gone
		l.wantAttached(fit)
	})
}

func TestAHaltEndsWhenTheOwnersAreMadeAgain(t *testing.T) {
	inFleet(t, func(l *lab) {
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.pass(20 * time.Minute)
		l.restore("a", 1)
		l.pass(time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
		l.pass(time.Hour)
		l.wantAttached(fleet)
	})
}

// The CustomResourceDefinition deleted under a running controller deletes every NodeENI, which waits for its finalizer:
// an order.
func TestDeletingEveryNodeENIIsAnOrder(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.ask("b", 2)
		l.pass(2 * time.Minute)
		l.delete("a")
		l.delete("b")
		l.pass(10 * time.Minute)
		l.wantOurs()
		if got := l.told("CleanupHalted"); got > 0 {
			t.Error("an order was halted")
		}
		for _, name := range []string{"a", "b"} {
			if len(l.nodeENI(name).Finalizers) > 0 {
				t.Errorf("the finalizer of %s is still there", name)
			}
		}
	})
}

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

func TestOfTwoCandidatesOneIsAdopted(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		var tags map[string]string
		for _, i := range l.sim.Snapshot().Interfaces {
			if i.ID == id {
				tags = i.Tags
			}
		}
		l.stop()
		second := l.makeInterface(tags)
		l.vanish("a")
		l.restore("a", 1)
		l.start()
		l.pass(time.Minute)
		if got := l.owners(); got[id] != "uid-again-a" || got[second] != "uid-a" {
			t.Errorf("owners: %v", got)
		}
		l.pass(15 * time.Minute)
		if got := l.owners(); len(got) != 1 || got[id] != "uid-again-a" {
			t.Errorf("owners at the end: %v", got)
		}
		if got := l.calls("CreateNetworkInterface"); got != 2 {
			t.Errorf("%d creates, want the first and the second interface's", got)
		}
	})
}

// makeInterface makes an interface with the tags, attached nowhere.
func (l *lab) makeInterface(tags map[string]string) (id string) {
	l.Helper()
	out, err := l.somebody().CreateNetworkInterface(l.Context(), &ec2.CreateNetworkInterfaceInput{SubnetId: aws.String(subnetA), Groups: []string{groupA}})
	l.must(err)
	id = *out.NetworkInterface.NetworkInterfaceId
	for key, value := range tags {
		l.tag(id, key, value)
	}
	return id
}

func TestWhatIsAdoptedIsPutRight(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		managed := func(n *v1alpha1.NodeENI) {
			n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: `["old","team"]`}
		}
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "x", "old": "y"} })
		l.pass(time.Minute)
		id := l.onlyOurs()
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.restore("a", 1, managed, func(n *v1alpha1.NodeENI) {
			n.Spec.Tags, n.Spec.DeleteOnTermination = map[string]string{"team": "z"}, new(false)
			n.Spec.SecurityGroupIDs, n.Spec.Description = []string{groupB}, new("restored")
		})
		l.pass(time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		all := l.sim.Snapshot().Interfaces
		i := all[slices.IndexFunc(all, func(i ec2sim.InterfaceNow) bool { return i.ID == id })]
		if _, left := i.Tags["old"]; left || i.Tags["team"] != "z" || i.Description != "restored" || !slices.Equal(i.SecurityGroups, []string{groupB}) || i.Attachment.DeleteOnTermination {
			t.Errorf("the interface is %+v", i)
		}
	})
}

func TestWhatDoesNotFitIsAnOrphan(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.vanish("a")
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(orphanGrace)
		if got := l.owners(); got[id] != "uid-a" || len(got) != 1 {
			t.Errorf("within the grace of an orphan: %v", got)
		}
		l.pass(15 * time.Minute)
		if got := l.owners(); got[id] != "" || len(got) != 1 {
			t.Errorf("at the end: %v", got)
		}
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

// A NodeENI that comes back with a spec that says nothing keeps what it may adopt when the spec is corrected, as it
// would keep what is its own.
func TestWhatAnInvalidHeirMayAdoptStays(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = nil })
		l.pass(30 * time.Minute)
		l.wantAdopted(before, calls, "uid-a")
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInvalidSpec)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupA} })
		l.pass(time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.vanish("a")
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.UID, n.Spec.SecurityGroupIDs = "uid-third-a", nil })
		l.pass(time.Minute)
		l.delete("a")
		l.pass(20 * time.Minute)
		l.wantOurs()
	})
}
