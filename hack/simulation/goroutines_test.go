package simulation

import (
	"strings"
	"testing"
	"time"
)

// TestAGoroutineTooManyIsFound, one that a process begins on its way and keeps as long as it lives.
func TestAGoroutineTooManyIsFound(t *testing.T) {
	seed := Seed{dice: NewSeed(3).dice}
	seed.steps = []step{{time.Minute, "planted: a leak", func(r *run) {
		p := r.replicas[0].living()
		go leak(p.ended)
	}}}
	result := bubble(t, seed)
	if len(result.Violations) != 1 || result.Violations[0].Clause != 6 || !strings.Contains(result.Violations[0].Message, "1 goroutines begun by") {
		t.Errorf("found %v", result.Violations)
	}
	seed.steps = nil
	if result = bubble(t, seed); len(result.Violations) > 0 {
		t.Errorf("without the leak found %v", result.Violations)
	}
	if text := result.Trace.String(); strings.Count(text, "goroutines of the old processes map[") != 1 || !strings.Contains(text, "workqueue") {
		t.Error("no goroutine of a work queue was counted")
	}
}

func leak(ended chan struct{}) { <-ended }
