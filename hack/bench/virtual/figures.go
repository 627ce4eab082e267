package virtual

import (
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

// state adds a figure without a target, atMost one with a target.
func (l *lab) state(phase, figure, unit string, value float64) {
	l.rows = append(l.rows, report.Stated(l.String(), phase, figure, unit, value))
}

func (l *lab) atMost(phase, figure, unit string, value, target float64) {
	l.rows = append(l.rows, report.AtMost(l.String(), phase, figure, unit, value, target))
}

const (
	ratioFigure     = "time ÷ least possible"
	mutatingFigure  = "mutating calls per interface"
	throttledFigure = "throttled calls ÷ all calls"
	describeFigure  = "describe calls"
	writesFigure    = "Kubernetes writes per interface"
	newcomerFigure  = "newcomer's time until attached"
)

// manyInterfaces are so many that it is of no weight how long it takes to find out what a quota is.
const manyInterfaces = 1000

// costs adds what n interfaces have cost since an earlier moment.
func (l *lab) costs(phase string, before count, n int, mutating float64) {
	spent := l.meter.now().since(before)
	if l.Lag.P50 > 0 || l.Others > 0 || l.Halved {
		l.state(phase, mutatingFigure, "", float64(spent.calls(mutates))/float64(n))
	} else {
		l.atMost(phase, mutatingFigure, "", float64(spent.calls(mutates))/float64(n), mutating)
	}
	switch {
	case l.alone() || l.Lag.P50 > 0:
		l.atMost(phase, throttledFigure, "", spent.throttledShare(), 0)
	case l.Interfaces() < manyInterfaces: // to find out takes a few calls, of few
		l.state(phase, throttledFigure, "", spent.throttledShare())
	default:
		l.atMost(phase, throttledFigure, "", spent.throttledShare(), 0.01)
	}
}

// ratio adds how much longer something took than is possible. Where the quotas keep nothing waiting there is nothing to
// be good at, and of few interfaces it takes a share to find out what a quota is or what a read does not show yet.
func (l *lab) ratio(phase string, took, least, queueing time.Duration) {
	value := took.Seconds() / least.Seconds()
	switch {
	case queueing <= 0 || l.Halved || ((l.Others > 0 || l.Lag.P50 > 0) && l.Interfaces() < manyInterfaces):
		l.state(phase, ratioFigure, "", value)
	case l.Others > 0:
		l.atMost(phase, ratioFigure, "", value, 1.10)
	default:
		l.atMost(phase, ratioFigure, "", value, 1.03)
	}
	l.state(phase, "time", "s", took.Seconds())
}

// probing is what the dry runs have taken of the quota of attaches.
func (l *lab) probing(before count) time.Duration {
	return time.Duration(float64(l.meter.now().since(before).dry[attach]) / l.left(attach).Refill * float64(time.Second))
}
