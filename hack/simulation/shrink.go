package simulation

import "slices"

// maxShrinks bounds how many runs the search for a smaller failure takes.
const maxShrinks = 60

// shrink drops acts and faults, first half of them at a time, then single ones, as long as the property is still
// violated by what is left.
func shrink(seed Seed, found Result, run func(Seed) Result) (least Seed, result Result, tries int) {
	least, result = seed, found
	clause := found.Violations[0].Clause
	for size := len(seed.steps) / 2; size >= 1; size /= 2 {
		for from := 0; from < len(least.steps) && tries < maxShrinks; {
			tries++
			smaller := least
			smaller.steps = slices.Delete(slices.Clone(least.steps), from, min(from+size, len(least.steps)))
			if r := run(smaller); len(r.Violations) > 0 && r.Violations[0].Clause == clause {
				least, result = smaller, r
				continue
			}
			from += size
		}
	}
	return least, result, tries
}
