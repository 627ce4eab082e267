package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

const (
	// instanceType takes eight interfaces: the primary one, four of ours, and three of the bare loop's.
	instanceType   = "m5.4xlarge"
	interfaceQuota = 50_000
	// creators is how many Nodes are created at a time.
	creators = 16
)

// subnets are those of the NodeENIs, each large enough for one interface of every node.
var subnets = []string{sandbox.SubnetA, sandbox.SubnetB, "subnet-0c0c0c0c0c0c0c0c0", "subnet-0d0d0d0d0d0d0d0d0"}

// selector is what every Node bears and every NodeENI selects.
var selector = map[string]string{"ng": "multi-eni"}

// world is an EC2 that never makes anybody wait.
func world(nodes int) ec2sim.World {
	w := ec2sim.World{
		Region:         sandbox.Region,
		Subnets:        []ec2sim.Subnet{{ID: sandbox.SubnetNodes, VPC: sandbox.VPC, Zone: sandbox.Zone, CIDR: "10.0.0.0/16"}},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: sandbox.Workers, VPC: sandbox.VPC, Name: "workers"}},
		Latency:        sandbox.Latency(0, 0, 0, 0),
		Quotas:         ec2sim.Quotas{Enabled: new(false), InterfacesPerRegion: interfaceQuota},
	}
	for i, id := range subnets {
		w.Subnets = append(w.Subnets, ec2sim.Subnet{ID: id, VPC: sandbox.VPC, Zone: sandbox.Zone, CIDR: fmt.Sprintf("10.%d.0.0/16", i+1)})
	}
	for i := 1; i <= nodes; i++ {
		instance := machine(i).Instance()
		instance.Type = instanceType
		w.Instances = append(w.Instances, instance)
	}
	return w
}

// nodeENI wants one interface on every Node, at index number+1 in a subnet of its own.
func nodeENI(number int) *v1alpha1.NodeENI {
	return &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("scale-%d", number+1)},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector: selector, SubnetID: subnets[number], SecurityGroupIDs: []string{sandbox.Workers}, DeviceIndex: int32(number + 1),
		},
	}
}

// addNodes creates the Nodes, past the client's own rate limit.
func addNodes(ctx context.Context, config *rest.Config, count int) error {
	config = rest.CopyConfig(config)
	config.QPS = -1
	config.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var group sync.WaitGroup
	for range creators {
		group.Go(func() {
			for number := range numbers {
				if _, err := client.CoreV1().Nodes().Create(ctx, node(number), metav1.CreateOptions{}); err != nil {
					cancel(fmt.Errorf("creating Node %d: %w", number, err))
				}
			}
		})
	}
	for number := 1; number <= count && ctx.Err() == nil; number++ {
		numbers <- number
	}
	close(numbers)
	group.Wait()
	return context.Cause(ctx)
}

func machine(number int) sandbox.Machine {
	return sandbox.Machine{Name: fmt.Sprintf("ip-10-0-%d-%d.ec2.internal", number/256, number%256), InstanceID: sandbox.InstanceID(number)}
}

// node is as large as what a kubelet makes of a machine of its type that runs some dozens of images.
func node(number int) *corev1.Node {
	m := machine(number)
	n := m.Labeled(selector).Labeled(map[string]string{
		corev1.LabelOSStable: "linux", corev1.LabelArchStable: "amd64", corev1.LabelInstanceTypeStable: instanceType,
		"eks.amazonaws.com/nodegroup": "workers", "eks.amazonaws.com/nodegroup-image": "ami-0123456789abcdef0",
		"eks.amazonaws.com/capacityType": "ON_DEMAND", "topology.ebs.csi.aws.com/zone": sandbox.Zone,
		"topology.k8s.aws/zone-id": "use1-az1", "k8s.io/cloud-provider-aws": "0123456789abcdef0123456789abcdef",
		"node.kubernetes.io/lifecycle": "normal", "team.example.com/owner": "platform",
	}).Node()
	n.Annotations = map[string]string{
		"node.alpha.kubernetes.io/ttl":                           "0",
		"volumes.kubernetes.io/controller-managed-attach-detach": "true",
		"csi.volume.kubernetes.io/nodeid":                        fmt.Sprintf(`{"ebs.csi.aws.com":%q,"efs.csi.aws.com":%q}`, m.InstanceID, m.InstanceID),
	}
	n.Status = status(m.Name)
	return n
}

func status(name string) corev1.NodeStatus {
	amount := corev1.ResourceList{
		corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("64Gi"),
		corev1.ResourcePods: resource.MustParse("234"), corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	s := corev1.NodeStatus{
		Capacity: amount, Allocatable: amount,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}, {Type: corev1.NodeHostName, Address: name}, {Type: corev1.NodeInternalDNS, Address: name}},
		NodeInfo: corev1.NodeSystemInfo{
			KernelVersion: "6.12.40-63.114.amzn2023.x86_64", OSImage: "Amazon Linux 2023.8.20250915", ContainerRuntimeVersion: "containerd://2.1.4",
			KubeletVersion: "v1.37.2-eks-0000000", OperatingSystem: "linux", Architecture: "amd64",
		},
	}
	now := metav1.NewTime(time.Now())
	for _, kind := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeReady} {
		s.Conditions = append(s.Conditions, corev1.NodeCondition{
			Type: kind, Status: corev1.ConditionTrue, Reason: "KubeletSaysSo", Message: "kubelet is posting its status", LastHeartbeatTime: now, LastTransitionTime: now,
		})
	}
	for i := range 40 {
		repository := fmt.Sprintf("123456789012.dkr.ecr.us-east-1.amazonaws.com/team/service-%02d", i)
		s.Images = append(s.Images, corev1.ContainerImage{
			Names: []string{repository + "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", repository + ":v1.2.3"}, SizeBytes: 100_000_000,
		})
	}
	return s
}
