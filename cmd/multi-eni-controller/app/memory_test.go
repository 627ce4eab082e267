package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"testing"
)

func TestGarbageIsGivenRoom(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[int64]int{0: mostPercent, 20 * mib: mostPercent, 40 * mib: 100, 50 * mib: 60, 64 * mib: leastPercent, 1000 * mib: leastPercent} {
		if got := gcPercent(live); got != want {
			t.Errorf("with %d MiB in use there is room for %d %% of garbage, want %d", live/mib, got, want)
		}
	}
}

func TestMemoryIsTrimmedUnlessTheOperatorHasDecided(t *testing.T) {
	const ours = 100
	before := debug.SetGCPercent(ours)
	defer func() { debug.SetGCPercent(before) }()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, variable := range []string{"GOGC", "GOMEMLIMIT"} {
		t.Run(variable, func(t *testing.T) {
			t.Setenv(variable, "off")
			trimMemory(ended)
			if got := debug.SetGCPercent(ours); got != ours {
				t.Errorf("it is %d %%", got)
			}
		})
	}
	t.Setenv("GOGC", "")
	t.Setenv("GOMEMLIMIT", "")
	trimMemory(ended)
	if got := debug.SetGCPercent(ours); got != mostPercent {
		t.Errorf("in a process that needs little it is %d %%", got)
	}
}

func TestTheRuntimeTellsWhatIsInUse(t *testing.T) {
	sample := []metrics.Sample{{Name: liveBytes}}
	if metrics.Read(sample); sample[0].Value.Kind() != metrics.KindUint64 {
		t.Errorf("%s is of kind %v", liveBytes, sample[0].Value.Kind())
	}
}
