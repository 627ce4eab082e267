package simulation

import (
	"maps"
	"strings"
	"time"
)

const (
	// enoughActs and enoughFaults are how many have taken effect in each seed. Of what is drawn a part does not: a
	// NodeENI that is to be edited is gone, a replica that is to be killed is dead.
	enoughActs, enoughFaults = 15, 8
	// fillEvery is how long is waited for the effect of one that came in addition.
	fillEvery = 30 * time.Second
	// lateTime is in how much time a fault may not show any more whether it takes effect. One that does so at once is left.
	lateTime = 6 * time.Minute
	// fillFrom is the number of the first of them, far from the others'.
	fillFrom = 2000
	// effective is under what a fault that took effect is counted.
	effective = "faults that took effect"
)

// took counts a fault that took effect.
func (f *fault) took() { f.tally.add(effective) }

// strikesEC2 ends a fault of EC2's after a while, which took effect if a call was struck by it.
func (f *fault) strikesEC2(id int, while time.Duration) {
	f.waits(while, func() bool {
		defer f.sim.RemoveFaults(id)
		return f.sim.Struck(id) > 0
	})
}

// waits counts a fault after a while if it took effect.
func (f *fault) waits(while time.Duration, effect func() bool) {
	f.later = true
	f.tally.open.Add(1)
	time.AfterFunc(while, func() {
		if effect() {
			f.took()
		}
		f.tally.open.Add(-1)
	})
}

// strikes waits for a fault of the API server's to strike, which it has if anything there went wrong while it lasted.
func (f *fault) strikes(while time.Duration) {
	before := struck(f.run)
	f.waits(while, func() bool { return struck(f.run) > before })
}

// struck counts what went wrong at a cluster's API server.
func struck(r *run) (count int) {
	for _, n := range r.server.Struck() {
		count += n
	}
	return count
}

// effects is how many acts and faults have taken effect so far.
func (r *run) effects() (acts, faults int) {
	r.tally.mu.Lock()
	counts := maps.Clone(r.tally.counts)
	r.tally.mu.Unlock()
	for what, n := range counts {
		switch {
		case strings.HasPrefix(what, "act: "):
			acts += n
		case what == effective, strings.HasPrefix(what, "killed "):
			faults += n
		}
	}
	for _, c := range r.clusters() {
		for what, n := range c.server.Struck() {
			if strings.HasPrefix(what, "killed ") {
				faults += n
			}
		}
	}
	return acts, faults
}

// fill has more done and more go wrong, one by one, until enough of it has taken effect.
func (r *run) fill() {
	for number := fillFrom; time.Since(r.trace.began) < actTime-fillEvery; number++ {
		acts, faults := r.effects()
		if acts >= enoughActs && faults >= enoughFaults {
			return
		}
		if acts < enoughActs {
			r.further(r.seed.newAct(number))
		}
		switch late := actTime-time.Since(r.trace.began) < lateTime; {
		case faults < enoughFaults && late:
			r.further(r.seed.fault(number, r.seed.of("fault", number), faultKind{name: killed, begin: (*fault).crash}))
		case faults+int(r.tally.open.Load()) < enoughFaults:
			r.further(r.seed.newFault(number))
		}
		time.Sleep(fillEvery)
	}
}

// further does a step now, which belongs to the seed from now on.
func (r *run) further(s step) {
	s.at = time.Since(r.trace.began)
	r.seed.steps = append(r.seed.steps, s)
	s.do(r)
}
