package controller

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// neverAttaches has EC2 not end so many attaches; 0 for none any more.
func (l *lab) neverAttaches(times int) {
	l.Helper()
	l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "stuck-attaching", Times: times})
}

// neverDetaches does the like with detaches.
func (l *lab) neverDetaches(times int) {
	l.Helper()
	l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "stuck-detaching", Times: times})
}

func (l *lab) stalledMessage(name string) string {
	l.Helper()
	return meta.FindStatusCondition(l.nodeENI(name).Status.Conditions, v1alpha1.ConditionStalled).Message
}

func (l *lab) wantCalls(action string, want int) {
	l.Helper()
	if got := l.calls(action); got != want {
		l.Errorf("%d calls of %s, want %d", got, action, want)
	}
}

// annotate sets an annotation as kubectl does: the generation stays.
func (l *lab) annotate(name, key, value string) {
	l.Helper()
	n := l.nodeENI(name)
	metav1.SetMetaDataAnnotation(&n.ObjectMeta, key, value)
	_, err := l.client.NetworkingV1alpha1().NodeENIs().Update(l.Context(), n, metav1.UpdateOptions{})
	l.must(err)
}

func TestAnAttachThatIsStuckIsMadeAgain(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.neverAttaches(1)
		l.ask("a", 1)
		l.pass(4 * time.Minute)
		l.wantCalls("DetachNetworkInterface", 0)
		id := l.onlyOurs()
		l.pass(2 * time.Minute)
		l.wantCalls("DetachNetworkInterface", 1)
		if got := l.told("AttachStuck EC2 did not attach " + id); got != 1 {
			t.Errorf("%d events about the attempt, want 1", got)
		}
		l.pass(2 * time.Minute)
		l.wantOurs("node-00 1 attached")
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.wantCalls("CreateNetworkInterface", 1)
		l.wantCalls("DeleteNetworkInterface", 0)

		// What was attached in between begins anew.
		l.neverAttaches(2)
		l.control("POST", "/_sim/interfaces/"+id+"/detach?now=true")
		l.pass(30 * time.Minute)
		l.wantOurs("node-00 1 attached")
		l.wantCalls("DetachNetworkInterface", 3)
		if got := l.told("AttachStuck:"); got != 0 {
			t.Errorf("blocked %d times although the third attempt succeeded", got)
		}
	})
}

func TestAnAttachThatIsStuckThriceIsBlockedAndTriedHourly(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.neverAttaches(0)
		l.ask("a", 1)
		l.pass(6 * time.Minute)
		if a := l.nodeENI("a").Status.Attachments[0]; a.State != v1alpha1.AttachmentAttaching || !strings.Contains(a.Message, "attempt 2 of 3") {
			t.Errorf("after the first attempt: %s, %s", a.State, a.Message)
		}
		l.pass(10 * time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonAttachStuck)
		l.wantCalls("DetachNetworkInterface", 2)
		if got := l.told("AttachStuck EC2 did not attach"); got != 2 {
			t.Errorf("%d events about attempts, want 2", got)
		}
		for hour := 1; hour <= 4; hour++ {
			for range 60 {
				l.pass(time.Minute)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonAttachStuck)
			}
			l.wantCalls("DetachNetworkInterface", 2+hour)
			if got := l.told(""); got > 1 {
				t.Errorf("%d events in hour %d, want at most the attempt's", got, hour)
			}
		}
		l.heal()
		l.pass(70 * time.Minute)
		l.wantOurs("node-00 1 attached")
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.wantCalls("CreateNetworkInterface", 1)
	})
}

// Whatever keeps a stuck attach, nothing is detached on a doubt.
func TestNoStuckAttachIsDetachedOnADoubt(t *testing.T) {
	for name, doubt := range map[string]func(*lab){
		"instance terminates": func(l *lab) { l.control("POST", "/_sim/instances/"+instanceID(0)+"/terminate") },
		"EC2 is unreadable": func(l *lab) {
			l.fault(ec2sim.Fault{Action: "Describe*", Effect: "error", Code: "Unavailable", Status: 503})
		},
		"API server does not answer": func(l *lab) { l.unreachable.Store(true) },
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.neverAttaches(1)
				l.ask("a", 1)
				l.pass(4*time.Minute + 50*time.Second)
				doubt(l)
				l.pass(20 * time.Minute)
				l.wantCalls("DetachNetworkInterface", 0)
			})
		})
	}
}

// An attach that EC2 ends while EC2 can not be read is not taken for one that is stuck, once it can.
func TestAnAttachThatEndedUnseenStays(t *testing.T) {
	inLab(t, 1, func(w *ec2sim.World) { w.Latency.Attach = ec2sim.Exactly(6 * time.Minute) }, func(l *lab) {
		l.ask("a", 1)
		l.pass(4 * time.Minute)
		l.fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "Unavailable", Status: 503})
		l.pass(10 * time.Minute)
		l.heal()
		l.pass(5 * time.Minute)
		l.wantOurs("node-00 1 attached")
		l.wantCalls("DetachNetworkInterface", 0)
	})
}

func TestARestartCountsStuckAttachesAnew(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.neverAttaches(0)
		l.ask("a", 1)
		l.pass(16 * time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonAttachStuck)
		l.stop()
		l.start()
		l.pass(7 * time.Minute)
		l.wantCalls("DetachNetworkInterface", 3)
		l.heal()
		l.pass(7 * time.Minute)
		l.wantOurs("node-00 1 attached")
	})
}

// A slot that was given back while it was stuck is like any other when it is wanted again much later.
func TestStuckAttachesOfLongAgoAreForgotten(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.neverAttaches(0)
		l.ask("a", 1)
		l.pass(17 * time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonAttachStuck)
		l.patchNode(0, `{"metadata":{"labels":{"ng":"other"}}}`)
		l.heal()
		l.pass(keepStuck + time.Hour)
		l.wantOurs()
		l.neverAttaches(1)
		l.patchNode(0, `{"metadata":{"labels":{"ng":"multi"}}}`)
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 1 attached")
	})
}

func TestADetachThatIsStuckIsForcedOnlyByOrder(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(0)
		l.delete("a")
		l.pass(time.Hour)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonDetachStuck)
		l.wantCalls("DetachNetworkInterface", 1)
		if got, want := l.stalledMessage("a"), "kubectl annotate --overwrite nodeeni a "+v1alpha1.AnnotationForceDetachUntil; !strings.Contains(got, want) {
			t.Errorf("the message does not say how to allow force: %s", got)
		}
		if got := l.told("Stalled DetachStuck"); got != 1 {
			t.Errorf("DetachStuck was told %d times, want once", got)
		}
		for value, want := range map[string]string{
			"tomorrow": `"tomorrow", which is no RFC 3339 time`,
			time.Now().Add(48 * time.Hour).Format(time.RFC3339): "which is more than 24h0m0s ahead",
			time.Now().Add(-time.Hour).Format(time.RFC3339):     "which has passed",
		} {
			l.annotate("a", v1alpha1.AnnotationForceDetachUntil, value)
			l.pass(5 * time.Minute)
			l.wantCalls("DetachNetworkInterface", 1)
			if got := l.stalledMessage("a"); !strings.Contains(got, want) || !strings.Contains(got, v1alpha1.AnnotationForceDetachUntil) {
				t.Errorf("value %q: the message is %s", value, got)
			}
		}
		if got := l.told("InvalidAnnotation annotation " + v1alpha1.AnnotationForceDetachUntil + " has the value"); got != 2 {
			t.Errorf("%d events about values that can not be followed, want 2", got)
		}

		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
		l.pass(30 * time.Minute)
		// One a minute later than the last, then after 2, 4, 8 and 10 minutes.
		if got := l.calls("DetachNetworkInterface") - 1; got < 3 || got > 6 {
			t.Errorf("%d detaches by force in half an hour of which none helps, want some, further and further apart", got)
		}
		if len(l.nodeENI("a").Finalizers) == 0 {
			t.Error("the finalizer is gone although the interface exists")
		}
		l.pass(40 * time.Minute)
		calls := l.calls("DetachNetworkInterface")
		l.pass(time.Hour)
		l.wantCalls("DetachNetworkInterface", calls) // the order has run out
		l.heal()
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
		l.pass(5 * time.Minute)
		l.wantOurs()
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

func TestADetachThatIsStuckEndsWithItsInstance(t *testing.T) {
	for act, forced := range map[string]int{"stop": 1, "terminate": 0} {
		t.Run(act, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				l.neverDetaches(1)
				l.delete("a")
				l.pass(20 * time.Minute)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonDetachStuck)
				l.control("POST", "/_sim/instances/"+instanceID(0)+"/"+act)
				l.pass(10 * time.Minute)
				l.wantOurs()
				l.wantCalls("DetachNetworkInterface", 1+forced)
				if len(l.nodeENI("a").Finalizers) > 0 {
					t.Error("the finalizer is still there")
				}
			})
		})
	}
}

// What was told to let go by force, again and again, is deleted as soon as it has.
func TestTheBackOffOfForceHoldsNoDeleteUp(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(0)
		l.delete("a")
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(2*time.Hour).Format(time.RFC3339))
		l.pass(35 * time.Minute)
		l.heal()
		for forced := l.calls("DetachNetworkInterface"); l.calls("DetachNetworkInterface") == forced; {
			l.pass(15 * time.Second)
		}
		l.pass(time.Minute)
		l.wantOurs()
	})
}

// A detach by force that is the probe of a denial, and is not denied, ends it for all.
func TestADetachByForceShowsThatNoneIsDenied(t *testing.T) {
	inLab(t, 3, nil, func(l *lab) {
		l.ask("a", 1)
		l.ask("b", 2)
		l.pass(time.Minute)
		l.neverDetaches(1)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"x": "y"} })
		l.pass(30 * time.Second)
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.delete("b")
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(3*time.Hour).Format(time.RFC3339))
		l.pass(time.Hour)
		l.heal()
		l.told("")
		for l.told("DetachForced") == 0 {
			l.pass(5 * time.Second)
		}
		l.pass(30 * time.Second)
		l.wantOurs()
	})
}

func TestADetachByForceWithoutAnAnswerIsNotHammered(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(1)
		l.delete("a")
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(2*time.Hour).Format(time.RFC3339))
		l.pass(5 * time.Minute)
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "InternalError", Status: 500})
		l.pass(7 * time.Minute)
		for range 60 {
			l.pass(time.Minute)
			l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonDetachStuck)
		}
		if got := l.calls("DetachNetworkInterface") - 1; got < 5 || got > 10 {
			t.Errorf("%d detaches by force in an hour of which none is answered, want some, further and further apart", got)
		}
	})
}

// However EC2 answers the detach that is to help what is stuck, one thing is told of it, and stays told.
func TestWhatIsToldOfTheStuckDoesNotComeAndGo(t *testing.T) {
	const denied, failed = v1alpha1.ReasonPermissionDenied, v1alpha1.ReasonReleaseFailed
	for code, want := range map[string][2]string{
		"UnauthorizedOperation":        {denied, denied},
		"OperationNotPermitted":        {failed, failed},
		"InvalidParameterValue":        {failed, failed},
		"IncorrectState":               {v1alpha1.ReasonAttachStuck, v1alpha1.ReasonDetachStuck},
		"InvalidAttachmentID.NotFound": {v1alpha1.ReasonAttachStuck, v1alpha1.ReasonDetachStuck},
	} {
		for i, stuck := range []string{"attaching", "detaching"} {
			t.Run(stuck+" "+code, func(t *testing.T) {
				inLab(t, 1, nil, func(l *lab) {
					if stuck == "attaching" {
						l.neverAttaches(0)
					}
					l.ask("a", 1)
					l.pass(time.Minute)
					if stuck == "detaching" {
						l.neverDetaches(1)
						l.delete("a")
						l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(20*time.Hour).Format(time.RFC3339))
					}
					l.pass(time.Minute)
					l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: code, Status: 400})
					l.pass(20 * time.Minute)
					l.told("")
					writes, calls := l.writes(), l.calls("DetachNetworkInterface")
					for range 2 * 60 * 12 {
						l.pass(5 * time.Second)
						l.wantCondition("a", v1alpha1.ConditionStalled, "True "+want[i])
					}
					if got := l.writes() - writes + l.told(""); got > 0 {
						t.Errorf("%d writes and events in two hours in which nothing happened", got)
					}
					if got := l.calls("DetachNetworkInterface") - calls; got < 20 || got > 120 {
						t.Errorf("%d detaches in two hours, want some, at most one a minute", got)
					}
				})
			})
		}
	}
}

// The shipped policy allows a detach by force as it does any.
func TestForceNeedsNoMoreThanTheShippedPolicy(t *testing.T) {
	policy, err := os.ReadFile(filepath.Join("..", "..", "manifests", "iam", "policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	inLab(t, 1, func(w *ec2sim.World) {
		w.Principals = []ec2sim.Principal{{Name: "controller", AccessKey: "AKIDTEST", Documents: []string{strings.ReplaceAll(string(policy), "CLUSTER_NAME", "prod")}}}
		w.Instances[0].Tags = map[string]string{"kubernetes.io/cluster/prod": "owned"}
	}, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(1)
		l.delete("a")
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
		l.pass(15 * time.Minute)
		l.wantOurs()
		if got := l.sim.Calls()["DetachNetworkInterface"]; got["OK"] != 2 || len(got) != 1 {
			t.Errorf("detaches were answered %v, want twice OK", got)
		}
		if got := l.told("DetachForced"); got != 1 {
			t.Errorf("%d events about a detach by force, want 1", got)
		}
	})
}

// An interface that somebody detaches, and EC2 does not end to, is wanted: it is freed by order and attached again.
func TestAWantedInterfaceIsFreedByForceAndComesBack(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(1)
		l.detachByHand(l.onlyOurs())
		l.pass(20 * time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonDetachStuck)
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
		l.pass(2 * time.Minute)
		l.wantCalls("DetachNetworkInterface", 2)
		// The slot of an instance from which something was detached by force while it ran is of no use until it stops,
		// although EC2 shows it free: there is no more than the refusal to report.
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonAttachFailed)
		if got := l.nodeENI("a").Status.Attachments[0].Message; !strings.Contains(got, "until the instance has been stopped") {
			t.Errorf("the message does not say what may help: %s", got)
		}
		l.control("POST", "/_sim/instances/"+instanceID(0)+"/stop?now=true")
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 1 attached")
	})
}

func TestADryRunTakesNothingAway(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.ask("b", 2)
		l.ask("c", 3)
		l.pass(time.Minute)
		l.stop()
		l.dryRun = true
		l.start()
		l.delete("a")
		l.edit("b", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "c", metav1.DeleteOptions{}))
		l.pass(time.Hour)
		for _, action := range []string{"DetachNetworkInterface", "DeleteNetworkInterface"} {
			l.wantCalls(action, 0)
		}
		l.wantAttached(6)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupDryRun)
		l.wantCondition("b", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupDryRun)
		releasing := l.nodeENI("a").Status.Releasing
		if len(releasing) != 2 || releasing[0].Reason != v1alpha1.ReasonCleanupDryRun || !strings.Contains(releasing[0].Message, "would detach "+releasing[0].ENIID) {
			t.Errorf("status.releasing is %+v", releasing)
		}
		if len(l.nodeENI("a").Finalizers) == 0 {
			t.Error("the finalizer is gone although interfaces exist")
		}
		writes, describes := l.writes(), l.calls("DescribeInstances")
		l.pass(time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes in an hour in which nothing happened", got)
		}
		if got := l.calls("DescribeInstances") - describes; got > 60*4 {
			t.Errorf("%d describes of instances in an hour in which nothing happened", got)
		}

		l.stop()
		l.dryRun = false
		l.start()
		l.pass(20 * time.Minute)
		l.wantOurs("node-00 2 attached", "node-01 2 attached")
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

// What is to be replaced need not be attached: its attach may have been refused.
func TestADryRunReplacesNothingThatIsNotAttached(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		l.dryRun = true
		l.start()
		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupDryRun)
		if got := l.stalledMessage("a"); !strings.Contains(got, "would delete "+id) {
			t.Errorf("the message does not say what would be done: %s", got)
		}
		l.wantOurs("node-00 available")
	})
}

// A NodeENI without interfaces goes in a dry run too.
func TestADryRunHoldsNoFinalizerForNothing(t *testing.T) {
	inLab(t, 0, nil, func(l *lab) {
		l.settleAndStop()
		l.dryRun = true
		l.start()
		l.ask("a", 1)
		l.pass(time.Minute)
		l.delete("a")
		l.pass(time.Minute)
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

// Where no NodeENI is left to tell of it, the Lease does, once.
func TestAStuckDetachWithoutANodeENIIsToldOnTheLease(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(1)
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(2 * time.Hour)
		var told []string
		for len(l.events.Events) > 0 {
			if event := <-l.events.Events; strings.Contains(event, v1alpha1.ReasonDetachStuck) {
				told = append(told, event)
			}
		}
		if len(told) != 1 || !strings.Contains(told[0], "stop the instance") {
			t.Errorf("want it told once, with what helps, got %q", told)
		}
	})
}
