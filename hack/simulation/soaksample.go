package simulation

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Sample is how large everything is at one moment at which nothing goes on.
type Sample struct {
	// At is the virtual time since the beginning; Settled how long it took from the last fault.
	At, Settled time.Duration
	// Reign is which process leads, Acts how much had been done before.
	Reign, Acts int
	// Events are how many the one that leads has told.
	Events int
	// Heap is in bytes, after a garbage collection.
	Heap, Goroutines float64
	// Interfaces are ours, Made how many were ever made.
	Interfaces, Made int
}

// sample takes one.
func (s *soak) sample(settled time.Duration) {
	present := s.cut()
	s.Rest()
	if waiting, busy := s.Queues(); waiting != 0 || busy != 0 {
		s.watch.violated(6, "%d keys wait in the queues, and %d are worked on, when nothing goes on", waiting, busy)
	}
	// Twice: what pools hold goes with the second.
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	s.samples = append(s.samples, Sample{
		At: time.Since(s.trace.began), Settled: settled, Reign: int(s.reigns.Load()), Acts: s.acts, Events: int(s.events.Load()),
		Heap: float64(memory.HeapAlloc), Goroutines: float64(runtime.NumGoroutine()), Interfaces: present, Made: s.calls()["CreateNetworkInterface"],
	})
}

// day counts what happens in one.
type day struct {
	began   int
	calls   map[string]int
	writes  int64
	present int
}

func newDay(s *soak) day {
	d := day{began: len(s.samples), calls: s.calls(), writes: s.writes.Load()}
	if n := len(s.samples); n > 0 {
		d.present = s.samples[n-1].Interfaces
	}
	return d
}

// calls are how many calls of each action took effect, and of all.
func (s *soak) calls() map[string]int {
	calls := map[string]int{}
	for action, codes := range s.sim.Calls() {
		for code, n := range codes {
			calls[""] += n
			if code == "OK" {
				calls[action] += n
			}
		}
	}
	return calls
}

// line is what a day was like.
func (d day) line(s *soak, number int) string {
	samples := s.samples[d.began:]
	last, now := samples[len(samples)-1], s.calls()
	made := now["CreateNetworkInterface"] - d.calls["CreateNetworkInterface"]
	var slowest time.Duration
	for _, one := range samples {
		slowest = max(slowest, one.Settled)
	}
	return fmt.Sprintf("day %d: heap %.1f MiB, %.0f goroutines, %d acts, %d EC2 calls, %d API writes, %d interfaces made, %d gone, %d present; settled within %v",
		number, median(samples, heapOf)/(1<<20), median(samples, goroutinesOf), last.Acts-actsBefore(s.samples, d.began), now[""]-d.calls[""], s.writes.Load()-d.writes,
		made, made+d.present-last.Interfaces, last.Interfaces, slowest)
}

func actsBefore(samples []Sample, i int) int {
	if i == 0 {
		return 0
	}
	return samples[i-1].Acts
}

func heapOf(s Sample) float64       { return s.Heap }
func goroutinesOf(s Sample) float64 { return s.Goroutines }

func median(samples []Sample, of func(Sample) float64) float64 {
	var values []float64
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	if len(values)%2 == 0 {
		return (values[len(values)/2-1] + values[len(values)/2]) / 2
	}
	return values[len(values)/2]
}

const (
	// warmUp is how many hours of a reign do not count: until then, what is remembered for an hour or two fills up.
	warmUp = 3
	// perAct is how much larger the heap may be for each act that was done between the first and the last quarter, and
	// noise how much it may be in any case: as much as one NodeENI more or less for all Nodes. A Node as the informers
	// hold it is as large as perAct, a NodeENI with its status many times that.
	perAct = 2 << 10
	noise  = 512 << 10
	// client-go's recorder of events remembers the latest ones, to count those that come again, and each takes perEvent.
	rememberedEvents = 4096
	perEvent         = 1 << 10
	// The flight recorder remembers what happened to the latest interfaces, which takes perFlight for each.
	rememberedFlights = 4096
	perFlight         = 3 << 10
	// spareGoroutines is how many there may be more.
	spareGoroutines = 4
)

// longestReign are the samples from the time of the process that led for longest, after its warm-up.
func longestReign(samples []Sample) []Sample {
	var longest []Sample
	for from := 0; from < len(samples); {
		to := from
		for to < len(samples) && samples[to].Reign == samples[from].Reign {
			to++
		}
		if to-from > len(longest) {
			longest = samples[from:to]
		}
		from = to
	}
	return longest[min(warmUp, len(longest)):]
}

// growth compares the medians of the first and the last quarter, and returns what has grown beyond what is allowed.
func growth(samples []Sample) (problems []string) {
	quarter := len(samples) / 4
	if quarter < 3 {
		return []string{fmt.Sprintf("%d samples are too few to judge", len(samples))}
	}
	first, last := samples[:quarter], samples[len(samples)-quarter:]
	acts, events := median(last, actsOf)-median(first, actsOf), median(last, eventsOf)-median(first, eventsOf)
	flights := median(last, flightsOf) - median(first, flightsOf)
	if before, after, allowed := median(first, heapOf), median(last, heapOf), max(noise, acts*perAct)+events*perEvent+flights*perFlight; after-before > allowed {
		problems = append(problems, fmt.Sprintf("the heap has grown from %.0f to %.0f KiB in %.0f acts, %.0f events and %.0f flights, by more than %.0f KiB", before/1024, after/1024, acts, events, flights, allowed/1024))
	}
	if before, after := median(first, goroutinesOf), median(last, goroutinesOf); after-before > spareGoroutines {
		problems = append(problems, fmt.Sprintf("the goroutines have grown from %.0f to %.0f", before, after))
	}
	return problems
}

func eventsOf(s Sample) float64  { return float64(min(s.Events, rememberedEvents)) }
func flightsOf(s Sample) float64 { return float64(min(s.Made, rememberedFlights)) }
func actsOf(s Sample) float64    { return float64(s.Acts) }
