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

// throttle takes a token for the call, or refuses it. Other tenants of the account eat
// their share of what flows in, and keep the bucket from ever being quite full.
func (s *Simulator) throttle(c *call) error {
	if !*s.quotas.Enabled {
		return nil
	}
	name, size := s.bucketOf(c)
	left := 1 - s.quotas.Background
	ceiling := max(1, size.Bucket*left)
	b, ok := s.buckets[name]
	if !ok {
		b = &bucket{tokens: ceiling, at: c.now}
		s.buckets[name] = b
	}
	b.tokens = min(ceiling, b.tokens+c.now.Sub(b.at).Seconds()*size.Refill*left)
	b.at = c.now
	if b.tokens < 1 {
		return errThrottled(c.action)
	}
	b.tokens--
	return nil
}
