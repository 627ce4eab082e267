package controller

import (
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	// throttlePatience is for how long EC2 must have throttled every call of an action when calls of it are held back.
	// Before, it is for the adapter's limiter to find the rate that EC2 grants.
	throttlePatience = 30 * time.Second
	// throttleMemory is after what time without one a throttle is the first again. It is longer than the back-off of
	// any key.
	throttleMemory = 2 * time.Minute
)

// throttleOf is the cause that EC2 throttles the call's action.
func throttleOf(c call) cause {
	return cause{kind: eni.KindThrottled, subject: operations[c.kind]}
}

// throttled records that EC2 has not looked at a call since there are too many of its action. When it has not looked at
// a single one for a while, however rarely they came, it is asked by one for all, as about any other cause: the rate at
// which the limiter never ceases to ask is more than that when many wait.
func (s *setbacks) throttled(c call, message string, now time.Time) {
	b := remember(&s.causes, throttleOf(c))
	if now.Sub(b.throttledAt) >= throttleMemory {
		*b = shared{setback: setback{since: now}}
	}
	b.throttledAt = now
	if now.Sub(b.since) < throttlePatience || b.Until.After(now) {
		return // the latter is the answer to a call that was under way when another one was throttled
	}
	b.step = min(max(2*b.step, firstSetback), maxPause)
	b.Setback = plan.Setback{Message: message, Until: now.Add(b.step)}
}
