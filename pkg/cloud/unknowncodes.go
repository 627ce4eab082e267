package cloud

import (
	"context"
	"strings"
	"sync"

	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// codeOther stands for codes that nobody knows, after the first maxUnknownCodes of them, and for what looks like no
// code at all: whoever answers us must not decide how many time series there are.
const (
	codeOther       = "Other"
	maxUnknownCodes = 50
	maxCodeLength   = 64
)

// unknownCodes remembers the codes that the table does not have.
var unknownCodes codeLog

type codeLog struct {
	mu   sync.Mutex
	seen map[string]bool
}

// label is the code as a value of a metric's label, and whether it is new.
func (l *codeLog) label(code string) (label string, fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.seen[code]:
		return code, false
	case len(l.seen) >= maxUnknownCodes || !plausible(code):
		return codeOther, false
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	l.seen[code] = true
	return code, true
}

func plausible(code string) bool {
	return len(code) <= maxCodeLength && strings.IndexFunc(code, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '_' && r != '-'
	}) < 0
}

// met counts an answer with a code that the table does not have, and tells of it once for each code.
func (l *codeLog) met(ctx context.Context, failure *eni.Error, status int) {
	label, fresh := l.label(failure.Code)
	unknownErrors.WithLabelValues(failure.Operation, label).Inc()
	if fresh {
		klog.FromContext(ctx).V(2).Info("EC2 answered with an error code that the controller does not know; the call is retried. Please report this line",
			"action", failure.Operation, "code", failure.Code, "status", status, "message", failure.Message, "requestID", failure.RequestID)
	}
}

// labelOf is the value of the label "code" for a call: the code where we know it, or one of the few others.
func labelOf(action, code string) string {
	if _, known := rowOf(action, code); known || code == codeOK || code == codeNone {
		return code
	}
	label, _ := unknownCodes.label(code)
	return label
}
