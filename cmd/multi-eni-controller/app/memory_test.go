package app

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestMemoryLimitLeavesRoom(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[int64]int64{0: 108 * mib, 40 * mib: 108 * mib, 100 * mib: 230 * mib, 1000 * mib: 2300 * mib} {
		if got := memoryLimit(live); got < want-mib || got > want {
			t.Errorf("%d MiB in use may become %d MiB, want %d", live/mib, got/mib, want/mib)
		}
	}
}

func TestMemoryIsTrimmedUnlessTheOperatorHasDecided(t *testing.T) {
	before := debug.SetGCPercent(100)
	limit := debug.SetMemoryLimit(math.MaxInt64)
	defer func() { debug.SetGCPercent(before); debug.SetMemoryLimit(limit) }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "off")
			trimMemory(ended)
			if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
				t.Errorf("the limit is %d", got)
			}
		})
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	trimMemory(ended)
	if got := debug.SetMemoryLimit(-1); got < leastMemory || got > 100*leastMemory {
		t.Errorf("the limit is %d", got)
	}
}

func TestTheRuntimeTellsWhatIsInUse(t *testing.T) {
	sample := []metrics.Sample{{Name: liveBytes}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindUint64 {
		t.Errorf("%s is of kind %v", liveBytes, sample[0].Value.Kind())
	}
}
