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
// Whether it fits is decided on a description that all who want one share, since the inventory knows of such interfaces
// only where they are, and again on a live one right before the call.

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
	p.result.Foreign = append(p.result.Foreign, holder.id)
	v, refused := p.claimHolder(holder.id)
	p.refreshInstanceAfter(recheckHolder)
	p.report(nil, v.state(v1alpha1.AttachmentAttaching), v, false)
	p.result.Attachments[len(p.result.Attachments)-1].Refused = refused
	return true
}

// claimHolder plans for the interface that has the slot, and says what stands against it.
func (p *placer) claimHolder(id string) (verdict, AdoptionRefusal) {
	found, described := p.Foreign[id]
	if !described {
		return verdict{message: "EC2 is asked about the interface that has the device index, which is to be adopted"}, ""
	}
	if refusal, why := p.claimRefusal(&found); refusal != "" {
		return verdict{v1alpha1.ReasonAdoptionRefused, fmt.Sprintf("interface %s has the device index and is not adopted: %s", id, why)}, refusal
	}
	failure, failed := p.ChangeSetbacks[p.key(p.n)][Claim]
	v := verdict{failure.Reason, failure.Message}
	if !failed {
		v.message = "the interface that has the device index is adopted"
	}
	switch {
	case failed && failure.Until.After(p.Now):
		p.result.again(failure.Until)
	case !ready(p.n):
		return verdict{message: "waits for the finalizer and the tag keys to be recorded"}, ""
	default:
		p.act(Action{Kind: Claim, InterfaceID: id, Tags: p.claimTags()})
	}
	return v, ""
}

// claimTags are the controller's own tags: the IAM policy for adoption lets no others be put on what is not ours yet.
// Those of the spec follow, as settings of an interface of ours.
func (p *placer) claimTags() map[string]string {
	tags, wanted := p.ownTags(), p.wantedTags()
	for key := range tags {
		tags[key] = wanted[key]
	}
	return tags
}

// ClaimElsewhere is what is left to do where an interface that has the device index can not be taken over.
const ClaimElsewhere = "choose another deviceIndex"

// AdoptionRefusal is why an interface may not be taken over; empty if it may.
type AdoptionRefusal string

// What stands against taking an interface over.
const (
	RefusedNotShown    AdoptionRefusal = "NotShown"
	RefusedNotNamed    AdoptionRefusal = "NotNamed"
	RefusedAWSService  AdoptionRefusal = "AWSService"
	RefusedVPCCNI      AdoptionRefusal = "VPCCNI"
	RefusedOwned       AdoptionRefusal = "Owned"
	RefusedNotInPlace  AdoptionRefusal = "NotInPlace"
	RefusedOtherSubnet AdoptionRefusal = "OtherSubnet"
	RefusedOtherTags   AdoptionRefusal = "OtherTags"
	// RefusedNotAllowed has nothing against it but that the controller was not started with --allow-adoption.
	RefusedNotAllowed AdoptionRefusal = "NotAllowed"
)

// AdoptionRefusals are all of them.
var AdoptionRefusals = []AdoptionRefusal{
	RefusedNotShown, RefusedNotNamed, RefusedAWSService, RefusedVPCCNI, RefusedOwned, RefusedNotInPlace, RefusedOtherSubnet, RefusedOtherTags, RefusedNotAllowed,
}

// claimRefusal says why an interface, as it was described, may not be taken over by the NodeENI.
func (p *placer) claimRefusal(found *eni.ObservedForeign) (refusal AdoptionRefusal, why string) {
	if found.NotFound {
		return RefusedNotShown, "EC2 does not show it any more; wait until the instance has been described anew"
	}
	if refusal, why = ClaimRefusal(p.n, &found.Interface, p.InstanceID); refusal != "" || p.AllowAdoption {
		return refusal, why
	}
	return RefusedNotAllowed, "it fits and would be, were the controller started with --allow-adoption; start it so"
}

// ClaimRefusal says why an interface, as it was just described, may not be taken over; empty if it may.
func ClaimRefusal(n *v1alpha1.NodeENI, iface *eni.Interface, instanceID string) (refusal AdoptionRefusal, why string) {
	order, ok, _ := AdoptionOrderOf(n.Annotations)
	slot := SlotOf(n)
	switch {
	case !ok || !order.names(iface.ID):
		return RefusedNotNamed, "the annotation does not name it any more; name it in " + v1alpha1.AnnotationAdopt + ", or " + ClaimElsewhere
	case iface.RequesterManaged:
		return RefusedAWSService, "an AWS service manages it; " + ClaimElsewhere
	case iface.Tags[eni.TagCNIInstance] != "":
		return RefusedVPCCNI, fmt.Sprintf("it is the VPC CNI's, as its tag %s says; set its MAX_ENI or WARM_ENI_TARGET lower, or %s", eni.TagCNIInstance, ClaimElsewhere)
	case ownershipTag(iface.Tags) != "":
		return RefusedOwned, fmt.Sprintf("it bears the tag %s of a controller; if that is gone for good, delete its tags", ownershipTag(iface.Tags))
	case !iface.AttachedTo(instanceID, slot) || iface.Attachment.Status != eni.Attached:
		return RefusedNotInPlace, fmt.Sprintf("it is not attached to instance %s at device index %d; attach it there, or take it out of the annotation", instanceID, slot.Index)
	case iface.SubnetID != n.Spec.SubnetID:
		return RefusedOtherSubnet, fmt.Sprintf("it is in subnet %s, and spec.subnetID is %s; correct that, or %s", iface.SubnetID, n.Spec.SubnetID, ClaimElsewhere)
	}
	for _, key := range slices.Sorted(maps.Keys(order.Tags)) {
		if value, has := iface.Tags[key]; !has || value != order.Tags[key] {
			return RefusedOtherTags, fmt.Sprintf("it does not bear the tag %s=%s; give it that tag, or %s", key, order.Tags[key], ClaimElsewhere)
		}
	}
	return "", ""
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
