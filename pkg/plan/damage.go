package plan

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// The tags that say where an interface is to be are EC2's, and whoever governs tags may take them away or write others.
// An interface that is attached says by that where it is. No call puts these tags right: the IAM policy lets nobody who
// has our role rewrite what makes an interface somebody's. So it is told, and the interface stays.
//
//	attached, and the tag says ┬─ nothing that can be read ─────► the attachment counts
//	                           └─ another place ┬─ and it is where its NodeENI wants one ──► the attachment counts
//	                                            └─ and it is not ──► misplaced

// settle takes where an attached interface is for where its tags want it, if these are damaged.
func (v *view) settle(c candidate) candidate {
	a := c.Attachment
	if a == nil || a.InstanceID != v.InstanceID || (c.owner.InstanceID == a.InstanceID && c.owner.Slot == a.Slot) {
		return c // as nearly always
	}
	owner := *c.owner
	c.owner = &owner
	if v.wantedAt(c) {
		c.owner.InstanceID, c.owner.Slot = a.InstanceID, a.Slot
		return c
	}
	if !isID(c.owner.InstanceID, "i-") {
		c.owner.InstanceID = a.InstanceID
	}
	if c.owner.Slot == (eni.Slot{}) {
		c.owner.Slot = a.Slot
	}
	return c
}

// wantedAt reports whether the interface is attached where its NodeENI, or the one that may adopt it, wants one. Whether
// the Node is selected matters only where the tags name another instance: then it may have been moved.
func (v *view) wantedAt(c candidate) bool {
	n := v.byUID[types.UID(c.owner.NodeENIUID)]
	if n == nil && v.Node != nil {
		n = v.namesake(c)
	}
	if n == nil || len(v.faults[n.UID]) > 0 {
		return false
	}
	return fitsPlace(n, &c.Interface) && (c.owner.InstanceID == v.InstanceID || (v.Node != nil && Selects(n, v.Node)))
}

func fitsPlace(n *v1alpha1.NodeENI, iface *eni.Interface) bool {
	return n.DeletionTimestamp.IsZero() && iface.SubnetID == n.Spec.SubnetID && iface.Attachment.Slot == SlotOf(n)
}

// WantedThere reports whether an attached interface of the NodeENI is where that wants one, on the given Node, whatever
// its tags say.
func WantedThere(n *v1alpha1.NodeENI, node *corev1.Node, iface *eni.Interface) bool {
	return Selects(n, node) && len(Validate(n)) == 0 && fitsPlace(n, iface)
}

// damage says which tags of an interface that stays do not say where it is, and how to write them anew; empty if all do.
func (c candidate) damage() string {
	tagged, _ := eni.OwnerOf(c.Tags)
	var found, cure []string
	for _, tag := range []struct {
		key, value string
		right      bool
	}{
		{eni.TagInstanceID, c.owner.InstanceID, tagged.InstanceID == c.owner.InstanceID},
		{eni.TagSlot, c.owner.Slot.String(), tagged.Slot == c.owner.Slot},
	} {
		if !tag.right {
			found = append(found, fmt.Sprintf("%s (found %s)", tag.key, valueOf(c.Tags, tag.key)))
			cure = append(cure, fmt.Sprintf("Key=%s,Value=%s", tag.key, tag.value))
		}
	}
	if len(found) == 0 {
		return ""
	}
	return fmt.Sprintf("something else has changed the tag %s of %s, which stays where it is attached; stop that, and run: aws ec2 create-tags --resources %s --tags %s",
		strings.Join(found, " and the tag "), c.ID, c.ID, strings.Join(cure, " "))
}
