package ec2sim

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestPool claims, draws and gives back addresses and prefixes at random.
func TestPool(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(t)
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			n := rapid.Int32Range(0, 30).Draw(rt, "addresses")
			change := rapid.SampledFrom([]func(*createInput){more(n), prefixes(n % 4)}).Draw(rt, "kind")
			if doCreate(rapid.SampledFrom([]string{tiny, subnetA}).Draw(rt, "subnet"), change)(l) == nil && rapid.Bool().Draw(rt, "delete") {
				l.must(doDelete(nil)(l))
			}
			checkInvariants(t, l.sim)
		}
	})
}

// TestDeterminism: same seed, same calls, same answers to the last byte.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	story := func() string {
		l := newLab(t, lagging, func(w *World) { w.Latency.Attach = Spread(time.Second, 9*time.Second, 0) })
		fault(`{"share": 0.3, "effect": "error"}`)(l)
		for i := range 30 {
			// The SDK makes up a token where none is given.
			_ = doCreate(subnetA, token(fmt.Sprint(i)))(l)
			_ = doAttach(nil, node, 0, 1)(l)
			_ = list(describeAll)(l)
			l.clock.Advance(time.Second)
		}
		_, log := l.control("GET", "log", "")
		_, world := l.control("GET", "world", "")
		return log + world
	}
	if first, second := story(), story(); first != second {
		t.Error("two runs of one story differ")
	}
}
