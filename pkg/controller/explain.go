package controller

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// explain turns a refusal into the reason and the message of a blocked attachment: what is wrong, what a person can do
// about it, and what EC2 said. That comes last, since a long message is cut.
func explain(n *v1alpha1.NodeENI, err error) (reason, message string) {
	if reason, message, ok := explainAccess(err); ok {
		return reason, message
	}
	answer := answerOf(err)
	switch eni.KindOf(err) {
	case eni.KindSubnetFull:
		return v1alpha1.ReasonSubnetFull, plan.SubnetFullMessage(n.Spec.SubnetID, 0)
	case eni.KindSubnetNotFound:
		return v1alpha1.ReasonSubnetNotFound, plan.SubnetNotFoundMessage(n.Spec.SubnetID)
	case eni.KindGroupNotFound:
		return v1alpha1.ReasonSecurityGroupNotFound, fmt.Sprintf("one of the security groups %s does not exist or is of another VPC than subnet %s; correct spec.securityGroupIDs (%s)",
			strings.Join(n.Spec.SecurityGroupIDs, ", "), n.Spec.SubnetID, answer)
	case eni.KindQuotaReached:
		return v1alpha1.ReasonInterfaceQuotaReached, "the account's quota of network interfaces in the Region is used up; delete interfaces that nobody needs, or request a higher quota of \"Network interfaces per Region\""
	case eni.KindLimitReached:
		return v1alpha1.ReasonInterfaceLimitReached, fmt.Sprintf("the instance type takes no more interfaces; on EKS set the VPC CNI's MAX_ENI or WARM_ENI_TARGET lower, or use a larger type (%s)", answer)
	case eni.KindInstanceNotFound:
		return v1alpha1.ReasonInstanceNotFound, fmt.Sprintf("EC2 does not know the instance in this Region and account; delete the Node if the instance is gone, else correct the controller's Region or role (%s)", answer)
	case eni.KindInstanceState:
		return v1alpha1.ReasonInstanceNotRunning, fmt.Sprintf("the instance is in a state in which nothing can be attached; delete the Node if the instance ends, else wait: tried again within %v (%s)", maxSetback, answer)
	case eni.KindNotClaimable:
		return v1alpha1.ReasonAdoptionRefused, notClaimable(err)
	case eni.KindZoneMismatch:
		return v1alpha1.ReasonSubnetInOtherZone, fmt.Sprintf("subnet %s and the instance are not in one zone and VPC; correct spec.subnetID, select the nodes of one zone, and use one NodeENI for each zone (%s)", n.Spec.SubnetID, answer)
	}
	if eni.KindOf(err) == eni.KindUnclear && operationOf(err) == operations[plan.Attach] {
		return v1alpha1.ReasonAttachFailed, "EC2 refuses it, and nothing that EC2 shows stands against it; if it was detached by force before, stop the instance and start it, since until then the device index is of no use; else do what EC2's answer asks for: " + answer
	}
	return v1alpha1.ReasonAttachFailed, fmt.Sprintf("EC2 refuses it; do what its answer asks for, it is tried again within %v: %s", maxSetback, answer)
}

// explainRelease is explain for a refusal to take an interface away.
func explainRelease(id string, err error) (reason, message string) {
	if reason, message, ok := explainAccess(err); ok {
		return reason, message
	}
	return v1alpha1.ReasonReleaseFailed, fmt.Sprintf("interface %s can not be released; remove what keeps it, or release it by hand (%s)", id, answerOf(err))
}

// explainEndured says of a call that has failed for a while, although each answer may be over at once, since when, and
// by what EC2 answered last.
func explainEndured(c call, since time.Time, err error) (reason, message string) {
	begun := since.UTC().Format(time.RFC3339)
	if c.nodeENI != nil {
		return v1alpha1.ReasonAttachFailed, fmt.Sprintf("it has failed since %s and is tried again within %v; look at the health of EC2 in the Region and at the controller's way to it (%s)", begun, maxSetback, answerOf(err))
	}
	return v1alpha1.ReasonReleaseFailed, fmt.Sprintf("interface %s could not be released since %s and is tried again within %v; remove what keeps it, or release it by hand (%s)",
		c.interfaceID, begun, maxSetback, answerOf(err))
}

const lookAtCredentials = "look at the association of the service account with its role, at the role's trust policy, and at the node's clock"

// explainAccess explains a refusal that lies in who asks, whatever is asked.
func explainAccess(err error) (reason, message string, ok bool) {
	answer := answerOf(err)
	switch eni.KindOf(err) {
	case eni.KindDenied:
		return v1alpha1.ReasonPermissionDenied, fmt.Sprintf("IAM denies %s; compare the policy of the controller's role with manifests/iam, and the cluster's name in it with --cluster-name (%s)", operationOf(err), answer), true
	case eni.KindCredentials:
		return v1alpha1.ReasonCredentialsRejected, fmt.Sprintf("EC2 does not accept the controller's credentials; %s (%s)", lookAtCredentials, answer), true
	case eni.KindNoAccess: // EC2's code leaves open which of the two it is
		return v1alpha1.ReasonCredentialsRejected, fmt.Sprintf("EC2 does not accept the controller's credentials, or another service manages the interface; %s, or have that service release the interface (%s)", lookAtCredentials, answer), true
	}
	return "", "", false
}

// notClaimable says which interface is not adopted, and why.
func notClaimable(err error) string {
	e, ok := errors.AsType[*eni.Error](err)
	if !ok || e.Err == nil {
		return eni.KindNotClaimable.Error() + "; " + plan.ClaimElsewhere
	}
	return fmt.Sprintf("interface %s has the device index and is not adopted: %v", e.Subject, e.Err)
}

// operationOf is the EC2 action that failed.
func operationOf(err error) string {
	if e, ok := errors.AsType[*eni.Error](err); ok {
		return e.Operation
	}
	return ""
}

// retryMessage says of a call that failed, perhaps for a moment only, that it is made again.
func retryMessage(err error) string { return "tried again after " + answerOf(err) }

// answerOf is what EC2 said, without what differs at every try - the request ID, the text of a network
// error - so that equal refusals make equal statuses.
func answerOf(err error) string {
	e, ok := errors.AsType[*eni.Error](err)
	switch {
	case !ok:
		return eni.KindOf(err).Error()
	case e.Code == "":
		return fmt.Sprintf("%s: %s", e.Operation, e.Kind)
	}
	// A denial ends in an encoded text that differs at every try.
	// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
	message, _, _ := strings.Cut(e.Message, "Encoded authorization failure message")
	return fmt.Sprintf("%s answered %s: %s", e.Operation, e.Code, strings.TrimSpace(message))
}
