package simulation

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
)

// numbered is a seed of steps that do nothing.
func numbered(count int) (s Seed) {
	for i := range count {
		s.steps = append(s.steps, step{what: fmt.Sprint(i)})
	}
	return s
}

// having are the numbers of the steps that a seed has.
func having(s Seed) map[string]bool {
	set := map[string]bool{}
	for _, step := range s.steps {
		set[step.what] = true
	}
	return set
}

func violatedBy(is bool) (r Result) {
	if is {
		r.Violations = []property.Violation{{Clause: 1}}
	}
	return r
}

// TestNoSingleStepCanBeLeftOut with what is needed in ways that one look at each step does not see through.
func TestNoSingleStepCanBeLeftOut(t *testing.T) {
	for name, c := range map[string]struct {
		fails func(has map[string]bool) bool
		want  []string
	}{
		"one":         {func(has map[string]bool) bool { return has["17"] }, []string{"17"}},
		"two apart":   {func(has map[string]bool) bool { return has["0"] && has["30"] }, []string{"0", "30"}},
		"nothing":     {func(map[string]bool) bool { return true }, nil},
		"a remedy":    {func(has map[string]bool) bool { return has["9"] && (!has["3"] || has["2"]) }, []string{"9"}},
		"one of each": {func(has map[string]bool) bool { return (has["4"] || has["20"]) && (has["5"] || has["21"]) }, []string{"20", "21"}},
		// 5 can go only when 6 is gone, 4 only when 5 is, and so on: each pass lets go of one.
		"a chain": {func(has map[string]bool) bool {
			for i := range 6 {
				if !has[fmt.Sprint(i)] && has[fmt.Sprint(i+1)] {
					return false
				}
			}
			return has["40"]
		}, []string{"40"}},
	} {
		t.Run(name, func(t *testing.T) {
			seed := numbered(41)
			run := func(s Seed) Result { return violatedBy(c.fails(having(s))) }
			s := shrink(seed, run(seed), run)
			var left []string
			for _, step := range s.steps {
				left = append(left, step.what)
			}
			if !slices.Equal(left, c.want) || !s.minimal || s.tries > maxShrinks {
				t.Errorf("%q are left, minimal %v, in %d runs, want %q", left, s.minimal, s.tries, c.want)
			}
			for i := range s.steps {
				fewer := s.Seed
				fewer.steps = slices.Delete(slices.Clone(s.steps), i, i+1)
				if c.fails(having(fewer)) {
					t.Errorf("step %s is not needed", s.steps[i].what)
				}
			}
		})
	}
}

// TestShrinkingHasAnEnd, and says that it has not come to the end of what it could find.
func TestShrinkingHasAnEnd(t *testing.T) {
	seed := numbered(2 * maxShrinks)
	run := func(s Seed) Result { return violatedBy(len(s.steps) == len(seed.steps)) }
	if s := shrink(seed, run(seed), run); s.tries != maxShrinks || s.minimal {
		t.Errorf("%d runs, minimal %v", s.tries, s.minimal)
	}
}

// TestAPlantedViolationIsCutOut of a whole seed: of all that happens in it, two steps are left.
func TestAPlantedViolationIsCutOut(t *testing.T) {
	seed := NewSeed(7)
	armed := map[*trace]bool{}
	plant := func(at time.Duration, what string, do func(*run)) {
		seed.steps = append(seed.steps, step{at, what, func(r *run) { do(r) }})
	}
	plant(5*time.Minute, "planted: one", func(r *run) { armed[r.trace] = true })
	plant(9*time.Minute, "planted: the other", func(r *run) {
		if armed[r.trace] {
			r.watch.violated(3, "planted")
		}
	})
	slices.SortStableFunc(seed.steps, func(a, b step) int { return int(a.at - b.at) })
	run := func(s Seed) Result { return bubble(t, s) }
	found := run(seed)
	if len(found.Violations) == 0 {
		t.Fatal("the planted violation is not found")
	}
	s := shrink(found.Played, found, run)
	if len(s.steps) != 2 || s.steps[0].what != "planted: one" || s.steps[1].what != "planted: the other" || !s.minimal {
		t.Errorf("%q are left, minimal %v, in %d runs", s.plan(), s.minimal, s.tries)
	}
	if len(found.Played.steps) < leastActs+leastFaults || s.result.Violations[0].Message != "planted" {
		t.Errorf("of %d steps, with %v", len(found.Played.steps), s.result.Violations)
	}
}
