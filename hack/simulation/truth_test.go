package simulation

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const smallSubnet, smallProviderID = "subnet-00000000000000001", "aws:///us-east-1a/i-00000000000000001"

// smallTruth is one Node and one NodeENI that wants an interface there.
type smallTruth struct{ truth }

func (t *smallTruth) node(name, providerID, label string) {
	t.wrote(strictapi.Write{Resource: "nodes", Name: name, New: &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"ng": label}, CreationTimestamp: metav1.Now()},
		Spec:       corev1.NodeSpec{ProviderID: providerID},
	}})
}

func (t *smallTruth) gone(resource, name string) {
	t.wrote(strictapi.Write{Resource: resource, Name: name, Gone: true})
}

func (t *smallTruth) nodeENI(name, uid string, changes ...func(*v1alpha1.NodeENI)) {
	n := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID(uid)}, Spec: v1alpha1.NodeENISpec{
		NodeSelector: map[string]string{"ng": "multi"}, SubnetID: smallSubnet, SecurityGroupIDs: []string{"sg-00000000000000001"}, DeviceIndex: 1,
	}}
	for _, change := range changes {
		change(n)
	}
	t.wrote(strictapi.Write{Resource: "nodeenis", Name: name, New: n})
}

func smallInterface() *ec2sim.InterfaceNow {
	owner := eni.Owner{
		ClusterID: clusterID, NodeENIUID: "uid-a", NodeENIName: "a", NodeName: "node", InstanceID: lastPart(smallProviderID), Slot: eni.Slot{Index: 1},
	}
	return &ec2sim.InterfaceNow{ID: "eni-1", Subnet: smallSubnet, Tags: owner.Tags(), CreateTime: time.Now()}
}

func TestSinceWhenAnInterfaceIsWanted(t *testing.T) {
	otherIndex := func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 2 }
	for _, test := range []struct {
		name string
		// story begins when the interface has been wanted for an hour, and ends a minute before it is asked.
		story func(*smallTruth)
		want  time.Duration
	}{
		{"nothing happens", func(*smallTruth) {}, time.Hour + time.Minute},
		{"a write that concerns neither", func(s *smallTruth) { s.node("other", "", "multi") }, time.Hour + time.Minute},
		{"the Node is gone", func(s *smallTruth) { s.gone("nodes", "node") }, 0},
		{"the label is gone", func(s *smallTruth) { s.node("node", smallProviderID, "other") }, 0},
		{"the label was gone", func(s *smallTruth) {
			s.node("node", smallProviderID, "other")
			s.node("node", smallProviderID, "multi")
		}, time.Minute},
		{"the Node has another name", func(s *smallTruth) {
			s.gone("nodes", "node")
			s.node("renamed", smallProviderID, "multi")
		}, time.Minute},
		{"a newer Node names the instance, and is not selected", func(s *smallTruth) {
			time.Sleep(time.Second)
			s.node("newer", smallProviderID, "other")
		}, 0},
		{"the Node is back and names no instance", func(s *smallTruth) {
			s.gone("nodes", "node")
			s.node("node", "", "multi")
		}, time.Minute},
		{"the Node is back and names another instance", func(s *smallTruth) {
			s.gone("nodes", "node")
			s.node("node", "aws:///us-east-1a/i-00000000000000002", "multi")
		}, 0},
		{"a Node of another name names no instance", func(s *smallTruth) {
			s.gone("nodes", "node")
			s.node("renamed", "", "multi")
		}, 0},
		{"the NodeENI is being deleted", func(s *smallTruth) {
			s.nodeENI("a", "uid-a", func(n *v1alpha1.NodeENI) { n.DeletionTimestamp = new(metav1.Now()) })
		}, 0},
		{"the NodeENI wants another index", func(s *smallTruth) { s.nodeENI("a", "uid-a", otherIndex) }, 0},
		{"the NodeENI wanted another index", func(s *smallTruth) {
			s.nodeENI("a", "uid-a", otherIndex)
			s.nodeENI("a", "uid-a")
		}, time.Minute},
		{"the NodeENI is gone", func(s *smallTruth) { s.gone("nodeenis", "a") }, 0},
		{"the NodeENI was made again", func(s *smallTruth) {
			s.gone("nodeenis", "a")
			s.nodeENI("a", "uid-again")
		}, time.Minute},
		{"another NodeENI wants the same", func(s *smallTruth) {
			s.gone("nodeenis", "a")
			s.nodeENI("b", "uid-b")
		}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			var s smallTruth
			s.node("node", smallProviderID, "multi")
			s.nodeENI("a", "uid-a")
			time.Sleep(time.Hour)
			test.story(&s)
			time.Sleep(time.Minute)
			if got := s.wantedFor(smallInterface(), time.Now()); got.Truncate(time.Minute) != test.want {
				t.Errorf("%s: wanted for %v, want %v", test.name, got, test.want)
			}
		})
	}
}

func TestWhatExcusesThatAWantedInterfaceIsTaken(t *testing.T) {
	instance := lastPart(smallProviderID)
	attached := func(status string, index int, since time.Duration) func(*ec2sim.InterfaceNow) {
		return func(e *ec2sim.InterfaceNow) {
			e.Attachment = &ec2sim.AttachmentNow{Instance: instance, DeviceIndex: index, Status: status, AttachTime: time.Now().Add(-since)}
		}
	}
	old := func(e *ec2sim.InterfaceNow) { e.CreateTime = e.CreateTime.Add(-patience) }
	nobodys := func(index int) *ec2sim.InterfaceNow {
		return &ec2sim.InterfaceNow{ID: "eni-2", Attachment: &ec2sim.AttachmentNow{Instance: instance, DeviceIndex: index, Status: "attached"}}
	}
	for _, test := range []struct {
		name          string
		change        func(*ec2sim.InterfaceNow)
		other         *ec2sim.InterfaceNow
		state         string
		rival, filled bool
		excused       bool
	}{
		{name: "attached", change: attached("attached", 1, time.Hour)},
		{name: "attached, and another NodeENI wants the slot", change: attached("attached", 1, time.Hour), rival: true},
		{name: "attached, and the instance is full", change: attached("attached", 1, time.Hour), filled: true},
		{name: "attached elsewhere", change: attached("attached", 2, time.Hour), excused: true},
		{name: "attached to a stopped instance", change: attached("attached", 1, time.Hour), state: "stopped"},
		{name: "attached to one that dies", change: attached("attached", 1, time.Hour), state: "shutting-down", excused: true},
		{name: "attaching", change: attached("attaching", 1, patience-time.Minute)},
		{name: "attaching for long", change: attached("attaching", 1, patience), excused: true},
		{name: "detaching", change: attached("detaching", 1, time.Hour), excused: true},
		{name: "loose", change: func(*ec2sim.InterfaceNow) {}},
		{name: "loose for long", change: old},
		{name: "loose, and somebody has the slot", change: func(*ec2sim.InterfaceNow) {}, other: nobodys(1)},
		{name: "loose for long, and somebody has the slot", change: old, other: nobodys(1), excused: true},
		{name: "loose for long, and somebody has another slot", change: old, other: nobodys(2)},
		{name: "loose for long, and another NodeENI wants the slot", change: old, rival: true, excused: true},
		{name: "loose for long, and the instance is full", change: old, filled: true, excused: true},
		{name: "loose, and one too many", change: func(*ec2sim.InterfaceNow) {}, other: &ec2sim.InterfaceNow{ID: "eni-2", Tags: smallInterface().Tags}, excused: true},
	} {
		w := &watcher{run: &run{cluster: clusterID}}
		s := smallTruth{}
		s.node("node", smallProviderID, "multi")
		s.nodeENI("a", "uid-a")
		if test.rival {
			s.nodeENI("b", "uid-b")
		}
		w.truth.wanted = s.wanted
		e := smallInterface()
		test.change(e)
		now := ec2sim.InstanceNow{Instance: ec2sim.Instance{ID: instance, Type: "m5.large", State: "running"}}
		if test.state != "" {
			now.State = test.state
		}
		for i := range limits[now.Type] {
			if test.filled {
				now.Interfaces = append(now.Interfaces, fmt.Sprint("eni-", i))
			}
		}
		snapshot := ec2sim.Snapshot{Instances: []ec2sim.InstanceNow{now}, Interfaces: []ec2sim.InterfaceNow{*e}}
		if test.other != nil {
			snapshot.Interfaces = append(snapshot.Interfaces, *test.other)
		}
		if got := w.excuse(e, &snapshot); (got != "") != test.excused {
			t.Errorf("%s: excused by %q, want an excuse: %v", test.name, got, test.excused)
		}
	}
}
