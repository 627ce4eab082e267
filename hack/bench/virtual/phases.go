package virtual

import (
	"cmp"
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

// phase is something that is done in a world, and what that costs.
type phase struct {
	name string
	run  func(phase string) error
}

// phases are those of the world, in their order.
func (l *lab) phases() []phase {
	if !l.alone() {
		return []phase{{"bring-up", l.bringUp}}
	}
	return []phase{
		{"bring-up", l.bringUp},
		{"steady hour", l.steadyHour},
		{"label taken", l.unlabelled},
		{"label given", l.labelled},
		{"new nodes, restarted", l.restarted},
		{"label taken, leader killed", l.killed},
		{"label given after that", l.labelledAnew},
		{"newcomer during an edit", l.newcomer},
		{"replacement of all nodes", l.roll},
		{"tear-down", l.tearDown},
	}
}

// Measure measures a world, up to the phase with the given name or all of it. It must be called in a bubble of virtual
// time; all that it has started has ended when it returns. told gets a line after each phase.
func Measure(w World, until string, logger klog.Logger, told func(string)) ([]report.Row, error) {
	l, err := newLab(w, logger)
	if err != nil {
		return nil, err
	}
	for _, p := range l.phases() {
		began := time.Now()
		if err := p.run(p.name); err != nil {
			l.crashAll()
			return l.rows, fmt.Errorf("%s: %w", p.name, err)
		}
		told(fmt.Sprintf("%s: %s: %v of virtual time", w, p.name, time.Since(began).Round(time.Second)))
		if p.name == until {
			break
		}
	}
	if err := l.leader.end(); err != nil {
		return l.rows, fmt.Errorf("the controller ended with %w", err)
	}
	// What is left of client-go ends by its own time.
	time.Sleep(5 * time.Minute)
	return l.rows, nil
}

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

// settled waits until the interfaces are as they are wanted, and for what follows an attach.
func (l *lab) settled(limit time.Duration) error {
	next := time.Now()
	err := l.until(limit, "as it should be", func() bool {
		if time.Now().Before(next) {
			return false
		}
		next = time.Now().Add(2 * time.Second)
		return l.complete()
	})
	if err != nil {
		s := l.standing()
		return fmt.Errorf("%w: of %d wanted %d are attached, and %d exist", err, len(l.selected)*l.Each, s.attached, s.ours)
	}
	return l.pass(30 * time.Second)
}

// patience is how much longer than possible something may take before it is given up.
func patience(least time.Duration) time.Duration { return 5*least + 15*time.Minute }

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
// be good at.
func (l *lab) ratio(phase string, took, least, queueing time.Duration) {
	value := took.Seconds() / least.Seconds()
	switch {
	case queueing <= 0 || l.Halved || (l.Others > 0 && l.Interfaces() < manyInterfaces):
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

// labelled gives the label to those that have lost it.
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

// labelledAnew does the same when the interfaces that were there have been deleted by a process that is no more. Nobody
// remembers their client tokens but EC2, which answers a create with such a token with the interface that is gone.
func (l *lab) labelledAnew(phase string) error {
	before := l.meter.now()
	took, n, err := l.giveLabels()
	if err != nil {
		return err
	}
	l.state(phase, "time", "s", took.Seconds())
	l.state(phase, mutatingFigure, "", float64(l.meter.now().since(before).calls(mutates))/float64(n))
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

// newcomer has the interfaces of one NodeENI get other security groups, and gives a Node the label while that goes on:
// the quotas of what it needs are free, and everybody who works is at something else.
func (l *lab) newcomer(phase string) error {
	if err := l.launch(false); err != nil {
		return err
	}
	late := l.next - 1
	n := len(l.selected)
	before, least := l.meter.now(), l.queueing(n, modify)
	patch := fmt.Appendf(nil, `{"spec":{"securityGroupIDs":[%q]}}`, otherGroup)
	if _, err := l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Patch(context.Background(), newNodeENI(0).Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := l.until(patience(least), "half way", func() bool { return l.meter.finished(modify)-before.done[modify] >= n/2 }); err != nil {
		return err
	}
	labelled := time.Now()
	if err := l.label(true, late); err != nil {
		return err
	}
	if err := l.until(patience(least), "edited", func() bool { return l.meter.finished(modify)-before.done[modify] >= n+l.Each }); err != nil {
		return err
	}
	if err := l.settled(patience(least)); err != nil {
		return err
	}
	own := time.Duration(1+2*l.Each)*callTakes + attachTakes
	refill := time.Duration(float64(time.Second) / documented[attach].Refill)
	l.atMost(phase, newcomerFigure, "s", l.standing().latest[instanceID(late)].Add(attachTakes).Sub(labelled).Seconds(), (2*own + refill).Seconds())
	// One call for each interface that was there, and three for each new one.
	l.costs(phase, before, n+3*l.Each, 1)
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
	l.state(phase, ratioFigure, "", time.Since(began).Seconds()/least.Seconds())
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
