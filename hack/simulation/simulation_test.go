package simulation

import (
	"flag"
	"testing"
	"testing/synctest"
)

var (
	seeds = flag.Int("seeds", 20, "how many seeds")
	first = flag.Uint64("seed", 1, "the first seed")
)

func TestSeeds(t *testing.T) {
	for i := range *seeds {
		synctest.Test(t, func(t *testing.T) {
			result, err := Run(NewSeed(*first+uint64(i)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if len(result.Violations) > 0 {
				t.Fatalf("seed %d: %v\n%s", *first+uint64(i), result.Violations, result.Trace)
			}
		})
	}
}
