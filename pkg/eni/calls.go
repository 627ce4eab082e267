package eni

import (
	"context"
	"time"
)

// Call is what became of one call to EC2.
type Call struct {
	// Action is EC2's, Subject the ID of what it was made on.
	Action, Subject string
	Began           time.Time
	Duration        time.Duration
	// RequestID and Code are EC2's; Code is OK for a success. Both are empty when the call was not made, or not
	// answered.
	RequestID, Code string
	// Err is why it failed; nil for a success.
	Err error
}

type callsKey struct{}

// WithCalls has every call that is made under the context reported. The function is called by whoever makes the call.
func WithCalls(ctx context.Context, report func(Call)) context.Context {
	return context.WithValue(ctx, callsKey{}, report)
}

// ReportCall reports a call to whoever wants to know of those under the context.
func ReportCall(ctx context.Context, call Call) {
	if report, ok := ctx.Value(callsKey{}).(func(Call)); ok {
		report(call)
	}
}
