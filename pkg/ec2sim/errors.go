package ec2sim

import (
	"fmt"
	"net/http"
)

// Error is an error answer of EC2, with the codes of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html.
type Error struct {
	Code    string
	Message string
	Status  int
}

// Error implements error.
func (e *Error) Error() string { return e.Code + ": " + e.Message }

// statuses holds the codes that are not answered with 400.
var statuses = map[string]int{
	"AuthFailure":                          http.StatusUnauthorized,
	"MissingAuthenticationToken":           http.StatusForbidden,
	"UnauthorizedOperation":                http.StatusForbidden,
	"DryRunOperation":                      http.StatusPreconditionFailed,
	"InsufficientAddressCapacity":          http.StatusInternalServerError,
	"InsufficientCapacity":                 http.StatusInternalServerError,
	"InsufficientCapacityOnHost":           http.StatusInternalServerError,
	"InsufficientCapacityOnOutpost":        http.StatusInternalServerError,
	"InsufficientHostCapacity":             http.StatusInternalServerError,
	"InsufficientInstanceCapacity":         http.StatusInternalServerError,
	"InsufficientReservedInstanceCapacity": http.StatusInternalServerError,
	"InsufficientVolumeCapacity":           http.StatusInternalServerError,
	"ServerInternal":                       http.StatusInternalServerError,
	"BandwidthLimitExceeded":               http.StatusServiceUnavailable,
	"InternalError":                        http.StatusInternalServerError,
	"InternalFailure":                      http.StatusInternalServerError,
	"RequestLimitExceeded":                 http.StatusServiceUnavailable,
	"ServiceUnavailable":                   http.StatusServiceUnavailable,
	"Unavailable":                          http.StatusServiceUnavailable,
}

func statusOf(code string) int {
	if status, ok := statuses[code]; ok {
		return status
	}
	return http.StatusBadRequest
}

// fail makes the error answer for a code; the HTTP status follows from the code.
func fail(code, format string, args ...any) error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), Status: statusOf(code)}
}

func badValue(param, value, why string) error {
	return fail("InvalidParameterValue", "Value (%s) for parameter %s is invalid. %s", value, param, why)
}

func missing(param string) error {
	return fail("MissingParameter", "The request must contain the parameter %s", param)
}

// errThrottled is what an empty bucket answers; clients tell it by code, never by text.
func (s *Simulator) errThrottled(action string) error {
	return fail("RequestLimitExceeded", "Request limit exceeded. Account %s has been throttled on ec2:%s because it exceeded its request rate limit.", s.account, action)
}
