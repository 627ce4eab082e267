package ec2sim

import (
	"net/url"
	"strings"
	"testing"
)

// TestLogBudget: the log keeps the latest calls, of large ones fewer, and finds those after
// a cursor wherever it stands.
func TestLogBudget(t *testing.T) {
	t.Parallel()
	var log callLog
	const calls = 200
	large := strings.Repeat("x", maxBody)
	for range calls {
		log.add(&call{action: "DescribeVpcs", raw: url.Values{"Description": {large}}}, answer{}, nil)
	}
	kept := 0
	for _, e := range log.entries {
		kept += len(e.raw.Get("Description"))
	}
	if kept > logBytes || kept < logBytes/2 {
		t.Errorf("the log keeps %d MiB", kept>>20)
	}
	first := calls - len(log.entries)
	for _, c := range []struct{ since, want int }{
		{-1, len(log.entries)},
		{0, len(log.entries)},
		{first, len(log.entries)},
		{first + 1, len(log.entries) - 1},
		{calls - 2, 2},
		{calls, 0},
		{calls + 9, 0},
	} {
		got := log.since(c.since)
		if len(got) != c.want {
			t.Errorf("since %d: %d calls, want %d", c.since, len(got), c.want)
		}
		for i, e := range got {
			if want := calls - len(got) + i + 1; e.Seq != want {
				t.Errorf("since %d: call %d is number %d, want %d", c.since, i, e.Seq, want)
			}
		}
	}
	if n := log.counts["DescribeVpcs"]["OK"]; n != calls {
		t.Errorf("%d calls are counted", n)
	}
}

// TestLogOfManyParameters: names without values take memory too.
func TestLogOfManyParameters(t *testing.T) {
	t.Parallel()
	var log callLog
	many := url.Values{}
	for i := range 100_000 {
		many[string(rune(i))] = nil
	}
	for range 20 {
		log.add(&call{action: strings.Repeat("y", maxBody), raw: many}, answer{}, nil)
	}
	if n := len(log.entries); n > 5 {
		t.Errorf("%d calls are kept", n)
	}
	for action := range log.counts {
		if len(action) > maxUnknownName {
			t.Errorf("an action of %d bytes is counted by its name", len(action))
		}
	}
}

// TestLogSize: who wants to keep fewer calls keeps fewer, and counts them all.
func TestLogSize(t *testing.T) {
	t.Parallel()
	sim, err := New(World{}, Options{KeepCalls: 10})
	if err != nil {
		t.Fatal(err)
	}
	for range 25 {
		sim.log.add(&call{action: "DescribeVpcs"}, answer{}, nil)
		if n := len(sim.log.entries); n > 10 {
			t.Fatalf("the log keeps %d calls, want 10 at most", n)
		}
	}
	if log, counted := sim.Log(0), sim.Calls()["DescribeVpcs"]["OK"]; len(log) == 0 || log[len(log)-1].Seq != 25 || counted != 25 {
		t.Errorf("kept %d calls, counted %d, want the latest and 25", len(log), counted)
	}
}
