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

// Of two that want a free slot, the earlier one gets it on every node, and of equals the one with the lesser
// UID: not who comes first in a list, nor whom a worker happens to see first.
func TestFreeSlotWantedTwice(t *testing.T) {
	for name, apart := range map[string]bool{"made apart": true, "made in the same second": false} {
		t.Run(name, func(t *testing.T) {
			nodes := machines(3)
			l := newLab(t, nodes...)
			// By name and by subnet the winner of the first case comes second.
			one, two := l.createPair(nodeENI("z", sandbox.SubnetB, 1), nodeENI("a", sandbox.SubnetA, 1), apart)
			winner, loser := one, two
			if !apart && two.UID < one.UID {
				winner, loser = two, one
			}
			l.startController()
			l.onlyInEC2(onAll(nodes, winner.Name, winner.Spec.SubnetID, 1)...)
			for _, node := range nodes {
				l.blocked(loser.Name, node.Name, v1alpha1.ReasonSlotTaken, winner.Name)
			}
			l.must(l.inEC2(l.ctx, onAll(nodes, winner.Name, winner.Spec.SubnetID, 1)))
			l.happyPath(len(nodes))
		})
	}
}

// createPair makes two NodeENIs one after the other, in different seconds or in the same one. No controller
// may be there yet.
func (l *lab) createPair(first, second *v1alpha1.NodeENI, apart bool) (one, two *v1alpha1.NodeENI) {
	l.Helper()
	enis := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs()
	l.eventually("made", func(ctx context.Context) (err error) {
		if one == nil {
			if one, err = enis.Create(ctx, first, metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		if two, err = enis.Create(ctx, second, metav1.CreateOptions{}); err != nil {
			return err
		}
		if two.CreationTimestamp.Equal(&one.CreationTimestamp) != apart {
			return nil
		}
		err = errors.Join(fmt.Errorf("made at %s and %s", one.CreationTimestamp, two.CreationTimestamp),
			enis.Delete(ctx, second.Name, metav1.DeleteOptions{}))
		if !apart {
			err = errors.Join(err, enis.Delete(ctx, first.Name, metav1.DeleteOptions{}))
			one = nil
		}
		return err
	})
	return one, two
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
