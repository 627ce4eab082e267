package controller

import (
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
