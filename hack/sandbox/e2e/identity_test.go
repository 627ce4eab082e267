package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// The identity is fixed at first use: another one would make every interface a second time.
func TestAnotherClusterIDIsRefused(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	first := l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	l.must(first.Stop(l.ctx, 15*time.Second))
	before := l.the()

	other := l.startController("--cluster-id=another")
	ctx, cancel := context.WithTimeout(l.ctx, 20*time.Second)
	defer cancel()
	code, err := other.Wait(ctx)
	l.must(err)
	if log := other.Log(); code == 0 || !strings.Contains(log, "--also-owned-cluster-ids="+l.id) {
		t.Errorf("exit code %d, log:\n%s", code, log)
	}
	if after := l.the(); after.ID != before.ID {
		t.Errorf("the interface was touched: %+v", after)
	}

	l.startController("--cluster-id=another", "--also-owned-cluster-ids="+l.id)
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	if after := l.the(); after.ID != before.ID {
		t.Errorf("the interface was replaced: %+v", after)
	}
}

// Another cluster of the same name has its own interfaces on the same account: they are invisible.
func TestInterfacesOfAnotherClusterAreLeftAlone(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	tags := ownership.Owner{
		ClusterID: "somebody-else", ClusterName: sandbox.ClusterName, NodeENIUID: "0f0f0f0f", NodeENIName: "a",
		NodeName: "node1", InstanceID: nodes[0].InstanceID, Slot: ownership.Slot{Index: 1},
	}.Tags()
	other, err := l.sim.AddInterface(l.ctx, ec2sim.Interface{Subnet: sandbox.SubnetA, SecurityGroups: []string{sandbox.Workers}, Tags: tags})
	l.must(err)
	l.startController("--ec2-resync-period=5s")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	l.delete("a")
	l.gone("a")
	world, err := l.sim.World(l.ctx)
	l.must(err)
	for _, iface := range world.Interfaces {
		if iface.ID == other && iface.Tags[ownership.TagClusterID] == "somebody-else" {
			return
		}
	}
	t.Errorf("the other cluster's interface was touched:\n%s", describe(world.Interfaces))
}
