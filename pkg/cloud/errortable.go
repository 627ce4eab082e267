package cloud

import (
	"slices"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// ErrorRow says what some of EC2's error codes mean to us, and what is to be done.
type ErrorRow struct {
	// Codes are told apart without regard to case: EC2 spells ID and Id as it likes.
	Codes []string
	// Actions are those that the row is about; none for every action that has no row of its own for the code.
	Actions []string
	Kind    eni.Kind
	Then    eni.Disposition
	// Until is what has to change, or what is done about it.
	Until string
	// Source is where the code is documented, or was seen.
	Source string
}

const (
	docErrors = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
	docCommon = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonErrors.html"
	docTokens = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Run_Instance_Idempotency.html"
	// The SDK's own list of codes that mean a throttle, or a request that was too late.
	sdkCodes = "https://pkg.go.dev/github.com/aws/aws-sdk-go-v2/aws/retry#pkg-variables"
)

func codes(blankSeparated string) []string { return strings.Fields(blankSeparated) }

var (
	onInterface = []string{attachNetworkInterface, modifyInterfaceAttribute, createTags, deleteTags, detachNetworkInterface, deleteNetworkInterface}
	changing    = append([]string{createNetworkInterface}, onInterface...)
	settings    = []string{modifyInterfaceAttribute, createTags, deleteTags}
	releasing   = []string{detachNetworkInterface, deleteNetworkInterface}
	describing  = []string{describeNetworkInterfaces, describeInstances, describeInstanceTypes, describeSubnets}
	groupsGiven = []string{createNetworkInterface, modifyInterfaceAttribute}
	tagsGiven   = []string{createNetworkInterface, createTags}
)

// errorTable is the one place where EC2's answers get their meaning. Whatever it answers to a describe: nothing is
// concluded from that, and the read starts over after a while, from its first page on; see dispositionOf.
var errorTable = []ErrorRow{
	// What any action may answer.
	{codes(throttleCodes), nil, eni.KindThrottled, eni.Wait, "the limiter grants a token again", sdkCodes},
	{codes("UnauthorizedOperation AccessDenied AccessDeniedException OptInRequired Blocked PendingVerification"), nil, eni.KindDenied, eni.Blocked, "the IAM policy or the account is changed", docErrors},
	{codes("RequestExpired MissingAuthenticationToken InvalidClientTokenId SignatureDoesNotMatch ExpiredToken ExpiredTokenException InvalidSecurityToken UnrecognizedClientException IncompleteSignature InvalidAccessKeyId"), nil, eni.KindCredentials, eni.Blocked, "the credentials are renewed, or the clock is set right", docCommon},
	{codes("AuthFailure"), nil, eni.KindCredentials, eni.Blocked, "the credentials are renewed", docErrors},
	{codes("InternalError InternalFailure ServiceUnavailable Unavailable RequestTimeout RequestTimeoutException"), nil, eni.KindUnknownOutcome, eni.Retry, "EC2 works again", docErrors},
	{codes("DryRunOperation"), nil, eni.KindInvalid, eni.Blocked, "never, for a call that is to be made; to a dry run it is leave (probe.go)", docErrors},

	// What is somebody else's: the same code as for rejected credentials.
	{codes("AuthFailure"), onInterface, eni.KindNoAccess, eni.Blocked, "the credentials are renewed; never, where the interface is managed by another service", docErrors},
	{codes("OperationNotPermitted"), changing, eni.KindInvalid, eni.Blocked, "the primary interface stays, and ela-attach attachments are AWS's own: never", docErrors},

	// Codes that stand for several things: their texts are not read, what EC2 shows next decides.
	{codes("InvalidParameterValue InvalidParameter"), changing, eni.KindUnclear, eni.Retry, "subnet, instance or interface is described anew", docErrors},

	// What does not exist, or not yet.
	{codes("InvalidNetworkInterfaceID.NotFound InvalidNetworkInterface.NotFound"), releasing, eni.KindNotFound, eni.Done, "reads show it too", docErrors},
	{codes("InvalidNetworkInterfaceID.NotFound InvalidNetworkInterface.NotFound InvalidID"), append([]string{attachNetworkInterface}, settings...), eni.KindNotFound, eni.Retry, "EC2 shows the interface, or a new one is made", docErrors},
	{codes("InvalidAttachmentID.NotFound InvalidAttachment.NotFound InvalidNetworkInterfaceAttachmentID.NotFound"), []string{detachNetworkInterface}, eni.KindNotFound, eni.Done, "reads show it too", docErrors},
	{codes("InvalidAttachmentID.NotFound InvalidAttachment.NotFound InvalidNetworkInterfaceAttachmentID.NotFound"), []string{modifyInterfaceAttribute}, eni.KindNotFound, eni.Retry, "the interface is described anew", docErrors},
	{codes("InvalidSubnetID.NotFound InvalidSubnet.NotFound"), []string{createNetworkInterface}, eni.KindSubnetNotFound, eni.Blocked, "the spec is edited, or the subnet exists", docErrors},
	{codes("InvalidGroup.NotFound InvalidGroupID.NotFound InvalidSecurityGroupID.NotFound InvalidSecurityGroup.NotFound"), groupsGiven, eni.KindGroupNotFound, eni.Blocked, "the spec is edited, or the group exists", docErrors},
	// A create combines a subnet and security groups, which must be of one VPC; a change has nothing but groups
	// that could fail to fit.
	{codes("InvalidParameterCombination"), groupsGiven, eni.KindGroupNotFound, eni.Blocked, "the spec is edited", docErrors},
	{codes("InvalidParameterCombination"), []string{attachNetworkInterface}, eni.KindZoneMismatch, eni.Blocked, "the spec is edited", docErrors},
	{codes("InvalidInstanceID.NotFound"), []string{attachNetworkInterface}, eni.KindInstanceNotFound, eni.Blocked, "EC2 shows the instance", docErrors},

	// Capacity.
	{codes("InsufficientFreeAddressesInSubnet"), []string{createNetworkInterface}, eni.KindSubnetFull, eni.Blocked, "the subnet has an address", docErrors},
	{codes("InsufficientCidrBlocks"), []string{createNetworkInterface}, eni.KindSubnetFull, eni.Blocked, "the subnet has an address", "https://github.com/aws/amazon-vpc-cni-k8s/issues/3105"},
	{codes("NetworkInterfaceLimitExceeded"), []string{createNetworkInterface}, eni.KindQuotaReached, eni.Blocked, "interfaces of the Region go, or the quota is raised", docErrors},
	{codes("AttachmentLimitExceeded"), []string{attachNetworkInterface}, eni.KindLimitReached, eni.Blocked, "the instance has a place", docErrors},
	{codes("SecurityGroupsPerInterfaceLimitExceeded"), groupsGiven, eni.KindInvalid, eni.Blocked, "the spec is edited, or the quota is raised", docErrors},
	{codes("PrivateIpAddressLimitExceeded InvalidIPAddress.InUse Resource.AlreadyAssigned"), []string{createNetworkInterface}, eni.KindInvalid, eni.Blocked, "EC2 chooses another address", docErrors},
	{codes("TagLimitExceeded InvalidTagKey.Malformed"), tagsGiven, eni.KindInvalid, eni.Blocked, "the spec's tags are edited", docErrors},
	{codes("ConcurrentTagAccess"), settings, eni.KindThrottled, eni.Retry, "the other call has ended", docErrors},

	// States.
	{codes("InvalidNetworkInterface.InUse InvalidNetworkInterfaceID.InUse"), onInterface, eni.KindInterfaceInUse, eni.Retry, "the interface is described anew", docErrors},
	{codes("IncorrectState"), append([]string{deleteNetworkInterface}, settings...), eni.KindInterfaceInUse, eni.Retry, "the interface is described anew", docErrors},
	{codes("IncorrectState IncorrectInstanceState"), []string{attachNetworkInterface}, eni.KindInstanceState, eni.Blocked, "the instance runs or is stopped", docErrors},
	{codes("IncorrectState IncorrectInstanceState"), []string{detachNetworkInterface}, eni.KindInstanceState, eni.Retry, "the instance is described anew", docErrors},
	{codes("IdempotentParameterMismatch InvalidClientToken"), []string{createNetworkInterface}, eni.KindTokenMismatch, eni.Retry, "the next create has another token", docTokens},

	// What would be a mistake of ours.
	{codes("InvalidNetworkInterfaceId.Malformed InvalidInstanceID.Malformed InvalidNetworkInterfaceAttachmentId.Malformed MissingParameter UnknownParameter UnsupportedOperation"), changing, eni.KindInvalid, eni.Blocked, "the controller is corrected, or the spec edited", docErrors},
	{codes("InvalidSubnetID.Malformed InvalidGroupId.Malformed InvalidSecurityGroupId.Malformed"), groupsGiven, eni.KindInvalid, eni.Blocked, "the spec is edited", docErrors},
	{codes("InvalidNextToken InvalidPaginationToken"), describing, eni.KindInvalid, eni.Retry, "the list starts over from its first page", docErrors},
	{codes("InvalidParameterValue InvalidParameterCombination FilterLimitExceeded InvalidFilter InvalidMaxResults InvalidNetworkInterfaceId.Malformed InvalidInstanceID.Malformed InvalidSubnetID.Malformed"), describing, eni.KindInvalid, eni.Retry, "the controller is corrected", docErrors},
	{codes("OperationNotPermitted"), describing, eni.KindInvalid, eni.Retry, "lists are made in pages, as ours are", "https://github.com/aws/amazon-vpc-resource-controller-k8s/issues/188"},
	{codes("InvalidInstanceID.NotFound InvalidNetworkInterfaceID.NotFound InvalidSubnetID.NotFound"), describing, eni.KindInvalid, eni.Retry, "we filter, or ask for the others without it", docErrors},
}

// throttleCodes make the limiter give way. They differ by what throttles: EC2, its front end, or a service behind it.
const throttleCodes = "RequestLimitExceeded Client.RequestLimitExceeded Throttling ThrottlingException ThrottledException " +
	"RequestThrottled RequestThrottledException TooManyRequestsException EC2ThrottledException BandwidthLimitExceeded SlowDown"

var throttles = func() map[string]bool {
	set := map[string]bool{}
	for _, code := range codes(throttleCodes) {
		set[strings.ToLower(code)] = true
	}
	return set
}()

func isThrottle(code string) bool { return throttles[strings.ToLower(code)] }

// ErrorTable is a copy of the table, for tests that drive each row of it.
func ErrorTable() []ErrorRow { return slices.Clone(errorTable) }

// rowKey finds a row; the action is empty for the rows of every action.
type rowKey struct{ action, code string }

var rowsByKey = indexRows(errorTable)

// indexRows is the table by action and code. Two rows for the same are a mistake that no test must be needed for.
func indexRows(table []ErrorRow) map[rowKey]*ErrorRow {
	rows := map[rowKey]*ErrorRow{}
	for i := range table {
		actions := table[i].Actions
		if len(actions) == 0 {
			actions = []string{""}
		}
		for _, action := range actions {
			for _, code := range table[i].Codes {
				key := rowKey{action, strings.ToLower(code)}
				if rows[key] != nil {
					panic("two rows for " + action + " " + code)
				}
				rows[key] = &table[i]
			}
		}
	}
	return rows
}

// rowOf is the row for an answer, if there is one.
func rowOf(action, code string) (*ErrorRow, bool) {
	code = strings.ToLower(code)
	if row, ok := rowsByKey[rowKey{action, code}]; ok {
		return row, true
	}
	row, ok := rowsByKey[rowKey{"", code}]
	return row, ok
}
