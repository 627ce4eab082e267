package cloud

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// request says what one call is about.
type request struct {
	// action is EC2's name of the call, subject the ID of what it is made on.
	action, subject string
	// owned says that the subject is an interface, which must be ours when the call is made.
	owned bool
	// dry says that the call is only asked about, see probe.go.
	dry bool
	// how urgent it is, among all that are about to make the same call.
	how urgency
	// confirm, if there is one, has the last word.
	confirm func(context.Context) error
}

// mutates reports whether the action changes EC2.
func mutates(action string) bool { return !strings.HasPrefix(action, "Describe") }

// operation is a method of the SDK's client.
type operation[In, Out any] func(context.Context, In, ...func(*ec2.Options)) (Out, error)

// call makes one attempt at one EC2 call: token, confirmation, lease, send. The error is an *eni.Error.
func call[In, Out any](ctx context.Context, c *Client, r request, do operation[In, Out], input In) (Out, error) {
	var none Out
	token, err := c.admit(ctx, r)
	if err != nil {
		return none, notSent(ctx, r, err)
	}
	if r.owned && !c.described.ours(r.subject) { // it may have changed hands since the call was asked for
		token.giveBack()
		return none, notOurs(r.action, r.subject)
	}
	begun := time.Now()
	deadline, err := c.fence.deadline(mutates(r.action), begun)
	if err != nil {
		token.giveBack()
		return none, notSent(ctx, r, err)
	}
	attemptCtx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	a := &attempt{action: r.action}
	out, err := do(a.in(attemptCtx), input)
	if failure := c.conclude(ctx, a, r, begun, err); failure != nil {
		if !a.handed {
			token.giveBack()
		}
		return none, failure
	}
	return out, nil
}

// admit waits for a token and then lets the caller confirm that the call is still wanted.
func (c *Client) admit(ctx context.Context, r request) (token, error) {
	if r.dry {
		c.limiter.note(r.action)
		return token{}, nil
	}
	t, err := c.limiter.take(ctx, r.action, r.how)
	if err != nil || r.confirm == nil {
		return t, err
	}
	if err := r.confirm(ctx); err != nil {
		t.giveBack()
		return token{}, err
	}
	return t, nil
}

// conclude classifies, logs and counts what came of an attempt, and lets the limiter know of a throttle.
func (c *Client) conclude(ctx context.Context, a *attempt, r request, begun time.Time, err error) *eni.Error {
	failure := classify(ctx, a, r, err)
	if failure == nil {
		observe(ctx, a, r, begun, codeOK, nil)
		return nil
	}
	if isThrottle(failure.Code) && a.handed && !r.dry {
		c.limiter.throttled(r.action, begun)
	}
	a.requestID = cmp.Or(failure.RequestID, a.requestID)
	failure.RequestID = a.requestID
	observe(ctx, a, r, begun, cmp.Or(failure.Code, codeNone), failure)
	return failure
}

// notSent says that a call was not made, and why.
func notSent(ctx context.Context, r request, why error) error {
	klog.FromContext(ctx).V(4).Info("EC2 call not made", "action", r.action, "subject", r.subject, "reason", why)
	failure := &eni.Error{Kind: eni.KindNotSent, Operation: r.action, Subject: r.subject, Err: why}
	eni.ReportCall(ctx, eni.Call{Action: r.action, Subject: r.subject, Began: time.Now(), Err: failure})
	return failure
}

// observe logs, reports and counts a call that was tried; failure is nil for a success.
func observe(ctx context.Context, a *attempt, r request, begun time.Time, code string, failure *eni.Error) {
	duration := time.Since(begun)
	if logger := klog.FromContext(ctx).V(4); logger.Enabled() {
		logger.Info("EC2 call", "action", r.action, "subject", r.subject, "duration", duration, "requestID", a.requestID, "code", code, "dryRun", r.dry)
	}
	report := eni.Call{Action: r.action, Subject: r.subject, Began: begun, Duration: duration, RequestID: a.requestID, Code: code}
	if failure != nil {
		report.Err, report.Code = failure, failure.Code
	}
	eni.ReportCall(ctx, report)
	if a.handed {
		countCall(r.action, labelOf(r.action, code), duration)
	}
}
