package chaos

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// phases are the scenario: two NodeENIs for three nodes, edited in place and by replacing, deleted.
var phases = []struct {
	name string
	act  func(l *lab)
}{
	{"created", func(l *lab) {
		l.create(nodeENI("a", sandbox.SubnetA, 1))
		l.create(nodeENI("b", sandbox.SubnetB, 2))
	}},
	{"edited", func(l *lab) {
		l.edit("a", map[string]any{
			"securityGroupIDs": []string{sandbox.Storage}, "description": "edited", "deleteOnTermination": false,
			"tags": map[string]any{"team": nil, "squad": "a"},
		})
		l.edit("b", map[string]any{"subnetID": sandbox.SubnetA})
	}},
	{"deleted", func(l *lab) { l.delete("a", "b") }},
}

// play plays the scenario with a replica that has the traps on its way. Where one has sprung, everything must come
// to rest.
func (l *lab) play(r *replica, traps ...*trap) {
	l.Helper()
	r.set(traps...)
	sprung := 0
	for _, phase := range phases {
		phase.act(l)
		before := sprung
		l.eventually(phase.name, l.holds)
		if sprung = count(traps); sprung > before || phase.name == "deleted" {
			l.settled(phase.name + ", to stay so")
		}
	}
	l.untouched()
}

func count(traps []*trap) int {
	n := 0
	for _, t := range traps {
		if t.hasSprung() {
			n++
		}
	}
	return n
}

// measure plays the scenario undisturbed and counts the calls.
func measure(t *testing.T) (counts map[string]int) {
	t.Run("undisturbed", func(t *testing.T) {
		l := newLab(t)
		r := l.newReplica(quickLease...)
		l.play(r)
		counts = r.counts()
		if r.starts() != 1 {
			t.Errorf("undisturbed, the controller was started %d times", r.starts())
		}
	})
	t.Logf("calls of the scenario: %v", counts)
	return counts
}

// cell is one crash: at the n-th call of a kind, before or after it has taken effect.
type cell struct {
	kind string
	nth  int
	mode mode
}

func (c cell) String() string {
	return fmt.Sprintf("%s %s %d", c.mode, strings.ReplaceAll(c.kind, "/", "."), c.nth)
}

// cells are the crashes at all calls that change something, and at a few of those that are about the lease, which
// are as many as the scenario takes long, or only read: a crash in between two changes is most often one at a read,
// and what matters of it is that it was in between.
func cells(counts map[string]int) []cell {
	var list []cell
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		step := 1
		switch c := (call{kind: kind}); {
		case strings.HasPrefix(kind, "watch "):
			continue // it takes no effect
		case !c.changes():
			step = max(1, counts[kind]/3)
		}
		for nth := 1; nth <= counts[kind]; nth += step {
			list = append(list, cell{kind, nth, dropped}, cell{kind, nth, answered})
		}
	}
	return list
}

// TestKilledAtAnyCall is the crash matrix. In short, there is one run for each mode, with a crash in the middle of
// each kind of call.
func TestKilledAtAnyCall(t *testing.T) {
	counts := measure(t)
	if t.Failed() {
		return
	}
	if *all {
		killAtEach(t, counts)
		return
	}
	for _, mode := range []mode{dropped, answered} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			r := l.newReplica(quickLease...)
			var traps []*trap
			for _, kind := range slices.Sorted(maps.Keys(counts)) {
				if !strings.HasPrefix(kind, "watch ") {
					traps = append(traps, newTrap(kind, (counts[kind]+1)/2, mode, r.kill))
				}
			}
			l.play(r, traps...)
			for _, trap := range traps {
				if !trap.hasSprung() {
					t.Errorf("there was no call %s number %d", trap.kind, trap.nth)
				}
			}
			if r.starts() <= len(traps) {
				t.Errorf("%d starts for %d crashes", r.starts(), len(traps))
			}
		})
	}
}

// killAtEach has one run for each crash. What is written of a status depends on how quick EC2 is at the time, so
// that a run may end before its call comes; these must be few.
func killAtEach(t *testing.T, counts map[string]int) {
	list := cells(counts)
	missed := make(chan cell, len(list))
	t.Run("each", func(t *testing.T) {
		for _, cell := range list {
			t.Run(cell.String(), func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				r := l.newReplica(quickLease...)
				crash := newTrap(cell.kind, cell.nth, cell.mode, r.kill)
				l.play(r, crash)
				if !crash.hasSprung() {
					missed <- cell
				}
			})
		}
	})
	close(missed)
	var never []cell
	for cell := range missed {
		never = append(never, cell)
	}
	t.Logf("%d crashes; %d runs ended before their call came: %v", len(list)-len(never), len(never), never)
	if len(never) > len(list)/20 {
		t.Errorf("%d of %d runs ended before their call came", len(never), len(list))
	}
}
