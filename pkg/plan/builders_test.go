package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	instanceA = "i-0000000000000000a"
	subnetA   = "subnet-0000000000000000a"
	subnetB   = "subnet-0000000000000000b"
	groupA    = "sg-0000000000000000a"
	groupB    = "sg-0000000000000000b"
)

var (
	now     = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	cluster = Cluster{ID: "cluster-1", Name: "prod", AlsoOwned: []string{"cluster-0"}}
)

// nodeENI is one that selects node "a" and is ready for work.
func nodeENI(name string, changes ...func(*v1alpha1.NodeENI)) *v1alpha1.NodeENI {
	n := &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{
			Name: name, UID: types.UID("uid-" + name), Generation: 1, Finalizers: []string{v1alpha1.Finalizer},
			CreationTimestamp: metav1.NewTime(now.Add(-time.Hour)),
		},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector: map[string]string{"ng": "multi"}, SubnetID: subnetA, SecurityGroupIDs: []string{groupA}, DeviceIndex: 1,
		},
	}
	for _, change := range changes {
		change(n)
	}
	return n
}

func beingDeleted(n *v1alpha1.NodeENI) {
	at := metav1.NewTime(now.Add(-time.Minute))
	n.DeletionTimestamp = &at
}

func node(name string, changes ...func(*corev1.Node)) *corev1.Node {
	n := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Labels: map[string]string{"ng": "multi"}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceA},
	}
	for _, change := range changes {
		change(n)
	}
	return n
}

func unlabelled(n *corev1.Node) { n.Labels = nil }

// world is a snapshot of node "a" on a running m5.xlarge, described a second ago, with its primary interface.
func world(changes ...func(*Snapshot)) Snapshot {
	s := Snapshot{
		Now: now, Cluster: cluster, InstanceID: instanceA, Node: node("a"),
		Instance: &eni.ObservedInstance{
			ObservedAt: now.Add(-time.Second), StateSince: now.Add(-time.Hour),
			Instance: eni.Instance{
				ID: instanceA, Type: "m5.xlarge", Zone: "us-east-1a", State: eni.InstanceRunning, MaxInterfaces: map[int32]int32{0: 4},
				Interfaces: []eni.InstanceInterface{{ID: "eni-primary", Status: eni.Attached}},
			},
		},
		Subnets: map[string]eni.ObservedSubnet{
			subnetA: {ObservedAt: now.Add(-time.Minute), Subnet: eni.Subnet{ID: subnetA, Zone: "us-east-1a", CIDR: "10.0.1.0/24"}},
			subnetB: {ObservedAt: now.Add(-time.Minute), Subnet: eni.Subnet{ID: subnetB, Zone: "us-east-1a", CIDR: "10.0.2.0/24"}},
		},
	}
	for _, change := range changes {
		change(&s)
	}
	return s
}

func with(nodeENIs ...*v1alpha1.NodeENI) func(*Snapshot) {
	return func(s *Snapshot) { s.NodeENIs = append(s.NodeENIs, nodeENIs...) }
}

func having(interfaces ...eni.ObservedInterface) func(*Snapshot) {
	return func(s *Snapshot) { s.Interfaces = append(s.Interfaces, interfaces...) }
}

// nodeGone takes the Node away, a minute before the instance was described.
func nodeGone(s *Snapshot) {
	s.Node, s.NodeGoneSince = nil, s.Instance.ObservedAt.Add(-time.Minute)
}

func instanceState(state eni.InstanceState) func(*Snapshot) {
	return func(s *Snapshot) { s.Instance.State = state }
}

func describedAgo(age time.Duration) func(*Snapshot) {
	return func(s *Snapshot) { s.Instance.ObservedAt = now.Add(-age) }
}

// ownerless says since when, and from which list on, eni-1 has been seen without its NodeENI.
func ownerless(age time.Duration, epochs int) func(*Snapshot) {
	return func(s *Snapshot) { s.Ownerless = map[string]Sighting{"eni-1": {At: now.Add(-age), Epochs: epochs}} }
}

// lost is an interface that somebody took the ownership tags from.
func lost(i *eni.ObservedInterface) {
	owner, _ := eni.OwnerOf(i.Tags)
	i.LastOwner = &owner
	delete(i.Tags, eni.TagClusterID)
}

func lostItsAttachment(i *eni.ObservedInterface) { i.WasAttached = true }

// foreign puts somebody else's interface on the instance.
func foreign(id string, index int32) func(*Snapshot) {
	return func(s *Snapshot) {
		s.Instance.Interfaces = append(s.Instance.Interfaces,
			eni.InstanceInterface{ID: id, Description: "aws-K8S-" + instanceA, Slot: eni.Slot{Index: index}, Status: eni.Attached})
	}
}

// interfaceOf is an interface just as the NodeENI wants it for node "a", attached nowhere.
func interfaceOf(n *v1alpha1.NodeENI, id string, changes ...func(*eni.ObservedInterface)) eni.ObservedInterface {
	p := &placer{view: newView(world()), n: n, slot: SlotOf(n)}
	i := eni.ObservedInterface{
		Epochs: 3, ShownAt: now.Add(-time.Second), AttachmentSince: now.Add(-time.Minute),
		Interface: eni.Interface{
			ID: id, SubnetID: n.Spec.SubnetID, Zone: "us-east-1a", Description: wantedDescription(n),
			SecurityGroupIDs: wantedGroups(n), Tags: p.wantedTags(), PrivateIP: "10.0.1.10", MAC: "02:00:00:00:00:01",
		},
	}
	for _, change := range changes {
		change(&i)
	}
	return i
}

func attachment(status eni.AttachmentStatus) func(*eni.ObservedInterface) {
	return func(i *eni.ObservedInterface) {
		owner, _ := eni.OwnerOf(i.Tags)
		i.Attachment = &eni.Attachment{ID: "eni-attach-" + i.ID, InstanceID: owner.InstanceID, Slot: owner.Slot, Status: status, DeleteOnTermination: true}
		if status == eni.UnknownAttachment {
			i.Attachment.ID = ""
		}
	}
}

var attached = attachment(eni.Attached)

func since(age time.Duration) func(*eni.ObservedInterface) {
	return func(i *eni.ObservedInterface) { i.AttachmentSince = now.Add(-age) }
}

func tagged(key, value string) func(*eni.ObservedInterface) {
	return func(i *eni.ObservedInterface) { i.Tags[key] = value }
}
