package ec2sim

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// consoleWorld is what an event of the console's stream holds: everything in the first,
// then what is new or different. What is left out has not changed.
type consoleWorld struct {
	Time       time.Time                 `json:"time"`
	Region     string                    `json:"region,omitempty"`
	Account    string                    `json:"account,omitempty"`
	Subnets    []consoleSubnet           `json:"subnets,omitempty"`
	Instances  []consoleInstance         `json:"instances,omitempty"`
	Interfaces []consoleInterface        `json:"interfaces,omitempty"`
	Gone       []string                  `json:"gone,omitempty"`
	Calls      map[string]map[string]int `json:"calls,omitempty"`
}

type consoleSubnet struct {
	ID     string `json:"id"`
	VPC    string `json:"vpc"`
	Zone   string `json:"zone"`
	ZoneID string `json:"zoneId"`
	CIDR   string `json:"cidr"`
	// Size is how many addresses there are to hand out, Free how many are left.
	Size int               `json:"size"`
	Free int               `json:"free"`
	Tags map[string]string `json:"tags,omitempty"`
}

type consoleInstance struct {
	ID     string `json:"id"`
	Type   string `json:"type"`
	Subnet string `json:"subnet"`
	State  string `json:"state"`
	// Each of the Cards takes PerCard interfaces.
	Cards   int `json:"cards"`
	PerCard int `json:"perCard"`
	// Unusable slots had an interface detached by force.
	Unusable []consoleSlot     `json:"unusable,omitempty"`
	Tags     map[string]string `json:"tags,omitempty"`
}

type consoleSlot struct {
	Card  int `json:"card"`
	Index int `json:"index"`
}

type consoleInterface struct {
	ID     string `json:"id"`
	Subnet string `json:"subnet"`
	// State is available, or else the attachment's: attaching, attached, detaching.
	State          string             `json:"state"`
	Type           string             `json:"type"`
	Description    string             `json:"description,omitempty"`
	MAC            string             `json:"mac"`
	Addresses      []string           `json:"addresses"`
	Prefixes       []string           `json:"prefixes,omitempty"`
	SecurityGroups []string           `json:"securityGroups"`
	Tags           map[string]string  `json:"tags,omitempty"`
	Attachment     *consoleAttachment `json:"attachment,omitempty"`
}

type consoleAttachment struct {
	ID       string `json:"id"`
	Instance string `json:"instance"`
	consoleSlot
	DeleteOnTermination bool      `json:"deleteOnTermination"`
	Since               time.Time `json:"since"`
}

// consolePicture is what is taken with the lock held: little enough that calls do not
// notice. The interfaces are shallow copies, which stay true (see networkInterface).
type consolePicture struct {
	now             time.Time
	region, account string
	subnets         []consoleSubnet
	instances       []consoleInstance
	interfaces      []networkInterface
	calls           map[string]map[string]int
}

// picture takes a picture of the account; callers hold the lock.
func (s *Simulator) picture(now time.Time) consolePicture {
	p := consolePicture{now: now, region: s.region, account: s.account, calls: map[string]map[string]int{}}
	for _, n := range s.subnets.sorted {
		p.subnets = append(p.subnets, n.console())
	}
	for _, in := range s.instances.sorted {
		p.instances = append(p.instances, in.console())
	}
	p.interfaces = make([]networkInterface, 0, len(s.interfaces.sorted))
	for _, e := range s.interfaces.sorted {
		p.interfaces = append(p.interfaces, *e)
	}
	for action, codes := range s.log.counts {
		p.calls[action] = maps.Clone(codes)
	}
	return p
}

func (s *subnet) console() consoleSubnet {
	size := 1<<(s.cidr.Addr().BitLen()-s.cidr.Bits()) - reservedFirst - reservedLast
	return consoleSubnet{
		ID: s.id, VPC: s.vpc.id, Zone: s.zone, ZoneID: s.zoneID, CIDR: s.cidr.String(),
		Size: size, Free: s.pool.available(), Tags: maps.Clone(s.tags),
	}
}

func (in *instance) console() consoleInstance {
	out := consoleInstance{
		ID: in.id, Type: in.typ.name, Subnet: in.subnet.id, State: in.state,
		Cards: in.typ.cards, PerCard: in.typ.perCard, Tags: in.tags,
	}
	for at := range in.spoilt {
		out.Unusable = append(out.Unusable, consoleSlot{at.card, at.device})
	}
	slices.SortFunc(out.Unusable, func(a, b consoleSlot) int {
		return cmp.Or(cmp.Compare(a.Card, b.Card), cmp.Compare(a.Index, b.Index))
	})
	return out
}

func (e *networkInterface) console() consoleInterface {
	out := consoleInterface{
		ID: e.id, Subnet: e.subnet.id, State: e.status(), Type: e.kind, Description: e.description, MAC: e.mac,
		SecurityGroups: groupIDs(e.groups), Tags: e.tags, Addresses: make([]string, 0, len(e.addresses)),
	}
	for _, a := range e.addresses {
		out.Addresses = append(out.Addresses, a.String())
	}
	for _, p := range e.prefixes {
		out.Prefixes = append(out.Prefixes, p.String())
	}
	if a := e.attachment; a != nil {
		out.State = a.status
		out.Attachment = &consoleAttachment{
			ID: a.id, Instance: a.instance.id, consoleSlot: consoleSlot{a.card, a.device},
			DeleteOnTermination: a.deleteOnTermination, Since: a.at,
		}
	}
	return out
}
