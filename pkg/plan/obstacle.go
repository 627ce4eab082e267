package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// staleInstance is how old the picture of an instance's slots may be when an interface is created for it.
	staleInstance = 5 * time.Minute
	// recheckHolder is how often we look whether somebody else has left a slot.
	recheckHolder = 30 * time.Second
	// recheckAbsent is how often we look for an instance or a subnet that EC2 did not show.
	recheckAbsent = time.Minute
	// keepUnattached is how long an interface is kept whose slot somebody else has taken.
	keepUnattached = 5 * time.Minute
)

// obstacle says what keeps an interface from being created or attached at the slot, from what is known of
// instance, subnet and slots. It reports false when nothing does.
func (p *placer) obstacle() (verdict, bool) {
	for _, check := range []func() (verdict, bool){p.unknownInstance, p.instanceState, p.subnet, p.occupied, p.full} {
		if v, ok := check(); ok {
			return v, true
		}
	}
	return verdict{}, false
}

func (p *placer) unknownInstance() (verdict, bool) {
	waiting := verdict{message: "waits for the description of the instance"}
	switch {
	case p.Instance == nil:
		p.refresh(time.Time{}, func(r *Refresh) { r.Instance = true })
		return waiting, true
	case p.Instance.NotFound:
		p.refreshInstanceAfter(recheckAbsent)
		return verdict{v1alpha1.ReasonInstanceNotFound, fmt.Sprintf("EC2 does not know instance %s in this Region and account; delete the Node if the instance is gone", p.InstanceID)}, true
	case p.Now.Sub(p.Instance.ObservedAt) > staleInstance:
		p.refresh(time.Time{}, func(r *Refresh) { r.Instance = true })
		return waiting, true
	}
	return verdict{}, false
}

func (p *placer) refreshInstanceAfter(age time.Duration) {
	p.refresh(p.Instance.ObservedAt.Add(age), func(r *Refresh) { r.Instance = true })
}

func (p *placer) instanceState() (verdict, bool) {
	switch state := p.Instance.State; {
	case state == eni.InstanceRunning || state == eni.InstanceStopped:
		return verdict{}, false
	case state.Dying():
		return verdict{v1alpha1.ReasonInstanceNotRunning, fmt.Sprintf("instance %s is %s; delete the Node", p.InstanceID, state)}, true
	default:
		p.refreshInstanceAfter(recheck)
		return verdict{message: fmt.Sprintf("waits for instance %s, which is %s", p.InstanceID, state)}, true
	}
}

func (p *placer) subnet() (verdict, bool) {
	id := p.n.Spec.SubnetID
	subnet, known := p.Subnets[id]
	ask := func(r *Refresh) { r.Subnets = append(r.Subnets, id) }
	switch {
	case !known:
		p.refresh(time.Time{}, ask)
		return verdict{message: "waits for the description of subnet " + id}, true
	case subnet.NotFound:
		p.refresh(subnet.ObservedAt.Add(recheckAbsent), ask)
		return verdict{v1alpha1.ReasonSubnetNotFound, fmt.Sprintf("subnet %s does not exist in this Region and account; correct spec.subnetID", id)}, true
	case subnet.Zone != p.Instance.Zone:
		return verdict{
			v1alpha1.ReasonSubnetInOtherZone,
			fmt.Sprintf("subnet %s is in zone %s and instance %s in zone %s; select the nodes of one zone, and use one NodeENI for each zone", id, subnet.Zone, p.InstanceID, p.Instance.Zone),
		}, true
	}
	return verdict{}, false
}

// occupied says who has the slot.
func (p *placer) occupied() (verdict, bool) {
	holder, held := p.holder(p.slot)
	if !held {
		return verdict{}, false
	}
	if holder.ours {
		return verdict{message: fmt.Sprintf("waits for %s to leave device index %d", holder.id, p.slot.Index)}, true
	}
	p.refreshInstanceAfter(recheckHolder)
	return verdict{
		v1alpha1.ReasonDeviceIndexInUse,
		fmt.Sprintf("interface %s has device index %d of instance %s; choose another deviceIndex, or, if it is the VPC CNI's, set its MAX_ENI or WARM_ENI_TARGET lower",
			holder.name(), p.slot.Index, p.InstanceID),
	}, true
}

// full says whether the network card takes one interface more.
func (p *placer) full() (verdict, bool) {
	limit, known := p.Instance.MaxInterfaces[p.slot.Card]
	if !known || p.occupancy(p.slot.Card)+p.reserved[p.slot.Card] < limit {
		return verdict{}, false
	}
	p.refreshInstanceAfter(recheckHolder)
	return verdict{
		v1alpha1.ReasonInterfaceLimitReached,
		fmt.Sprintf("instance type %s takes %d interfaces on network card %d and has them; on EKS set MAX_ENI of the VPC CNI lower, or use a larger type", p.Instance.Type, limit, p.slot.Card),
	}, true
}

// occupant is who has a slot.
type occupant struct {
	id, description string
	ours            bool
}

// name is the ID with the description, if there is one.
func (o occupant) name() string {
	if o.description == "" {
		return o.id
	}
	return fmt.Sprintf("%s (%q)", o.id, o.description)
}

// holder returns who has the slot of the instance. Of our own interfaces the interface store knows best, of
// everybody else's the description of the instance.
func (v *view) holder(slot eni.Slot) (occupant, bool) {
	for _, c := range v.ours {
		if c.AttachedTo(v.InstanceID, slot) {
			return occupant{c.ID, c.Description, true}, true
		}
	}
	for _, other := range v.others() {
		if other.Slot == slot {
			return occupant{other.ID, other.Description, false}, true
		}
	}
	return occupant{}, false
}

// occupancy counts the interfaces on a network card.
func (v *view) occupancy(card int32) int32 {
	var count int32
	for _, c := range v.ours {
		if c.Attachment != nil && c.Attachment.InstanceID == v.InstanceID && c.Attachment.Slot.Card == card {
			count++
		}
	}
	for _, other := range v.others() {
		if other.Slot.Card == card {
			count++
		}
	}
	return count
}

// others are the interfaces in the instance's description that are not ours: neither now nor when the
// instance was described.
func (v *view) others() []eni.InstanceInterface {
	if v.Instance == nil {
		return nil
	}
	var others []eni.InstanceInterface
	for _, i := range v.Instance.Interfaces {
		_, ours := slices.BinarySearchFunc(v.ours, i.ID, func(c candidate, id string) int { return cmp.Compare(c.ID, id) })
		if !ours && !v.Departed[i.ID] {
			others = append(others, i)
		}
	}
	return others
}

// lostSlot reports whether an interface that is attached nowhere has waited long enough for a slot that
// somebody else has, and when that will be.
func (v *view) lostSlot(c candidate) (due time.Time, lost bool) {
	if c.Attachment != nil || c.AttachmentSince.IsZero() {
		return time.Time{}, false
	}
	if holder, held := v.holder(c.owner.Slot); !held || holder.id == c.ID {
		return time.Time{}, false
	}
	return c.AttachmentSince.Add(keepUnattached), true
}
