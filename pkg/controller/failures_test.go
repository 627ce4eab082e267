package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// condition is a condition of a NodeENI as "status reason".
func (l *lab) condition(name, kind string) string {
	l.Helper()
	c := meta.FindStatusCondition(l.nodeENI(name).Status.Conditions, kind)
	if c == nil {
		return ""
	}
	return string(c.Status) + " " + c.Reason
}

func (l *lab) wantCondition(name, kind, want string) {
	l.Helper()
	if got := l.condition(name, kind); got != want {
		l.Errorf("condition %s of %s is %q, want %q", kind, name, got, want)
	}
}

// told counts the events so far that contain the text, and forgets all of them.
func (l *lab) told(text string) (count int) {
	for {
		select {
		case event := <-l.events.Events:
			if strings.Contains(event, text) {
				count++
			}
		default:
			return count
		}
	}
}

func TestARefusedEditIsReportedAndTriedWithBackOff(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		before := l.calls("ModifyNetworkInterfaceAttribute")
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{"sg-0000000000000dead"} })
		l.pass(10 * time.Minute)
		if got := l.calls("ModifyNetworkInterfaceAttribute") - before; got < 3 || got > 10 {
			t.Errorf("%d tries in 10 minutes, want some, further and further apart", got)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSecurityGroupNotFound)
		l.wantCondition("a", v1alpha1.ConditionReconciling, "False "+v1alpha1.ReasonSecurityGroupNotFound)
		if got := l.told("Stalled"); got != 1 {
			t.Errorf("Stalled was told %d times, want once", got)
		}
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupB} })
		l.pass(10 * time.Second)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	})
}

// Whatever wakes the workers up, a call that fails again and again is made with back-off, the status says so
// without flapping, and all is well when it succeeds.
func TestACallThatFailsIsNotHammered(t *testing.T) {
	denied := ec2sim.Fault{Effect: "error", Code: "UnauthorizedOperation", Status: 403}
	broken := ec2sim.Fault{Effect: "error", Code: "InternalError", Status: 500}
	refused := ec2sim.Fault{Effect: "error", Code: "OperationNotPermitted", Status: 400}
	detach := func(l *lab) { l.delete("a") }
	describe := func(l *lab) {
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.Description = new("edited") })
	}
	tag := func(l *lab) {
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "a"} })
	}
	second := func(l *lab) { l.ask("b", 2) }
	for _, test := range []struct {
		name, action string
		fault        ec2sim.Fault
		act          func(*lab)
		// stalled is the condition of the NodeENI named of while the call fails.
		of, stalled string
	}{
		{"create denied", "CreateNetworkInterface", denied, second, "b", "True PermissionDenied"},
		{"create answered with 500", "CreateNetworkInterface", broken, second, "b", "True AttachFailed"},
		{"attach refused", "AttachNetworkInterface", refused, second, "b", "True AttachFailed"},
		{"attach answered with 500", "AttachNetworkInterface", broken, second, "b", "True AttachFailed"},
		{"description denied", "ModifyNetworkInterfaceAttribute", denied, describe, "a", "True PermissionDenied"},
		{"description answered with 500", "ModifyNetworkInterfaceAttribute", broken, describe, "a", "True AttachFailed"},
		{"tagging answered with 500", "CreateTags", broken, tag, "a", "True AttachFailed"},
		{"detach denied", "DetachNetworkInterface", denied, detach, "a", "True PermissionDenied"},
		{"detach refused", "DetachNetworkInterface", refused, detach, "a", "True ReleaseFailed"},
		{"detach answered with 500", "DetachNetworkInterface", broken, detach, "a", "True ReleaseFailed"},
		{"delete denied", "DeleteNetworkInterface", denied, detach, "a", "True PermissionDenied"},
		{"delete answered with 500", "DeleteNetworkInterface", broken, detach, "a", "True ReleaseFailed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				fault := test.fault
				fault.Action = test.action
				l.fault(fault)
				calls := l.calls(test.action)
				test.act(l)
				l.pass(20 * time.Minute)
				if got := l.calls(test.action) - calls; got < 4 || got > 30 {
					t.Errorf("%d calls in 20 minutes, want some, further and further apart", got)
				}
				l.wantCondition(test.of, v1alpha1.ConditionStalled, test.stalled)
				l.told("")
				writes, describes := l.writes(), l.calls("DescribeInstances")+l.calls("DescribeNetworkInterfaces")
				l.pass(20 * time.Minute)
				if got := l.writes() - writes; got > 0 {
					t.Errorf("%d writes in 20 minutes of the same failure", got)
				}
				if got := l.told(""); got > 0 {
					t.Errorf("%d events in 20 minutes of the same failure", got)
				}
				// A call without an answer has its interface polled for a horizon.
				if got := l.calls("DescribeInstances") + l.calls("DescribeNetworkInterfaces") - describes; got > 20*15 {
					t.Errorf("%d describe calls in 20 minutes of the same failure", got)
				}
				l.heal()
				l.pass(7 * time.Minute)
				if test.of == "a" && l.nodeENI("a").DeletionTimestamp != nil {
					l.wantOurs()
					if n := l.nodeENI("a"); len(n.Finalizers) > 0 {
						t.Error("the finalizer is still there")
					}
					return
				}
				l.wantCondition(test.of, v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			})
		})
	}
}

func TestAFinalizerOutlastsAnOutageOfEC2(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.delete("a")
		l.pass(5 * time.Second)
		l.fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "Unavailable", Status: 503})
		l.pass(time.Hour)
		if n := l.nodeENI("a"); len(n.Finalizers) == 0 {
			t.Fatal("the finalizer is gone although EC2 could not be read")
		}
		l.heal()
		l.pass(5 * time.Minute)
		l.wantOurs()
		if n := l.nodeENI("a"); len(n.Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

func TestNoCreateFollowsTheFinalizer(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("idle", 3, func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"no": "node"} })
		l.pass(10 * time.Minute) // two lists that show nothing are remembered
		l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Nth: 1, Effect: "delay", Duration: ec2sim.Duration(25 * time.Second)})
		l.ask("a", 1)
		l.ask("b", 2)
		l.pass(3 * time.Second)
		l.delete("b")
		l.pass(time.Second)
		gone := len(l.nodeENI("b").Finalizers) == 0
		for range 120 {
			l.pass(time.Second)
			owned := slices.ContainsFunc(l.sim.Snapshot().Interfaces, func(i ec2sim.InterfaceNow) bool { return i.Tags[eni.TagNodeENIUID] == "uid-b" })
			if gone = gone || len(l.nodeENI("b").Finalizers) == 0; gone && owned {
				t.Fatal("an interface of b exists after b's finalizer has gone")
			}
		}
		if !gone {
			t.Error("the finalizer of b is still there")
		}
		l.wantOurs("node-00 1 attached")
	})
}

func TestWhenToldToStopNoCallIsLeftInProgress(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "hang"})
		l.ask("a", 1)
		l.pass(3 * time.Second)
		if l.wire.open.Load() == 0 {
			t.Fatal("no call is in progress: the test shows nothing")
		}
		began := time.Now()
		l.stop()
		if got := l.wire.open.Load(); got != 0 {
			t.Errorf("%d calls are in progress after the controller has ended", got)
		}
		if took := time.Since(began); took > drainTime+time.Second {
			t.Errorf("ending took %v, want at most the drain time, %v", took, drainTime)
		}
		l.heal()
		l.start()
		l.pass(2 * time.Minute)
		l.wantOurs("node-00 1 attached", "node-01 1 attached")
	})
}

func TestAnInstanceThatDiesUnderItsNodeLeavesNothing(t *testing.T) {
	for _, keep := range []bool{false, true} {
		inLab(t, 2, nil, func(l *lab) {
			l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(!keep) })
			l.pass(time.Minute)
			l.control("POST", "/_sim/instances/"+instanceID(0)+"/terminate")
			l.pass(10 * time.Minute)
			l.wantOurs("node-01 1 attached")
			if got := l.calls("DetachNetworkInterface"); got != 0 {
				t.Errorf("%d detaches from an instance that was dying", got)
			}
			if got := l.calls("AttachNetworkInterface"); got != 2 {
				t.Errorf("%d attaches, want those of the beginning, 2", got)
			}
			l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInstanceNotRunning)
			l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(0), metav1.DeleteOptions{}))
			l.pass(time.Minute)
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		})
	}
}

func TestAnOwnerThatVanishesIsDoubtedHoweverLongWeHaveRun(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(3 * time.Hour)
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(orphanGrace)
		l.wantOurs("node-00 1 attached", "node-01 1 attached")
		l.pass(15 * time.Minute)
		l.wantOurs()
	})
}

// orphanGrace is for how long, at least, nothing happens to an interface whose NodeENI has gone.
const orphanGrace = 5 * time.Minute

// An instance that is known to be dead stays so, however old its description is.
func TestAnOutageOfEC2LeavesNoStatusBehind(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.control("POST", "/_sim/instances/"+instanceID(0)+"/terminate")
		l.pass(10 * time.Minute)
		l.fault(ec2sim.Fault{Action: "DescribeInstances", Effect: "error", Code: "Unavailable", Status: 503})
		l.pass(6 * time.Minute)
		l.patchNode(1, `{"metadata":{"labels":{"x":"1"}}}`)
		l.pass(time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInstanceNotRunning)
		l.heal()
		l.pass(30 * time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInstanceNotRunning)
	})
}

// A node's own failure must not hide what stands against all: else it would be planned, and not admitted, over and
// over.
func TestASharedCauseIsSeenBehindAnOwnFailure(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Effect: "error", Code: "InternalError", Status: 500, Times: 3})
		l.ask("a", 1)
		l.pass(3 * time.Second)
		l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.pass(10 * time.Second)
		for range 20 {
			l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonPermissionDenied)
			l.pass(5 * time.Second)
		}
	})
}

// A change that is refused and a create that is refused for the same cause are tried again at times of their own: what
// is told of the one does not come and go with the other.
func TestARefusedChangeIsToldEvenlyBesideRefusedCreates(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.patchNode(1, `{"metadata":{"labels":{"ng":null}}}`)
		l.ask("a", 1)
		l.pass(time.Minute)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{"sg-0000000000000dead"} })
		l.pass(20 * time.Second)
		l.patchNode(1, `{"metadata":{"labels":{"ng":"multi"}}}`)
		l.pass(30 * time.Minute)
		writes := l.writes()
		l.pass(time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes in an hour in which nothing changed", got)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSecurityGroupNotFound)
	})
}

// Nodes that share a cause each say what stands against them, the same before and after one of them tries again.
func TestWhatIsToldDoesNotComeAndGoWithTheProbes(t *testing.T) {
	inLab(t, 3, func(w *ec2sim.World) {
		w.Subnets[0].CIDR = "10.0.1.0/28"
		w.Subnets = append(w.Subnets, ec2sim.Subnet{ID: "subnet-0000000000000000c", VPC: "vpc-1", Zone: "us-east-1b", CIDR: "10.0.3.0/24"})
		w.Instances[2].Subnet = "subnet-0000000000000000c"
		for range 11 {
			w.Interfaces = append(w.Interfaces, ec2sim.Interface{Subnet: subnetA})
		}
	}, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Hour)
		writes := l.writes()
		l.pass(2 * time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes in two hours in which nothing changed", got)
		}
		var reasons []string
		for _, a := range l.nodeENI("a").Status.Attachments {
			reasons = append(reasons, a.Reason)
		}
		if want := []string{v1alpha1.ReasonSubnetFull, v1alpha1.ReasonSubnetFull, v1alpha1.ReasonSubnetInOtherZone}; !slices.Equal(reasons, want) {
			t.Errorf("blocked by %q, want %q", reasons, want)
		}
	})
}

// A process that begins anew meets the client tokens that its predecessor has used up. That is nobody's news.
func TestTokensThatAreUsedUpAreNotTold(t *testing.T) {
	inLab(t, 2, func(w *ec2sim.World) {
		w.Subnets[0].CIDR = "10.0.1.0/28"
		for range 11 {
			w.Interfaces = append(w.Interfaces, ec2sim.Interface{Subnet: subnetA})
		}
	}, func(l *lab) {
		l.ask("a", 1)
		l.pass(10 * time.Minute)
		l.stop()
		l.start()
		l.pass(time.Minute)
		writes := l.writes()
		l.pass(2 * time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes in two hours in which nothing changed", got)
		}
	})
}

// Of two causes that stand against the creates of one NodeENI the same one is told, whichever was met last.
func TestTwoCausesDoNotTakeTurns(t *testing.T) {
	for _, names := range [][]string{{"a"}, {"a", "b"}} {
		inLab(t, 2, func(w *ec2sim.World) {
			w.Subnets[0].CIDR = "10.0.1.0/28"
			for range 11 {
				w.Interfaces = append(w.Interfaces, ec2sim.Interface{Subnet: subnetA})
			}
		}, func(l *lab) {
			for i, name := range names {
				l.ask(name, int32(i+1))
			}
			l.pass(10 * time.Minute)
			l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{"sg-0000000000000dead"} })
			l.pass(time.Hour)
			writes := l.writes()
			l.pass(2 * time.Hour)
			if got := l.writes() - writes; got > 0 {
				t.Errorf("%q: %d writes in two hours in which nothing changed", names, got)
			}
		})
	}
}
