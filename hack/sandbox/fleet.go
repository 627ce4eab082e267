package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// What every world of the sandbox holds. The subnets and the first security group are those of the
// examples in the manifests.
const (
	// ClusterName is --cluster-name, and the name in the IAM policy.
	ClusterName  = "sandbox"
	Region       = "us-east-1"
	Zone         = "us-east-1a"
	OtherZone    = "us-east-1b"
	VPC          = "vpc-1"
	SubnetA      = "subnet-0f59b4f14737be9ad"
	SubnetB      = "subnet-abcdef1234567890"
	SubnetNodes  = "subnet-0123456789abcdef0"
	SubnetFar    = "subnet-0fedcba9876543210" // in the other zone
	Workers      = "sg-05da196f3314d4af8"
	Storage      = "sg-0a1b2c3d4e5f60718"
	InstanceType = "m5.xlarge" // takes four interfaces
)

// NewWorld is an account with subnets, security groups and the instances of the machines.
func NewWorld(machines []Machine, latency ec2sim.Latency) ec2sim.World {
	world := ec2sim.World{
		Region: Region,
		Subnets: []ec2sim.Subnet{
			{ID: SubnetNodes, VPC: VPC, Zone: Zone, CIDR: "10.0.0.0/24", Tags: map[string]string{"Name": "nodes"}},
			{ID: SubnetA, VPC: VPC, Zone: Zone, CIDR: "10.0.1.0/24", Tags: map[string]string{"Name": "a"}},
			{ID: SubnetB, VPC: VPC, Zone: Zone, CIDR: "10.0.2.0/24", Tags: map[string]string{"Name": "b"}},
			{ID: SubnetFar, VPC: VPC, Zone: OtherZone, CIDR: "10.0.3.0/24", Tags: map[string]string{"Name": "far"}},
		},
		SecurityGroups: []ec2sim.SecurityGroup{
			{ID: Workers, VPC: VPC, Name: "workers"},
			{ID: Storage, VPC: VPC, Name: "storage"},
		},
		Latency: latency,
	}
	for _, machine := range machines {
		world.Instances = append(world.Instances, machine.Instance())
	}
	return world
}

// Latency is a latency of EC2 that does not vary.
func Latency(attach, detach, call, terminate time.Duration) ec2sim.Latency {
	return ec2sim.Latency{
		Attach: ec2sim.Exactly(attach), Detach: ec2sim.Exactly(detach), Call: ec2sim.Exactly(call),
		Start: ec2sim.Exactly(terminate), Stop: ec2sim.Exactly(terminate), Terminate: ec2sim.Exactly(terminate),
	}
}

// writeWorld writes a world file. JSON is YAML.
func writeWorld(path string, world ec2sim.World) error {
	data, err := json.MarshalIndent(world, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// Machine is one node: an instance in EC2, and a Node in Kubernetes.
type Machine struct {
	Name       string
	InstanceID string
	Labels     map[string]string
}

// Machines are node1, node2 and so on, on instances of the same number.
func Machines(count int) []Machine {
	machines := make([]Machine, 0, count)
	for i := 1; i <= count; i++ {
		machines = append(machines, Machine{Name: fmt.Sprintf("node%d", i), InstanceID: InstanceID(i)})
	}
	return machines
}

// InstanceID is the ID of the instance with a number.
func InstanceID(number int) string {
	return fmt.Sprintf("i-0%016x", uint64(0xaaaaaaaaaaaaa000)+uint64(number))
}

// Labeled is the machine with more labels on its Node.
func (m Machine) Labeled(labels map[string]string) Machine {
	all := maps.Clone(labels)
	maps.Copy(all, m.Labels)
	m.Labels = all
	return m
}

// Instance is the machine in EC2.
func (m Machine) Instance() ec2sim.Instance {
	return ec2sim.Instance{
		ID: m.InstanceID, Type: InstanceType, Subnet: SubnetNodes, State: "running",
		SecurityGroups: []string{Workers},
		Tags:           map[string]string{"Name": m.Name, "kubernetes.io/cluster/" + ClusterName: "owned"},
	}
}

// Node is the machine in Kubernetes, with what the cloud provider puts on a Node.
func (m Machine) Node() *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: m.Name, Labels: m.Labeled(map[string]string{
			corev1.LabelHostname:           m.Name,
			corev1.LabelTopologyRegion:     Region,
			corev1.LabelTopologyZone:       Zone,
			corev1.LabelInstanceTypeStable: InstanceType,
		}).Labels},
		Spec: corev1.NodeSpec{ProviderID: "aws:///" + Zone + "/" + m.InstanceID},
	}
}

// AddNode makes the machine's Node and reports it ready, in its kubelet's place.
func (c *Cluster) AddNode(ctx context.Context, machine Machine) error {
	nodes := c.Kube.CoreV1().Nodes()
	node, err := nodes.Create(ctx, machine.Node(), metav1.CreateOptions{})
	if err != nil {
		return err
	}
	now := metav1.Now()
	node.Status.Conditions = []corev1.NodeCondition{{
		Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
		Message: "the sandbox says so", LastHeartbeatTime: now, LastTransitionTime: now,
	}}
	node.Status.NodeInfo.KubeletVersion = "sandbox"
	_, err = nodes.UpdateStatus(ctx, node, metav1.UpdateOptions{})
	return err
}
