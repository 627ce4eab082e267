package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// slow is an EC2 whose detaching can be watched.
var slow = sandbox.Latency(300*time.Millisecond, 4*time.Second, 5*time.Millisecond, 500*time.Millisecond)

// For as long as EC2 has an interface, the API server has the NodeENI with its finalizer.
func TestFinalizerIsKeptUntilEC2IsClean(t *testing.T) {
	nodes := machines(2)
	l := newLabIn(t, sandbox.NewWorld(nodes, slow), nodes...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.delete("a")
	sawDetaching, sawTerminating := false, false
	l.eventually("gone, and never too early", func(ctx context.Context) error {
		object, getErr := l.get(ctx, "a")
		// EC2 is read after the API server: whoever is gone there must have left nothing here.
		world, err := l.sim.World(ctx)
		if err != nil {
			return err
		}
		owned := l.owned(world)
		if apierrors.IsNotFound(getErr) {
			if len(owned) > 0 {
				t.Fatalf("the NodeENI is gone, but EC2 has:\n%s", describe(owned))
			}
			return nil
		}
		if getErr != nil {
			return getErr
		}
		if !slices.Contains(object.Finalizers, v1alpha1.Finalizer) {
			t.Fatalf("finalizers %v", object.Finalizers)
		}
		sawDetaching = sawDetaching || slices.ContainsFunc(owned, func(i ec2sim.InterfaceNow) bool { return asENI(i).State == "detaching" })
		sawTerminating = sawTerminating || condition(object, v1alpha1.ConditionReconciling, metav1.ConditionTrue, v1alpha1.ReasonTerminating) == nil
		return errors.New("the NodeENI is there")
	})
	if !sawDetaching || !sawTerminating {
		t.Errorf("seen on the way: detaching in EC2 %t, Terminating in the status %t", sawDetaching, sawTerminating)
	}
}

// A NodeENI that never selected a Node is gone at once.
func TestUnusedNodeENIIsDeleted(t *testing.T) {
	l := newLab(t)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge()
	l.delete("a")
	l.gone("a")
	if calls := mutating(l.calls()); len(calls) != 0 {
		t.Errorf("EC2 was called for nothing: %v", calls)
	}
}

// The second one of a name is another NodeENI: it never inherits the interfaces of the first.
func TestDeletedAndMadeAgainAtOnce(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	l.startController()
	first := l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.delete("a")
	l.eventually("made again", func(ctx context.Context) error {
		second, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Create(ctx, nodeENI("a", sandbox.SubnetA, 1), metav1.CreateOptions{})
		if err == nil && second.UID == first.UID {
			return fmt.Errorf("the same UID %s", second.UID)
		}
		return err
	})
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	l.onlyUID("a")
}

// Deleted while its interfaces are being made.
func TestDeletedWhileCreating(t *testing.T) {
	nodes := machines(3)
	l := newLab(t, nodes...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.eventually("creating", func(context.Context) error {
		if mutating(l.calls())["CreateNetworkInterface"] == 0 {
			return errors.New("nothing is created yet")
		}
		return nil
	})
	l.delete("a")
	l.gone("a")
	l.must(l.inEC2(l.ctx, nil))
}
