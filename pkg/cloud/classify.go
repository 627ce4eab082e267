package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// kinds says what EC2's error codes mean to us, whatever the action. EC2 spells ID and Id as it likes, so
// keys are lower case and so is what is looked up. A code that is not here is judged by its HTTP status.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
var kinds = lowerKeys(map[eni.Kind][]string{
	// The codes for throttling differ by what throttles: EC2, its front end, or a service behind it.
	// ConcurrentTagAccess is not a rate, but means the same: nothing happened, try again.
	eni.KindThrottled: append([]string{"ConcurrentTagAccess"}, throttleCodes...),
	eni.KindNotFound: {
		"InvalidNetworkInterfaceID.NotFound", "InvalidNetworkInterface.NotFound",
		"InvalidAttachmentID.NotFound", "InvalidAttachment.NotFound", "InvalidNetworkInterfaceAttachmentID.NotFound",
		"InvalidID", // tagging what does not exist
	},
	eni.KindInterfaceInUse:   {"InvalidNetworkInterface.InUse", "InvalidNetworkInterfaceID.InUse"},
	eni.KindLimitReached:     {"AttachmentLimitExceeded"},
	eni.KindQuotaReached:     {"NetworkInterfaceLimitExceeded"},
	eni.KindSubnetFull:       {"InsufficientFreeAddressesInSubnet", "InsufficientCidrBlocks"},
	eni.KindSubnetNotFound:   {"InvalidSubnetID.NotFound", "InvalidSubnet.NotFound"},
	eni.KindGroupNotFound:    {"InvalidGroup.NotFound", "InvalidGroupID.NotFound", "InvalidSecurityGroupID.NotFound", "InvalidSecurityGroup.NotFound"},
	eni.KindInstanceNotFound: {"InvalidInstanceID.NotFound"},
	eni.KindInstanceState:    {"IncorrectState", "IncorrectInstanceState"},
	eni.KindDenied:           {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "OptInRequired", "Blocked", "PendingVerification"},
	eni.KindCredentials: {
		"AuthFailure", "RequestExpired", "MissingAuthenticationToken", "InvalidClientTokenId", "SignatureDoesNotMatch",
		"ExpiredToken", "ExpiredTokenException", "InvalidSecurityToken", "UnrecognizedClientException", "IncompleteSignature",
		"InvalidAccessKeyId",
	},
	eni.KindTokenMismatch: {"IdempotentParameterMismatch", "InvalidClientToken"},
	eni.KindUnknownOutcome: {
		"InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable", "RequestTimeout", "RequestTimeoutException",
	},
})

// throttleCodes make the limiter give way.
var throttleCodes = []string{
	"RequestLimitExceeded", "Client.RequestLimitExceeded", "Throttling", "ThrottlingException", "ThrottledException",
	"RequestThrottled", "RequestThrottledException", "TooManyRequestsException", "EC2ThrottledException",
	"BandwidthLimitExceeded", "SlowDown",
}

// kindsByAction says what codes mean that EC2 uses for different things. InvalidParameterValue is both the
// answer to a malformed parameter and to a device index that is taken: the callers decide such cases on
// what EC2 shows next, so here the likelier reading is given and texts are not looked at.
var kindsByAction = map[string]map[string]eni.Kind{
	createNetworkInterface: {
		// What a create combines is a subnet and security groups, which must be of one VPC.
		"invalidparametercombination": eni.KindGroupNotFound,
	},
	attachNetworkInterface: {
		"invalidparametervalue":       eni.KindSlotTaken,
		"invalidparametercombination": eni.KindZoneMismatch,
	},
	deleteNetworkInterface: {
		"invalidparametervalue": eni.KindInterfaceInUse,
		"incorrectstate":        eni.KindInterfaceInUse,
	},
	modifyInterfaceAttribute: {
		// We change one attribute a call; only security groups can fail to fit the interface.
		"invalidparametercombination": eni.KindGroupNotFound,
		"incorrectstate":              eni.KindInterfaceInUse,
	},
}

func lowerKeys(codes map[eni.Kind][]string) map[string]eni.Kind {
	out := map[string]eni.Kind{}
	for kind, list := range codes {
		for _, code := range list {
			out[strings.ToLower(code)] = kind
		}
	}
	return out
}

func isThrottle(code string) bool {
	for _, throttle := range throttleCodes {
		if strings.EqualFold(code, throttle) {
			return true
		}
	}
	return false
}

// kindOfCode is the one place where EC2's answers get their meaning. It goes by code and HTTP status, never
// by the SDK's notion of whose fault it is: EC2 throttles with a server's status.
func kindOfCode(action, code, message string, status int) eni.Kind {
	code = strings.ToLower(code)
	if subnetFull(action, code, message) {
		return eni.KindSubnetFull
	}
	if kind, ok := kindsByAction[action][code]; ok {
		return kind
	}
	if kind, ok := kinds[code]; ok {
		return kind
	}
	switch {
	case status == http.StatusUnauthorized:
		return eni.KindCredentials
	case status == http.StatusForbidden:
		return eni.KindDenied
	case status == http.StatusTooManyRequests:
		return eni.KindThrottled
	case status >= 400 && status < 500:
		return eni.KindInvalid
	}
	return eni.KindUnknownOutcome
}

// subnetFull knows the one answer that can only be told by its text: EC2 also reports a full subnet as
// InvalidParameterValue, "There aren't sufficient free Ipv4 addresses or prefixes".
// Source: https://github.com/aws/amazon-vpc-cni-k8s/issues/3105
func subnetFull(action, code, message string) bool {
	message = strings.ToLower(message)
	return action == createNetworkInterface && code == "invalidparametervalue" &&
		strings.Contains(message, "sufficient free") && strings.Contains(message, "address")
}

// classify turns what the SDK returned into our error; nil for success.
func classify(ctx context.Context, a *attempt, r request, err error) *eni.Error {
	if err == nil {
		return nil
	}
	failure := &eni.Error{Operation: r.action, Subject: r.subject, Err: rootOf(err)}
	var answered smithy.APIError
	var invalid *smithy.InvalidParamsError
	var credentials *credentialsError
	switch {
	case a.refusal != nil:
		failure.Kind, failure.Err = eni.KindNotSent, a.refusal
	case errors.As(err, &credentials):
		setCredentials(ctx, failure, credentials)
	case errors.As(err, &invalid):
		failure.Kind = eni.KindInvalid
	case a.unsent(err):
		failure.Kind = eni.KindNotSent
	case errors.As(err, &answered):
		setAnswer(failure, answered, err)
	default:
		failure.Kind = eni.KindUnknownOutcome
	}
	return failure
}

// setCredentials fills in a failure of the credentials' source: nothing was sent to EC2.
func setCredentials(ctx context.Context, failure *eni.Error, credentials *credentialsError) {
	failure.Kind, failure.Err = eni.KindCredentials, credentials
	var answered smithy.APIError
	switch {
	case ctx.Err() != nil:
		failure.Kind = eni.KindNotSent
	case errors.As(credentials.err, &answered):
		failure.Code, failure.Message = answered.ErrorCode(), answered.ErrorMessage()
	}
}

// setAnswer fills in what EC2 answered, or whoever stands between us and EC2: his answers have no code.
func setAnswer(failure *eni.Error, answered smithy.APIError, err error) {
	status, requestID := answerOf(err)
	failure.RequestID = requestID
	if answered.ErrorCode() == codeOfNone {
		failure.Kind, failure.Err = eni.KindUnknownOutcome, fmt.Errorf("HTTP status %d without an error code of EC2", status)
		return
	}
	failure.Code, failure.Message = answered.ErrorCode(), answered.ErrorMessage()
	failure.Kind = kindOfCode(failure.Operation, failure.Code, failure.Message, status)
}

// codeOfNone is what the SDK calls an error answer in which it finds no code.
const codeOfNone = "UnknownError"

func answerOf(err error) (status int, requestID string) {
	var response *awshttp.ResponseError
	if !errors.As(err, &response) {
		return 0, ""
	}
	return response.HTTPStatusCode(), response.ServiceRequestID()
}

// rootOf takes off what the SDK puts around a failure without telling more than we do: the operation, and
// the status and request ID of an answer that there was not.
func rootOf(err error) error {
	var send *smithyhttp.RequestSendError
	if errors.As(err, &send) {
		return send.Err
	}
	var operation *smithy.OperationError
	if errors.As(err, &operation) {
		return operation.Err
	}
	return err
}
