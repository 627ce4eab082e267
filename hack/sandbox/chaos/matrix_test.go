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

// crash plays the scenario with a crash on its way, lets everything come to rest after it, and goes on to the end.
func (l *lab) crash(r *replica, crash *trap) {
	l.Helper()
	r.set(crash)
	over := false
	for i, phase := range phases {
		if over && i < len(phases)-1 {
			continue // a run in which the crash comes later shows as much
		}
		phase.act(l)
		l.eventually(phase.name, l.holds)
		if !over && crash.hasSprung() {
			over = true
			l.settled(phase.name + ", to stay so")
		}
	}
	l.untouched()
}

// measure plays the scenario undisturbed and counts the calls.
func measure(t *testing.T) (counts map[string]int) {
	t.Run("undisturbed", func(t *testing.T) {
		l := newLab(t)
		r := l.newReplica(quickLease...)
		for _, phase := range phases {
			phase.act(l)
			l.eventually(phase.name, l.holds)
		}
		counts = r.counts()
		l.settled("to stay so")
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

// TestKilledAtAnyCall is the crash matrix: in short two runs with many crashes each, in full a run for each crash.
func TestKilledAtAnyCall(t *testing.T) {
	t.Run("of each kind", killAtEachKind)
	if *all {
		killAtEach(t, measure(t))
	}
}

// killAtEachKind has one run of the scenario for each mode, with a crash at the second call of each kind. A call may
// come while another one is held, so that one crash may serve two.
func killAtEachKind(t *testing.T) {
	for _, mode := range []mode{dropped, answered} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			l := newLab(t)
			r := l.newReplica(quickLease...)
			const nth = 2
			r.crashAny(func(c call) *trap {
				if c.nth != nth || strings.HasPrefix(c.kind, "watch ") {
					return nil
				}
				return newTrap(c.kind, nth, mode, r.kill)
			})
			for i, phase := range phases {
				phase.act(l)
				l.eventually(phase.name, l.holds)
				if i == 1 {
					l.settled(phase.name + ", to stay so")
				}
			}
			l.untouched()
			for _, kind := range []string{
				"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute", "CreateTags", "DeleteTags",
				"DetachNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeInstances", "DescribeSubnets",
				"patch nodeenis", "patch nodeenis/status", "put leases", "post events",
			} {
				if r.counts()[kind] < nth {
					t.Errorf("there was no crash at %s: %v", kind, r.counts())
				}
			}
			if r.starts() < 10 {
				t.Errorf("the controller was started %d times", r.starts())
			}
		})
	}
}

// killAtEach has one run for each crash. How often a status is written, and how often an interface is too new to be
// attached, depends on how quick EC2 is at the time, so that a run may end before its call comes; these must be few.
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
				l.crash(r, crash)
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
	if len(never) > len(list)/10 {
		t.Errorf("%d of %d runs ended before their call came", len(never), len(list))
	}
}
