package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// maxEntries is how many entries a list in status holds, so that a NodeENI that selects thousands of nodes
// stays within what etcd takes.
const maxEntries = 500

// An entry's message is cut to longMessage bytes, where there are more than few entries to shortMessage: what EC2 and
// others say has no bound, and all entries together must be taken by etcd. The conditions have the whole text.
const (
	few          = 100
	longMessage  = 1600
	shortMessage = 320
)

// cutEntry is a message as it fits into one of so many entries.
func cutEntry(message string, entries int) string {
	if entries > few {
		return cut(message, shortMessage)
	}
	return cut(message, longMessage)
}

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
	// heldFor are those of reasons that are held releases.
	heldFor map[string]int
	// damaged are those of attached whose tags are damaged; damages is one message about them.
	damaged int32
	damages string
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
	if stored := in.NodeENI.Status; sameButFree(&stored, &status) {
		return stored // how many addresses are free changes all the time, and is not worth a write
	}
	return status
}

// Unread is the status while EC2 may not be read: what was last known of the interfaces stays, and the conditions say
// that nothing is known now.
func Unread(in StatusInput) v1alpha1.NodeENIStatus {
	status := in.NodeENI.Status
	status.ObservedGeneration = in.NodeENI.Generation
	status.Conditions = unread(in)
	return status
}

func count(in StatusInput) tally {
	t := tally{reasons: map[string]int{}, messages: map[string]string{}, heldFor: map[string]int{}}
	for i := range in.Attachments {
		report := &in.Attachments[i]
		t.matching++
		switch {
		case report.Settled:
			t.attached++
			t.damage(report.Attachment)
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
			t.heldFor[report.Release.Reason]++
			t.add(report.Release.Reason, report.Release.Message)
		}
	}
	t.tellFree(in)
	return t
}

// blocked reports whether nothing goes on for the attachment without help. An attached one that can not be
// given a wanted setting counts as well.
func blocked(report *AttachmentReport) bool {
	return report.Attachment.State == v1alpha1.AttachmentBlocked || (!report.Settled && report.Attachment.Reason != "")
}

// add counts a reason. Of several messages the least is shown, so that it does not depend on the order.
func (t *tally) add(reason, message string) {
	t.reasons[reason]++
	if shown, ok := t.messages[reason]; !ok || message < shown {
		t.messages[reason] = message
	}
}

// damage counts an attached interface whose tags are damaged, and keeps the least message.
func (t *tally) damage(a v1alpha1.Attachment) {
	if a.Reason == "" {
		return
	}
	if t.damaged++; t.damaged == 1 || a.Message < t.damages {
		t.damages = a.Message
	}
}

// attachmentList is the list in status: those that need attention first, then by node.
func attachmentList(in StatusInput) (list []v1alpha1.Attachment, omitted int32) {
	reports := least(in.Attachments, maxEntries, func(a, b *AttachmentReport) int {
		if order := cmp.Compare(urgency(a), urgency(b)); order != 0 {
			return order
		}
		return cmp.Or(strings.Compare(a.Attachment.NodeName, b.Attachment.NodeName), cmp.Compare(a.Attachment.DeviceIndex, b.Attachment.DeviceIndex))
	})
	omitted = int32(len(in.Attachments) - len(reports))
	stored := make(map[string]*v1alpha1.Attachment, len(in.NodeENI.Status.Attachments))
	for i := range in.NodeENI.Status.Attachments {
		a := &in.NodeENI.Status.Attachments[i]
		stored[a.NodeName] = a
	}
	for _, report := range reports {
		entry := report.Attachment
		entry.Message = cutEntry(entry.Message, len(reports))
		entry.LastTransitionTime = metav1.NewTime(in.Now.Truncate(time.Second))
		if before, ok := stored[entry.NodeName]; ok && before.State == entry.State && before.DeviceIndex == entry.DeviceIndex && !before.LastTransitionTime.IsZero() {
			entry.LastTransitionTime = before.LastTransitionTime
		}
		list = append(list, entry)
	}
	return list, omitted
}

// least are the count least entries of a list, in order. Most of a long list is held against one entry only.
func least[T any](list []T, count int, compare func(a, b *T) int) []*T {
	kept := make([]*T, 0, min(len(list), 2*count))
	full := false // the first count of them are in order, and the last of these is the greatest that can still be kept
	for i := range list {
		if full && compare(&list[i], kept[count-1]) >= 0 {
			continue
		}
		if kept = append(kept, &list[i]); len(kept) == 2*count {
			slices.SortFunc(kept, compare)
			kept, full = kept[:count], true
		}
	}
	slices.SortFunc(kept, compare)
	return kept[:min(len(kept), count)]
}

func urgency(report *AttachmentReport) int {
	switch {
	case blocked(report):
		return 0
	case report.Attachment.State == v1alpha1.AttachmentCreating:
		return 1
	case !report.Settled, report.Attachment.Reason != "":
		return 2
	}
	return 3
}

// releaseList is the list in status: those held first, then by ID.
func releaseList(in StatusInput) (list []v1alpha1.Release, omitted int32) {
	reports := least(in.Releases, maxEntries, func(a, b *ReleaseReport) int {
		return cmp.Or(-compareBools(a.Held, b.Held), strings.Compare(a.Release.ENIID, b.Release.ENIID))
	})
	omitted = int32(len(in.Releases) - len(reports))
	stored := map[string]v1alpha1.Release{}
	for _, r := range in.NodeENI.Status.Releasing {
		stored[r.ENIID] = r
	}
	for _, report := range reports {
		entry := report.Release
		entry.Message = cutEntry(entry.Message, len(reports))
		entry.LastTransitionTime = metav1.NewTime(in.Now.Truncate(time.Second))
		if before, ok := stored[entry.ENIID]; ok && before.State == entry.State && !before.LastTransitionTime.IsZero() {
			entry.LastTransitionTime = before.LastTransitionTime
		}
		list = append(list, entry)
	}
	return list, omitted
}
