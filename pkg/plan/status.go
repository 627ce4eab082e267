package plan

import (
	"cmp"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// maxEntries is how many entries a list in status holds, so that a NodeENI that selects thousands of nodes
// stays within what etcd takes.
const maxEntries = 500

// maxEntryMessage is how long the message of an entry may be, for the same reason: what people have written into
// annotations, or into a spec that is older than its rules, is quoted there.
const maxEntryMessage = 1024

// StatusInput is what a status is made of.
type StatusInput struct {
	// NodeENI bears the status that was stored last, which only lends its transition times.
	NodeENI *v1alpha1.NodeENI
	Now     time.Time
	// Subnet is nil while the subnet has not been described.
	Subnet      *eni.ObservedSubnet
	Attachments []AttachmentReport
	Releases    []ReleaseReport
	// Contested says what of the NodeENI itself something else keeps changing back; empty when nothing does.
	Contested string
	// MissingPermissions says what the controller is not permitted to do, as far as it knows; empty when nothing.
	MissingPermissions string
}

// tally is what the reports add up to.
type tally struct {
	matching, attached, pending, blocked, releasing, held int32
	// reasons counts the blocked attachments and held releases by reason; messages has one message for each.
	reasons  map[string]int
	messages map[string]string
}

// Status turns the reports about one NodeENI into its status. Fed its own result as the stored status, it
// returns it unchanged.
func Status(in StatusInput) v1alpha1.NodeENIStatus {
	t := count(in)
	status := v1alpha1.NodeENIStatus{
		ObservedGeneration:  in.NodeENI.Generation,
		MatchingNodes:       &t.matching,
		AttachedNodes:       &t.attached,
		PendingNodes:        &t.pending,
		BlockedNodes:        &t.blocked,
		ReleasingInterfaces: &t.releasing,
	}
	if in.Subnet != nil && !in.Subnet.NotFound {
		status.AvailabilityZone = in.Subnet.Zone
	}
	status.Attachments, status.AttachmentsOmitted = attachmentList(in)
	status.Releasing, status.ReleasingOmitted = releaseList(in)
	status.Conditions = conditions(in, t)
	return status
}

func count(in StatusInput) tally {
	t := tally{reasons: map[string]int{}, messages: map[string]string{}}
	for _, report := range in.Attachments {
		t.matching++
		switch {
		case report.Settled:
			t.attached++
		case blocked(report):
			t.blocked++
			t.add(report.Attachment.Reason, report.Attachment.Message)
		default:
			t.pending++
		}
	}
	for _, report := range in.Releases {
		t.releasing++
		if report.Held {
			t.held++
			t.add(report.Release.Reason, report.Release.Message)
		}
	}
	return t
}

// blocked reports whether nothing goes on for the attachment without help. An attached one that can not be
// given a wanted setting counts as well.
func blocked(report AttachmentReport) bool {
	return report.Attachment.State == v1alpha1.AttachmentBlocked || (!report.Settled && report.Attachment.Reason != "")
}

// add counts a reason. Of several messages the least is shown, so that it does not depend on the order.
func (t *tally) add(reason, message string) {
	t.reasons[reason]++
	if shown, ok := t.messages[reason]; !ok || message < shown {
		t.messages[reason] = message
	}
}

// attachmentList is the list in status: those that need attention first, then by node.
func attachmentList(in StatusInput) (list []v1alpha1.Attachment, omitted int32) {
	reports := slices.SortedFunc(slices.Values(in.Attachments), func(a, b AttachmentReport) int {
		return cmp.Or(cmp.Compare(urgency(a), urgency(b)), cmp.Compare(a.Attachment.NodeName, b.Attachment.NodeName),
			cmp.Compare(a.Attachment.DeviceIndex, b.Attachment.DeviceIndex))
	})
	omitted = int32(max(0, len(reports)-maxEntries))
	stored := map[string]v1alpha1.Attachment{}
	for _, a := range in.NodeENI.Status.Attachments {
		stored[a.NodeName] = a
	}
	for _, report := range reports[:min(len(reports), maxEntries)] {
		entry := report.Attachment
		entry.Message = cut(entry.Message, maxEntryMessage)
		entry.LastTransitionTime = metav1.NewTime(in.Now.Truncate(time.Second))
		if before, ok := stored[entry.NodeName]; ok && before.State == entry.State && before.DeviceIndex == entry.DeviceIndex && !before.LastTransitionTime.IsZero() {
			entry.LastTransitionTime = before.LastTransitionTime
		}
		list = append(list, entry)
	}
	return list, omitted
}

func urgency(report AttachmentReport) int {
	switch {
	case blocked(report):
		return 0
	case report.Attachment.State == v1alpha1.AttachmentCreating:
		return 1
	case !report.Settled:
		return 2
	}
	return 3
}

// releaseList is the list in status: those held first, then by ID.
func releaseList(in StatusInput) (list []v1alpha1.Release, omitted int32) {
	reports := slices.SortedFunc(slices.Values(in.Releases), func(a, b ReleaseReport) int {
		return cmp.Or(-compareBools(a.Held, b.Held), cmp.Compare(a.Release.ENIID, b.Release.ENIID))
	})
	omitted = int32(max(0, len(reports)-maxEntries))
	stored := map[string]v1alpha1.Release{}
	for _, r := range in.NodeENI.Status.Releasing {
		stored[r.ENIID] = r
	}
	for _, report := range reports[:min(len(reports), maxEntries)] {
		entry := report.Release
		entry.Message = cut(entry.Message, maxEntryMessage)
		entry.LastTransitionTime = metav1.NewTime(in.Now.Truncate(time.Second))
		if before, ok := stored[entry.ENIID]; ok && before.State == entry.State && !before.LastTransitionTime.IsZero() {
			entry.LastTransitionTime = before.LastTransitionTime
		}
		list = append(list, entry)
	}
	return list, omitted
}
