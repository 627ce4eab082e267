package controller

import (
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// selecting edits the selector of the fleet's NodeENI.
func (l *lab) selecting(selector map[string]string) {
	l.Helper()
	l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = selector })
}

func (l *lab) wantSelectors(want string) {
	l.Helper()
	if got := l.nodeENI("a").Annotations[v1alpha1.AnnotationSelectors]; got != want {
		l.Errorf("recorded are the selectors %s, want %s", got, want)
	}
}

// An order is carried out by whoever leads, from whatever moment on, and nothing of it is written again and again.
func TestAnEditOfTheSelectorOutlivesTheLeader(t *testing.T) {
	for _, after := range []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, time.Second, 3 * time.Second, 10 * time.Second} {
		inFleet(t, func(l *lab) {
			l.wantSelectors(`[{"ng":"multi"}]`)
			l.selecting(map[string]string{"ng": "none"})
			l.pass(after)
			l.stop()
			l.start()
			l.pass(10 * time.Minute)
			l.wantOurs()
			if got := l.told(v1alpha1.ReasonCleanupHalted); got > 0 {
				t.Errorf("restarted %v after the edit: an order was halted", after)
			}
			l.wantSelectors(`[{"ng":"none"}]`)
			writes := l.writes()
			l.pass(time.Hour)
			if got := l.writes() - writes; got > 0 {
				t.Errorf("%d writes in an hour in which nothing happened", got)
			}
		})
	}
}

func TestAnEditOfTheSelectorWhileNobodyLeadsIsAnOrder(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.stop()
		l.selecting(map[string]string{"ng": "other"})
		l.selecting(map[string]string{"ng": "none"})
		l.pass(time.Hour)
		l.start()
		l.pass(10 * time.Minute)
		l.wantOurs()
	})
}

// A second edit comes while the first one is being carried out, and then a restart: both are orders.
func TestTwoEditsOfTheSelectorOutliveTheLeader(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.patchNodes(`{"metadata":{"labels":{"half":"right"}}}`)
		for i := range fleet / 2 {
			l.patchNode(i, `{"metadata":{"labels":{"half":"left"}}}`)
		}
		l.pass(time.Second) // what happens to Nodes and what to NodeENIs is seen in either order
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.selecting(map[string]string{"half": "left"})
		l.pass(time.Minute)
		l.wantSelectors(`[{"ng":"multi"},{"half":"left"}]`)
		l.selecting(map[string]string{"half": "none"})
		l.pass(time.Minute)
		l.wantSelectors(`[{"ng":"multi"},{"half":"left"},{"half":"none"}]`)
		l.stop()
		l.start()
		l.heal()
		l.pass(30 * time.Minute)
		l.wantOurs()
		l.wantSelectors(`[{"half":"none"}]`)
	})
}

// An edit that is not carried out yet is no leave for what is lost by accident meanwhile, not even after a restart.
func TestAnEditIsNoLeaveForLabelsThatAreLostMeanwhile(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.patchNodes(`{"metadata":{"labels":{"tier":"x"}}}`)
		l.patchNode(0, `{"metadata":{"labels":{"tier":"y"}}}`)
		l.pass(time.Second)
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.selecting(map[string]string{"ng": "multi", "tier": "x"})
		l.pass(time.Minute)
		l.wantSelectors(`[{"ng":"multi"},{"ng":"multi","tier":"x"}]`)
		l.patchNodes(`{"metadata":{"labels":{"tier":null}}}`)
		l.pass(time.Minute)
		l.wantSelectors(`[{"ng":"multi","tier":"x"}]`)
		l.stop()
		l.start()
		l.heal()
		l.pass(time.Hour)
		if left := len(l.ours()); left < fleet-1 {
			t.Errorf("%d of %d interfaces are left, want all but one at least", left, fleet)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
	})
}

// What an edit has let go long ago says nothing to the next leader about labels that are lost while nobody leads.
func TestAnEditIsNoLeaveForTheNextLeader(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.patchNodes(`{"metadata":{"labels":{"tier":"x"}}}`)
		l.pass(time.Second)
		l.selecting(map[string]string{"ng": "multi", "tier": "x"})
		l.pass(time.Minute)
		l.wantSelectors(`[{"ng":"multi","tier":"x"}]`)
		l.stop()
		l.patchNodes(`{"metadata":{"labels":{"tier":null}}}`)
		l.start()
		l.pass(time.Hour)
		l.wantAttached(fleet)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
	})
}
