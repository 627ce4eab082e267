package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// keepUnattached is how long an interface is kept whose place somebody else has taken.
const keepUnattached = 5 * time.Minute

// stays reports whether an interface of ours is to keep the place that it is attached at.
func (v *view) stays(c candidate) bool {
	_, wanted := v.wanted(c)
	return wanted && !c.leaving()
}

// limit is how many interfaces the network card takes, and whether it has them, together with the places
// that are given away.
func (v *view) limit(card, reserved int32) (limit int32, reached bool) {
	limit, known := v.Instance.MaxInterfaces[card]
	return limit, known && v.occupancy(card)+reserved >= limit
}

// outgoing is an interface of ours on the network card that is on its way out.
func (v *view) outgoing(card int32) (candidate, bool) {
	for _, c := range v.ours {
		if c.onCard(v.InstanceID, card) && !v.stays(c) {
			return c, true
		}
	}
	return candidate{}, false
}

func (c candidate) onCard(instanceID string, card int32) bool {
	return c.Attachment != nil && c.Attachment.InstanceID == instanceID && c.Attachment.Slot.Card == card
}

// occupant is who has a slot.
type occupant struct {
	id, description string
	// ours is nil when it is somebody else's.
	ours *candidate
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
			return occupant{c.ID, c.Description, &c}, true
		}
	}
	for _, other := range v.others() {
		if other.Slot == slot {
			return occupant{other.ID, other.Description, nil}, true
		}
	}
	return occupant{}, false
}

// occupancy counts the interfaces on a network card.
func (v *view) occupancy(card int32) int32 {
	var count int32
	for _, c := range v.ours {
		if c.onCard(v.InstanceID, card) {
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
// instance was described. Those that have lost their tags are among them, however old the description is.
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
	for _, c := range v.lost {
		known := slices.ContainsFunc(others, func(i eni.InstanceInterface) bool { return i.ID == c.ID })
		if a := c.Attachment; !known && a != nil && a.InstanceID == v.InstanceID {
			others = append(others, eni.InstanceInterface{ID: c.ID, Description: c.Description, Slot: a.Slot, Status: a.Status})
		}
	}
	return others
}

// lostPlace says to what an interface that is attached nowhere has lost the place that it was made for, and
// until when it is kept in case the place is free again. The reason is empty when it has lost nothing.
func (v *view) lostPlace(c candidate) (reason string, due time.Time) {
	if c.Attachment != nil || c.AttachmentSince.IsZero() {
		return "", time.Time{}
	}
	return v.placeTaken(c), c.AttachmentSince.Add(keepUnattached)
}

func (v *view) placeTaken(c candidate) (reason string) {
	if winner := v.winners[c.owner.Slot]; winner != nil && !c.of(winner) {
		return v1alpha1.ReasonSlotTaken
	}
	holder, held := v.holder(c.owner.Slot)
	if held && holder.ours != nil {
		if holder.ours.owner.NodeENIUID != c.owner.NodeENIUID && v.stays(*holder.ours) {
			return v1alpha1.ReasonSlotTaken
		}
		return "" // it leaves, and the interface comes in
	}
	// What others have on the instance is believed only from a description that is fresh.
	if !v.describedLately() || v.Instance.NotFound {
		return ""
	}
	if held {
		return v1alpha1.ReasonDeviceIndexInUse
	}
	if _, reached := v.limit(c.owner.Slot.Card, 0); reached {
		if _, leaving := v.outgoing(c.owner.Slot.Card); !leaving {
			return v1alpha1.ReasonInterfaceLimitReached
		}
	}
	return ""
}
