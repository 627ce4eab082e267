package chaos

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// selected are the labels that every NodeENI selects by.
var selected = map[string]string{"ng": "multi-eni"}

// machines are three selected nodes.
func machines() []sandbox.Machine {
	list := sandbox.Machines(3)
	for i := range list {
		list[i] = list[i].Labeled(selected)
	}
	return list
}

// world is an EC2 that is quick, but whose reads lag behind, and in which others have interfaces, too: one on our first
// node, one that looks like ours, but is another cluster's.
func world() ec2sim.World {
	w := sandbox.NewWorld(machines(), sandbox.Latency(200*time.Millisecond, 200*time.Millisecond, 5*time.Millisecond, 500*time.Millisecond))
	w.Consistency = ec2sim.Consistency{Lag: ec2sim.Spread(50*time.Millisecond, 300*time.Millisecond, 500*time.Millisecond)}
	w.Interfaces = []ec2sim.Interface{
		{
			Subnet: sandbox.SubnetA, SecurityGroups: []string{sandbox.Storage}, Tags: map[string]string{"owner": "them"},
			Attachment: &ec2sim.Attachment{Instance: sandbox.InstanceID(1), DeviceIndex: 3},
		},
		{
			Subnet: sandbox.SubnetB, SecurityGroups: []string{sandbox.Workers},
			Tags: ownership.Owner{
				ClusterID: "another", ClusterName: sandbox.ClusterName, NodeENIUID: "6b3bd0d8-3fb5-4a5c-a7f0-8f4d0b1f8c11",
				NodeENIName: "a", NodeName: "node1", InstanceID: sandbox.InstanceID(1), Slot: ownership.Slot{Index: 1},
			}.Tags(),
		},
	}
	return w
}

// nodeENI wants one interface in a subnet, at an index, on every selected node.
func nodeENI(name, subnet string, index int32) *v1alpha1.NodeENI {
	return &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector:     selected,
			SubnetID:         subnet,
			SecurityGroupIDs: []string{sandbox.Workers},
			DeviceIndex:      index,
			Tags:             map[string]string{"team": name},
		},
	}
}
