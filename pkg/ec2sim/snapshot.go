package ec2sim

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Snapshot is the world as it is at one instant, as GET /_sim/world gives it.
type Snapshot struct {
	Time       time.Time       `json:"time"`
	Region     string          `json:"region"`
	Account    string          `json:"account"`
	Subnets    []SubnetNow     `json:"subnets"`
	Groups     []SecurityGroup `json:"securityGroups"`
	Instances  []InstanceNow   `json:"instances"`
	Interfaces []InterfaceNow  `json:"interfaces"`
	// State is what a restore needs beside all that; Snapshot leaves it out, Save has it.
	State *State `json:"state,omitempty"`
}

// SubnetNow is a subnet with the number of its free addresses.
type SubnetNow struct {
	Subnet
	ZoneID        string `json:"zoneId"`
	FreeAddresses int    `json:"freeAddresses"`
}

// InstanceNow is an instance with its state and its interfaces' IDs by card and index.
type InstanceNow struct {
	Instance
	Zone       string    `json:"zone"`
	VPC        string    `json:"vpc"`
	LaunchTime time.Time `json:"launchTime"`
	Interfaces []string  `json:"interfaces"`
	// Spoilt are the places that are of no use until the instance has stopped, since a detach by force.
	Spoilt []SlotNow `json:"spoilt,omitempty"`
}

// SlotNow is a place on an instance.
type SlotNow struct {
	CardIndex   int `json:"cardIndex"`
	DeviceIndex int `json:"deviceIndex"`
}

// InterfaceNow is an interface in its present state.
type InterfaceNow struct {
	ID             string            `json:"id"`
	Subnet         string            `json:"subnet"`
	VPC            string            `json:"vpc"`
	Zone           string            `json:"zone"`
	SecurityGroups []string          `json:"securityGroups"`
	Description    string            `json:"description"`
	Type           string            `json:"type"`
	Status         string            `json:"status"`
	MAC            string            `json:"mac"`
	PrivateIP      string            `json:"privateIp"`
	PrivateIPs     []string          `json:"privateIps"`
	Prefixes       []string          `json:"prefixes,omitempty"`
	IPv6           []string          `json:"ipv6Addresses,omitempty"`
	IPv6Prefixes   []string          `json:"ipv6Prefixes,omitempty"`
	Requester      string            `json:"requester,omitempty"`
	Operator       string            `json:"operator,omitempty"`
	SourceDest     bool              `json:"sourceDestCheck"`
	Tags           map[string]string `json:"tags"`
	CreateTime     time.Time         `json:"createTime"`
	Attachment     *AttachmentNow    `json:"attachment,omitempty"`
}

// AttachmentNow is an attachment in its present state.
type AttachmentNow struct {
	ID                  string    `json:"id"`
	Instance            string    `json:"instance"`
	CardIndex           int       `json:"cardIndex"`
	DeviceIndex         int       `json:"deviceIndex"`
	Status              string    `json:"status"`
	DeleteOnTermination bool      `json:"deleteOnTermination"`
	AttachTime          time.Time `json:"attachTime"`
}

// Snapshot tells how the world is, which is not always how describes show it.
func (s *Simulator) Snapshot() Snapshot {
	var out Snapshot
	s.locked(func(now time.Time) { out = s.snapshot(now) })
	return out
}

// snapshot is called with the lock held.
func (s *Simulator) snapshot(now time.Time) Snapshot {
	out := Snapshot{
		Time: now.UTC().Round(0), Region: s.region, Account: s.account, Subnets: []SubnetNow{}, Groups: []SecurityGroup{},
		Instances: []InstanceNow{}, Interfaces: []InterfaceNow{},
	}
	for _, n := range s.subnets.sorted {
		out.Subnets = append(out.Subnets, SubnetNow{Subnet{ID: n.id, VPC: n.vpc.id, Zone: n.zone, CIDR: n.cidr.String(), IPv6CIDR: n.ipv6(), Tags: maps.Clone(n.tags)}, n.zoneID, n.pool.available()})
	}
	for _, g := range s.groups.sorted {
		out.Groups = append(out.Groups, SecurityGroup{g.id, g.vpc.id, g.name, g.description, maps.Clone(g.tags)})
	}
	for _, in := range s.instances.sorted {
		out.Instances = append(out.Instances, in.now())
	}
	for _, e := range s.interfaces.sorted {
		out.Interfaces = append(out.Interfaces, e.now())
	}
	return out
}

func (in *instance) now() InstanceNow {
	out := InstanceNow{
		Zone: in.subnet.zone, VPC: in.subnet.vpc.id, LaunchTime: in.launchedAt, Interfaces: []string{},
		Instance: Instance{ID: in.id, Type: in.typ.name, Subnet: in.subnet.id, State: in.state, SecurityGroups: groupIDs(in.primaryGroups()), Tags: maps.Clone(in.tags)},
	}
	if p := in.primary(); p != nil {
		out.PrivateIP = p.privateIP()
	}
	for _, e := range in.interfaces() {
		out.Interfaces = append(out.Interfaces, e.id)
	}
	for at := range in.spoilt {
		out.Spoilt = append(out.Spoilt, SlotNow{at.card, at.device})
	}
	slices.SortFunc(out.Spoilt, func(a, b SlotNow) int {
		return cmp.Or(cmp.Compare(a.CardIndex, b.CardIndex), cmp.Compare(a.DeviceIndex, b.DeviceIndex))
	})
	return out
}

func textsOf[T interface{ String() string }](list []T) []string {
	var out []string
	for _, v := range list {
		out = append(out, v.String())
	}
	return out
}

func groupIDs(list []*securityGroup) []string {
	out := []string{}
	for _, g := range list {
		out = append(out, g.id)
	}
	return out
}

func (e *networkInterface) now() InterfaceNow {
	out := InterfaceNow{
		ID: e.id, Subnet: e.subnet.id, VPC: e.subnet.vpc.id, Zone: e.subnet.zone, SecurityGroups: groupIDs(e.groups),
		Description: e.description, Type: e.kind, Status: e.status(), MAC: e.mac, PrivateIP: e.privateIP(),
		SourceDest: e.sourceDest, Tags: map[string]string{}, CreateTime: e.createdAt,
	}
	maps.Copy(out.Tags, e.tags)
	if len(e.addresses) > 0 {
		out.PrivateIP = e.addresses[0].String()
	}
	out.PrivateIPs, out.Prefixes = textsOf(e.addresses), textsOf(e.prefixes)
	out.IPv6, out.IPv6Prefixes = textsOf(e.six), textsOf(e.prefixes6)
	out.Requester, out.Operator = e.requester, e.operator
	if a := e.attachment; a != nil {
		out.Attachment = &AttachmentNow{
			ID: a.id, Instance: a.instance.id, CardIndex: a.card, DeviceIndex: a.device, Status: a.status,
			DeleteOnTermination: a.deleteOnTermination, AttachTime: a.at,
		}
	}
	return out
}
