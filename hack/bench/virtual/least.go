package virtual

import (
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// The actions that change EC2.
const (
	create = "CreateNetworkInterface"
	attach = "AttachNetworkInterface"
	modify = "ModifyNetworkInterfaceAttribute"
	detach = "DetachNetworkInterface"
	remove = "DeleteNetworkInterface"
)

// documented are EC2's token buckets of these.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var documented = map[string]ec2sim.Bucket{
	create: {Bucket: 100, Refill: 5}, attach: {Bucket: 50, Refill: 5}, modify: {Bucket: 100, Refill: 5},
	detach: {Bucket: 50, Refill: 5}, remove: {Bucket: 100, Refill: 5},
}

// left is what of an action's bucket is left for us.
func (w World) left(action string) ec2sim.Bucket {
	b := documented[action]
	share := 1 - w.Others
	if w.Halved {
		share /= 2
	}
	return ec2sim.Bucket{Bucket: b.Bucket * share, Refill: b.Refill * share}
}

// queueing is how long the quotas keep n calls of each action waiting, from full buckets on.
func (w World) queueing(n int, actions ...string) time.Duration {
	var longest float64
	for _, action := range actions {
		b := w.left(action)
		longest = max(longest, (float64(n)-b.Bucket)/b.Refill)
	}
	return time.Duration(longest * float64(time.Second))
}

const (
	// callPath is what a call takes, with the way to EC2.
	callPath = callTakes + maxDistance/2
	// What one interface takes by itself: two calls, and what EC2 takes for the attach or the detach.
	attachPath = 2*callPath + attachTakes
	detachPath = 2*callPath + detachTakes
)

// leastAttach is the least time in which n interfaces can be created and attached.
func (w World) leastAttach(n int) time.Duration { return w.queueing(n, create, attach) + attachPath }

// leastDetach is the least time in which n interfaces can be detached and deleted.
func (w World) leastDetach(n int) time.Duration { return w.queueing(n, detach, remove) + detachPath }
