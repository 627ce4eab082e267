package plan

import (
	"fmt"
	"regexp"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// SubnetNotFoundMessage says of a subnet that EC2 does not know it, and what to do.
func SubnetNotFoundMessage(id string) string {
	return fmt.Sprintf("subnet %s does not exist in this Region and account; correct spec.subnetID, or the controller's Region or role", id)
}

// SubnetFullMessage says of a subnet that EC2 finds no address in it, how many it showed last, and what to do.
func SubnetFullMessage(id string, free int32) string {
	return fmt.Sprintf("subnet %s has %s; free some of its addresses, or use a larger subnet", id, freeAddresses(free))
}

func freeAddresses(count int32) string {
	switch count {
	case 0:
		return "no free address"
	case 1:
		return "1 free address"
	}
	return fmt.Sprintf("%d free addresses", count)
}

// tellFree puts into the message about a full subnet how many addresses it had free when it was described last: some, but
// fewer than Nodes wait, may have come free. An attachment's message does not say it, since there may be thousands.
func (t *tally) tellFree(in StatusInput) {
	if t.reasons[v1alpha1.ReasonSubnetFull] == t.heldFor[v1alpha1.ReasonSubnetFull] || in.Subnet == nil || in.Subnet.NotFound {
		return
	}
	if t.messages[v1alpha1.ReasonSubnetFull] == SubnetFullMessage(in.NodeENI.Spec.SubnetID, 0) {
		t.messages[v1alpha1.ReasonSubnetFull] = SubnetFullMessage(in.NodeENI.Spec.SubnetID, in.Subnet.FreeAddresses)
	}
}

var someFree = regexp.MustCompile(`\b\d+ free address(es)?\b`)

// sameButFree reports whether two statuses differ in nothing but how many addresses of a subnet are free, where some
// are. Whether any is makes a difference.
func sameButFree(stored, status *v1alpha1.NodeENIStatus) bool {
	if len(stored.Conditions) != len(status.Conditions) {
		return false
	}
	differ := false
	for i := range status.Conditions {
		was, is := stored.Conditions[i].Message, status.Conditions[i].Message
		if was == is {
			continue
		}
		if differ = true; someFree.ReplaceAllString(was, "") != someFree.ReplaceAllString(is, "") {
			return false
		}
	}
	if !differ {
		return false // as nearly always: who stores the status compares the rest
	}
	levelled := *status
	levelled.Conditions = append(levelled.Conditions[:0:0], status.Conditions...)
	for i := range levelled.Conditions {
		levelled.Conditions[i].Message = stored.Conditions[i].Message
	}
	return equality.Semantic.DeepEqual(*stored, levelled)
}
