package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// wantedHeap is how far the heap may grow, with what is not used any more in it, before that is collected: less than
	// 150 MiB with the program itself and what the Go runtime takes, as long as leastPercent does not ask for more.
	wantedHeap = 80 << 20
	// mostPercent has a heap that is far from wantedHeap collected half as often as by default. leastPercent is how much
	// room there is for garbage, beside what is in use, where that comes near wantedHeap or beyond it.
	mostPercent, leastPercent = 200, 30
	// watchMemory is how often is looked how much is in use.
	watchMemory = time.Second
	liveBytes   = "/gc/heap/live:bytes"
)

// trimMemory trades CPU for memory where there is much of it and memory for CPU where there is little, until ctx ends.
// An operator who has set GOGC or GOMEMLIMIT has decided it himself.
//
// It sets the percentage and no memory limit, because to a limit the places count as taken that are free between what
// is in use: of 110 MiB they left it 12 for garbage where 70 were in use.
func trimMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	sample := []metrics.Sample{{Name: liveBytes}}
	ticker := time.NewTicker(watchMemory)
	defer ticker.Stop()
	set := 0
	for {
		metrics.Read(sample)
		if percent := gcPercent(int64(sample[0].Value.Uint64())); percent != set {
			set = percent
			debug.SetGCPercent(percent) // which stops the world for a moment
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// gcPercent is how much the heap may grow, in percent of what is in use, when so much is in use.
func gcPercent(live int64) int {
	room := 100 * (wantedHeap - live) / max(live, 1)
	return int(min(max(room, leastPercent), mostPercent))
}
