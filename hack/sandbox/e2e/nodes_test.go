package e2e

import (
	"context"
	"fmt"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

func TestLabelRemoved(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.kubectl("label", "node", "node1", "ng-")
	l.converge(on(nodes[1], "a", sandbox.SubnetA, 1))
	if calls := mutating(l.calls()); calls["DetachNetworkInterface"] != 1 || calls["DeleteNetworkInterface"] != 1 {
		t.Errorf("want one detach and one delete: %v", calls)
	}
}

func TestSelectorChanged(t *testing.T) {
	nodes := []sandbox.Machine{machines(1)[0], sandbox.Machines(2)[1].Labeled(map[string]string{"ng": "other"})}
	l := newLab(t, nodes...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(on(nodes[0], "a", sandbox.SubnetA, 1))

	l.edit("a", map[string]any{"nodeSelector": map[string]string{"ng": "other"}})
	l.converge(on(nodes[1], "a", sandbox.SubnetA, 1))
}

// The instance lives on: its interface must go.
func TestNodeDeleted(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	l.deleteNode("node1")
	l.converge(on(nodes[1], "a", sandbox.SubnetA, 1))
}

// The same name, another instance: the old instance is released, the new one served.
func TestNodeReplacedUnderItsName(t *testing.T) {
	old := machines(1)[0]
	fresh := old
	fresh.InstanceID = sandbox.InstanceID(2)
	l := newLabIn(t, sandbox.NewWorld([]sandbox.Machine{old, fresh}, quick), old)
	l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(on(old, "a", sandbox.SubnetA, 1))

	l.deleteNode(old.Name)
	l.must(l.cluster.AddNode(l.ctx, fresh))
	l.converge(on(fresh, "a", sandbox.SubnetA, 1))
}

// The Node goes with its instance. EC2 deletes what is marked so; what it leaves, we delete.
func TestInstanceTerminated(t *testing.T) {
	for _, deletes := range []bool{true, false} {
		t.Run(fmt.Sprintf("deleteOnTermination %t", deletes), func(t *testing.T) {
			nodes := machines(2)
			l := newLab(t, nodes...)
			l.startController()
			object := nodeENI("a", sandbox.SubnetA, 1)
			object.Spec.DeleteOnTermination = &deletes
			l.create(object)
			want := onAll(nodes, "a", sandbox.SubnetA, 1)
			if !deletes {
				want = []eni{want[0].staying(), want[1].staying()}
			}
			l.converge(want...)

			l.must(l.sim.Terminate(l.ctx, nodes[0].InstanceID))
			l.deleteNode("node1")
			l.converge(want[1])
			calls := mutating(l.calls())
			if calls["DetachNetworkInterface"] != 0 {
				t.Errorf("a dying instance was not left alone: %v", calls)
			}
			if wantDeletes := map[bool]int{true: 0, false: 1}[deletes]; calls["DeleteNetworkInterface"] != wantDeletes {
				t.Errorf("%d deletes, want %d", calls["DeleteNetworkInterface"], wantDeletes)
			}
		})
	}
}

// A Node that is no EC2 instance, and one whose instance EC2 does not know, are blocked, not lost.
func TestNodesThatCanNotBeServed(t *testing.T) {
	good := machines(1)[0]
	unknown := sandbox.Machine{Name: "unknown", InstanceID: sandbox.InstanceID(99), Labels: selected}
	l := newLabIn(t, sandbox.NewWorld([]sandbox.Machine{good}, quick), good, unknown)
	foreign := sandbox.Machine{Name: "foreign", Labels: selected}.Node()
	foreign.Spec.ProviderID = "gce://project/zone/name"
	l.addNode(foreign)
	l.startController("--ec2-resync-period=5s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.onlyInEC2(on(good, "a", sandbox.SubnetA, 1))
	l.blocked("a", "unknown", "InstanceNotFound", sandbox.InstanceID(99))
	l.blocked("a", "foreign", "NoAWSProviderID", "gce://project/zone/name")
	l.eventually("counted", func(ctx context.Context) error {
		object, err := l.get(ctx, "a")
		if err != nil {
			return err
		}
		return counts(object, 3, 1, 0, 2, 0)
	})
}
