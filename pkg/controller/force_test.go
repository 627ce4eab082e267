package controller

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

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
		if got := l.nodeENI("a").Status.Attachments[0].Message; !strings.Contains(got, "stop the instance and start it") {
			t.Errorf("the message does not say what may help: %s", got)
		}
		l.control("POST", "/_sim/instances/"+instanceID(0)+"/stop?now=true")
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 1 attached")
	})
}
