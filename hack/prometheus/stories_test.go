package prometheus

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// story is something that goes wrong, and is mended.
type story struct {
	name string
	tell func(*lab)
	// fires are the alerts that fire in it, sorted, and no others.
	fires []string
	// labels are those that an alert must have beside others.
	labels map[string]map[string]string
}

// healthy is how each story begins: long enough that an alert which fires wrongly does.
func (l *lab) healthy() {
	l.start()
	l.pass(35 * time.Minute)
	l.troubled()
}

// recovers is how each story ends: until what is counted over time has been forgotten.
func (l *lab) recovers() {
	l.mended()
	l.pass(75 * time.Minute)
}

// broken has calls to EC2 go wrong for a time.
func broken(f ec2sim.Fault, during func(*lab)) func(*lab) {
	return func(l *lab) {
		l.healthy()
		l.fault(f)
		during(l)
		l.heal()
		l.recovers()
	}
}

func for1h(l *lab) { l.pass(time.Hour) }

// newNodes asks for interfaces on Nodes that are new.
func newNodes(l *lab) {
	for i := range 6 {
		l.addNode(nodes + i)
	}
}

var stories = []story{
	{
		name: "the process ends", fires: []string{"MultiENIControllerDown"},
		tell: func(l *lab) {
			l.healthy()
			l.stopReplica()
			l.pass(20 * time.Minute)
			l.start()
			l.recovers()
		},
	},
	{
		name: "somebody else holds the lease", fires: []string{"MultiENINoLeader"},
		tell: func(l *lab) {
			l.healthy()
			l.stopReplica()
			l.holdLease("nobody-knows", 24*time.Hour)
			l.start()
			l.pass(20 * time.Minute)
			l.holdLease("", time.Second)
			l.recovers()
		},
	},
	{
		name: "a subnet that does not exist", fires: []string{"MultiENINodeENIStalled"},
		labels: map[string]map[string]string{"MultiENINodeENIStalled": {"nodeeni": "nodeeni-c", "reason": v1alpha1.ReasonSubnetNotFound, "severity": "warning"}},
		tell: func(l *lab) {
			l.healthy()
			l.ask("nodeeni-c", 3, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "subnet-0ffffffffffffffff" })
			l.pass(time.Hour)
			l.withdraw("nodeeni-c")
			l.recovers()
		},
	},
	{
		name: "attaches are throttled for a long time", fires: []string{"MultiENIAttachSlow", "MultiENIEC2Throttled", "MultiENINodeENINotReady"},
		labels: map[string]map[string]string{"MultiENIEC2Throttled": {"action": "AttachNetworkInterface"}},
		tell: broken(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "throttle"}, func(l *lab) {
			newNodes(l)
			l.pass(time.Hour)
		}),
	},
	{
		name: "the labels of most Nodes vanish", fires: []string{"MultiENICleanupHalted", "MultiENINodeENIStalled"},
		labels: map[string]map[string]string{"MultiENINodeENIStalled": {"reason": v1alpha1.ReasonCleanupHalted}},
		tell: func(l *lab) {
			l.healthy()
			for i := range nodes {
				l.label(i, "")
			}
			l.pass(20 * time.Minute)
			for i := range nodes {
				l.label(i, "multi-eni")
			}
			l.recovers()
		},
	},
	{
		name: "an interface has leaked and can not be deleted", fires: []string{"MultiENIEC2CallsFail", "MultiENIInterfacesLeaked"},
		labels: map[string]map[string]string{"MultiENIEC2CallsFail": {"action": "DeleteNetworkInterface"}},
		tell: broken(ec2sim.Fault{Action: "DeleteNetworkInterface", Effect: "error", Code: "InvalidNetworkInterface.InUse", Status: 400}, func(l *lab) {
			l.leak("gone", 0, 3)
			l.pass(90 * time.Minute)
		}),
	},
	{
		name: "interfaces can not be listed", fires: []string{"MultiENIEC2CallsFail", "MultiENIInventoryStale"},
		labels: map[string]map[string]string{"MultiENIEC2CallsFail": {"action": "DescribeNetworkInterfaces"}},
		tell:   broken(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "InternalError", Status: 500}, for1h),
	},
	{
		name: "a permission is missing", fires: []string{"MultiENIAttachSlow", "MultiENINodeENIStalled", "MultiENIPermissionDenied"},
		labels: map[string]map[string]string{"MultiENIPermissionDenied": {"action": "AttachNetworkInterface", "code": "UnauthorizedOperation", "severity": "critical"}},
		tell: broken(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403}, func(l *lab) {
			newNodes(l)
			l.pass(time.Hour)
		}),
	},
	{
		name: "a single call is denied", fires: []string{"MultiENIPermissionDenied"},
		labels: map[string]map[string]string{"MultiENIPermissionDenied": {"action": "AttachNetworkInterface", "code": "UnauthorizedOperation", "severity": "critical"}},
		tell: broken(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403, Times: 1}, func(l *lab) {
			l.addNode(nodes)
			l.pass(time.Hour)
		}),
	},
	{
		name: "EC2 answers what nobody knows", fires: []string{"MultiENIUnknownErrors"},
		labels: map[string]map[string]string{"MultiENIUnknownErrors": {"action": "DescribeInstances", "code": "SomethingNew"}},
		tell:   broken(ec2sim.Fault{Action: "DescribeInstances", Effect: "error", Code: "SomethingNew", Status: 400, Times: 3}, for1h),
	},
	{
		name: "the API server fails", fires: []string{"MultiENIAPIServerCallsFail"},
		tell: func(l *lab) {
			l.healthy()
			l.failAPIServer(true)
			l.pass(30 * time.Minute)
			l.failAPIServer(false)
			l.recovers()
		},
	},
}

// failAPIServer has the calls to the API server fail that are counted.
func (l *lab) failAPIServer(fails bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.apiServerFails = fails
}

// holdLease has somebody hold the controller's lease.
func (l *lab) holdLease(holder string, duration time.Duration) {
	l.Helper()
	api := l.user.Kube().CoordinationV1().Leases(leaseNamespace)
	lease, err := api.Get(context.Background(), leaseName, metav1.GetOptions{})
	l.must(err)
	lease.Spec = coordinationv1.LeaseSpec{
		HolderIdentity: &holder, LeaseDurationSeconds: new(int32(duration.Seconds())),
		AcquireTime: new(metav1.NowMicro()), RenewTime: new(metav1.NowMicro()), LeaseTransitions: new(int32(9)),
	}
	_, err = api.Update(context.Background(), lease, metav1.UpdateOptions{})
	l.must(err)
}

// leak makes an interface as a NodeENI leaves it whose finalizer was forced off.
func (l *lab) leak(nodeENI string, node int, index int32) {
	l.Helper()
	var tags []types.Tag
	owner := eni.Owner{
		ClusterID: clusterID, ClusterName: "prod", NodeENIUID: "uid-of-one-that-is-gone", NodeENIName: nodeENI,
		NodeName: nodeName(node), InstanceID: instanceID(node), Slot: eni.Slot{Index: index},
	}
	for key, value := range owner.Tags() {
		tags = append(tags, types.Tag{Key: new(key), Value: new(value)})
	}
	_, err := l.somebody().CreateNetworkInterface(context.Background(), &ec2.CreateNetworkInterfaceInput{
		SubnetId: new(subnet), TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeNetworkInterface, Tags: tags}},
	})
	l.must(err)
}

// healthyDay is half a day in which nothing is wrong that must be told.
func healthyDay(l *lab) {
	l.start()
	for hour := range 13 {
		switch hour % 6 {
		case 0:
			l.addNode(nodes + hour/6)
		case 1:
			l.label(hour%nodes, "")
		case 2:
			l.fault(ec2sim.Fault{Effect: "error", Code: "InternalError", Status: 500, Nth: 3})
			l.ask("nodeeni-c", 3)
		case 3:
			l.label((hour-2)%nodes, "multi-eni")
			l.heal()
		case 4:
			l.stopReplica()
			l.start()
		case 5:
			l.withdraw("nodeeni-c")
		}
		l.pass(time.Hour)
	}
}
