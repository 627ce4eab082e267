package ec2sim

import (
	"strings"
	"time"
)

// EC2's token buckets.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
var (
	describeBucket         = Bucket{Bucket: 100, Refill: 20}
	unfilteredBucket       = Bucket{Bucket: 50, Refill: 10}
	mutatingBucket         = Bucket{Bucket: 50, Refill: 5}
	documentedActionBucket = map[string]Bucket{
		"CreateNetworkInterface":          {100, 5},
		"DeleteNetworkInterface":          {100, 5},
		"ModifyNetworkInterfaceAttribute": {100, 5},
		"AssignPrivateIpAddresses":        {100, 5},
		"UnassignPrivateIpAddresses":      {100, 5},
		"AssignIpv6Addresses":             {100, 5},
		"CreateTags":                      {100, 10},
		"DeleteTags":                      {100, 10},
		"RunInstances":                    {5, 2},
		"StartInstances":                  {5, 2},
		"TerminateInstances":              {100, 5},
	}
)

// meteredWhenUnfiltered are the describes that have a smaller bucket for calls that are
// neither filtered nor paged.
var meteredWhenUnfiltered = map[string]bool{"DescribeNetworkInterfaces": true, "DescribeInstances": true, "DescribeSecurityGroups": true}

// resourceBuckets meter the instances that a call is about, beside the call itself.
var resourceBuckets = map[string]Bucket{
	"RunInstances":       {1000, 2},
	"StartInstances":     {1000, 2},
	"StopInstances":      {1000, 20},
	"TerminateInstances": {1000, 20},
}

// bucket is one token bucket as it was when last used.
type bucket struct {
	tokens float64
	at     time.Time
}

// bucketOf names the bucket that a call draws from, and its size.
func (s *Simulator) bucketOf(c *call) (string, Bucket) {
	name := c.action
	size, documented := documentedActionBucket[name]
	switch {
	case documented:
	case meteredWhenUnfiltered[name] && !paged(c.form) && !c.form.has("Filter"):
		name, size = name+"/unfiltered", unfilteredBucket
	case strings.HasPrefix(name, "Describe"):
		size = describeBucket
	default:
		size = mutatingBucket
	}
	// A size in the world file is for the whole action; unfiltered calls keep their half.
	if own, ok := s.quotas.Actions[c.action]; ok {
		size = own
		if name != c.action {
			size = Bucket{Bucket: max(1, own.Bucket/2), Refill: own.Refill / 2}
		}
	}
	return name, size
}

// throttle takes a token for the call, and one for each instance that it is about, or
// refuses it.
func (s *Simulator) throttle(c *call) error {
	if !*s.quotas.Enabled {
		return nil
	}
	name, size := s.bucketOf(c)
	if !s.take(name, size, 1, c.now) {
		return s.errThrottled(c.action)
	}
	if s.variants.MutatingBuckets == "shared" && !strings.HasPrefix(name, "Describe") && !s.take("mutating", mutatingBucket, 1, c.now) {
		return s.errThrottled(c.action)
	}
	if size, ok := resourceBuckets[c.action]; ok {
		// Nobody has looked at the parameters yet: a number below zero must not refill.
		n := len(c.form.members("InstanceId")) + max(0, c.form.number("MaxCount", 0))
		if !s.take(c.action+"/resources", size, float64(n), c.now) {
			return s.errThrottled(c.action)
		}
	}
	return nil
}

// take draws from a bucket, or leaves it as it is. Other tenants of the account eat
// their share of what flows in, and keep the bucket from ever being quite full.
func (s *Simulator) take(name string, size Bucket, n float64, now time.Time) bool {
	left := 1 - s.quotas.Background
	ceiling := max(1, size.Bucket*left)
	b, ok := s.buckets[name]
	if !ok {
		b = &bucket{tokens: ceiling, at: now}
		s.buckets[name] = b
	}
	b.tokens = min(ceiling, b.tokens+now.Sub(b.at).Seconds()*size.Refill*left)
	b.at = now
	if b.tokens < n {
		return false
	}
	b.tokens -= n
	return true
}
