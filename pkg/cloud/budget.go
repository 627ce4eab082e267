package cloud

import (
	"time"

	"k8s.io/component-base/metrics"
)

var (
	budgetTokensDesc = metrics.NewDesc("multi_eni_ec2_budget_tokens",
		"EC2 calls that our own rate limit would let through at once, by action.", []string{"action"}, nil, metrics.ALPHA, "")
	budgetRatioDesc = metrics.NewDesc("multi_eni_ec2_budget_ratio",
		"Share of EC2's documented rate that our own rate limit allows, by action: cut by a throttle, back at 1 within five minutes.",
		[]string{"action"}, nil, metrics.ALPHA, "")
)

// budget tells, when it is asked, what is left of the rate limits.
type budget struct {
	metrics.BaseStableCollector
	limiter *limiter
}

// Collector is what tells the metrics that are this client's own. Those of its calls are the process's, see metrics.go.
func (c *Client) Collector() metrics.StableCollector { return &budget{limiter: c.limiter} }

// DescribeWithStability implements metrics.StableCollector.
func (b *budget) DescribeWithStability(descs chan<- *metrics.Desc) {
	descs <- budgetTokensDesc
	descs <- budgetRatioDesc
}

// CollectWithStability implements metrics.StableCollector.
func (b *budget) CollectWithStability(out chan<- metrics.Metric) {
	now := time.Now()
	for action, bucket := range b.limiter.buckets {
		tokens, ratio := bucket.left(now)
		out <- metrics.NewLazyConstMetric(budgetTokensDesc, metrics.GaugeValue, tokens, action)
		out <- metrics.NewLazyConstMetric(budgetRatioDesc, metrics.GaugeValue, ratio, action)
	}
}

// left is how many tokens there are, and the present share of the documented rate. The bucket stays as it is: that
// somebody looks must not change what calls do.
func (b *bucket) left(now time.Time) (tokens, ratio float64) {
	b.mu.Lock()
	seen := bucket{size: b.size, fill: b.fill, rate: b.rate, tokens: b.tokens, updated: b.updated}
	b.mu.Unlock()
	seen.advance(now)
	return seen.tokens, seen.rate / seen.fill
}
