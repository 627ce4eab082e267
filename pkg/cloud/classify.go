package cloud

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// meaningOf is what an answer means and what is to be done about it: by the table, else by the HTTP status. It never
// goes by the SDK's notion of whose fault it is: EC2 throttles with a server's status. known is false for a code that
// is not in the table.
func meaningOf(action, code string, status int) (kind eni.Kind, then eni.Disposition, known bool) {
	row, known := rowOf(action, code)
	if !known {
		kind = kindOfStatus(status)
		return kind, dispositionOf(action, kind.Disposition()), false
	}
	return row.Kind, dispositionOf(action, row.Then), true
}

// dispositionOf makes every read that failed one that is made again: nothing is concluded from it.
func dispositionOf(action string, then eni.Disposition) eni.Disposition {
	if !mutates(action) && then != eni.Wait {
		return eni.Retry
	}
	return then
}

// kindOfStatus judges a code that nobody knows.
func kindOfStatus(status int) eni.Kind {
	switch {
	case status == http.StatusUnauthorized:
		return eni.KindCredentials
	case status == http.StatusForbidden:
		return eni.KindDenied
	case status == http.StatusTooManyRequests:
		return eni.KindThrottled
	case status >= 400 && status < 500:
		return eni.KindUnclear
	}
	return eni.KindUnknownOutcome
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
		setAnswer(ctx, failure, answered, err)
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
func setAnswer(ctx context.Context, failure *eni.Error, answered smithy.APIError, err error) {
	status, requestID := answerOf(err)
	failure.RequestID = requestID
	if answered.ErrorCode() == codeOfNone {
		failure.Kind, failure.Err = eni.KindUnknownOutcome, fmt.Errorf("HTTP status %d without an error code of EC2", status)
		return
	}
	failure.Code, failure.Message = answered.ErrorCode(), answered.ErrorMessage()
	var known bool
	failure.Kind, failure.Disposition, known = meaningOf(failure.Operation, failure.Code, status)
	if !known {
		unknownCodes.met(ctx, failure, status)
	}
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
