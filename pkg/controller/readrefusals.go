package controller

import (
	"slices"
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// decidingReads are the reads for which plans wait, each with the EC2 action without which none of them succeeds.
var decidingReads = map[string]string{inventory.ReadInstances: "DescribeInstances", inventory.ReadSubnets: "DescribeSubnets"}

// refusedFor is for how long the refusal of an action counts that some of the reads do without, although others succeed:
// longer than whoever needs it pauses.
const refusedFor = 2 * time.Minute

// readRefusals remembers which reads EC2 refuses because of who asks: whoever waits for what they show waits for a person.
type readRefusals struct {
	mu sync.Mutex
	by map[string]refusedRead
}

type refusedRead struct {
	plan.Refusal
	operation string
	at        time.Time
}

// of is why a read is refused; zero when it is not.
func (r *readRefusals) of(what string) plan.Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.by[what].Refusal
}

// took takes in how a read went, and reports whether that is news. A failure that may be over at once is none.
func (r *readRefusals) took(what string, err error, now time.Time) (news bool) {
	reason, message, refused := explainAccess(err)
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.by[what]
	switch {
	case refused:
		told := refusedRead{plan.Refusal{Reason: reason, Message: message}, operationOf(err), now}
		if before.Reason == reason && before.operation == told.operation {
			told.Message = before.Message // an answer may say what time it is, which is not worth a status
		}
		put(&r.by, what, told)
		return told.Refusal != before.Refusal
	case err != nil, !known, before.operation != decidingReads[what] && now.Sub(before.at) < refusedFor:
		return false
	}
	delete(r.by, what)
	return true
}

// wasRead is told of each of the inventory's reads. What is said of all that waits for such a read changes with its
// refusal.
func (c *Controller) wasRead(what string, err error) {
	if err != nil {
		c.preflight.doubt(err)
	}
	if decidingReads[what] == "" || !c.refusals.took(what, err, time.Now()) {
		return
	}
	for _, id := range slices.Concat(c.matchedInstances(), c.inventory.InstanceKeys()) {
		c.enqueueInstance(id)
	}
}
