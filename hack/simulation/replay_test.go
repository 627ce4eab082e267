package simulation

import (
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheSameSeedAgain runs seeds twice. The world, the steps and when each of them is done must be the same; what
// comes of them is the same only as far as the scheduler has no say in it.
func TestTheSameSeedAgain(t *testing.T) {
	for number := range uint64(5) {
		first, second := NewSeed(number), NewSeed(number)
		if a, b := first.plan(), second.plan(); !slices.Equal(a, b) {
			t.Errorf("seed %d draws %q, and then %q", number, a, b)
		}
		if a, b := newWorld(dice(number)), newWorld(dice(number)); !reflect.DeepEqual(a, b) {
			t.Errorf("seed %d begins with %+v, and then with %+v", number, a, b)
		}
		// Steps that come in addition depend on what came of the others, and in a violated run there are none.
		a, b := bubble(t, first).Trace.steps(), bubble(t, second).Trace.steps()
		if drawn := len(first.steps); len(a) < drawn || len(b) < drawn || !slices.Equal(a[:drawn], b[:drawn]) {
			t.Errorf("seed %d does %q, and then %q", number, a, b)
		}
	}
}

// steps are the acts and faults in a trace, in the order of their times, without what came of them.
func (t *trace) steps() (list []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if name, _, ok := strings.Cut(e.what, ": "); ok && (strings.HasSuffix(e.who, "ACT") || strings.HasSuffix(e.who, "FAULT")) {
			list = append(list, e.who+" "+name)
		}
	}
	return list
}

// TestAFailingSeedFailsAgain plants a flaw whose effect hangs on the order of things, runs seeds that fail by it again
// as the printed command does, and wants each to fail again. How often a single run does is told.
func TestAFailingSeedFailsAgain(t *testing.T) {
	const count, times = 6, 4
	failing, runs, again := 0, 0, 0
	for number := range uint64(100) {
		seed := NewSeed(number)
		seed.flaw = attachesAtOtherIndex
		found := bubble(t, seed)
		if len(found.Violations) == 0 {
			continue
		}
		failing++
		inVain := 0
		for run := 0; run < times || inVain == run && run < replays; run++ {
			runs++
			if len(bubble(t, seed).Violations) > 0 {
				again++
			} else {
				inVain++
			}
		}
		if inVain >= replays {
			t.Errorf("seed %d failed, and then did not in %d runs: %v", number, inVain, found.Violations[0])
		}
		if failing == count {
			break
		}
	}
	t.Logf("of %d runs of %d failing seeds %d failed again", runs, failing, again)
	if failing < count || again*4 < runs {
		t.Errorf("%d seeds failed, want %d; of %d further runs %d failed again, want a quarter of them at least", failing, count, runs, again)
	}
}

// attachesAtOtherIndex is a flaw that shows only in calls that fall on one of 16 milliseconds.
func attachesAtOtherIndex(form url.Values) {
	if form.Get("Action") == "AttachNetworkInterface" && time.Now().UnixMilli()%16 == 0 {
		form.Set("DeviceIndex", "1")
	}
}

// TestASeedHoldsWhatItPromises counts what a world begins with; TestSeeds counts what happens in it.
func TestASeedHoldsWhatItPromises(t *testing.T) {
	for number := range uint64(300) {
		w := newWorld(dice(number))
		if len(w.nodes) < 4 || len(w.nodeENIs) < 3 || len(w.zones) < 2 {
			t.Errorf("seed %d has %d Nodes, %d NodeENIs, %d zones", number, len(w.nodes), len(w.nodeENIs), len(w.zones))
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
