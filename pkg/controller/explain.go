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

// explain turns a refusal into the reason and the message of a blocked attachment: what EC2 said, and what
// a person can do about it.
func explain(n *v1alpha1.NodeENI, err error) (reason, message string) {
	if reason, message, ok := explainAccess(err); ok {
		return reason, message
	}
	answer := answerOf(err)
	switch eni.KindOf(err) {
	case eni.KindSubnetFull:
		return v1alpha1.ReasonSubnetFull, fmt.Sprintf("subnet %s has no free address; free some, or use a larger subnet", n.Spec.SubnetID)
	case eni.KindSubnetNotFound:
		return v1alpha1.ReasonSubnetNotFound, fmt.Sprintf("subnet %s does not exist; correct spec.subnetID", n.Spec.SubnetID)
	case eni.KindGroupNotFound:
		return v1alpha1.ReasonSecurityGroupNotFound, fmt.Sprintf("one of the security groups %s does not exist or is of another VPC than subnet %s; correct spec.securityGroupIDs (%s)",
			strings.Join(n.Spec.SecurityGroupIDs, ", "), n.Spec.SubnetID, answer)
	case eni.KindQuotaReached:
		return v1alpha1.ReasonInterfaceQuotaReached, "the account's quota of network interfaces in the Region is used up; delete interfaces or request a higher quota"
	case eni.KindLimitReached:
		return v1alpha1.ReasonInterfaceLimitReached, fmt.Sprintf("the instance type takes no more interfaces (%s); on EKS set the VPC CNI's MAX_ENI or WARM_ENI_TARGET lower, or use a larger type", answer)
	case eni.KindInstanceNotFound:
		return v1alpha1.ReasonInstanceNotFound, fmt.Sprintf("EC2 does not know the instance (%s)", answer)
	case eni.KindInstanceState:
		return v1alpha1.ReasonInstanceNotRunning, fmt.Sprintf("the instance is in a state in which nothing can be attached (%s)", answer)
	case eni.KindNotClaimable:
		return v1alpha1.ReasonAdoptionRefused, notClaimable(err)
	case eni.KindZoneMismatch:
		return v1alpha1.ReasonSubnetInOtherZone, fmt.Sprintf("subnet %s and the instance do not fit together (%s)", n.Spec.SubnetID, answer)
	}
	if eni.KindOf(err) == eni.KindUnclear && operationOf(err) == operations[plan.Attach] {
		answer += "; nothing that EC2 shows stands against it. After a detach by force a device index is of no use until the instance has been stopped"
	}
	return v1alpha1.ReasonAttachFailed, answer
}

// explainRelease is explain for a refusal to take an interface away.
func explainRelease(id string, err error) (reason, message string) {
	if reason, message, ok := explainAccess(err); ok {
		return reason, message
	}
	return v1alpha1.ReasonReleaseFailed, fmt.Sprintf("interface %s can not be released (%s); remove what keeps it, or release it by hand", id, answerOf(err))
}

// explainEndured says of a call that has failed for a while, although each answer may be over at once, since when, and
// by what EC2 answered last.
func explainEndured(c call, since time.Time, err error) (reason, message string) {
	begun := since.UTC().Format(time.RFC3339)
	if c.nodeENI != nil {
		return v1alpha1.ReasonAttachFailed, fmt.Sprintf("it has failed since %s (%s); tried again within %v", begun, answerOf(err), maxSetback)
	}
	return v1alpha1.ReasonReleaseFailed, fmt.Sprintf("interface %s could not be released since %s (%s); tried again within %v; remove what keeps it, or release it by hand",
		c.interfaceID, begun, answerOf(err), maxSetback)
}

// explainAccess explains a refusal that lies in who asks, whatever is asked.
func explainAccess(err error) (reason, message string, ok bool) {
	answer := answerOf(err)
	switch eni.KindOf(err) {
	case eni.KindDenied:
		return v1alpha1.ReasonPermissionDenied, fmt.Sprintf("IAM denies %s; compare the controller's policy with manifests/iam (%s)", operationOf(err), answer), true
	case eni.KindCredentials:
		return v1alpha1.ReasonCredentialsRejected, fmt.Sprintf("EC2 does not accept the controller's credentials (%s)", answer), true
	case eni.KindNoAccess: // EC2's code leaves open which of the two it is
		return v1alpha1.ReasonCredentialsRejected, fmt.Sprintf("EC2 does not accept the controller's credentials, or another service manages the interface (%s)", answer), true
	}
	return "", "", false
}

// notClaimable says which interface is not adopted, and why.
func notClaimable(err error) string {
	e, ok := errors.AsType[*eni.Error](err)
	if !ok || e.Err == nil {
		return eni.KindNotClaimable.Error()
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
