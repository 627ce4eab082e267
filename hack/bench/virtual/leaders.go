package virtual

import (
	"fmt"
	"time"
)

// restarted adds a tenth more Nodes, and has the controller restarted half way.
func (l *lab) restarted(phase string) error {
	nodes := max(1, l.Nodes/10)
	n := nodes * l.Each
	least, began, before := l.leastAttach(n), time.Now(), l.meter.now()
	for range nodes {
		if err := l.launch(true); err != nil {
			return err
		}
	}
	if err := l.until(patience(least), "half way", func() bool { return l.meter.finished(attach)-before.done[attach] >= (n+1)/2 }); err != nil {
		return err
	}
	if err := l.leader.end(); err != nil {
		return fmt.Errorf("the controller ended with %w", err)
	}
	l.leader = l.newProcess()
	if err := l.settled(patience(least)); err != nil {
		return err
	}
	l.costs(phase, before, n, 3)
	l.state(phase, "time", "s", l.attachedSince(began).Seconds())
	// Few calls may all have been in progress, which a process that is told to stop finishes.
	if acted, ok := l.meter.firstAct(l.leader.name); ok {
		l.atMost(phase, "from the start to the first useful action", "s", acted.Sub(l.leader.began).Seconds(), 5)
	}
	return nil
}

// killed has the leader killed half way, and another replica, which has been waiting, go on.
func (l *lab) killed(phase string) error {
	standby := l.newProcess()
	if err := l.pass(time.Minute); err != nil {
		return err
	}
	var killed time.Time
	err := l.takeLabels(phase, func() error {
		killed = time.Now()
		l.leader.crash()
		l.leader = standby
		return nil
	})
	if err != nil {
		return err
	}
	acted, ok := l.meter.firstAct(standby.name)
	if !ok {
		return fmt.Errorf("%s has done nothing", standby.name)
	}
	l.state(phase, "from the kill to the next useful action", "s", acted.Sub(killed).Seconds())
	l.atMost(phase, "from the new leader's lease to its first useful action", "s", acted.Sub(l.meter.ledSince(standby.name)).Seconds(), 5)
	return nil
}
