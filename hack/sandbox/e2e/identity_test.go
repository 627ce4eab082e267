package e2e

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Without --cluster-id, the identity is the UID of namespace kube-system, and the shipped RBAC lets the
// controller read it.
func TestDefaultClusterID(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	namespace, err := l.cluster.Kube.CoreV1().Namespaces().Get(l.ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	l.must(err)
	l.id = string(namespace.UID) // what converge takes for ours
	l.startControllerOf("")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	if got := l.the().Tags[ownership.TagClusterID]; got == "" || got != string(namespace.UID) {
		t.Errorf("tag %s is %q, the UID is %q", ownership.TagClusterID, got, namespace.UID)
	}
	l.delete("a")
	l.gone("a")
	l.must(l.inEC2(l.ctx, nil))
}

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
	ctx, cancel := context.WithTimeout(l.ctx, time.Minute)
	defer cancel()
	code, err := other.Wait(ctx)
	l.must(err)
	if log := other.Log(); code == 0 || !strings.Contains(log, "--also-owned-cluster-ids="+l.id) {
		t.Errorf("exit code %d, log:\n%s", code, log)
	}
	if after := l.the(); after.ID != before.ID {
		t.Errorf("the interface was touched: %+v", after)
	}

	owner := l.startController("--cluster-id=another", "--also-owned-cluster-ids="+l.id)
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	if after := l.the(); after.ID != before.ID {
		t.Errorf("the interface was replaced: %+v", after)
	}
	l.eventually("recorded", func(ctx context.Context) error {
		leases, err := l.cluster.Kube.CoordinationV1().Leases(sandbox.Namespace).List(ctx, metav1.ListOptions{})
		for i := range leases.Items {
			if leases.Items[i].Annotations["networking.k8s.aws/former-cluster-ids"] == l.id {
				return nil
			}
		}
		return fmt.Errorf("no Lease names the earlier identity: %w", cmp.Or(err, errors.New("not yet")))
	})
	l.must(owner.Stop(l.ctx, 15*time.Second))

	dropped := l.startController("--cluster-id=another")
	code, err = dropped.Wait(ctx)
	l.must(err)
	if log := dropped.Log(); code == 0 || !strings.Contains(log, before.ID) || !strings.Contains(log, "--also-owned-cluster-ids="+l.id) {
		t.Errorf("without the earlier identity: exit code %d, log:\n%s", code, log)
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
