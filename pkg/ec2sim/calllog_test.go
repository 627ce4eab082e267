package ec2sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"
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

func TestCallsAndLog(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create(subnetA)
	_ = doDelete(new(nobody))(l)
	fault(`{"effect": "cut-after", "action": "DeleteNetworkInterface"}`)(l)
	_ = doDelete(nil)(l)
	_, body := l.control("GET", "calls", "")
	l.want("calls", body, `{"CreateNetworkInterface":{"OK":1},"DeleteNetworkInterface":{"InvalidNetworkInterfaceID.NotFound":1,"cut-after":1}}`+"\n")
	_, body = l.control("GET", "log?since=1", "")
	lines := bytes.Split(bytes.TrimSpace([]byte(body)), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("the log since 1 is %s", body)
	}
	var e LogEntry
	l.must(json.Unmarshal(lines[1], &e))
	if e.Seq != 3 || !e.Acted || e.Fault != effectCutAfter || e.Parameters["NetworkInterfaceId"] != l.eni || e.Principal != "AKIDTEST" {
		t.Errorf("the last entry is %+v", e)
	}
	if status, _ := l.control("GET", "log?since=x", ""); status != 400 {
		t.Errorf("since=x is answered with %d", status)
	}
}

// TestMemory: neither tokens nor made-up actions pile up for ever.
func TestMemory(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w *World) { w.Variants.TokenLife = Exactly(time.Minute) })
	for i := range 3 * minSweep {
		l.must(doCreate(subnetA, token(fmt.Sprint(i)))(l))
		l.must(doDelete(nil)(l))
		l.clock.Advance(time.Second)
	}
	if n := len(l.sim.tokens); n > 2*minSweep {
		t.Errorf("%d tokens are kept", n)
	}
	for i := range 2 * maxUnknown {
		_ = l.form(fmt.Sprintf("Action=Fly%d", i))
	}
	calls := l.sim.Calls()
	if n := calls[otherActions]["InvalidAction"]; n != maxUnknown || calls["Fly1"]["InvalidAction"] != 1 {
		t.Errorf("%d unknown actions are counted together", n)
	}
}
