package cloud

import (
	"sync"
	"time"

	"k8s.io/component-base/metrics"
	"k8s.io/component-base/metrics/legacyregistry"
)

// The values of the label "code" that are not EC2's.
const (
	codeOK = "OK"
	// codeNone: there was no answer, or none that could be read.
	codeNone = "NoAnswer"
)

var (
	calls = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "ec2",
		Name:           "calls_total",
		Help:           "EC2 calls made, by action and EC2's error code (OK: success; NoAnswer: no readable answer).",
		StabilityLevel: metrics.ALPHA,
	}, []string{"action", "code"})
	callDuration = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace:      "multi_eni",
		Subsystem:      "ec2",
		Name:           "call_duration_seconds",
		Help:           "How long EC2 calls took, without the wait for the rate limit.",
		Buckets:        []float64{0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30},
		StabilityLevel: metrics.ALPHA,
	}, []string{"action"})
	throttleWait = metrics.NewHistogramVec(&metrics.HistogramOpts{
		Namespace:      "multi_eni",
		Subsystem:      "ec2",
		Name:           "throttle_wait_seconds",
		Help:           "How long EC2 calls waited for our own rate limit.",
		Buckets:        []float64{0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 900},
		StabilityLevel: metrics.ALPHA,
	}, []string{"action"})

	unknownErrors = metrics.NewCounterVec(&metrics.CounterOpts{
		Namespace:      "multi_eni",
		Subsystem:      "ec2",
		Name:           "unknown_errors_total",
		Help:           "EC2's answers with an error code that the controller does not know, by action and code (Other: further codes). Please report them.",
		StabilityLevel: metrics.ALPHA,
	}, []string{"action", "code"})

	registerMetrics = sync.OnceFunc(func() { legacyregistry.MustRegister(calls, callDuration, throttleWait, unknownErrors) })
)

func countCall(action, code string, duration time.Duration) {
	calls.WithLabelValues(action, code).Inc()
	callDuration.WithLabelValues(action).Observe(duration.Seconds())
}

func countWait(action string, wait time.Duration) {
	throttleWait.WithLabelValues(action).Observe(wait.Seconds())
}
