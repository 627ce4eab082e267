package e2e

import (
	"slices"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// Who is attached keeps the slot; who waits gets it when it is free.
func TestOneSlotWantedTwice(t *testing.T) {
	node := machines(1)[0]
	l := newLab(t, node)
	l.startController()
	l.create(nodeENI("first", sandbox.SubnetA, 1))
	l.converge(on(node, "first", sandbox.SubnetA, 1))

	l.create(nodeENI("second", sandbox.SubnetB, 1))
	l.blocked("second", "node1", v1alpha1.ReasonSlotTaken, "first")
	l.must(l.inEC2(l.ctx, []eni{on(node, "first", sandbox.SubnetA, 1)}))

	l.delete("first")
	l.gone("first")
	l.converge(on(node, "second", sandbox.SubnetB, 1))
}

// An edit of the older one does not cut the younger one off.
func TestOlderNodeENIComesToATakenSlot(t *testing.T) {
	node := machines(1)[0]
	l := newLab(t, node)
	l.startController()
	l.create(nodeENI("older", sandbox.SubnetA, 1))
	l.converge(on(node, "older", sandbox.SubnetA, 1))
	l.create(nodeENI("younger", sandbox.SubnetB, 2))
	l.converge(on(node, "older", sandbox.SubnetA, 1), on(node, "younger", sandbox.SubnetB, 2))

	l.edit("older", map[string]any{"deviceIndex": 2})
	l.blocked("older", "node1", v1alpha1.ReasonSlotTaken, "younger")
	l.onlyInEC2(on(node, "younger", sandbox.SubnetB, 2))
}

// The VPC CNI, or anybody else, holds index 1: that is not ours to touch.
func TestForeignInterfaceAtTheIndex(t *testing.T) {
	node := machines(1)[0]
	l := newLab(t, node)
	foreign, err := l.sim.AddInterface(l.ctx, ec2sim.Interface{
		Subnet: sandbox.SubnetNodes, Description: "aws-K8S-" + node.InstanceID,
		Attachment: &ec2sim.Attachment{Instance: node.InstanceID, DeviceIndex: 1},
	})
	l.must(err)
	l.startController("--ec2-resync-period=5s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.blocked("a", "node1", v1alpha1.ReasonDeviceIndexInUse, foreign)
	l.atRest()
	if calls := mutating(l.calls()); len(calls) != 0 {
		t.Errorf("EC2 was called: %v", calls)
	}

	l.must(l.sim.Detach(l.ctx, foreign))
	l.converge(on(node, "a", sandbox.SubnetA, 1))
	world, err := l.sim.World(l.ctx)
	l.must(err)
	if !slices.ContainsFunc(world.Interfaces, func(i ec2sim.InterfaceNow) bool { return i.ID == foreign }) {
		t.Error("the foreign interface is gone")
	}
}

// The instance type takes four interfaces: one is the primary, three can be ours.
func TestMoreInterfacesThanTheTypeTakes(t *testing.T) {
	node := machines(1)[0]
	l := newLab(t, node)
	l.startController()
	names := []string{"one", "two", "three"}
	var want []eni
	for i, name := range names {
		l.create(nodeENI(name, sandbox.SubnetA, int32(i+1)))
		want = append(want, on(node, name, sandbox.SubnetA, i+1))
		l.converge(want...)
	}
	l.create(nodeENI("four", sandbox.SubnetA, 4))
	l.blocked("four", "node1", v1alpha1.ReasonInterfaceLimitReached, sandbox.InstanceType)
	l.must(l.inEC2(l.ctx, want))

	l.delete("two")
	l.gone("two")
	l.converge(want[0], want[2], on(node, "four", sandbox.SubnetA, 4))
}
