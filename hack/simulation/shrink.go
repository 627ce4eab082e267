package simulation

import "slices"

// maxShrinks bounds how many runs the search for a smaller failure takes. Forty steps of which each is needed take two
// hundred.
const maxShrinks = 300

// shrunk is the smallest failure that was found.
type shrunk struct {
	Seed
	result Result
	tries  int
	// minimal says that each step that is left was left out once more in the end, and that the property held then.
	minimal bool
}

// shrink drops acts and faults, first half of them at a time, then single ones, as long as the property is still
// violated by what is left. One that was needed may not be any more when another one is gone, so that single ones are
// tried until none of them can be left out.
func shrink(seed Seed, found Result, run func(Seed) Result) shrunk {
	s := shrunk{Seed: seed, result: found}
	for size := len(seed.steps) / 2; size > 1; size /= 2 {
		s.pass(size, run)
	}
	for s.tries < maxShrinks && !s.minimal {
		s.minimal = !s.pass(1, run) && s.tries < maxShrinks
	}
	return s
}

// pass tries to do without each so many steps. It reports whether it could do without some.
func (s *shrunk) pass(size int, run func(Seed) Result) (dropped bool) {
	for from := 0; from < len(s.steps) && s.tries < maxShrinks; {
		s.tries++
		smaller := s.Seed
		smaller.steps = slices.Delete(slices.Clone(s.steps), from, min(from+size, len(s.steps)))
		if r := run(smaller); len(r.Violations) > 0 && r.Violations[0].Clause == s.result.Violations[0].Clause {
			s.Seed, s.result, dropped = smaller, r, true
			continue
		}
		from += size
	}
	return dropped
}
