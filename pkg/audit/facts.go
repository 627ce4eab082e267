package audit

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// Facts are what an audit is judged from.
type Facts struct {
	Subject Subject
	// Interfaces are those that hold the subject.
	Interfaces []eni.FoundInterface
	// Identity is whose interfaces are ours; its ID is empty when only a name is known, and both are when nobody said.
	Identity plan.Cluster
	// Cluster is what the cluster says; nil when it was not asked.
	Cluster *Cluster
}

// ControllerState says whether a replica leads.
type ControllerState string

// The states of the controller.
const (
	ControllerLeads   ControllerState = "Leads"
	ControllerAway    ControllerState = "Away"
	ControllerUnknown ControllerState = "Unknown"
)

// Cluster is what the cluster says, and what EC2 shows of what is the cluster's.
type Cluster struct {
	Now      time.Time
	Nodes    []*corev1.Node
	NodeENIs []*v1alpha1.NodeENI
	// Ours are all interfaces of the cluster, whether they hold the subject or not: one may be surplus beside another.
	Ours []eni.Interface
	// Instances are those that Ours name, as far as EC2 knows them.
	Instances []eni.Instance
	// Controller says whether one runs, Namespace where.
	Controller ControllerState
	Namespace  string
}

// ours reports whether the tags are those of our cluster. Without an identity every cluster is another one.
func (f *Facts) ours(tags map[string]string) bool {
	owner, ok := eni.OwnerOf(tags)
	if f.Identity.ID == "" {
		return ok && f.Identity.Name != "" && owner.ClusterName == f.Identity.Name
	}
	_, ok = f.Identity.Ours(tags)
	return ok
}

// nodeENI is the one that owns an interface; nil when it exists no more.
func (c *Cluster) nodeENI(uid string) *v1alpha1.NodeENI {
	i := slices.IndexFunc(c.NodeENIs, func(n *v1alpha1.NodeENI) bool { return n.UID == types.UID(uid) })
	if i < 0 {
		return nil
	}
	return c.NodeENIs[i]
}

// wanted asks the plan whether an interface of ours is to stay; else why it goes.
func (f *Facts) wanted(iface eni.Interface) (reason string, ok bool) {
	s := f.snapshot(home(iface))
	// Two lists were read one after the other: the first may show what the second does not, or not so.
	s.Interfaces = slices.DeleteFunc(s.Interfaces, func(other eni.ObservedInterface) bool { return other.ID == iface.ID })
	s.Interfaces = append(s.Interfaces, observed(iface))
	return plan.Wanted(observed(iface), s)
}

// home is the instance on whose account an interface is decided about.
func home(iface eni.Interface) string {
	if iface.Attachment != nil {
		return iface.Attachment.InstanceID
	}
	return iface.Tags[eni.TagInstanceID]
}

// snapshot is what the controller would decide about an instance from. What only time tells is left out: nothing here
// is decided that a person could not take back.
func (f *Facts) snapshot(instanceID string) plan.Snapshot {
	c := f.Cluster
	s := plan.Snapshot{Now: c.Now, Cluster: f.Identity, InstanceID: instanceID, NodeENIs: c.NodeENIs, Instance: c.instance(instanceID)}
	var nodes []*corev1.Node
	for _, node := range c.Nodes {
		if id, ok := plan.InstanceID(node.Spec.ProviderID); ok && id == instanceID {
			nodes = append(nodes, node)
		}
	}
	slices.SortFunc(nodes, func(a, b *corev1.Node) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
	if len(nodes) > 0 {
		s.Node, s.Duplicates = nodes[0], nodes[1:]
	}
	for _, iface := range c.Ours {
		if home(iface) == instanceID {
			s.Interfaces = append(s.Interfaces, observed(iface))
		}
	}
	return s
}

func observed(iface eni.Interface) eni.ObservedInterface {
	return eni.ObservedInterface{Interface: iface, Epochs: 1}
}

// instance is one that EC2 shows, or does not.
func (c *Cluster) instance(id string) *eni.ObservedInstance {
	i := slices.IndexFunc(c.Instances, func(instance eni.Instance) bool { return instance.ID == id })
	if i < 0 {
		return &eni.ObservedInstance{Instance: eni.Instance{ID: id}, ObservedAt: c.Now, NotFound: true}
	}
	return &eni.ObservedInstance{Instance: c.Instances[i], ObservedAt: c.Now}
}
