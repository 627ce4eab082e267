package controller

import (
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

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
