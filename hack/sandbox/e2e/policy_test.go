package e2e

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// attempt is a call that somebody makes with the controller's rights.
type attempt struct {
	name string
	call func(context.Context, sandbox.Hand) error
}

func retags(iface ec2sim.InterfaceNow, keys ...string) attempt {
	return attempt{"tagging with " + strings.Join(keys, ", "), func(ctx context.Context, hand sandbox.Hand) error {
		tags := map[string]string{}
		for _, key := range keys {
			tags[key] = "changed"
		}
		return hand.Tags(ctx, iface.ID, tags)
	}}
}

func untags(iface ec2sim.InterfaceNow, keys ...string) attempt {
	return attempt{"untagging of " + strings.Join(keys, ", "), func(ctx context.Context, hand sandbox.Hand) error {
		return hand.Untag(ctx, iface.ID, keys...)
	}}
}

// manages are the other calls that the controller makes for an attached interface.
func manages(iface ec2sim.InterfaceNow) []attempt {
	return []attempt{
		{"changing groups", func(ctx context.Context, hand sandbox.Hand) error {
			return hand.SetGroups(ctx, iface.ID, sandbox.Storage)
		}},
		{"changing the flag", func(ctx context.Context, hand sandbox.Hand) error {
			return hand.SetDeleteOnTermination(ctx, iface.ID, iface.Attachment.ID, true)
		}},
		{"detaching", func(ctx context.Context, hand sandbox.Hand) error {
			return hand.Detach(ctx, iface.Attachment.ID)
		}},
	}
}

// The IAM policy of the manifests lets nobody who gets hold of the controller's role touch what is not the
// cluster's, or make it so.
func TestPolicyGuardsOwnership(t *testing.T) {
	sim, ours, foreign := policyWorld(t)
	allowed := []attempt{retags(ours, "team"), retags(ours, ownership.TagName), retags(ours, ownership.TagNoManage), untags(ours, "team")}
	allowed = append(allowed, retags(ours, ownership.TagNodeENIUID)) // by itself: an adoption
	allowed = append(allowed, manages(ours)...)
	denied := []attempt{untags(ours), untags(ours, ownership.TagNoManage), retags(foreign, "team"), untags(foreign, "team")}
	denied = append(denied, manages(foreign)...)
	for key := range ours.Tags {
		if strings.HasPrefix(key, ownership.TagPrefix) {
			denied = append(denied, retags(ours, "team", key), retags(foreign, key), untags(ours, key), untags(ours, "team", key))
			if key != ownership.TagNodeENIUID {
				denied = append(denied, retags(ours, key), retags(ours, ownership.TagNodeENIUID, key))
			}
		}
	}
	for _, attempt := range denied {
		if err := attempt.call(t.Context(), sim.ControllersHand()); err == nil || !strings.Contains(err.Error(), "UnauthorizedOperation") {
			t.Errorf("%s is not denied: %v", attempt.name, err)
		}
	}
	for _, attempt := range allowed {
		if err := attempt.call(t.Context(), sim.ControllersHand()); err != nil {
			t.Errorf("%s is not allowed: %v", attempt.name, err)
		}
	}
}

// policyWorld has an instance of the cluster with an interface of the cluster's and one of another's.
func policyWorld(t *testing.T) (sim *sandbox.Simulator, ours, foreign ec2sim.InterfaceNow) {
	t.Helper()
	node := machines(1)[0]
	sim, err := sandbox.StartSimulator(t.Context(), shared.repo, shared.binaries, sandbox.NewWorld([]sandbox.Machine{node}, quick), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Kill(context.Background()) })
	add := func(cluster string, index int) ec2sim.InterfaceNow {
		tags := ownership.Owner{
			ClusterID: "id-of-" + cluster, ClusterName: cluster, NodeENIUID: "0f0f0f0f", NodeENIName: "a",
			NodeName: node.Name, InstanceID: node.InstanceID, Slot: ownership.Slot{Index: int32(index)},
		}.Tags()
		id, err := sim.AddInterface(t.Context(), ec2sim.Interface{
			Subnet: sandbox.SubnetA, Tags: tags, Attachment: &ec2sim.Attachment{Instance: node.InstanceID, DeviceIndex: index},
		})
		if err != nil {
			t.Fatal(err)
		}
		world, err := sim.World(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return world.Interfaces[slices.IndexFunc(world.Interfaces, func(i ec2sim.InterfaceNow) bool { return i.ID == id })]
	}
	return sim, add(sandbox.ClusterName, 1), add("another", 2)
}

// The policy for adoption lets the cluster's tags be put on what is nobody's, and on nothing else.
func TestAdoptionPolicyStopsAtOthers(t *testing.T) {
	sim, ours, foreign := policyWorld(t)
	add := func(tags map[string]string) string {
		id, err := sim.AddInterface(t.Context(), ec2sim.Interface{Subnet: sandbox.SubnetA, Tags: tags})
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	nobodys := add(map[string]string{"team": "telco"})
	cnis := add(map[string]string{ownership.TagCNIInstance: machines(1)[0].InstanceID})
	others := map[string]string{}
	for key, value := range ours.Tags {
		others[key] = value
	}
	others[ownership.TagClusterName] = "another"
	denied := func(what string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "UnauthorizedOperation") {
			t.Errorf("%s is not denied: %v", what, err)
		}
	}
	hand := sim.AdoptersHand()
	denied("adopting without the policy", sim.ControllersHand().Tags(t.Context(), nobodys, ours.Tags))
	denied("adopting for another cluster", hand.Tags(t.Context(), nobodys, others))
	denied("tagging what is nobody's", hand.Tags(t.Context(), nobodys, map[string]string{"team": "core"}))
	denied("adopting another cluster's", hand.Tags(t.Context(), foreign.ID, ours.Tags))
	denied("adopting the VPC CNI's", hand.Tags(t.Context(), cnis, ours.Tags))
	denied("untagging what is nobody's", hand.Untag(t.Context(), nobodys, "team"))
	if err := hand.Tags(t.Context(), nobodys, ours.Tags); err != nil {
		t.Errorf("adopting what is nobody's: %v", err)
	}
}

// The policy lets interfaces, even the cluster's own, be attached to and detached from the cluster's instances only.
func TestPolicyStopsAtOtherInstances(t *testing.T) {
	nodes := machines(2)
	world := sandbox.NewWorld(nodes, quick)
	delete(world.Instances[1].Tags, "kubernetes.io/cluster/"+sandbox.ClusterName)
	sim, err := sandbox.StartSimulator(t.Context(), shared.repo, shared.binaries, world, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Kill(context.Background()) })
	hand := sim.ControllersHand()
	for i, node := range nodes {
		owner := ownership.Owner{
			ClusterID: "id", ClusterName: sandbox.ClusterName, NodeENIUID: "0f0f0f0f", NodeENIName: "a",
			NodeName: node.Name, InstanceID: node.InstanceID, Slot: ownership.Slot{Index: 1},
		}
		add := func(attachment *ec2sim.Attachment) ec2sim.InterfaceNow {
			id, err := sim.AddInterface(t.Context(), ec2sim.Interface{Subnet: sandbox.SubnetA, Tags: owner.Tags(), Attachment: attachment})
			if err != nil {
				t.Fatal(err)
			}
			world, err := sim.World(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return world.Interfaces[slices.IndexFunc(world.Interfaces, func(i ec2sim.InterfaceNow) bool { return i.ID == id })]
		}
		attached, loose := add(&ec2sim.Attachment{Instance: node.InstanceID, DeviceIndex: 1}), add(nil)
		for what, err := range map[string]error{
			"attaching": hand.Attach(t.Context(), loose.ID, node.InstanceID, 2),
			"detaching": hand.Detach(t.Context(), attached.Attachment.ID),
		} {
			if denied := err != nil && strings.Contains(err.Error(), "UnauthorizedOperation"); denied != (i == 1) || (err != nil && !denied) {
				t.Errorf("%s, instance %d: %v", what, i, err)
			}
		}
	}
}
