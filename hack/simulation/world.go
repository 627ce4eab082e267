package simulation

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	clusterName    = "prod"
	clusterID      = "cluster-1"
	otherClusterID = "cluster-2"
	vpc            = "vpc-1"
	tenantSubnet   = "subnet-0000000000000099"
)

// limits are the instance types of the simulation with how many interfaces they take.
var limits = map[string]int{"a1.medium": 2, "m5.large": 3, "m5.xlarge": 4, "c5.4xlarge": 8}

var instanceTypes = []string{"m5.large", "m5.xlarge", "m5.xlarge", "c5.4xlarge", "c5.4xlarge", "a1.medium"}

// world is what a seed begins with, and what its acts choose from.
type world struct {
	ec2      ec2sim.World
	zones    []string
	subnets  []ec2sim.Subnet
	groups   []string
	nodes    []*corev1.Node
	nodeENIs []*v1alpha1.NodeENI
	resync   time.Duration
	replicas int
	// renewDeadline is for how long a leader tries to renew its lease. Where it is next to all of the lease's duration,
	// the lease ends before the leader gives up.
	renewDeadline time.Duration
	// instances is from which number on they are named.
	instances int
	// onNodes is what the flags say that Nodes are to show of their interfaces; nothing in most seeds.
	onNodes property.OnNodes
	// neighbour is what another cluster in the account begins with; nil in most seeds.
	neighbour *world
}

func newWorld(d dice) *world {
	r := d.of("world", 0)
	w := &world{
		zones:    []string{"us-east-1a", "us-east-1b", "us-east-1c"}[:2+r.IntN(2)],
		resync:   pick(r, []time.Duration{2 * time.Minute, 5 * time.Minute, 5 * time.Minute, 10 * time.Minute}),
		replicas: 2,
		onNodes:  drawOnNodes(d),
	}
	w.addNetwork(r)
	for i := range 4 + r.IntN(5) {
		w.addNode(d, i)
	}
	if chance(d.of("dense", 0), 0.2) {
		w.addDense(d)
	}
	for i := range 3 + r.IntN(3) {
		w.nodeENIs = append(w.nodeENIs, w.newNodeENI(d.of("nodeeni", i), fmt.Sprintf("eni-%c", 'a'+i)))
	}
	if chance(d.of("neighbour", 0), neighbourShare) {
		w.neighbour = newNeighbour(d, w)
	}
	w.addOtherCluster(d.of("others", 0))
	w.ec2.Seed = r.Int64()
	w.ec2.Latency = ec2sim.Latency{
		Attach: ec2sim.Spread(2*time.Second, 8*time.Second, 20*time.Second),
		Detach: ec2sim.Spread(3*time.Second, 8*time.Second, 20*time.Second),
	}
	w.ec2.Consistency.Lag = pick(r, []ec2sim.Distribution{
		{}, ec2sim.Spread(100*time.Millisecond, time.Second, 2*time.Second), ec2sim.Spread(200*time.Millisecond, 4*time.Second, 9*time.Second),
	})
	w.ec2.Variants = variants(r)
	w.ec2.Latency.Terminate = pick(d.of("terminate", 0), []ec2sim.Distribution{{}, ec2sim.Spread(2*time.Minute, 5*time.Minute, 6*time.Minute)})
	w.renewDeadline = pick(d.of("renew", 0), []time.Duration{leaseDuration * 2 / 3, leaseDuration - time.Second})
	if chance(d.of("quota", 0), 0.2) {
		w.ec2.Quotas.InterfacesPerRegion = len(w.ec2.Interfaces) + len(w.ec2.Instances) + 40
	}
	return w
}

// variants choose among what EC2 may answer.
func variants(r *rand.Rand) ec2sim.Variants {
	return ec2sim.Variants{
		SubnetFull:     pick(r, []string{"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks", "InvalidParameterValue"}),
		DeleteInUse:    pick(r, []string{"InvalidParameterValue", "InvalidNetworkInterface.InUse"}),
		AttachInUse:    pick(r, []string{"InvalidParameterValue", "InvalidNetworkInterface.InUse"}),
		TokenOfDeleted: pick(r, []string{"replay", "mismatch"}),
		TokenOfFailed:  pick(r, []string{"burnt", "free"}),
		CreateStatus:   pick(r, []string{"pending", "available"}), InterfaceStatus: pick(r, []string{"in-use", "transitional"}),
		ReplayAtQuota: pick(r, []string{"replay", "fail"}), MutatingBuckets: pick(r, []string{"separate", "shared"}),
		GroupOfOtherVPC:  pick(r, []string{"InvalidParameterCombination", "InvalidGroup.NotFound"}),
		ManagedResources: pick(r, []string{"hidden", "shown"}),
		TokenLife:        pick(r, []ec2sim.Distribution{{}, {}, ec2sim.Exactly(10 * time.Minute)}),
	}
}

// addNetwork gives each zone a subnet for instances, a large one and a small one for interfaces.
func (w *world) addNetwork(r *rand.Rand) {
	for i, zone := range w.zones {
		for k, size := range []int{24, 24, 28} {
			w.subnets = append(w.subnets, ec2sim.Subnet{
				ID: fmt.Sprintf("subnet-%016x%x", 16+i, k), VPC: vpc, Zone: zone, CIDR: fmt.Sprintf("10.%d.%d.0/%d", i, k, size),
			})
		}
		// Most of the small one belongs to others, so that it runs full.
		for range 6 + r.IntN(6) {
			w.ec2.Interfaces = append(w.ec2.Interfaces, ec2sim.Interface{Subnet: w.subnets[3*i+2].ID, Description: "a database's"})
		}
	}
	// Interfaces of another tenant, who can use up the account's quota, lie in a subnet of their own.
	w.ec2.Subnets = append(append([]ec2sim.Subnet{}, w.subnets...), ec2sim.Subnet{ID: tenantSubnet, VPC: vpc, Zone: w.zones[0], CIDR: "10.99.0.0/24"})
	for i := range 4 {
		id := fmt.Sprintf("sg-%017x", i+1)
		w.groups = append(w.groups, id)
		w.ec2.SecurityGroups = append(w.ec2.SecurityGroups, ec2sim.SecurityGroup{ID: id, VPC: vpc, Name: id})
	}
}

// addDense makes so many interfaces wanted and possible in one zone that the guard against mass release counts them.
func (w *world) addDense(d dice) {
	first := len(w.nodes)
	for i := range 8 {
		id := instanceName(first + i)
		w.ec2.Instances = append(w.ec2.Instances, ec2sim.Instance{ID: id, Type: "c5.4xlarge", Subnet: w.subnets[0].ID, State: "running"})
		w.nodes = append(w.nodes, newNode(fmt.Sprintf("node-%d", first+i), w.zones[0], id, map[string]string{"zone": w.zones[0], "tier": "dense"}))
	}
	for i := range 2 {
		n := w.newNodeENI(d.of("dense", 1+i), fmt.Sprintf("dense-%c", 'a'+i))
		n.Spec.NodeSelector, n.Spec.SubnetID, n.Spec.DeviceIndex = map[string]string{"tier": "dense"}, w.subnets[1].ID, int32(4+i)
		w.nodeENIs = append(w.nodeENIs, n)
	}
}

func instanceName(i int) string { return fmt.Sprintf("i-%017x", i+1) }

// addNode makes an instance and its Node.
func (w *world) addNode(d dice, i int) {
	r := d.of("node", i)
	zone := r.IntN(len(w.zones))
	instance := ec2sim.Instance{ID: instanceName(w.instances + i), Type: pick(r, instanceTypes), Subnet: w.subnets[3*zone].ID, State: "running"}
	w.ec2.Instances = append(w.ec2.Instances, instance)
	labels := map[string]string{"zone": w.zones[zone], "tier": pick(r, []string{"x", "y"})}
	if chance(r, 0.8) {
		labels["ng"] = "multi"
	}
	name := fmt.Sprintf("node-%d", i)
	if chance(r, 0.1) { // as long as a name may be
		name += strings.Repeat(".a-very-long-zone-name", 11)
	}
	node := newNode(name, w.zones[zone], instance.ID, labels)
	if i > 3 && chance(r, 0.1) {
		node.Spec.ProviderID = "kind://docker/" + node.Name
	}
	w.nodes = append(w.nodes, node)
}

func newNode(name, zone, instance string, labels map[string]string) *corev1.Node {
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///" + zone + "/" + instance},
	}
}

// newNodeENI draws a NodeENI. Most lie in the zone that they select.
func (w *world) newNodeENI(r *rand.Rand, name string) *v1alpha1.NodeENI {
	n := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: name}}
	n.Spec.NodeSelector, n.Spec.SubnetID = w.drawPlace(r)
	n.Spec.DeviceIndex = 1 + int32(r.IntN(3))
	n.Spec.SecurityGroupIDs = w.drawGroups(r)
	n.Spec.DeleteOnTermination = pick(r, []*bool{new(true), new(true), new(false)})
	if chance(r, 0.5) {
		n.Spec.Description = new(fmt.Sprintf("for %s", name))
	}
	if chance(r, 0.5) {
		n.Spec.Tags = map[string]string{"team": pick(r, []string{"red", "blue"})}
	}
	return n
}

// drawPlace draws a selector and a subnet.
func (w *world) drawPlace(r *rand.Rand) (selector map[string]string, subnet string) {
	zone := r.IntN(len(w.zones))
	subnet = w.subnets[3*zone+1+r.IntN(4)/3].ID
	switch {
	case chance(r, 0.5):
		return map[string]string{"ng": "multi", "zone": w.zones[zone]}, subnet
	case chance(r, 0.5):
		return map[string]string{"zone": w.zones[zone]}, subnet
	case chance(r, 0.5):
		return map[string]string{"tier": pick(r, []string{"x", "y"})}, subnet
	}
	return map[string]string{"ng": "multi"}, subnet
}

func (w *world) drawGroups(r *rand.Rand) []string {
	first := r.IntN(len(w.groups))
	return append([]string{}, w.groups[first:min(len(w.groups), first+1+r.IntN(2))]...)
}

// addOtherCluster makes what must never be touched: interfaces of a cluster with our name and another identity, one
// of them on an instance of its own and one on an instance of ours.
func (w *world) addOtherCluster(r *rand.Rand) {
	own := ec2sim.Instance{ID: "i-0ffffffffffffff00", Type: "m5.xlarge", Subnet: w.subnets[0].ID, State: "running"}
	w.ec2.Instances = append(w.ec2.Instances, own)
	place := func(node, instance string, subnet ec2sim.Subnet, index int, attached bool) {
		e := ec2sim.Interface{Subnet: subnet.ID, Tags: eni.Owner{
			ClusterID: otherClusterID, ClusterName: clusterName, NodeENIUID: "uid-of-the-other", NodeENIName: "eni-a",
			NodeName: node, InstanceID: instance, Slot: eni.Slot{Index: int32(index)},
		}.Tags()}
		if attached {
			e.Attachment = &ec2sim.Attachment{Instance: instance, DeviceIndex: index, DeleteOnTermination: true}
		}
		w.ec2.Interfaces = append(w.ec2.Interfaces, e)
	}
	place("node-0", own.ID, w.subnets[1], 1, true)
	place("node-0", own.ID, w.subnets[1], 2, false)
	if last := w.ec2.Instances[len(w.ec2.Instances)-2]; limits[last.Type] > 2 && chance(r, 0.5) {
		place("node-1", last.ID, w.subnetOf(last), 2, true)
	}
}

func (w *world) subnetOf(i ec2sim.Instance) ec2sim.Subnet {
	for _, s := range w.subnets {
		if s.ID == i.Subnet {
			return s
		}
	}
	return w.subnets[0]
}
