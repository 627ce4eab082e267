package app

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// leastMemory is what the Go runtime may use before it collects garbage more eagerly than smallHeap says: less than
	// 150 MiB with the program itself.
	leastMemory = 108 << 20
	// smallHeap has a heap that is far from leastMemory collected half as often as by default.
	smallHeap = 200
	// roomPercent is how much room there is for garbage where what is in use comes near leastMemory, or beyond it.
	roomPercent = 130
	// watchMemory is how often is looked how much is in use.
	watchMemory = time.Second
	liveBytes   = "/gc/heap/live:bytes"
)

// trimMemory trades CPU for memory where there is much of it and memory for CPU where there is little, until ctx ends.
// An operator who has set GOGC or GOMEMLIMIT has decided it himself.
func trimMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(smallHeap)
	sample := []metrics.Sample{{Name: liveBytes}}
	ticker := time.NewTicker(watchMemory)
	defer ticker.Stop()
	for {
		metrics.Read(sample)
		debug.SetMemoryLimit(memoryLimit(int64(sample[0].Value.Uint64())))
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// memoryLimit is how much the runtime is to get by with when so much is in use.
func memoryLimit(live int64) int64 { return max(leastMemory, live/100*(100+roomPercent)) }
