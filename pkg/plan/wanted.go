package plan

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// SlotOf is the slot that a NodeENI asks for.
func SlotOf(n *v1alpha1.NodeENI) eni.Slot {
	return eni.Slot{Card: 0, Index: n.Spec.DeviceIndex}
}

// Selects reports whether the NodeENI wants an interface on the Node: its selector is not empty and the
// Node bears every label of it. One that is being deleted selects nothing.
func Selects(n *v1alpha1.NodeENI, node *corev1.Node) bool {
	return n.DeletionTimestamp.IsZero() && Matches(n.Spec.NodeSelector, node.Labels)
}

// Ours reports whether the tags say that an interface belongs to this cluster, and to whom.
func (c Cluster) Ours(tags map[string]string) (eni.Owner, bool) {
	owner, ok := eni.OwnerOf(tags)
	if !ok || (owner.ClusterID != c.ID && !slices.Contains(c.AlsoOwned, owner.ClusterID)) {
		return eni.Owner{}, false
	}
	return owner, true
}

// candidate is an interface of ours with what its tags say, or would, had nobody damaged them.
type candidate struct {
	*eni.ObservedInterface
	owner *eni.Owner
}

// of reports whether the tags name the NodeENI as the owner.
func (c candidate) of(n *v1alpha1.NodeENI) bool { return c.owner.NodeENIUID == string(n.UID) }

// key is the wanted interface that the tags say this is.
func (c candidate) key() SlotKey {
	return SlotKey{NodeENI: types.UID(c.owner.NodeENIUID), Instance: c.owner.InstanceID, Slot: c.owner.Slot}
}

// attachedHere reports whether the interface is, or may be, attached where its tags say.
func (c candidate) attachedHere() bool {
	return c.AttachedTo(c.owner.InstanceID, c.owner.Slot)
}

// leaving reports whether EC2 shows that the interface is being detached.
func (c candidate) leaving() bool {
	return c.Attachment != nil && c.Attachment.Status == eni.Detaching
}

// view is a snapshot with its interfaces sorted out.
type view struct {
	Snapshot
	// ours is in the order of ID; lost are those that were ours until their ownership tags were lost, with
	// what these said.
	ours, lost []candidate
	// byUID are the NodeENIs, and faults what is wrong with the specs of some.
	byUID  map[types.UID]*v1alpha1.NodeENI
	faults map[types.UID]field.ErrorList
	// keepers is the one interface that each wanted slot of a NodeENI keeps, or is to adopt.
	keepers map[SlotKey]candidate
	// claimants are the NodeENIs that select the Node, in the order of their right to a slot, and winners
	// those that have the right.
	claimants []*v1alpha1.NodeENI
	winners   map[eni.Slot]*v1alpha1.NodeENI
}

func newView(s Snapshot) *view {
	v := &view{Snapshot: s, byUID: map[types.UID]*v1alpha1.NodeENI{}, faults: map[types.UID]field.ErrorList{}, keepers: map[SlotKey]candidate{}}
	for _, n := range s.NodeENIs {
		v.byUID[n.UID] = n
		if faults := Validate(n); len(faults) > 0 {
			v.faults[n.UID] = faults
		}
	}
	for i := range s.Interfaces {
		if owner, ok := s.Cluster.Ours(s.Interfaces[i].Tags); ok {
			v.ours = append(v.ours, v.settle(candidate{&s.Interfaces[i], &owner}))
		} else if last := s.Interfaces[i].LastOwner; last != nil {
			v.lost = append(v.lost, candidate{&s.Interfaces[i], last})
		}
	}
	for _, list := range [][]candidate{v.ours, v.lost} {
		slices.SortFunc(list, func(a, b candidate) int { return cmp.Compare(a.ID, b.ID) })
	}
	for _, c := range v.ours {
		v.consider(c)
	}
	v.inherit()
	v.contend()
	v.disinherit()
	return v
}

// consider makes the interface the keeper of its slot unless a better one is known: attached before
// unattached, then the lesser ID, which is the order in which it is called.
func (v *view) consider(c candidate) {
	if _, fits := v.fits(c); !fits || v.frozen(c) {
		return
	}
	if kept, ok := v.keepers[c.key()]; !ok || (!holds(kept) && holds(c)) {
		v.keepers[c.key()] = c
	}
}

// holds reports whether the interface occupies its slot and is to stay there.
func holds(c candidate) bool { return c.Attachment != nil && !c.leaving() }

// frozen reports whether the NodeENI lives with a spec that is invalid and so says nothing: what is there
// stays as it is until the spec is corrected or the NodeENI deleted. So does what it may have to adopt then.
func (v *view) frozen(c candidate) bool {
	n := v.byUID[types.UID(c.owner.NodeENIUID)]
	if n == nil && v.Node != nil {
		n = v.namesake(c)
	}
	return n != nil && n.DeletionTimestamp.IsZero() && len(v.faults[n.UID]) > 0
}

// namesake is the NodeENI that has the name now that the interface's own had, if it selects the Node.
func (v *view) namesake(c candidate) *v1alpha1.NodeENI {
	for _, n := range v.NodeENIs {
		if n.Name == c.owner.NodeENIName && Selects(n, v.Node) {
			return n
		}
	}
	return nil
}

// fits reports whether an interface, taken for itself, is what its NodeENI wants; else why not.
func (v *view) fits(c candidate) (reason string, ok bool) {
	n := v.byUID[types.UID(c.owner.NodeENIUID)]
	// A person may have taken away the tag that says for which instance it is: then, attached nowhere, it is for none.
	here := c.owner.InstanceID != "" && c.owner.InstanceID == v.InstanceID
	switch {
	case n == nil && !v.frozen(c):
		return v1alpha1.ReasonNodeENIGone, false
	case n != nil && !n.DeletionTimestamp.IsZero():
		return v1alpha1.ReasonNodeENIDeleted, false
	case here && v.Node == nil:
		return v1alpha1.ReasonNodeGone, false
	case here && v.instanceGone():
		return v1alpha1.ReasonInstanceGone, false
	case v.frozen(c):
		return "", true
	case !here || (c.Attachment != nil && !c.attachedHere()):
		return v1alpha1.ReasonMisplaced, false
	case !Selects(n, v.Node):
		return v1alpha1.ReasonNodeNotSelected, false
	case c.SubnetID != n.Spec.SubnetID || c.owner.Slot != SlotOf(n):
		return v1alpha1.ReasonSpecChanged, false
	}
	return "", true
}

// instanceGone reports whether the instance will never run again, although a Node may still name it: EC2 shows
// it dying, or has not known it for long.
func (v *view) instanceGone() bool {
	if v.Instance == nil {
		return false
	}
	unknownFor := v.Instance.ObservedAt.Sub(v.Instance.NotFoundSince)
	return v.Instance.State.Dying() || (v.Instance.NotFound && unknownFor >= goneAfter)
}

// wanted reports whether an interface is to stay; else why it goes. It is the one predicate that says which
// workers an interface is for.
func (v *view) wanted(c candidate) (reason string, ok bool) {
	if reason, ok := v.fits(c); !ok {
		return reason, v.inherited(c)
	}
	if v.frozen(c) {
		return "", true
	}
	keeper := v.keepers[c.key()]
	if keeper.ID == c.ID {
		if reason, due := v.lostPlace(c); reason != "" && !v.Now.Before(due) {
			return reason, false
		}
		return "", true
	}
	// Surplus goes when the keeper is safely there, and not one that has yet to be adopted.
	if keeper.owner.NodeENIUID == c.owner.NodeENIUID && keeper.Attachment != nil && keeper.Attachment.Status == eni.Attached && !keeper.Missing {
		return v1alpha1.ReasonSurplus, false
	}
	return "", true
}

// Wanted reports whether an interface of the snapshot is to stay where it is; else it gives the reason of
// its release. An interface that is not ours is wanted: it is none of our business.
func Wanted(iface eni.ObservedInterface, s Snapshot) (reason string, ok bool) {
	owner, ours := s.Cluster.Ours(iface.Tags)
	if !ours {
		return "", true
	}
	v := newView(s)
	return v.wanted(v.settle(candidate{&iface, &owner}))
}
