package eni

import "errors"

// Disposition says what is to be done about a call that failed.
type Disposition string

// The dispositions.
const (
	// Done: what the call was to bring about is so already. It counts once a read shows it too.
	Done Disposition = "done"
	// Wait: the call was not made, or not looked at; it is made when there is room for it.
	Wait Disposition = "wait"
	// Retry: the call may succeed in a moment; it is made again with a short back-off, and what it was about is read
	// anew, so that the next decision is made on what EC2 shows.
	Retry Disposition = "retry"
	// Blocked: the call is refused until something changes. A person is told, and it is tried with a long back-off.
	Blocked Disposition = "blocked"
)

// usual has the dispositions of those kinds for which Blocked is not the usual one.
var usual = map[Kind]Disposition{
	KindNotSent:        Wait,
	KindThrottled:      Wait,
	KindUnknownOutcome: Retry,
	KindNotFound:       Retry,
	KindInterfaceInUse: Retry,
	KindTokenMismatch:  Retry,
	KindUnclear:        Retry,
}

// Disposition is the kind's usual one.
func (k Kind) Disposition() Disposition {
	if d, ok := usual[k]; ok {
		return d
	}
	return Blocked
}

// DispositionOf is what is to be done about err: what the adapter says, else what is usual for its kind.
func DispositionOf(err error) Disposition {
	if e, ok := errors.AsType[*Error](err); ok && e.Disposition != "" {
		return e.Disposition
	}
	return KindOf(err).Disposition()
}
