//go:debug randseednop=0
package simulation

import (
	"flag"
	"fmt"
	"maps"
	"math/rand"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

var (
	seeds    = flag.Int("seeds", defaultSeeds, "how many seeds to run")
	first    = flag.Uint64("seed", 1, "the first seed")
	repeat   = flag.Int("repeat", 1, "how often to run each seed, until it fails: not all that happens is decided by it")
	survey   = flag.Bool("survey", false, "go on after a violation, and tell the seeds with one in a line each")
	shrinks  = flag.Bool("shrink", true, "take steps away from a seed that violates the property, as long as it does")
	showLogs = flag.String("klog", "", "show the controllers' logs at this level of klog; of use with a single seed")
)

func init() {
	klog.SetLogger(discard)
	// One of them slows the whole process down by the time of the latest error, which is another one in each bubble.
	utilruntime.ErrorHandlers = nil
	// What a seed leaves behind is garbage at once, and there is little of it.
	debug.SetGCPercent(800)
	// Every sample walks the stack, which the SDK makes deep; -memprofile wants -memprofilerate as well.
	runtime.MemProfileRate = 0
}

// TestSeeds runs seeds, and stops at the first that violates the property.
func TestSeeds(t *testing.T) {
	if *showLogs != "" {
		klog.ClearLogger()
		if err := new(klog.Level).Set(*showLogs); err != nil {
			t.Fatalf("-klog=%s: %v", *showLogs, err)
		}
	}
	began := time.Now()
	var next, failed atomic.Int64
	var report sync.Mutex
	ran, extra, happened := atomic.Int64{}, atomic.Int64{}, Coverage{}
	t.Run("workers", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("", func(t *testing.T) {
				t.Parallel()
				for *survey || failed.Load() == 0 {
					i := next.Add(1) - 1
					if i >= int64(*seeds) {
						return
					}
					number := *first + uint64(i)
					for range *repeat {
						result := bubble(t, NewSeed(number))
						ran.Add(1)
						report.Lock()
						happened.Add(result.Coverage)
						if len(result.Violations) == 0 && (result.Acts < enoughActs || result.Faults < enoughFaults) {
							t.Errorf("in seed %d %d acts and %d faults took effect, want %d and %d at least", number, result.Acts, result.Faults, enoughActs, enoughFaults)
						}
						extra.Add(int64(len(result.Played.steps) - len(NewSeed(number).steps)))
						report.Unlock()
						if len(result.Violations) == 0 {
							continue
						}
						report.Lock()
						if *survey {
							fmt.Printf("seed %d: %s\n", number, result.Violations[0])
						} else if failed.Load() == 0 {
							fail(t, result, int(ran.Load()))
						}
						failed.Add(1)
						report.Unlock()
						break
					}
				}
			})
		}
	})
	took := time.Since(began)
	t.Logf("%d steps came in addition, for those that took no effect", extra.Load())
	covered(t, happened, int(ran.Load()))
	fmt.Printf("ran %d seeds from %d on, %d of them violate the property; %v each on %d CPUs\n",
		ran.Load(), *first, failed.Load(), (took / time.Duration(max(1, ran.Load()))).Round(time.Microsecond*100), runtime.GOMAXPROCS(0))
	if failed.Load() > 0 {
		t.Fail()
	}
}

// bubble runs a seed in virtual time.
func bubble(t *testing.T, seed Seed) (result Result) {
	synctest.Test(t, func(t *testing.T) {
		var log func(string) klog.Logger
		if *showLogs != "" {
			log = func(name string) klog.Logger { return klog.Background().WithName(name) }
		}
		if runtime.GOMAXPROCS(0) == 1 {
			// client-go's jitter, which bubbles that run beside this one would draw from as well.
			rand.Seed(int64(seed.dice)) //nolint:staticcheck // it has no source of its own that could be set
		}
		var err error
		if result, err = Run(seed, log); err != nil {
			t.Fatalf("seed %d: %v", uint64(seed.dice), err)
		}
	})
	return result
}

// fail says what is wrong, with as little around it as there can be.
func fail(t *testing.T, result Result, ran int) {
	number := uint64(result.Played.dice)
	if !*shrinks {
		t.Errorf("%s\nkilled at seed %d after %d seeds", result.Violations[0], number, ran)
		return
	}
	least := shrink(result.Played, result, func(s Seed) Result { return bubble(t, s) })
	single := "no single one can be left out"
	if !least.minimal {
		single = "fewer might be"
	}
	t.Errorf("seed %d violates the property:\n%s\n%d of %d steps are enough for that, %s, found in %d runs:\n%s\nreplay: make simulate SEEDS=1 SEED=%d REPEAT=%d\nkilled at seed %d after %d seeds",
		number, least.result.Violations[0], len(least.steps), len(result.Played.steps), single, least.tries, least.result.Trace, number, replays, number, ran)
}

// replays is how often the command that is printed runs a seed, unless it fails before.
const replays = 20

// enough is after how many seeds everything must have happened.
const enough = 150

// covered shows what happened, and wants all that can happen to have happened: a net whose meshes are dead catches
// nothing.
func covered(t *testing.T, happened Coverage, ran int) {
	if testing.Verbose() {
		for _, what := range slices.Sorted(maps.Keys(happened)) {
			fmt.Printf("%8d  %s\n", happened[what], what)
		}
	}
	for _, what := range expected() {
		if happened[what] == 0 && ran >= enough {
			t.Errorf("in %d seeds it never happened: %s", ran, what)
		}
	}
}
