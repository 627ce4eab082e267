package plan

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// An interface that was made by other means, and has the very slot that a NodeENI wants, is taken over where the
// NodeENI's annotation asks for it: it is given all ownership tags in one call, and is like any other from then on.
// Whether it fits is decided on a live description, since the inventory knows of such interfaces only where they are.

// adoptPattern is what may stand in AnnotationAdopt, between commas: the ID of an interface, or a tag.
var adoptPattern = regexp.MustCompile(`^(eni-[0-9a-f]{8,17}|tag:([^=]{1,128})=(.{0,256}))$`)

// AdoptionOrder is which interfaces a NodeENI may take over: those of the IDs, or those that bear all the tags.
type AdoptionOrder struct {
	IDs  []string
	Tags map[string]string
}

// names reports whether an interface may be meant; without IDs its tags decide.
func (o AdoptionOrder) names(id string) bool { return len(o.IDs) == 0 || slices.Contains(o.IDs, id) }

// AdoptionOrderOf reads AnnotationAdopt. It reports false where there is nothing to follow, with a complaint if there
// is something.
func AdoptionOrderOf(annotations map[string]string) (order AdoptionOrder, ok bool, complaint string) {
	value, ok := annotations[v1alpha1.AnnotationAdopt]
	if !ok {
		return AdoptionOrder{}, false, ""
	}
	for item := range strings.SplitSeq(value, ",") {
		match := adoptPattern.FindStringSubmatch(strings.TrimSpace(item))
		switch {
		case match == nil:
			return AdoptionOrder{}, false, fmt.Sprintf("annotation %s: %q is neither the ID of an interface nor tag:KEY=VALUE; separate several by commas",
				v1alpha1.AnnotationAdopt, strings.TrimSpace(item))
		case match[2] == "":
			order.IDs = append(order.IDs, match[1])
		case order.Tags == nil:
			order.Tags = map[string]string{match[2]: match[3]}
		default:
			order.Tags[match[2]] = match[3]
		}
	}
	if len(order.IDs) > 0 && len(order.Tags) > 0 {
		return AdoptionOrder{}, false, fmt.Sprintf("annotation %s=%q has both IDs and tags; give one or the other", v1alpha1.AnnotationAdopt, value)
	}
	return order, true, ""
}

// claim plans for a slot that an interface has which the NodeENI may take over. It reports false where there is none.
func (p *placer) claim() bool {
	order, ok, _ := AdoptionOrderOf(p.n.Annotations)
	if !ok || p.Instance == nil || p.Instance.NotFound || (p.Instance.State != eni.InstanceRunning && p.Instance.State != eni.InstanceStopped) {
		return false
	}
	holder, held := p.holder(p.slot)
	if _, lost := p.lostTags(holder.id); !held || holder.ours != nil || lost || p.Doubted[holder.id] || !order.names(holder.id) {
		return false
	}
	refusal, refused := p.ChangeSetbacks[p.key(p.n)][Claim]
	v := verdict{refusal.Reason, refusal.Message}
	if !refused {
		v.message = "the interface that has the device index is adopted"
	}
	switch {
	case refused && refusal.Until.After(p.Now):
		p.result.again(refusal.Until)
	case !ready(p.n):
		v = verdict{message: "waits for the finalizer and the tag keys to be recorded"}
	default:
		p.act(Action{Kind: Claim, InterfaceID: holder.id, Tags: p.wantedTags()})
	}
	p.refreshInstanceAfter(recheckHolder)
	p.report(nil, v.state(v1alpha1.AttachmentAttaching), v, false)
	return true
}

// ClaimRefusal says why an interface, as it was just described, may not be taken over; empty if it may.
func ClaimRefusal(n *v1alpha1.NodeENI, iface *eni.Interface, instanceID string) string {
	order, ok, _ := AdoptionOrderOf(n.Annotations)
	slot := SlotOf(n)
	switch {
	case !ok || !order.names(iface.ID):
		return "the annotation does not name it any more"
	case iface.RequesterManaged:
		return "an AWS service manages it"
	case iface.Tags[eni.TagCNIInstance] != "":
		return fmt.Sprintf("it is the VPC CNI's, as its tag %s says", eni.TagCNIInstance)
	case ownershipTag(iface.Tags) != "":
		return fmt.Sprintf("it bears the tag %s of a controller; if that is gone for good, delete its tags", ownershipTag(iface.Tags))
	case !iface.AttachedTo(instanceID, slot) || iface.Attachment.Status != eni.Attached:
		return fmt.Sprintf("it is not attached to instance %s at device index %d", instanceID, slot.Index)
	case iface.SubnetID != n.Spec.SubnetID:
		return fmt.Sprintf("it is in subnet %s, and spec.subnetID is %s", iface.SubnetID, n.Spec.SubnetID)
	}
	for _, key := range slices.Sorted(maps.Keys(order.Tags)) {
		if value, has := iface.Tags[key]; !has || value != order.Tags[key] {
			return fmt.Sprintf("it does not bear the tag %s=%s", key, order.Tags[key])
		}
	}
	return ""
}

// ownershipTag is one of the tags by which controllers like this one find their interfaces; empty without any.
func ownershipTag(tags map[string]string) string {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		if strings.HasPrefix(key, eni.TagPrefix) {
			return key
		}
	}
	return ""
}
