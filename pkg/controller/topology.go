package controller

import (
	"cmp"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// Topology is how the controller sees nodes, slots and interfaces, from its own caches: for people who debug it.
type Topology struct {
	Time time.Time `json:"time"`
	// Leading is false on a replica that waits for the lease: it knows nothing of EC2, and Nodes is empty.
	Leading bool           `json:"leading"`
	Nodes   []TopologyNode `json:"nodes"`
}

// TopologyNode is an instance on which an interface is wanted, or is.
type TopologyNode struct {
	// Node is empty when no Node names the instance, InstanceID when the Node names none.
	Node       string `json:"node,omitempty"`
	InstanceID string `json:"instanceID,omitempty"`
	// Type, State and Zone are empty while the instance has not been described; DescribedAt is when it was.
	Type        string     `json:"type,omitempty"`
	State       string     `json:"state,omitempty"`
	Zone        string     `json:"zone,omitempty"`
	DescribedAt *time.Time `json:"describedAt,omitempty"`
	// MaxInterfaces is what the type takes, by network card.
	MaxInterfaces map[int32]int32   `json:"maxInterfaces,omitempty"`
	Slots         []TopologySlot    `json:"slots,omitempty"`
	Unattached    []TopologySlot    `json:"unattached,omitempty"`
	Wanted        []TopologyWanted  `json:"wanted,omitempty"`
	Releasing     []TopologyRelease `json:"releasing,omitempty"`
}

// TopologySlot is an interface: anybody's that has a slot, or one of ours that has none and is made for one.
type TopologySlot struct {
	Slot  string `json:"slot"`
	ENIID string `json:"eniID"`
	// NodeENI is the name in the tags of an interface of ours, Description that of somebody else's.
	NodeENI     string `json:"nodeENI,omitempty"`
	Description string `json:"description,omitempty"`
	Ours        bool   `json:"ours"`
	Status      string `json:"status,omitempty"`
	SubnetID    string `json:"subnetID,omitempty"`
	PrivateIP   string `json:"privateIP,omitempty"`
	// Missing is true of one that EC2 does not show where it should.
	Missing bool `json:"missing,omitempty"`
	at      eni.Slot
}

// TopologyWanted is an interface that a NodeENI wants.
type TopologyWanted struct {
	NodeENI string `json:"nodeENI"`
	Node    string `json:"node"`
	Slot    string `json:"slot"`
	State   string `json:"state"`
	ENIID   string `json:"eniID,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// TopologyRelease is an interface on its way out.
type TopologyRelease struct {
	ENIID   string `json:"eniID"`
	State   string `json:"state"`
	Held    bool   `json:"held"`
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
}

// Topology looks at the caches; it makes no call.
func (c *Controller) Topology() (Topology, error) {
	t := Topology{Time: time.Now(), Leading: c.leading.Load(), Nodes: []TopologyNode{}}
	if !t.Leading {
		return t, nil
	}
	all, instances := c.allNodeENIs(), map[string]bool{}
	for _, id := range slices.Concat(c.matchedInstances(), c.inventory.InstanceKeys()) {
		instances[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(instances)) {
		snapshot, err := c.gather(id)
		if err != nil {
			return t, err
		}
		t.Nodes = append(t.Nodes, topologyOf(snapshot, plan.Instance(snapshot)))
	}
	seen := map[string]bool{}
	for _, n := range all {
		for _, node := range c.selectedNodes(n) {
			if _, placed := plan.InstanceID(node.Spec.ProviderID); !placed && !seen[node.Name] {
				seen[node.Name] = true
				t.Nodes = append(t.Nodes, unplaced(node, all))
			}
		}
	}
	slices.SortStableFunc(t.Nodes, func(a, b TopologyNode) int {
		return cmp.Or(cmp.Compare(a.Node, b.Node), cmp.Compare(a.InstanceID, b.InstanceID))
	})
	return t, nil
}

// unplaced is a Node that names no instance, on which interfaces are wanted.
func unplaced(node *corev1.Node, all []*v1alpha1.NodeENI) TopologyNode {
	return TopologyNode{Node: node.Name, Wanted: wantedOf(plan.UnplacedReports(node, all))}
}

func topologyOf(s plan.Snapshot, result plan.Result) TopologyNode {
	t := TopologyNode{InstanceID: s.InstanceID, Wanted: wantedOf(result.Attachments)}
	if s.Node != nil {
		t.Node = s.Node.Name
	}
	t.addInstance(s)
	known := map[string]bool{}
	for _, slot := range t.Slots {
		known[slot.ENIID] = true
	}
	for i := range s.Interfaces {
		iface := &s.Interfaces[i]
		switch slot := ownSlot(iface); {
		case known[iface.ID]:
		case iface.Attachment != nil && iface.Attachment.InstanceID == s.InstanceID:
			t.Slots = append(t.Slots, slot)
		default:
			t.Unattached = append(t.Unattached, slot)
		}
	}
	slices.SortStableFunc(t.Slots, func(a, b TopologySlot) int {
		return cmp.Or(cmp.Compare(a.at.Card, b.at.Card), cmp.Compare(a.at.Index, b.at.Index))
	})
	for _, report := range result.Releases {
		r := report.Release
		t.Releasing = append(t.Releasing, TopologyRelease{ENIID: r.ENIID, State: string(r.State), Held: report.Held, Reason: r.Reason, Message: r.Message})
	}
	return t
}

// addInstance adds what the description of the instance shows. Of an interface of ours the inventory knows more.
func (t *TopologyNode) addInstance(s plan.Snapshot) {
	if s.Instance == nil {
		return
	}
	described := s.Instance.ObservedAt
	t.DescribedAt, t.Type, t.State, t.Zone, t.MaxInterfaces = &described, s.Instance.Type, string(s.Instance.State), s.Instance.Zone, s.Instance.MaxInterfaces
	if s.Instance.NotFound {
		t.State = "not found"
	}
	for _, there := range s.Instance.Interfaces {
		i := slices.IndexFunc(s.Interfaces, func(o eni.ObservedInterface) bool { return o.ID == there.ID })
		switch {
		case i < 0 && s.Departed[there.ID]: // deleted since
		case i < 0:
			t.Slots = append(t.Slots, TopologySlot{at: there.Slot, Slot: there.Slot.String(), ENIID: there.ID, Description: there.Description, Status: string(there.Status)})
		case s.Interfaces[i].Attachment != nil:
			t.Slots = append(t.Slots, ownSlot(&s.Interfaces[i]))
		}
	}
}

// ownSlot is an interface of ours, at the slot that it has or is made for.
func ownSlot(i *eni.ObservedInterface) TopologySlot {
	owner, _ := eni.OwnerOf(i.Tags)
	if i.LastOwner != nil {
		owner = *i.LastOwner
	}
	slot := TopologySlot{
		at: owner.Slot, ENIID: i.ID, NodeENI: owner.NodeENIName, Ours: true, Status: "available",
		SubnetID: i.SubnetID, PrivateIP: i.PrivateIP, Missing: i.Missing,
	}
	if i.Attachment != nil {
		slot.at, slot.Status = i.Attachment.Slot, string(i.Attachment.Status)
	}
	slot.Slot = slot.at.String()
	return slot
}

func wantedOf(reports []plan.AttachmentReport) (list []TopologyWanted) {
	for _, report := range reports {
		a := report.Attachment
		slot := eni.Slot{Index: a.DeviceIndex}
		if a.NetworkCardIndex != nil {
			slot.Card = *a.NetworkCardIndex
		}
		list = append(list, TopologyWanted{
			NodeENI: report.NodeENIName, Node: a.NodeName, Slot: slot.String(), State: string(a.State), ENIID: a.ENIID, Reason: a.Reason, Message: a.Message,
		})
	}
	return list
}
