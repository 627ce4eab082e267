package virtual

import (
	"time"
)

// unlabelled takes the label from a tenth of the Nodes.
func (l *lab) unlabelled(phase string) error { return l.takeLabels(phase, func() error { return nil }) }

// takeLabels does that, and does something half way.
func (l *lab) takeLabels(phase string, halfWay func() error) error {
	nodes := l.nodesOf(max(1, l.Nodes/10))
	n := len(nodes) * l.Each
	least, began, before := l.leastDetach(n), time.Now(), l.meter.now()
	if err := l.label(false, nodes...); err != nil {
		return err
	}
	if err := l.until(patience(least), "half way", func() bool { return l.meter.finished(detach)-before.done[detach] >= (n+1)/2 }); err != nil {
		return err
	}
	if err := halfWay(); err != nil {
		return err
	}
	if err := l.until(patience(least), "deleted", func() bool { return l.meter.finished(remove)-before.done[remove] >= n }); err != nil {
		return err
	}
	l.state(phase, ratioFigure, "", time.Since(began).Seconds()/least.Seconds())
	if err := l.settled(patience(least)); err != nil {
		return err
	}
	l.costs(phase, before, n, 2)
	return nil
}

// labelled gives the label to those that have lost it. It is measured a second time when a process that is no more has
// deleted the interfaces that were there: nobody remembers their client tokens but EC2, which would answer a create that
// bears one of them with the interface that is gone.
func (l *lab) labelled(phase string) error {
	before := l.meter.now()
	took, n, err := l.giveLabels()
	if err != nil {
		return err
	}
	l.ratio(phase, took, l.leastAttach(n)+l.probing(before), l.queueing(n, create, attach))
	l.costs(phase, before, n, 3)
	return nil
}

// giveLabels returns how long it took, and for how many interfaces.
func (l *lab) giveLabels() (took time.Duration, n int, err error) {
	var nodes []int
	for i := range l.Nodes {
		if !l.selected[i] {
			nodes = append(nodes, i)
		}
	}
	n = len(nodes) * l.Each
	began := time.Now()
	if err := l.label(true, nodes...); err != nil {
		return 0, n, err
	}
	if err := l.settled(patience(l.leastAttach(n))); err != nil {
		return 0, n, err
	}
	return l.attachedSince(began), n, nil
}
