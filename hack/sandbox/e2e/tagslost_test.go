package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// An interface without the cluster's tag is not ours to touch, and none that may be forgotten: the NodeENI
// stays, and says so, until a person has decided.
func TestTagsLost(t *testing.T) {
	cases := map[string]func(*lab, ec2sim.InterfaceNow){
		"tagged again": func(l *lab, iface ec2sim.InterfaceNow) {
			l.must(l.sim.Hand().Tag(l.ctx, iface.ID, ownership.TagClusterID, l.id))
		},
		"deleted by hand": func(l *lab, iface ec2sim.InterfaceNow) {
			l.must(l.sim.Detach(l.ctx, iface.ID))
			l.must(l.sim.Delete(l.ctx, iface.ID))
		},
	}
	for name, help := range cases {
		t.Run(name, func(t *testing.T) {
			l, _ := editLab(t, func(*v1alpha1.NodeENI) {})
			iface := l.the()
			l.must(l.sim.Hand().Untag(l.ctx, iface.ID, ownership.TagClusterID))
			l.lookedAround() // what was listed before may be released as it was
			l.delete("a")
			l.heldForTags("a", iface.ID)
			l.atRest()
			if calls := mutating(l.calls()); calls["DetachNetworkInterface"]+calls["DeleteNetworkInterface"] > 0 || calls["CreateNetworkInterface"] != 1 {
				t.Errorf("an interface without our tag was touched, or another one made in its place: %v", calls)
			}
			l.heldForTags("a", iface.ID)

			help(l, iface)
			l.gone("a")
			world, err := l.sim.World(l.ctx)
			l.must(err)
			if slices.ContainsFunc(world.Interfaces, func(i ec2sim.InterfaceNow) bool { return i.ID == iface.ID }) {
				t.Errorf("the NodeENI is gone, but EC2 has:\n%s", describe(world.Interfaces))
			}
		})
	}
}

// lookedAround waits until all interfaces have been listed twice from now on.
func (l *lab) lookedAround() {
	l.Helper()
	lists := func() int { return l.calls()["DescribeNetworkInterfaces"]["OK"] }
	before := lists()
	l.eventually("looked around", func(context.Context) error {
		if now := lists(); now < before+2 {
			return fmt.Errorf("%d lists since", now-before)
		}
		return nil
	})
}

// heldForTags waits until a deleted NodeENI says that it waits for somebody to decide about an interface.
func (l *lab) heldForTags(name, iface string) {
	l.Helper()
	l.eventually("held for lost tags", func(ctx context.Context) error {
		object, err := l.get(ctx, name)
		if err != nil {
			l.Fatalf("the NodeENI must stay: %v", err)
		}
		if !slices.Contains(object.Finalizers, v1alpha1.Finalizer) {
			l.Fatalf("finalizers %v", object.Finalizers)
		}
		if !slices.ContainsFunc(object.Status.Releasing, func(r v1alpha1.Release) bool {
			return r.ENIID == iface && r.Reason == v1alpha1.ReasonTagsLost
		}) {
			return fmt.Errorf("releasing: %+v, want %s held, %s", object.Status.Releasing, iface, v1alpha1.ReasonTagsLost)
		}
		return errors.Join(
			condition(object, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonTagsLost),
			condition(object, v1alpha1.ConditionReconciling, metav1.ConditionFalse, ""),
			condition(object, v1alpha1.ConditionReady, metav1.ConditionFalse, ""))
	})
}

// The Node outlives its instance, as it does until the cloud provider notices, or for good where nobody
// does. What EC2 leaves behind must go all the same, and is not made again.
func TestInstanceTerminatedNodeStays(t *testing.T) {
	for _, deletes := range []bool{true, false} {
		t.Run(fmt.Sprintf("deleteOnTermination %t", deletes), func(t *testing.T) {
			nodes := machines(2)
			l := newLab(t, nodes...)
			l.startController("--ec2-resync-period=5s")
			object := nodeENI("a", sandbox.SubnetA, 1)
			object.Spec.DeleteOnTermination = &deletes
			l.create(object)
			want := onAll(nodes, "a", sandbox.SubnetA, 1)
			if !deletes {
				want = []eni{want[0].staying(), want[1].staying()}
			}
			l.converge(want...)

			l.must(l.sim.Terminate(l.ctx, nodes[0].InstanceID))
			l.onlyInEC2(want[1])
			l.blockedOn("a", "node1", []string{v1alpha1.ReasonInstanceNotRunning, v1alpha1.ReasonInstanceNotFound}, nodes[0].InstanceID)
			l.atRest()
			l.must(l.inEC2(l.ctx, want[1:]))
			calls := mutating(l.calls())
			if calls["DetachNetworkInterface"] != 0 || calls["CreateNetworkInterface"] != len(nodes) {
				t.Errorf("a dead instance was not left alone: %v", calls)
			}
			if wantDeletes := map[bool]int{true: 0, false: 1}[deletes]; calls["DeleteNetworkInterface"] != wantDeletes {
				t.Errorf("%d deletes, want %d", calls["DeleteNetworkInterface"], wantDeletes)
			}
			stored, err := l.get(l.ctx, "a")
			l.must(err)
			l.must(counts(stored, 2, 1, 0, 1, 0))
		})
	}
}
