package simulation

import (
	"fmt"
	"slices"
	"testing"
)

// TestTheSameSeedAgain runs seeds twice. What a seed draws must be the same; how it goes is the same only as far as
// the scheduler has no say in it, and how often that is so is told.
func TestTheSameSeedAgain(t *testing.T) {
	const count = 10
	same := 0
	for number := range uint64(count) {
		first, second := NewSeed(number), NewSeed(number)
		if a, b := first.plan(), second.plan(); !slices.Equal(a, b) {
			t.Errorf("seed %d draws %q, and then %q", number, a, b)
		}
		if bubble(t, first).Trace.hash() == bubble(t, second).Trace.hash() {
			same++
		}
	}
	t.Logf("%d of %d seeds went the same way twice", same, count)
}

// TestASeedHoldsWhatItPromises counts.
func TestASeedHoldsWhatItPromises(t *testing.T) {
	for number := range uint64(300) {
		seed, w := NewSeed(number), newWorld(dice(number))
		acts, faults := 0, 0
		for _, s := range seed.steps {
			if s.what[0] == 'a' {
				acts++
			} else {
				faults++
			}
		}
		if acts < 15 || faults < 8 || len(w.nodes) < 4 || len(w.nodeENIs) < 3 || len(w.zones) < 2 {
			t.Errorf("seed %d has %d acts, %d faults, %d Nodes, %d NodeENIs, %d zones", number, acts, faults, len(w.nodes), len(w.nodeENIs), len(w.zones))
		}
	}
}

// plan is what a seed draws, as text.
func (s Seed) plan() (list []string) {
	for _, step := range s.steps {
		list = append(list, fmt.Sprint(step.at, " ", step.what))
	}
	return list
}
