package eni

import (
	"errors"
	"fmt"
)

// Kind is the kind of a failure: the adapter classifies each EC2 error once, and everybody else asks
// errors.Is(err, eni.KindX). It is an error so that it can be wrapped beside its cause.
type Kind string

// Error makes a Kind a sentinel.
func (k Kind) Error() string { return string(k) }

// The kinds of failure.
const (
	// KindThrottled: EC2's or our own limit on calls; nothing happened; try again later.
	KindThrottled Kind = "throttled"
	// KindNotFound: the interface or attachment that the call named is not (or not yet) known.
	KindNotFound Kind = "interface or attachment not found"
	// KindInterfaceInUse: the interface is attached, attaching or detaching.
	KindInterfaceInUse Kind = "interface in use"
	// KindLimitReached: the instance type takes no more interfaces.
	KindLimitReached Kind = "interface limit of the instance type reached"
	// KindQuotaReached: the Region's quota of interfaces is used up.
	KindQuotaReached Kind = "interface quota of the Region reached"
	// KindSubnetFull: the subnet has no free address.
	KindSubnetFull Kind = "subnet has no free address"
	// KindSubnetNotFound: the subnet does not exist.
	KindSubnetNotFound Kind = "subnet not found"
	// KindGroupNotFound: a security group does not exist, or is of another VPC.
	KindGroupNotFound Kind = "security group not found"
	// KindInstanceNotFound: the instance does not exist.
	KindInstanceNotFound Kind = "instance not found"
	// KindInstanceState: the instance is in a state that does not allow the call.
	KindInstanceState Kind = "instance state does not allow it"
	// KindZoneMismatch: interface and instance are in different zones or VPCs.
	KindZoneMismatch Kind = "not in the same zone"
	// KindDenied: IAM denies the call.
	KindDenied Kind = "permission denied"
	// KindCredentials: EC2 does not accept the credentials.
	KindCredentials Kind = "credentials rejected"
	// KindNoAccess: EC2 does not let us at the object of the call: the credentials are rejected, or the object is
	// somebody else's. The code does not tell.
	KindNoAccess Kind = "no access"
	// KindTokenMismatch: the client token was used before with other parameters.
	KindTokenMismatch Kind = "client token used with other parameters"
	// KindUnclear: a definite refusal (4xx) by a code that stands for several things, or that we do not know: what
	// EC2 shows next decides.
	KindUnclear Kind = "refused, not clear why"
	// KindInvalid: any other definite refusal (4xx); the same call will be refused again.
	KindInvalid Kind = "refused"
	// KindUnknownOutcome: the call may or may not have taken effect (connection cut, timeout, 5xx).
	KindUnknownOutcome Kind = "outcome unknown"
	// KindNotSent: the call was not made: no lease, no longer wanted, or the process is ending.
	KindNotSent Kind = "not sent"
	// KindNotClaimable: the interface that is to be adopted is not as it would have to be.
	KindNotClaimable Kind = "not to be adopted"
	// KindNotOurs: the adapter refused to touch an interface that does not bear our tags.
	KindNotOurs Kind = "interface is not ours"
)

// Error is a failed EC2 call.
type Error struct {
	Kind Kind
	// Disposition is what is to be done about it; what is usual for the kind when empty.
	Disposition Disposition
	// Operation is the EC2 action, Subject the ID of what it was attempted on.
	Operation string
	Subject   string
	// Code, Message and RequestID are EC2's; empty when EC2 did not answer.
	Code      string
	Message   string
	RequestID string
	// Err is the cause, when there is one.
	Err error
}

// Error names what was attempted on what, and what EC2 answered.
func (e *Error) Error() string {
	what := fmt.Sprintf("%s %s: %s", e.Operation, e.Subject, e.Kind)
	switch {
	case e.Code != "":
		return fmt.Sprintf("%s: %s: %s (request %s)", what, e.Code, e.Message, e.RequestID)
	case e.Err != nil:
		return what + ": " + e.Err.Error()
	}
	return what
}

// Unwrap gives the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// KindOf is the kind of err; KindUnknownOutcome for an error that nobody classified, because that is
// the one that assumes the least.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	var k Kind
	if errors.As(err, &k) {
		return k
	}
	return KindUnknownOutcome
}
