package plan

import (
	"cmp"
	"fmt"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// placer plans one wanted interface.
type placer struct {
	*view
	result *Result
	n      *v1alpha1.NodeENI
	slot   eni.Slot
	// reserved counts, by network card, the places that this plan has given away.
	reserved map[int32]int32
}

// verdict is what keeps a wanted interface from going on. A verdict without reason is no obstacle but a wait.
type verdict struct {
	reason, message string
}

// plan decides for one NodeENI.
func (p *placer) plan() {
	keeper, exists := p.keepers[p.key(p.n)]
	switch winner := p.winners[p.slot]; {
	case len(p.faults[p.n.UID]) > 0:
		p.reportInvalid()
	case winner != p.n:
		p.lose(winner, keeper, exists)
	case !exists && p.claim():
	case !exists:
		p.create()
	case keeper.Missing:
		p.doubt(keeper)
	case !keeper.of(p.n):
		p.adopt(keeper)
	case keeper.Attachment == nil:
		p.attach(keeper)
	default:
		p.keep(keeper)
	}
}

// doubt reports an interface that a read did not show. Until that is known to be the truth it is where it was.
func (p *placer) doubt(keeper candidate) {
	state := v1alpha1.AttachmentAttaching
	if keeper.Attachment != nil && keeper.Attachment.Status == eni.Attached {
		state = v1alpha1.AttachmentAttached
	}
	v := verdict{message: "EC2 does not show the interface at the moment"}
	if state != v1alpha1.AttachmentAttached {
		v = p.awaited(v.message)
	}
	v = p.orFight(v, keeper.ID, FieldExistence, FieldAttachment)
	p.report(&keeper, v.state(state), v, false)
}

// lose reports for a NodeENI whose slot another one has, or has a better right to.
func (p *placer) lose(winner *v1alpha1.NodeENI, keeper candidate, exists bool) {
	v := p.slotTaken(winner.Name)
	if !exists {
		p.report(nil, v1alpha1.AttachmentBlocked, v, false)
		return
	}
	p.awaitLoss(keeper)
	if due, leaving := keeper.stuckFrom(); leaving && !p.Now.Before(due) {
		v = verdict{v1alpha1.ReasonDetachStuck, p.detachStuckMessage(keeper)} // nobody else says it of this interface
	} else if leaving {
		p.result.again(due)
	}
	p.report(&keeper, v1alpha1.AttachmentBlocked, v, false)
}

func (p *placer) slotTaken(by string) verdict {
	return verdict{
		v1alpha1.ReasonSlotTaken,
		fmt.Sprintf("NodeENI %s has device index %d on this node; choose another deviceIndex or another nodeSelector", by, p.slot.Index),
	}
}

// awaitLoss looks again when an interface that is attached nowhere and has lost its place is to go.
func (p *placer) awaitLoss(keeper candidate) {
	if reason, due := p.lostPlace(keeper); reason != "" && p.Now.Before(due) {
		p.result.again(due)
	}
}

// reportInvalid reports for a spec that says nothing, with the interface that there is, if there is one.
func (p *placer) reportInvalid() {
	v := verdict{v1alpha1.ReasonInvalidSpec, "nothing is created or released until the spec is corrected: " + p.faults[p.n.UID].ToAggregate().Error()}
	for _, c := range p.ours {
		if c.of(p.n) && c.attachedHere() && c.owner.InstanceID == p.InstanceID && c.Attachment.Status == eni.Attached {
			p.report(&c, v1alpha1.AttachmentAttached, v, false)
			return
		}
	}
	p.report(nil, v1alpha1.AttachmentBlocked, v, false)
}

// returning is an interface that would do but for being attached where it should not be: it is taken from
// there and then attached here, so none is created beside it.
func (p *placer) returning() (candidate, bool) {
	for _, c := range p.ours {
		if c.key() == p.key(p.n) && c.SubnetID == p.n.Spec.SubnetID && c.Attachment != nil && !c.attachedHere() && !p.Elsewhere[c.ID] {
			return c, true
		}
	}
	return candidate{}, false
}

// create plans the interface's first step.
func (p *placer) create() {
	if c, ok := p.returning(); ok {
		if c.Attachment.InstanceID != p.InstanceID {
			p.result.again(p.Now.Add(recheckHolder)) // no event tells that it is wanted there
		}
		v := p.departure(c, fmt.Sprintf("device index %d of instance %s", c.Attachment.Slot.Index, c.Attachment.InstanceID))
		p.report(&c, v.state(v1alpha1.AttachmentAttaching), v, false)
		return
	}
	if c, ok := p.predecessor(); ok {
		v := p.departure(c, "this node: the interface is replaced, and released first")
		p.report(nil, v.state(v1alpha1.AttachmentCreating), v, false)
		return
	}
	failure, stands := p.setback(true)
	failure = p.orFight(failure, "", FieldExistence)
	held := p.heldBack(FieldExistence)
	if v, ok := p.against(failure, stands || held); ok {
		p.report(nil, v.state(v1alpha1.AttachmentCreating), v, false)
		return
	}
	p.reserved[p.slot.Card]++
	if !ready(p.n) {
		p.report(nil, v1alpha1.AttachmentCreating, verdict{message: "waits for the finalizer and the tag keys to be recorded"}, false)
		return
	}
	p.act(Action{
		Kind:             Create,
		SubnetID:         p.n.Spec.SubnetID,
		SecurityGroupIDs: wantedGroups(p.n),
		Description:      wantedDescription(p.n),
		Tags:             p.wantedTags(),
	})
	p.report(nil, failure.state(v1alpha1.AttachmentCreating), failure, false)
}

// against says what stands against a create or an attach now. What lies in the world comes before how the last try
// went: many nodes share one cause, and what is told of a node must not change whenever another one tries. A mere wait
// comes after it, since it ends in the next try; so does the place that another one is about to try to take.
func (p *placer) against(failure verdict, stands bool) (verdict, bool) {
	v, ok := p.obstacle(stands)
	switch {
	case ok && v.reason != "" && (failure.reason == "" || !p.crowded(v)):
		return v, true
	case stands, ok && failure.reason != "":
		return failure, true
	}
	return v, ok
}

// predecessor is an interface of the NodeENI on this instance that the spec does not want any more.
func (p *placer) predecessor() (candidate, bool) {
	for _, c := range p.ours {
		if c.of(p.n) && p.home(c) == p.InstanceID && !c.Missing {
			if reason, _ := p.wanted(c); reason == v1alpha1.ReasonSpecChanged {
				return c, true
			}
		}
	}
	return candidate{}, false
}

// attach plans for an interface that exists and is attached nowhere.
func (p *placer) attach(keeper candidate) {
	drift := p.drift(keeper)
	p.awaitLoss(keeper)
	failure, stands := p.setback(false)
	// What is not attached yet may be gone again, and that may take long to be certain.
	failure = p.orFight(failure, keeper.ID, FieldAttachment, FieldExistence)
	held := p.heldBack(FieldAttachment)
	if v, ok := p.against(failure, stands || held); ok {
		if _, stays := p.wanted(keeper); stays {
			p.putRight(drift)
		}
		p.report(&keeper, v.state(v1alpha1.AttachmentAttaching), v, false)
		return
	}
	p.reserved[p.slot.Card]++
	p.act(Action{Kind: Attach, InterfaceID: keeper.ID})
	p.putRight(drift)
	p.report(&keeper, failure.state(v1alpha1.AttachmentAttaching), failure, false)
}

// keep plans for an interface that has its slot: settings are put right, and that is all.
func (p *placer) keep(keeper candidate) {
	drift := p.drift(keeper)
	var v verdict
	if len(drift) > 0 {
		v = p.putRight(drift)
	}
	if fight, fought := p.fight(keeper.ID, drift); fought && v.reason == "" {
		v = fight
	}
	switch keeper.Attachment.Status {
	case eni.Attached:
		settled := len(drift) == 0 && v.reason == ""
		if damage := keeper.damage(); settled && damage != "" {
			v = verdict{v1alpha1.ReasonTagsDamaged, damage}
		}
		p.report(&keeper, v1alpha1.AttachmentAttached, v, settled)
	case eni.Attaching:
		if stuck := p.attaching(keeper); v.reason == "" && stuck.message != "" {
			v = stuck
		}
		p.report(&keeper, v.state(v1alpha1.AttachmentAttaching), v, false)
	case eni.Detaching:
		v := p.orFight(p.detaching(keeper), keeper.ID, FieldAttachment)
		p.report(&keeper, v.state(v1alpha1.AttachmentAttaching), v, false)
	default:
		v := p.orFight(p.awaited("waits for EC2 to show whether the interface is attached"), keeper.ID)
		p.report(&keeper, v.state(v1alpha1.AttachmentAttaching), v, false)
	}
}

// awaited says what is waited for, or how the last call went if that failed.
func (p *placer) awaited(message string) verdict {
	failure, _ := p.setback(false)
	return verdict{failure.reason, cmp.Or(failure.message, message)}
}

// putRight plans the changes of settings, but for those that have just failed.
func (p *placer) putRight(drift []Action) verdict {
	v := verdict{message: "settings are being put right"}
	failed := false
	for _, change := range p.uncontested(drift) {
		failure, known := p.ChangeSetbacks[p.key(p.n)][change.Kind]
		if !known || !failure.Until.After(p.Now) {
			p.result.Attach = append(p.result.Attach, change)
		} else {
			p.result.again(failure.Until)
		}
		if known && (!failed || (v.reason == "" && failure.Reason != "")) {
			v, failed = verdict{failure.Reason, cmp.Or(failure.Message, v.message)}, true
		}
	}
	return v
}

// state is Blocked for a verdict with a reason, else the given state.
func (v verdict) state(otherwise v1alpha1.AttachmentState) v1alpha1.AttachmentState {
	if v.reason != "" {
		return v1alpha1.AttachmentBlocked
	}
	return otherwise
}

// setback is how the last try went, if it failed, and whether that stands against another one now.
func (p *placer) setback(creating bool) (failure verdict, stands bool) {
	against := p.Setbacks
	if creating {
		against = p.CreateSetbacks
	}
	found, ok := against[p.key(p.n)]
	if !ok {
		return verdict{}, false
	}
	if stands = found.Until.After(p.Now); stands {
		p.result.again(found.Until)
	}
	return verdict{found.Reason, found.Message}, stands
}

func (p *placer) act(a Action) {
	a.NodeENI, a.NodeENIName, a.NodeName, a.InstanceID, a.Slot = p.n.UID, p.n.Name, p.Node.Name, p.InstanceID, p.slot
	p.result.Attach = append(p.result.Attach, a)
}

// refresh asks for a read when its time has come, else says when that is.
func (p *placer) refresh(due time.Time, ask func(*Refresh)) {
	if p.Now.Before(due) {
		p.result.again(due)
		return
	}
	ask(&p.result.Refresh)
	p.result.again(p.Now.Add(retryRefresh))
}

// report adds the report; keeper is nil while there is no interface.
func (p *placer) report(keeper *candidate, state v1alpha1.AttachmentState, v verdict, settled bool) {
	if keeper != nil && state == v1alpha1.AttachmentAttaching {
		// What is tried hourly stays blocked in between.
		if stuck := p.attempts(*keeper); stuck.reason != "" || v.message == "" {
			v, state = stuck, stuck.state(state)
		}
	}
	a := v1alpha1.Attachment{
		NodeName: p.Node.Name, NetworkCardIndex: reportedCard(p.slot), DeviceIndex: reportedIndex(p.slot), InstanceID: p.InstanceID,
		SubnetID: p.n.Spec.SubnetID, State: state, Reason: v.reason, Message: v.message,
	}
	if keeper != nil {
		a.DeviceIndex = reportedIndex(keeper.owner.Slot)
		a.ENIID, a.SubnetID, a.AvailabilityZone = keeper.ID, keeper.SubnetID, keeper.Zone
		a.PrivateIP, a.MACAddress = keeper.PrivateIP, keeper.MAC
		if keeper.Attachment != nil {
			a.AttachmentID = keeper.Attachment.ID
		}
	}
	subnet, described := p.Subnets[a.SubnetID]
	if described && !subnet.NotFound {
		a.SubnetCIDR = subnet.CIDR
	}
	p.result.Attachments = append(p.result.Attachments, AttachmentReport{
		NodeENI: p.n.UID, NodeENIName: p.n.Name, Attachment: a, Settled: settled,
		Missing: keeper != nil && keeper.Missing, SubnetGone: described && subnet.NotFound,
	})
}
