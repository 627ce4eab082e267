package cloud

import (
	"context"
	"maps"
	"sync"
	"time"
)

// EC2's actions that the controller uses.
const (
	createNetworkInterface    = "CreateNetworkInterface"
	attachNetworkInterface    = "AttachNetworkInterface"
	detachNetworkInterface    = "DetachNetworkInterface"
	deleteNetworkInterface    = "DeleteNetworkInterface"
	modifyInterfaceAttribute  = "ModifyNetworkInterfaceAttribute"
	createTags                = "CreateTags"
	deleteTags                = "DeleteTags"
	describeNetworkInterfaces = "DescribeNetworkInterfaces"
	describeInstances         = "DescribeInstances"
	describeInstanceTypes     = "DescribeInstanceTypes"
	describeSubnets           = "DescribeSubnets"
)

// Quota is a token bucket of EC2's: how many calls it holds, and how many come in each second.
type Quota struct{ Bucket, Refill float64 }

// documented are EC2's token buckets, those that it grants everybody. Instances are described by a
// list of IDs, which is neither filtered nor paginated; for that EC2 grants half.
// Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var documented = map[string]Quota{
	createNetworkInterface:    {100, 5},
	attachNetworkInterface:    {50, 5},
	detachNetworkInterface:    {50, 5},
	deleteNetworkInterface:    {100, 5},
	modifyInterfaceAttribute:  {100, 5},
	createTags:                {100, 10},
	deleteTags:                {100, 10},
	describeNetworkInterfaces: {100, 20},
	describeInstances:         {50, 10},
	describeInstanceTypes:     {100, 20},
	describeSubnets:           {100, 20},
}

// DocumentedQuotas are the quotas by EC2's action, for each that a client calls, that hold unless Options say otherwise.
func DocumentedQuotas() map[string]Quota { return maps.Clone(documented) }

// limiter holds one bucket per action.
type limiter struct {
	buckets map[string]*bucket
	pair    pair
}

// newLimiter takes the documented quotas where there are no others.
func newLimiter(others map[string]Quota) *limiter {
	l := &limiter{buckets: map[string]*bucket{}}
	quotas := DocumentedQuotas()
	maps.Copy(quotas, others)
	for action, quota := range quotas {
		l.buckets[action] = newBucket(quota)
	}
	l.pair.quota = quotas[attachNetworkInterface]
	return l
}

// token is the right to make one call.
type token struct{ from []*bucket }

func (t token) giveBack() {
	for _, b := range t.from {
		b.giveBack()
	}
}

// take waits for the right to make one call.
func (l *limiter) take(ctx context.Context, action string, how urgency) (token, error) {
	begun := time.Now()
	defer func() { countWait(action, time.Since(begun)) }()
	own := l.buckets[action]
	if err := own.queue(ctx, how); err != nil {
		return token{}, err
	}
	// The turn is kept while the parent is waited for: so each of the two has one in the parent's queue,
	// and they take turns there.
	defer own.leave()
	if err := own.await(ctx); err != nil {
		return token{}, err
	}
	parent := l.pair.shared(action, time.Now())
	if parent == nil {
		return token{[]*bucket{own}}, nil
	}
	if err := parent.take(ctx, how); err != nil {
		own.giveBack()
		return token{}, err
	}
	return token{[]*bucket{own, parent}}, nil
}

// note takes note of a call that waited for no right to be made.
func (l *limiter) note(action string) { l.buckets[action].note(time.Now()) }

// throttled takes note that EC2 throttled a call which was sent at that time.
func (l *limiter) throttled(action string, sent time.Time) {
	now := time.Now()
	l.buckets[action].throttled(sent, now)
	l.pair.throttled(action, sent, now)
}

// assumeSpent takes for granted that somebody emptied the buckets of the actions that change EC2 at the given time.
func (l *limiter) assumeSpent(at time.Time) {
	now := time.Now()
	for action, b := range l.buckets {
		if mutates(action) {
			b.spent(at, now)
		}
	}
}

const (
	// jointly is within what time throttles of both actions of a pair count as one.
	jointly = time.Second
	// sharedFor is how long a pair shares one bucket before each is believed to have its own again.
	sharedFor = 10 * time.Minute
)

// pair watches Attach and Detach. EC2's documentation gives neither a bucket of its own by name; whether
// they share one can only be seen. When both are throttled at once they draw on one parent bucket, where
// they take turns: half each when both have work, all for one when the other has none.
type pair struct {
	// quota is what a parent bucket has.
	quota Quota

	mu               sync.Mutex
	attached, detach time.Time
	parent           *bucket
	until            time.Time
}

func paired(action string) bool {
	return action == attachNetworkInterface || action == detachNetworkInterface
}

// shared is the parent bucket, nil while there is none.
func (p *pair) shared(action string, now time.Time) *bucket {
	if !paired(action) {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parent != nil && now.After(p.until) {
		p.parent = nil
	}
	return p.parent
}

func (p *pair) throttled(action string, sent, now time.Time) {
	if !paired(action) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.parent != nil {
		p.parent.throttled(sent, now)
	}
	if action == attachNetworkInterface {
		p.attached = now
	} else {
		p.detach = now
	}
	if p.attached.Sub(p.detach).Abs() > jointly {
		return
	}
	p.until = now.Add(sharedFor)
	if p.parent == nil {
		p.parent = newBucket(p.quota)
		p.parent.spent(now, now)
	}
}
