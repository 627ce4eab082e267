package plan

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Instance decides what is to be done for one instance. The result does not depend on the order of what the
// snapshot holds.
func Instance(s Snapshot) Result {
	var result Result
	v := newView(s)
	v.release(&result)
	v.place(&result)
	v.reportDuplicates(&result)
	slices.SortStableFunc(result.Attachments, func(a, b AttachmentReport) int {
		return cmp.Or(cmp.Compare(a.NodeENIName, b.NodeENIName), cmp.Compare(a.Attachment.NodeName, b.Attachment.NodeName))
	})
	return result
}

// place plans for every NodeENI that selects the Node.
func (v *view) place(result *Result) {
	reserved := map[int32]int32{}
	result.Attachments = make([]AttachmentReport, 0, len(v.claimants))
	for _, n := range v.claimants {
		(&placer{view: v, result: result, n: n, slot: SlotOf(n), reserved: reserved}).plan()
	}
}

// contend finds who selects the Node and who has the right to each slot: who holds it keeps it as long as it
// wants it; an empty one goes to the older NodeENI, then to the lesser UID. An invalid spec has no right.
func (v *view) contend() {
	v.winners = map[eni.Slot]*v1alpha1.NodeENI{}
	if v.Node == nil {
		return
	}
	for _, n := range v.NodeENIs {
		if Selects(n, v.Node) {
			v.claimants = append(v.claimants, n)
		}
	}
	slices.SortFunc(v.claimants, func(a, b *v1alpha1.NodeENI) int {
		return cmp.Or(
			-compareBools(v.holdsSlot(a), v.holdsSlot(b)),
			a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.UID, b.UID),
		)
	})
	for _, n := range v.claimants {
		if slot := SlotOf(n); v.winners[slot] == nil && len(v.faults[n.UID]) == 0 {
			v.winners[slot] = n
		}
	}
}

func (v *view) holdsSlot(n *v1alpha1.NodeENI) bool {
	keeper, ok := v.keepers[v.key(n)]
	return ok && holds(keeper)
}

func (v *view) key(n *v1alpha1.NodeENI) SlotKey {
	return SlotKey{NodeENI: n.UID, Instance: v.InstanceID, Slot: SlotOf(n)}
}

// reportDuplicates reports for the older Nodes that name the same instance: none of them gets anything.
func (v *view) reportDuplicates(result *Result) {
	for _, node := range v.Duplicates {
		for _, n := range v.NodeENIs {
			if Selects(n, node) {
				result.Attachments = append(result.Attachments, blockedReport(n, node, v.InstanceID, v1alpha1.ReasonDuplicateInstance,
					fmt.Sprintf("Node %s is newer and names the same instance; delete the Node that is not there any more", v.Node.Name)))
			}
		}
	}
}

// UnplacedReports reports for a Node that names no EC2 instance.
func UnplacedReports(node *corev1.Node, nodeENIs []*v1alpha1.NodeENI) []AttachmentReport {
	message := "the Node has no spec.providerID yet; wait for the cloud provider to set it, or, on a cluster of your own, run the AWS cloud provider or start the kubelet with --provider-id"
	if node.Spec.ProviderID != "" {
		message = fmt.Sprintf("spec.providerID %q names no EC2 instance; take the Node out of the selector", node.Spec.ProviderID)
	}
	var reports []AttachmentReport
	for _, n := range nodeENIs {
		if Selects(n, node) {
			reports = append(reports, blockedReport(n, node, "", v1alpha1.ReasonNoAWSProviderID, message))
		}
	}
	return reports
}

func blockedReport(n *v1alpha1.NodeENI, node *corev1.Node, instanceID, reason, message string) AttachmentReport {
	slot := SlotOf(n)
	return AttachmentReport{
		NodeENI: n.UID, NodeENIName: n.Name,
		Attachment: v1alpha1.Attachment{
			NodeName: node.Name, NetworkCardIndex: reportedCard(slot), DeviceIndex: reportedIndex(slot), InstanceID: instanceID,
			SubnetID: n.Spec.SubnetID, State: v1alpha1.AttachmentBlocked, Reason: reason, Message: message,
		},
	}
}

// reportedCard points at a number of its own: reports are kept for long, and must keep nothing else alive.
func reportedCard(slot eni.Slot) *int32 {
	if slot.Card == 0 {
		return &firstCard
	}
	card := slot.Card
	return &card
}

// firstCard is what nearly all reports point at. Nobody changes what a report points at.
var firstCard int32

// reportedIndex is the index as status takes it, which refuses those that an invalid spec may ask for.
func reportedIndex(slot eni.Slot) int32 { return max(slot.Index, 1) }

// compareBools orders false before true.
func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
