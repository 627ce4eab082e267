package simulation

import (
	"bytes"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// startTime is within what time a process has begun all that it ever begins.
	startTime = 10 * time.Minute
	// lookAgain is how long is waited before goroutines are counted once more: one that works on a call is soon gone.
	lookAgain = 7 * time.Second
)

// stackBuffers have room for the stacks of all bubbles; to clear one takes as long as to fill it.
var stackBuffers = sync.Pool{New: func() any { return new(make([]byte, 4<<20)) }}

// goroutines are the stacks of the bubble's goroutines but those of the simulation's own.
func goroutines() (stacks []string) {
	own := make([]byte, 256)
	own = own[:runtime.Stack(own, false)]
	_, bubble, _ := bytes.Cut(own, []byte("synctest bubble "))
	bubble, _, _ = bytes.Cut(bubble, []byte("]"))
	buffer := stackBuffers.Get().(*[]byte)
	defer stackBuffers.Put(buffer)
	all := (*buffer)[:runtime.Stack(*buffer, true)]
	for g := range strings.SplitSeq(string(all), "\n\n") {
		head, rest, _ := strings.Cut(g, "\n")
		if strings.Contains(head, "synctest bubble "+string(bubble)+"]") && !strings.Contains(rest, "simulation.Run(") && !strings.Contains(rest, "testing/synctest") && !strings.Contains(rest, "internal/synctest.Run") {
			stacks = append(stacks, g)
		}
	}
	return stacks
}

// leaks finds goroutines that have outlived all processes.
func (r *run) leaks() {
	for _, g := range goroutines() {
		r.watch.violated(6, "a goroutine is left when all processes have ended:\n%s", g)
	}
}

// counted counts goroutines by who began them: at rest, the fewest of three looks.
func counted() map[string]int {
	var least map[string]int
	for range 3 {
		time.Sleep(lookAgain)
		now := map[string]int{}
		for _, g := range goroutines() {
			_, by, _ := strings.Cut(g, "\ncreated by ")
			by, _, _ = strings.Cut(by, " in goroutine")
			now[by]++
		}
		if least == nil {
			least = now
		}
		for by := range least {
			least[by] = min(least[by], now[by])
		}
	}
	maps.DeleteFunc(least, func(_ string, n int) bool { return n == 0 })
	return least
}

// noMore has processes that have lived through all of it beside new ones at the same work: they must have no goroutine
// more. The old ones are stopped, and as many begin.
func (r *run) noMore() {
	before := counted()
	for _, c := range r.clusters() {
		for _, p := range c.replicas {
			p.stop()
		}
	}
	for _, c := range r.clusters() {
		for _, p := range c.replicas {
			p.start()
			time.Sleep(time.Second)
		}
	}
	time.Sleep(startTime)
	after := counted()
	r.trace.add("CHECK", "goroutines of the old processes %v, of new ones %v", before, after)
	for _, by := range slices.Sorted(maps.Keys(before)) {
		if before[by] > after[by] {
			r.watch.violated(6, "%d goroutines begun by %s, new processes have %d", before[by], by, after[by])
		}
	}
}
