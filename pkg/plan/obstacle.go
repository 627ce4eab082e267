package plan

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

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
)

// obstacle says what keeps an interface from being created or attached at the slot, from what is known of
// instance, subnet and slots. It reports false when nothing does. Where a setback stands, no call is about to be
// made, and the description of the instance may be as old as it likes.
func (p *placer) obstacle(stands bool) (verdict, bool) {
	for _, check := range []func() (verdict, bool){p.unknownInstance, p.instanceState, p.subnet, p.occupied, p.full} {
		if v, ok := check(); ok {
			return v, true
		}
	}
	if stands {
		return verdict{}, false
	}
	return p.outdated()
}

func (p *placer) unknownInstance() (verdict, bool) {
	switch {
	case p.Instance == nil:
		if _, known := p.Subnets[p.n.Spec.SubnetID]; !known {
			p.askSubnet() // both reads take their time at once
		}
		return p.awaitInstance(), true
	case p.Instance.NotFound:
		p.refreshInstanceAfter(recheckAbsent)
		return verdict{v1alpha1.ReasonInstanceNotFound, fmt.Sprintf("EC2 does not know instance %s in this Region and account; delete the Node if the instance is gone, else correct the controller's Region or role", p.InstanceID)}, true
	}
	return verdict{}, false
}

// outdated says whether the description of the instance, in which nothing stands against the call, is too old for
// that. It is asked last: what does stand against it is true of an old description as well, or is looked at again
// in its own time.
func (p *placer) outdated() (verdict, bool) {
	if p.Now.Sub(p.Instance.ObservedAt) <= staleInstance && !p.Instance.ObservedAt.Before(p.lostSince()) {
		return verdict{}, false
	}
	return p.awaitInstance(), true
}

func (p *placer) awaitInstance() verdict {
	p.refresh(time.Time{}, func(r *Refresh) { r.Instance = true })
	return p.InstancesRefused.or("waits for the description of the instance")
}

// or is the refusal of what is waited for, if there is one: without help, the wait has no end.
func (r Refusal) or(message string) verdict {
	if r.Reason != "" {
		return verdict{r.Reason, r.Message}
	}
	return verdict{message: message}
}

// lostSince is when the interface lost its attachment, which may have gone with the instance; zero when it did not.
func (p *placer) lostSince() time.Time {
	keeper, exists := p.keepers[p.key(p.n)]
	if !exists || !keeper.WasAttached || keeper.Attachment != nil {
		return time.Time{}
	}
	return keeper.AttachmentSince
}

// aligned is about the given age later, at a time that is the same for all who wait for that long: so their reads are
// shared.
func aligned(since time.Time, age time.Duration) time.Time {
	return since.Add(age / 2).Truncate(age).Add(age)
}

func (p *placer) refreshInstanceAfter(age time.Duration) {
	p.refresh(aligned(p.Instance.ObservedAt, age), func(r *Refresh) { r.Instance = true })
}

func (p *placer) instanceState() (verdict, bool) {
	switch state := p.Instance.State; {
	case state == eni.InstanceRunning || state == eni.InstanceStopped:
		return verdict{}, false
	case state.Dying():
		return verdict{v1alpha1.ReasonInstanceNotRunning, fmt.Sprintf("instance %s is %s; delete the Node", p.InstanceID, state)}, true
	default:
		p.refreshInstanceAfter(recheck)
		return p.InstancesRefused.or(fmt.Sprintf("waits for instance %s, which is %s", p.InstanceID, state)), true
	}
}

func (p *placer) subnet() (verdict, bool) {
	id := p.n.Spec.SubnetID
	subnet, known := p.Subnets[id]
	switch {
	case !known:
		p.askSubnet()
		return p.SubnetsRefused.or("waits for the description of subnet " + id), true
	case subnet.NotFound:
		p.refresh(subnet.ObservedAt.Add(recheckAbsent), p.addSubnet)
		return verdict{v1alpha1.ReasonSubnetNotFound, SubnetNotFoundMessage(id)}, true
	case subnet.Zone != p.Instance.Zone:
		return verdict{
			v1alpha1.ReasonSubnetInOtherZone,
			fmt.Sprintf("subnet %s is in zone %s and instance %s in zone %s; select the nodes of one zone, and use one NodeENI for each zone", id, subnet.Zone, p.InstanceID, p.Instance.Zone),
		}, true
	}
	return verdict{}, false
}

func (p *placer) askSubnet() { p.refresh(time.Time{}, p.addSubnet) }

func (p *placer) addSubnet(r *Refresh) { r.Subnets = append(r.Subnets, p.n.Spec.SubnetID) }

// occupied says who has the slot.
func (p *placer) occupied() (verdict, bool) {
	holder, held := p.holder(p.slot)
	if !held {
		return verdict{}, false
	}
	if holder.ours != nil {
		return p.departure(*holder.ours, fmt.Sprintf("device index %d", p.slot.Index)), true
	}
	if c, ok := p.lostTags(holder.id); ok {
		if keeper, exists := p.keepers[p.key(p.n)]; exists && keeper.Attachment == nil {
			p.refreshInstanceAfter(recheckHolder) // only a fresh description says that the keeper has lost its place
		}
		return verdict{v1alpha1.ReasonTagsLost, tagsLostMessage(c)}, true
	}
	if p.Doubted[holder.id] {
		p.result.Refresh.Interfaces = append(p.result.Refresh.Interfaces, holder.id)
		p.refreshInstanceAfter(recheck)
		return verdict{message: fmt.Sprintf("waits for EC2 to show whether %s has left device index %d", holder.id, p.slot.Index)}, true
	}
	p.refreshInstanceAfter(recheckHolder)
	return verdict{
		v1alpha1.ReasonDeviceIndexInUse,
		fmt.Sprintf("interface %s has device index %d of instance %s; choose another deviceIndex, or, if it is the VPC CNI's, set its MAX_ENI or WARM_ENI_TARGET lower",
			holder.name(), p.slot.Index, p.InstanceID),
	}, true
}

// departure says how the wait for an interface of ours stands that has to leave a place first.
func (p *placer) departure(c candidate, place string) verdict {
	if !c.of(p.n) && p.stays(c) {
		if owner := p.byUID[types.UID(c.owner.NodeENIUID)]; owner != nil {
			return p.slotTaken(owner.Name)
		}
		return p.slotTaken(c.owner.NodeENIName) // which is its heir's
	}
	if refusal := p.ReleaseSetbacks[c.ID]; refusal.Reason != "" {
		return verdict{refusal.Reason, refusal.Message}
	}
	if p.DryRun && !c.leaving() {
		return withheld(c)
	}
	if due, leaving := c.stuckFrom(); leaving && !p.Now.Before(due) {
		return verdict{v1alpha1.ReasonDetachStuck, p.detachStuckMessage(c)}
	} else if leaving {
		p.result.again(due)
	}
	if reason, ok := p.wanted(c); !ok {
		if r := (&releaser{p.view, p.result, c, reason}); r.unapproved() {
			return verdict{v1alpha1.ReasonCleanupHalted, fmt.Sprintf("%s has to leave %s first; %s", c.ID, place, r.haltMessage())}
		}
	}
	return verdict{message: fmt.Sprintf("waits for %s to leave %s", c.ID, place)}
}

// crowded reports whether the network card is full only as this plan has given the last place away.
func (p *placer) crowded(v verdict) bool {
	if v.reason != v1alpha1.ReasonInterfaceLimitReached {
		return false
	}
	_, full := p.limit(p.slot.Card, 0)
	return !full
}

// full says whether the network card takes one interface more.
func (p *placer) full() (verdict, bool) {
	limit, reached := p.limit(p.slot.Card, p.reserved[p.slot.Card])
	if !reached {
		return verdict{}, false
	}
	if c, ok := p.outgoing(p.slot.Card); ok {
		return p.departure(c, "the network card, which takes no more"), true
	}
	p.refreshInstanceAfter(recheckHolder)
	return verdict{
		v1alpha1.ReasonInterfaceLimitReached,
		fmt.Sprintf("instance type %s takes %d interfaces on network card %d and has them; on EKS set the VPC CNI's MAX_ENI or WARM_ENI_TARGET lower, or use a larger type", p.Instance.Type, limit, p.slot.Card),
	}, true
}
