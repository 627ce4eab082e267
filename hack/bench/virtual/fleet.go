package virtual

import (
	"cmp"
	"time"
)

// bringUp gives all Nodes their interfaces. Half way one more Node is given the label.
func (l *lab) bringUp(phase string) error {
	if err := l.launch(false); err != nil {
		return err
	}
	late := l.next - 1
	n := (l.Nodes + 1) * l.Each
	least, began, before := l.leastAttach(n), time.Now(), l.meter.now()
	if err := l.createNodeENIs(); err != nil {
		return err
	}
	done := func(k int) func() bool { return func() bool { return l.meter.finished(attach) >= k } }
	if err := l.until(patience(least), "half way", done(n/2)); err != nil {
		return err
	}
	labelled := time.Now()
	if err := l.label(true, late); err != nil {
		return err
	}
	if err := l.until(patience(least), "attached", done(n)); err != nil {
		return err
	}
	if err := l.settled(patience(least)); err != nil {
		return err
	}
	l.ratio(phase, l.attachedSince(began), least+l.probing(before), l.queueing(n, create, attach))
	l.costs(phase, before, n, 3)
	spent := l.meter.now().since(before)
	if calls := float64(spent.calls(describes)); l.Interfaces() >= 20_000 && l.alone() {
		l.atMost(phase, describeFigure, "", calls, 1000)
	} else {
		l.state(phase, describeFigure, "", calls)
	}
	if writes := float64(spent.writes) / float64(n); l.Interfaces() >= 4000 && l.alone() {
		l.atMost(phase, writesFigure, "", writes, 0.2)
	} else {
		l.state(phase, writesFigure, "", writes)
	}
	l.state(phase, newcomerFigure, "s", l.standing().latest[instanceID(late)].Add(attachTakes).Sub(labelled).Seconds())
	return nil
}

// steadyHour is an hour in which nothing is to be done.
func (l *lab) steadyHour(phase string) error {
	const resync = 5 * time.Minute // the default
	before := l.meter.now()
	if err := l.pass(time.Hour); err != nil {
		return err
	}
	spent := l.meter.now().since(before)
	pages := func(n int) int { return (n + 999) / 1000 }
	perRefresh := pages(len(l.selected)*l.Each) + pages(len(l.selected)) + 5
	l.atMost(phase, "describe calls of one refresh", "", float64(spent.calls(describes))/float64(time.Hour/resync), float64(perRefresh))
	l.atMost(phase, "mutating calls", "", float64(spent.calls(mutates)), 0)
	l.atMost(phase, "Kubernetes writes", "", float64(spent.writes), 0)
	return nil
}

// waves is how many parts a replacement has, wavePause the least time between the beginnings of two: so many Nodes
// within ten minutes may go without anybody being asked.
const (
	waves     = 10
	wavePause = 3 * time.Minute
)

// roll replaces all Nodes and their instances, a tenth at a time.
func (l *lab) roll(phase string) error {
	var took, least, queueing time.Duration
	n, before := 0, l.meter.now()
	old := l.nodesOf(l.next)
	for len(old) > 0 {
		began := time.Now()
		wave := old[:min(len(old), max(1, l.Nodes/waves))]
		old = old[len(wave):]
		for _, i := range wave {
			if err := l.terminate(i); err != nil {
				return err
			}
			if err := l.launch(true); err != nil {
				return err
			}
		}
		possible := l.leastAttach(len(wave) * l.Each)
		if err := l.settled(patience(possible)); err != nil {
			return err
		}
		n, took, least = n+len(wave)*l.Each, took+l.attachedSince(began), least+possible
		queueing = cmp.Or(queueing, l.queueing(len(wave)*l.Each, create, attach))
		if err := l.pass(wavePause - time.Since(began)); err != nil {
			return err
		}
	}
	l.ratio(phase, took, least, queueing)
	l.costs(phase, before, n, 3)
	return nil
}

// tearDown deletes all NodeENIs.
func (l *lab) tearDown(phase string) error {
	n := len(l.selected) * l.Each
	least, began, before := l.leastDetach(n), time.Now(), l.meter.now()
	if err := l.deleteNodeENIs(); err != nil {
		return err
	}
	l.selected = map[int]bool{}
	if err := l.until(patience(least), "deleted", func() bool { return l.meter.finished(remove)-before.done[remove] >= n }); err != nil {
		return err
	}
	if took := time.Since(began).Seconds() / least.Seconds(); n < manyInterfaces { // in which polls are of weight
		l.state(phase, ratioFigure, "", took)
	} else {
		l.atMost(phase, ratioFigure, "", took, 1.03)
	}
	if err := l.until(patience(least), "without NodeENIs", func() bool { return l.nodeENIs() == 0 }); err != nil {
		return err
	}
	l.state(phase, "time until the NodeENIs are gone", "s", time.Since(began).Seconds())
	if err := l.settled(patience(least)); err != nil {
		return err
	}
	l.costs(phase, before, n, 2)
	return nil
}
