package plan

import (
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// A NodeENI that was restored from a backup, or made again, has a new UID, and the interfaces bear the old one.
// What fits it is adopted: its tags are given the new UID. Nothing is created beside such an interface.
//
//	tags name a UID that     ┌─ fits the NodeENI of that name ──► Adopt ──► its own, settings put right
//	no NodeENI bears      ───┤
//	                         └─ fits none ──► an orphan (release.go)

// heirOf is the NodeENI that may adopt an interface whose own is gone; nil when it is not gone, or none fits.
func (v *view) heirOf(c candidate) *v1alpha1.NodeENI {
	switch {
	case v.byUID[types.UID(c.owner.NodeENIUID)] != nil:
		return nil
	case v.Node == nil || c.owner.InstanceID != v.InstanceID || v.instanceGone():
		return nil
	case c.Attachment != nil && !c.attachedHere():
		return nil
	}
	n := v.namesake(c)
	if n == nil || len(v.faults[n.UID]) > 0 || c.SubnetID != n.Spec.SubnetID || c.owner.Slot != SlotOf(n) {
		return nil
	}
	return n
}

// inherit makes an interface that may be adopted the keeper of its heir's slot, unless the heir has a better one:
// one of its own, but that the other is attached and its own is not. Of several, the rule of consider decides.
func (v *view) inherit() {
	for _, c := range v.ours {
		heir := v.heirOf(c)
		if heir == nil {
			continue
		}
		if kept, ok := v.keepers[v.key(heir)]; !ok || (!holds(kept) && holds(c)) {
			v.keepers[v.key(heir)] = c
		}
	}
}

// disinherit gives up what a NodeENI would adopt that has no right to the slot.
func (v *view) disinherit() {
	for _, n := range v.claimants {
		key := v.key(n)
		if kept, ok := v.keepers[key]; !ok || kept.of(n) || v.winners[key.Slot] == n {
			continue
		}
		delete(v.keepers, key)
		for _, c := range v.ours {
			if c.key() == key {
				v.consider(c)
			}
		}
	}
}

// inherited reports whether the interface is to be adopted.
func (v *view) inherited(c candidate) bool {
	heir := v.heirOf(c)
	if heir == nil {
		return false
	}
	kept, ok := v.keepers[v.key(heir)]
	return ok && kept.ID == c.ID
}

// adopt plans for an interface that the NodeENI is to take over.
func (p *placer) adopt(keeper candidate) {
	state := v1alpha1.AttachmentAttached
	if keeper.Attachment == nil {
		p.reserved[p.slot.Card]++
	}
	if keeper.Attachment == nil || keeper.Attachment.Status != eni.Attached {
		state = v1alpha1.AttachmentAttaching
	}
	refusal := p.ChangeSetbacks[p.key(p.n)][Adopt]
	failure := verdict{refusal.Reason, refusal.Message}
	switch {
	case refusal.Until.After(p.Now):
		p.result.again(refusal.Until)
	case !ready(p.n):
		failure = verdict{message: "waits for the finalizer and the tag keys to be recorded"}
	case p.hasOwn() && !p.orphaned(p.result, keeper):
		failure = verdict{message: "waits until it is certain that the NodeENI for which the interface was made is gone"}
	case p.heldBack(fieldOwner):
		failure, _ = p.fight(keeper.ID, nil, fieldOwner)
	default:
		p.act(Action{Kind: Adopt, InterfaceID: keeper.ID, Tags: map[string]string{eni.TagNodeENIUID: string(p.n.UID)}})
		if failure.message == "" {
			failure = verdict{message: "the interface of an earlier NodeENI of this name is adopted"}
		}
	}
	if state != v1alpha1.AttachmentAttached {
		state = failure.state(state)
	}
	p.report(&keeper, state, failure, false)
}

// hasOwn reports whether the NodeENI has an interface for the slot that it would lose to the one it adopts.
func (p *placer) hasOwn() bool {
	for _, c := range p.ours {
		if c.key() == p.key(p.n) {
			return true
		}
	}
	return false
}

// AdoptedMessage is what the event says.
func AdoptedMessage(count int32) string {
	return "adopted " + interfaces(count) + " of an earlier NodeENI of this name"
}
