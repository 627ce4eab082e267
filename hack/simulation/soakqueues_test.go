//go:build !race

package simulation

import (
	"sync/atomic"

	"k8s.io/client-go/util/workqueue"
)

// queueMetrics has what all work queues of the process tell of themselves. Each replica that leads makes queues of its
// own, and a queue that has ended has handed over all its keys.
type queueMetrics struct {
	waiting, busy, most atomic.Int64
}

func (q *queueMetrics) now() (waiting, busy int) { return int(q.waiting.Load()), int(q.busy.Load()) }

// NewDepthMetric implements workqueue.MetricsProvider, as all methods below.
func (q *queueMetrics) NewDepthMetric(string) workqueue.GaugeMetric { return waiting{q} }

// NewLatencyMetric observes each key that a worker gets.
func (q *queueMetrics) NewLatencyMetric(string) workqueue.HistogramMetric {
	return observed{&q.busy, 1}
}

// NewWorkDurationMetric observes each key that a worker is done with.
func (q *queueMetrics) NewWorkDurationMetric(string) workqueue.HistogramMetric {
	return observed{&q.busy, -1}
}

// NewUnfinishedWorkSecondsMetric tells what busy does.
func (q *queueMetrics) NewUnfinishedWorkSecondsMetric(string) workqueue.SettableGaugeMetric {
	return ignored{}
}

// NewLongestRunningProcessorSecondsMetric tells what busy does.
func (q *queueMetrics) NewLongestRunningProcessorSecondsMetric(string) workqueue.SettableGaugeMetric {
	return ignored{}
}

// NewAddsMetric is of no interest.
func (q *queueMetrics) NewAddsMetric(string) workqueue.CounterMetric { return ignored{} }

// NewRetriesMetric is of no interest.
func (q *queueMetrics) NewRetriesMetric(string) workqueue.CounterMetric { return ignored{} }

// waiting counts the keys in queues, and how many there were at most.
type waiting struct{ *queueMetrics }

func (w waiting) Inc() {
	now := w.waiting.Add(1)
	for most := w.most.Load(); now > most && !w.most.CompareAndSwap(most, now); most = w.most.Load() {
	}
}

func (w waiting) Dec() { w.waiting.Add(-1) }

// observed adds a number each time.
type observed struct {
	to   *atomic.Int64
	step int64
}

func (o observed) Observe(float64) { o.to.Add(o.step) }

type ignored struct{}

func (ignored) Inc()        {}
func (ignored) Set(float64) {}
