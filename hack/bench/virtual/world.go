package virtual

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

const (
	clusterID       = "cluster-1"
	zone            = "us-east-1a"
	instanceSubnet  = "subnet-0000000000000001"
	interfaceSubnet = "subnet-0000000000000002"
	group           = "sg-00000000000000001"
	otherGroup      = "sg-00000000000000002"
	instanceType    = "m5.4xlarge"
	interfaceQuota  = 50_000

	// groupLabel is what the NodeENIs select.
	groupLabel, groupValue = "group", "multi"
)

// World is how large a world is, and what is special about it.
type World struct {
	// Nodes is how many there are, Each how many interfaces each of them is to have.
	Nodes, Each int
	// Others is the share of every quota that somebody else in the account eats.
	Others float64
	// Halved says that the quotas are half of what is documented, and nobody has told the controller.
	Halved bool
	// Lag is how late reads show writes.
	Lag ec2sim.Distribution
}

// Interfaces are wanted when all Nodes are selected.
func (w World) Interfaces() int { return w.Nodes * w.Each }

func (w World) String() string {
	name := fmt.Sprintf("virtual, %d × %d", w.Nodes, w.Each)
	if w.Others > 0 {
		name += fmt.Sprintf(", %.0f %% eaten by others", 100*w.Others)
	}
	if w.Halved {
		name += ", quotas halved"
	}
	if w.Lag.P50 > 0 {
		name += ", lagging reads"
	}
	return name
}

// alone reports whether nothing is special: only then are all phases measured.
func (w World) alone() bool { return w.Others == 0 && !w.Halved && w.Lag.P50 == 0 }

// ec2 is the account.
func (w World) ec2() ec2sim.World {
	out := ec2sim.World{
		Seed: 1,
		Subnets: []ec2sim.Subnet{
			{ID: instanceSubnet, VPC: "vpc-1", Zone: zone, CIDR: "10.0.0.0/16"},
			{ID: interfaceSubnet, VPC: "vpc-1", Zone: zone, CIDR: "10.1.0.0/16"},
		},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: group, VPC: "vpc-1", Name: "a"}, {ID: otherGroup, VPC: "vpc-1", Name: "b"}},
		Latency:        ec2sim.Latency{Attach: ec2sim.Exactly(attachTakes), Detach: ec2sim.Exactly(detachTakes), Call: ec2sim.Exactly(callTakes)},
		Consistency:    ec2sim.Consistency{Lag: w.Lag},
	}
	out.Quotas.InterfacesPerRegion = interfaceQuota
	out.Quotas.Background = w.Others
	if w.Halved {
		out.Quotas.Actions = map[string]ec2sim.Bucket{}
		for action, b := range documented {
			out.Quotas.Actions[action] = ec2sim.Bucket{Bucket: b.Bucket / 2, Refill: b.Refill / 2}
		}
	}
	return out
}

func nodeName(i int) string   { return fmt.Sprintf("node-%d", i) }
func instanceID(i int) string { return fmt.Sprintf("i-%017x", i+1) }

func newInstance(i int) ec2sim.Instance {
	return ec2sim.Instance{ID: instanceID(i), Type: instanceType, Subnet: instanceSubnet, State: "running"}
}

// newNode is the Node of an instance; a selected one bears the label.
func newNode(i int, selected bool) *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Labels: map[string]string{"kubernetes.io/hostname": nodeName(i)}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///" + zone + "/" + instanceID(i)},
	}
	if selected {
		node.Labels[groupLabel] = groupValue
	}
	return node
}

func newNodeENI(k int) *v1alpha1.NodeENI {
	n := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("eni-%d", k)}}
	n.Spec.NodeSelector = map[string]string{groupLabel: groupValue}
	n.Spec.SubnetID, n.Spec.SecurityGroupIDs = interfaceSubnet, []string{group}
	n.Spec.DeviceIndex = int32(1 + k)
	n.Spec.DeleteOnTermination = new(true)
	return n
}

const (
	// What the simulator takes for a call, and until an attach and a detach have ended.
	callTakes   = 50 * time.Millisecond
	attachTakes = 2 * time.Second
	detachTakes = 3 * time.Second
)
