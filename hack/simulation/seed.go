package simulation

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	// actTime is for how long things are done and go wrong.
	actTime = 40 * time.Minute
	// leastActs and leastFaults are how many there are in every seed; a few more come by chance.
	leastActs, leastFaults = 22, 12
)

// Seed is a world and what happens in it.
type Seed struct {
	dice
	steps []step
	// whole says that nothing was taken away from what was drawn.
	whole bool
	// flaw, in tests, falsifies what the controllers call EC2 with; nil for the product as it is.
	flaw func(form url.Values)
}

// step is something that happens at a time.
type step struct {
	at   time.Duration
	what string
	do   func(*run)
}

// NewSeed draws everything from one number.
func NewSeed(number uint64) Seed {
	s := Seed{dice: dice(number), whole: true}
	r := s.of("size", 0)
	for i := range leastActs + r.IntN(10) {
		s.steps = append(s.steps, s.newAct(i))
	}
	for i := range leastFaults + r.IntN(5) {
		s.steps = append(s.steps, s.newFault(i))
	}
	s.steps = append(s.steps, s.rare()...)
	s.steps = append(s.steps, s.onNodes()...)
	slices.SortStableFunc(s.steps, func(a, b step) int { return int(a.at - b.at) })
	return s
}

func (s Seed) newAct(number int) step {
	r := s.of("act", number)
	return s.act(number, r, draw(r.IntN, slices.Concat(clusterActs, ec2Acts), func(a act) int { return a.weight }))
}

// act is a step of an act, at a time that is drawn.
func (s Seed) act(number int, r *rand.Rand, chosen act) step {
	return step{
		at: between(r, 0, actTime*3/4), what: fmt.Sprintf("act %d: %s", number, chosen.name),
		do: func(run *run) {
			run = run.some(s.of("whose act", number))
			a := &actor{run: run, Rand: s.of("doing", number), number: number}
			run.watch.remember()
			did := chosen.do(a)
			if a.took || strings.HasSuffix(did, "ok") || strings.HasSuffix(did, ": 200") {
				run.tally.add("act: " + chosen.name)
			}
			run.trace.add(run.prefix+"ACT", "%d: %s: %s", number, chosen.name, did)
		},
	}
}

func (s Seed) newFault(number int) step {
	r := s.of("fault", number)
	return s.fault(number, r, draw(r.IntN, faultKinds, func(f faultKind) int { return f.weight }))
}

// fault is a step of a fault, at a time that is drawn.
func (s Seed) fault(number int, r *rand.Rand, chosen faultKind) step {
	return step{
		at: between(r, 0, actTime*3/4), what: fmt.Sprintf("fault %d: %s", number, chosen.name),
		do: func(run *run) {
			run = run.some(s.of("whose fault", number))
			f := &fault{run: run, Rand: s.of("failing", number), number: number}
			run.tally.add("fault: " + chosen.name)
			told := chosen.begin(f)
			if !f.later {
				f.took()
			}
			run.trace.add(run.prefix+"FAULT", "%d: %s: %s", number, chosen.name, told)
		},
	}
}

// draw picks one of a list by weight.
func draw[T any](intn func(int) int, list []T, weight func(T) int) T {
	total := 0
	for _, item := range list {
		total += weight(item)
	}
	left := intn(total)
	for _, item := range list {
		if left -= weight(item); left < 0 {
			return item
		}
	}
	return list[0]
}
