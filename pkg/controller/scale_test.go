package controller

import (
	"context"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubeinformers "k8s.io/client-go/informers"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/tools/record"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/fake"
	informers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/informers/externalversions"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// crowd is a controller that is not running, with full caches: what its parts cost can be counted.
type crowd struct {
	*Controller
	testing.TB
}

func newCrowd(tb testing.TB) *crowd {
	tb.Helper()
	kube, client := kubefake.NewSimpleClientset(), fake.NewSimpleClientset()
	c, err := New(Config{
		Kube: kube, Client: client, Cluster: plan.Cluster{ID: "cluster-1", Name: "prod"}, Recorder: record.NewFakeRecorder(10),
		Nodes:    kubeinformers.NewSharedInformerFactory(kube, 0).Core().V1().Nodes(),
		NodeENIs: informers.NewSharedInformerFactory(client, 0).Networking().V1alpha1().NodeENIs(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c.openQueues(ctx)
	tb.Cleanup(func() { c.closeQueues(); cancel() })
	return &crowd{c, tb}
}

// node has the informer show a Node of the group.
func (c *crowd) node(i int, group string) *corev1.Node {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), UID: types.UID("uid-" + nodeName(i)), Labels: map[string]string{
			"group": group, corev1.LabelHostname: nodeName(i), corev1.LabelOSStable: "linux",
		}},
		Spec: corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(i)},
	}
	if err := c.nodeIndex.Add(node); err != nil {
		c.Fatal(err)
	}
	c.nodeAdded(node)
	return node
}

// nodeENI has the informer show a NodeENI that selects a group.
func (c *crowd) nodeENI(i int, group string) *v1alpha1.NodeENI {
	name := fmt.Sprint("eni-of-", group, "-", i)
	n := &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Generation: 1, Finalizers: []string{v1alpha1.Finalizer}},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector: map[string]string{corev1.LabelOSStable: "linux", "group": group}, SubnetID: subnetA, SecurityGroupIDs: []string{groupA}, DeviceIndex: int32(i),
		},
	}
	if err := c.nodeENIIndex.Add(n); err != nil {
		c.Fatal(err)
	}
	c.nodeENIAdded(n)
	return n
}

// attach has an interface of the NodeENI be attached to the Node, as our own calls do.
func (c *crowd) attach(n *v1alpha1.NodeENI, i int) {
	owner := eni.Owner{
		ClusterID: c.cluster.ID, ClusterName: c.cluster.Name, NodeENIUID: string(n.UID), NodeENIName: n.Name, NodeName: nodeName(i),
		InstanceID: instanceID(i), Slot: plan.SlotOf(n),
	}
	id := fmt.Sprintf("eni-%d-%05d", n.Spec.DeviceIndex, i)
	c.inventory.BeginCreate(owner.NodeENIUID)(&eni.Interface{ID: id, SubnetID: n.Spec.SubnetID, SecurityGroupIDs: n.Spec.SecurityGroupIDs, Tags: owner.Tags()}, false)
	c.inventory.SetAttachment(id, &eni.Attachment{
		ID: "attach-" + id, InstanceID: owner.InstanceID, Slot: owner.Slot, Status: eni.Attaching, DeleteOnTermination: true,
	})
}

// sameAllocations demands that something costs about as much in a crowd as in a small company.
func sameAllocations(t *testing.T, what string, few, many float64) {
	t.Helper()
	const slack = 8 // a map that has just grown, a scratch buffer
	if many > few+slack {
		t.Errorf("%s: %v allocations, %v in a crowd", what, few, many)
	}
}

// What happens to a Node costs as much as there are NodeENIs that could match it, and so does its snapshot.
func TestNodesCostWhatCouldMatchThem(t *testing.T) {
	costs := func(others int) (event, snapshot float64) {
		c := newCrowd(t)
		for i := range others {
			c.nodeENI(1, fmt.Sprint("other-", i))
		}
		for i := range 3 {
			c.nodeENI(i+1, "mine")
		}
		old := c.node(0, "nobody's")
		node := c.node(0, "mine")
		event = testing.AllocsPerRun(50, func() { c.nodeUpdated(old, node) })
		for _, n := range []int{c.attachQueue.Len() - 1, c.statusQueue.Len() - others - 3} {
			if n != 0 {
				t.Errorf("%d keys too many are queued for one Node beside %d other NodeENIs", n, others)
			}
		}
		snapshot = testing.AllocsPerRun(50, func() {
			if s, err := c.gather(instanceID(0)); err != nil || len(s.NodeENIs) != 3 {
				t.Fatalf("%d NodeENIs are concerned, %v", len(s.NodeENIs), err)
			}
		})
		return event, snapshot
	}
	fewEvent, fewSnapshot := costs(5)
	manyEvent, manySnapshot := costs(2000)
	sameAllocations(t, "the event of a Node", fewEvent, manyEvent)
	sameAllocations(t, "the snapshot of an instance", fewSnapshot, manySnapshot)
}

// What happens to a NodeENI costs as much as it selects Nodes.
func TestNodeENIsCostWhatTheySelect(t *testing.T) {
	const mine = 5
	costs := func(others int) float64 {
		c := newCrowd(t)
		for i := range others {
			c.node(mine+i, "others")
		}
		for i := range mine {
			c.node(i, "mine")
		}
		n := c.nodeENI(1, "mine")
		queued := c.attachQueue.Len()
		edited := n.DeepCopy()
		edited.Generation++
		event := testing.AllocsPerRun(50, func() { c.nodeENIUpdated(n, edited) })
		if got := c.attachQueue.Len(); got != queued || queued != mine+others {
			t.Errorf("%d instances are queued, then %d", queued, got)
		}
		if got := len(c.selectedNodes(n)); got != mine {
			t.Errorf("%d Nodes are selected", got)
		}
		return event
	}
	sameAllocations(t, "the event of a NodeENI", costs(5), costs(5000))
}

// A status costs as much as has changed, and what its list of all attachments takes.
func TestStatusesPlanWhatHasChanged(t *testing.T) {
	const nodes = 500
	c := newCrowd(t)
	n := c.nodeENI(1, "mine")
	for i := range nodes {
		c.node(i, "mine")
		c.attach(n, i)
	}
	reports := func() float64 {
		return testing.AllocsPerRun(10, func() {
			if made, err := c.makeStatus(n); err != nil || *made.status.MatchingNodes != nodes {
				t.Fatalf("%d reports, %v", *made.status.MatchingNodes, err)
			}
		})
	}
	nothing := reports()
	one := testing.AllocsPerRun(10, func() {
		c.enqueueInstance(instanceID(7))
		if _, err := c.makeStatus(n); err != nil {
			t.Fatal(err)
		}
	})
	all := testing.AllocsPerRun(10, func() {
		for i := range nodes {
			c.enqueueInstance(instanceID(i))
		}
		if _, err := c.makeStatus(n); err != nil {
			t.Fatal(err)
		}
	})
	if each := (all - nothing) / nodes; each < 10 || one > nothing+2*each || nothing > all/5 {
		t.Errorf("allocations for a status of %d Nodes: %v when nothing has changed, %v when one has, %v when all have", nodes, nothing, one, all)
	}
}

func BenchmarkReports(b *testing.B) {
	for _, nodes := range []int{1000, 5000, 50000} {
		c := newCrowd(b)
		n := c.nodeENI(1, "mine")
		for i := range nodes {
			c.node(i, "mine")
			c.attach(n, i)
		}
		for _, changed := range []int{0, 10} {
			b.Run(fmt.Sprintf("nodes=%d/changed=%d", nodes, changed), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					for i := range changed {
						c.enqueueInstance(instanceID(i))
					}
					if _, err := c.makeStatus(n); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func BenchmarkNodeEvent(b *testing.B) {
	for _, nodeENIs := range []int{1000, 5000, 50000} {
		b.Run(fmt.Sprintf("nodeenis=%d", nodeENIs), func(b *testing.B) {
			c := newCrowd(b)
			for i := range nodeENIs {
				c.nodeENI(1, fmt.Sprint("other-", i))
			}
			c.nodeENI(1, "mine")
			old, node := c.node(0, "nobody's"), c.node(0, "mine")
			b.ReportAllocs()
			for b.Loop() {
				c.nodeUpdated(old, node)
			}
		})
	}
}
