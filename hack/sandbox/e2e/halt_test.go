package e2e

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// A label controller gone mad: cleanup stops half-way at the latest, a restart does not begin anew, and a person
// decides with the command that the message gives.
func TestMassReleaseIsHaltedUntilApproved(t *testing.T) {
	nodes := machines(24)
	l := newLab(t, nodes...)
	controller := l.startController("--ec2-resync-period=5s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.kubectl("label", "node", "--all", "ng-")
	l.haltedFor("a")
	left := l.stillOwned()
	if left < len(nodes)/2 {
		t.Fatalf("%d of %d interfaces are left, want at least half", left, len(nodes))
	}
	l.must(controller.Kill(l.ctx))
	l.startController("--ec2-resync-period=5s")
	l.lookedAround()
	l.haltedFor("a")
	l.atRest()
	if now := l.stillOwned(); now != left {
		t.Errorf("%d interfaces are left after a restart, before it %d", now, left)
	}

	l.kubectl("annotate", "--overwrite", "nodeeni", "a", v1alpha1.AnnotationAllowReleaseUntil+"="+time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	l.converge()
}

// stillOwned counts the interfaces of ours that EC2 has.
func (l *lab) stillOwned() int {
	l.Helper()
	world, err := l.sim.World(l.ctx)
	l.must(err)
	return len(l.owned(world))
}

// haltedFor waits until the NodeENI says that cleanup is halted, and how to go on.
func (l *lab) haltedFor(name string) {
	l.Helper()
	l.eventually("halted", func(ctx context.Context) error {
		object, err := l.get(ctx, name)
		if err != nil {
			return err
		}
		if err := errors.Join(
			condition(object, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonCleanupHalted),
			condition(object, v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonCleanupHalted),
		); err != nil {
			return err
		}
		message := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.ConditionStalled).Message
		if !strings.Contains(message, "kubectl annotate --overwrite nodeeni "+name+" "+v1alpha1.AnnotationAllowReleaseUntil+"=") {
			return fmt.Errorf("the message does not say how to go on: %s", message)
		}
		return nil
	})
}
