package cloud

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	simSubnet = "subnet-0aaaaaaaaaaaaaaa1"
	simGroup  = "sg-0aaaaaaaaaaaaaaa1"
	simGroup2 = "sg-0aaaaaaaaaaaaaaa2"
	unknownID = "eni-0fffffffffffffff0"
)

// newSimulated is a client before a simulated EC2 in which nothing takes time.
func newSimulated(t *testing.T) (*Client, *ec2sim.Simulator) {
	t.Helper()
	at := ec2sim.Exactly(0)
	sim, err := ec2sim.New(ec2sim.World{
		Subnets:        []ec2sim.Subnet{{ID: simSubnet, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/24"}},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: simGroup, VPC: "vpc-1", Name: "one"}, {ID: simGroup2, VPC: "vpc-1", Name: "two"}},
		Instances:      []ec2sim.Instance{{ID: instance1, Type: "m5.xlarge", Subnet: simSubnet}},
		Latency:        ec2sim.Latency{Call: at, Attach: at, Detach: at},
	}, ec2sim.Options{Clock: ec2sim.NewVirtualClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return NewFromConfig(configFor(sim.Transport()), Options{ClusterIDs: []string{cluster}}), sim
}

// lifeOf is one interface on its way from its creation to its end.
type lifeOf struct {
	*testing.T
	*Client
	created eni.Interface
}

// now is the interface as EC2 shows it.
func (l *lifeOf) now() eni.Interface {
	l.Helper()
	list, err := l.ListInterfaces(l.Context(), []string{cluster}, []string{"uid-1"})
	if err != nil || len(list) != 1 {
		l.Fatalf("listed %v, %v", list, err)
	}
	byID, err := l.DescribeInterfaces(l.Context(), []string{list[0].ID, unknownID})
	if err != nil {
		l.Fatal(err)
	}
	if diff := cmp.Diff(list, byID); diff != "" {
		l.Fatalf("listed and described differ: %s", diff)
	}
	return list[0]
}

func (l *lifeOf) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lifeOf) create() {
	owner := eni.Owner{ClusterID: cluster, ClusterName: "c", NodeENIUID: "uid-1", NodeENIName: "a", NodeName: "n", InstanceID: instance1, Slot: eni.Slot{Index: 2}}
	request := eni.CreateRequest{SubnetID: simSubnet, SecurityGroupIDs: []string{simGroup}, Description: "text", Tags: owner.Tags(), ClientToken: "token-1"}
	created, err := l.CreateInterface(l.Context(), request)
	l.must(err)
	again, err := l.CreateInterface(l.Context(), request)
	l.must(err)
	if diff := cmp.Diff(created, again); diff != "" {
		l.Errorf("the same create made another interface: %s", diff)
	}
	if diff := cmp.Diff(created, l.now()); diff != "" {
		l.Errorf("EC2 answered to the create with something else than it shows: %s", diff)
	}
	request.Description = "other"
	if _, err := l.CreateInterface(l.Context(), request); !errors.Is(err, eni.KindTokenMismatch) {
		l.Errorf("token of another request: %v", err)
	}
	l.created = created
}

func (l *lifeOf) attach() {
	id, err := l.AttachInterface(l.Context(), l.created, instance1, eni.Slot{Index: 2})
	l.must(err)
	want := &eni.Attachment{ID: id, InstanceID: instance1, Slot: eni.Slot{Index: 2}, Status: eni.Attached}
	if diff := cmp.Diff(want, l.now().Attachment); diff != "" {
		l.Error(diff)
	}
	if _, err := l.AttachInterface(l.Context(), l.created, instance1, eni.Slot{Index: 3}); !errors.Is(err, eni.KindInterfaceInUse) {
		l.Errorf("attached twice: %v", err)
	}
	if err := l.DeleteInterface(l.Context(), l.created, confirmed); !errors.Is(err, eni.KindUnclear) {
		l.Errorf("deleted while attached: %v", err)
	}
	instances, err := l.DescribeInstances(l.Context(), []string{instance1, "i-0fffffffffffffff0"})
	l.must(err)
	if len(instances) != 1 || len(instances[0].Interfaces) != 2 || instances[0].MaxInterfaces[0] != 4 {
		l.Errorf("instances %+v, want one with two interfaces of four", instances)
	}
}

func (l *lifeOf) modify() {
	iface := l.now()
	l.must(l.SetDeleteOnTermination(l.Context(), iface, iface.Attachment.ID, true))
	l.must(l.SetSecurityGroups(l.Context(), iface, []string{simGroup2, simGroup}))
	l.must(l.SetDescription(l.Context(), iface, "other text"))
	l.must(l.PutTags(l.Context(), iface, map[string]string{"team": "net", "cost": ""}))
	l.must(l.RemoveTags(l.Context(), iface, []string{"cost"}))
	got := l.now()
	wantTags := maps.Clone(l.created.Tags)
	wantTags["team"] = "net"
	if !got.Attachment.DeleteOnTermination || !slices.Equal(got.SecurityGroupIDs, []string{simGroup, simGroup2}) || got.Description != "other text" {
		l.Errorf("after the changes: %+v", got)
	}
	if diff := cmp.Diff(wantTags, got.Tags); diff != "" {
		l.Error(diff)
	}
}

func (l *lifeOf) end() {
	iface := l.now()
	l.must(l.DetachInterface(l.Context(), iface, confirmed))
	if at := l.now().Attachment; at != nil {
		l.Errorf("still attached: %+v", at)
	}
	if err := l.DetachInterface(l.Context(), iface, confirmed); !errors.Is(err, eni.KindNotFound) {
		l.Errorf("detached twice: %v", err)
	}
	l.must(l.DeleteInterface(l.Context(), iface, confirmed))
	if err := l.DeleteInterface(l.Context(), iface, confirmed); !errors.Is(err, eni.KindNotFound) {
		l.Errorf("deleted twice: %v", err)
	}
}

// TestLifeOfAnInterface leads one interface through everything that the controller does, against the
// simulator, and looks at how the refusals on the way are told.
func TestLifeOfAnInterface(t *testing.T) {
	c, sim := newSimulated(t)
	l := &lifeOf{T: t, Client: c}
	l.create()
	l.attach()
	l.modify()
	l.end()
	for _, i := range sim.Snapshot().Interfaces {
		if i.ID == l.created.ID {
			t.Errorf("%s is still there", i.ID)
		}
	}
	subnets, err := c.DescribeSubnets(t.Context(), []string{simSubnet, "subnet-0fffffffffffffff0"})
	if err != nil || len(subnets) != 1 || subnets[0].Zone != "us-east-1a" || subnets[0].FreeAddresses == 0 {
		t.Errorf("subnets %+v, %v", subnets, err)
	}
	for action := range sim.Calls() {
		if _, known := documented[action]; !known {
			t.Errorf("%s has no bucket", action)
		}
	}
}
