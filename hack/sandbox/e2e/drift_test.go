package e2e

import (
	"context"
	"fmt"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

func TestDetachedByHand(t *testing.T) {
	l, node := editLab(t, func(*v1alpha1.NodeENI) {})
	before := l.the()
	l.must(l.sim.Detach(l.ctx, before.ID))
	l.eventually("another attachment", func(context.Context) error {
		if a := l.the().Attachment; a == nil || a.ID == before.Attachment.ID {
			return fmt.Errorf("attachment %+v", a)
		}
		return nil
	})
	l.converge(on(node, "a", sandbox.SubnetA, 1))
}

func TestDeletedByHand(t *testing.T) {
	l, node := editLab(t, func(*v1alpha1.NodeENI) {})
	before := l.the()
	l.must(l.sim.Detach(l.ctx, before.ID))
	l.must(l.sim.Delete(l.ctx, before.ID))
	l.eventually("another interface", func(ctx context.Context) error {
		world, err := l.sim.World(ctx)
		if err != nil {
			return err
		}
		for _, iface := range l.owned(world) {
			if iface.ID != before.ID {
				return nil
			}
		}
		return fmt.Errorf("EC2 has:\n%s", describe(l.owned(world)))
	})
	l.converge(on(node, "a", sandbox.SubnetA, 1))
}

func TestSettingsChangedByHand(t *testing.T) {
	l, node := editLab(t, func(*v1alpha1.NodeENI) {})
	before := l.the()
	l.must(l.sim.Hand().SetGroups(l.ctx, before.ID, sandbox.Storage))
	l.must(l.sim.Hand().SetDeleteOnTermination(l.ctx, before.ID, before.Attachment.ID, false))
	l.eventually("put right", func(context.Context) error {
		after := l.the()
		if diff := gocmp.Diff(before, after); diff != "" {
			return fmt.Errorf("interface (-before +after):\n%s", diff)
		}
		return nil
	})
	l.converge(on(node, "a", sandbox.SubnetA, 1))
}

// A status is a report: it is written again, nothing else is, and no call to EC2 depends on it.
func TestEveryStatusWiped(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	l.startController("--ec2-resync-period=5s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.create(nodeENI("b", sandbox.SubnetB, 2))
	want := append(onAll(nodes, "a", sandbox.SubnetA, 1), onAll(nodes, "b", sandbox.SubnetB, 2)...)
	l.converge(want...)
	calls, metadata := mutating(l.calls()), l.metadata("a", "b")

	for _, name := range []string{"a", "b"} {
		wiped, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(l.ctx, name, types.MergePatchType,
			[]byte(`{"status":null}`), metav1.PatchOptions{}, "status")
		l.must(err)
		if len(wiped.Status.Conditions) != 0 {
			t.Fatalf("the status of %s is not wiped: %+v", name, wiped.Status)
		}
	}
	l.converge(want...)
	l.atRest() // whatever the wipe gave cause for has happened by then
	if diff := gocmp.Diff(calls, mutating(l.calls())); diff != "" {
		t.Errorf("EC2 was called (-before +after):\n%s", diff)
	}
	if diff := gocmp.Diff(metadata, l.metadata("a", "b")); diff != "" {
		t.Errorf("metadata (-before +after):\n%s", diff)
	}
	l.must(l.reported(l.ctx))
}

// metadata is all metadata of NodeENIs but for what a write of the status changes.
func (l *lab) metadata(names ...string) map[string]metav1.ObjectMeta {
	l.Helper()
	all := map[string]metav1.ObjectMeta{}
	for _, name := range names {
		object, err := l.get(l.ctx, name)
		l.must(err)
		object.ResourceVersion, object.ManagedFields = "", nil
		all[name] = object.ObjectMeta
	}
	return all
}
