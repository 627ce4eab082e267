package virtual

import (
	"fmt"
	"slices"
	"time"

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
		{"label given after that", l.labelled},
		{"newcomer during an edit", l.newcomer},
		{"replacement of all nodes", l.roll},
		{"tear-down", l.tearDown},
	}
}

// Measure measures a world: the phases with the given names, or all of them if there are none. It must be called in a
// bubble of virtual time; all that it has started has ended when it returns. told gets a line after each phase.
func Measure(w World, names []string, logger klog.Logger, told func(string)) ([]report.Row, error) {
	l, err := newLab(w, logger)
	if err != nil {
		return nil, err
	}
	for _, p := range l.phases() {
		if len(names) > 0 && !slices.Contains(names, p.name) {
			continue
		}
		began := time.Now()
		if err := p.run(p.name); err != nil {
			l.crashAll()
			return l.rows, fmt.Errorf("%s: %w", p.name, err)
		}
		told(fmt.Sprintf("%s: %s: %v of virtual time", w, p.name, time.Since(began).Round(time.Second)))
	}
	if err := l.leader.end(); err != nil {
		return l.rows, fmt.Errorf("the controller ended with %w", err)
	}
	// What is left of client-go ends by its own time.
	time.Sleep(5 * time.Minute)
	return l.rows, nil
}

// settled waits until the interfaces are as they are wanted, and for what follows an attach. All of EC2 is looked at only
// when nobody is changing it: to look costs more than a call.
func (l *lab) settled(limit time.Duration) error {
	next, made := time.Now(), -1
	err := l.until(limit, "as it should be", func() bool {
		if time.Now().Before(next) {
			return false
		}
		next = time.Now().Add(2 * time.Second)
		before := made
		made = l.meter.now().calls(mutates)
		return made == before && l.complete()
	})
	if err != nil {
		s := l.standing()
		return fmt.Errorf("%w: of %d wanted %d are attached, and %d exist", err, len(l.selected)*l.Each, s.attached, s.ours)
	}
	return l.pass(30 * time.Second)
}

// patience is how much longer than possible something may take before it is given up.
func patience(least time.Duration) time.Duration { return 5*least + 15*time.Minute }
