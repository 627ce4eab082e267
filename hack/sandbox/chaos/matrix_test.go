package chaos

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

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
		l.eventually(phase.name, l.shown)
		if !over && crash.hasSprung() {
			over = true
			l.settled(phase.name + ", to stay so")
		}
	}
	l.untouched()
}

// measure plays the scenario undisturbed, and tells its calls in their order.
func measure(t *testing.T) (calls []call) {
	t.Run("undisturbed", func(t *testing.T) {
		l := newLab(t)
		r := l.newReplica(onNodes...)
		for _, phase := range phases {
			phase.act(l)
			l.eventually(phase.name, l.shown)
		}
		calls = r.since(time.Time{})
		l.settled("to stay so")
		if r.starts() != 1 {
			t.Errorf("undisturbed, the controller was started %d times", r.starts())
		}
	})
	return calls
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

// cells are the crashes that leave different things behind: each call that may change something, before and after it
// has. What only reads leaves nothing behind, so that what matters of it is between which two changes it comes, and of
// several reads of a kind between the same two one will do, in one way. So it is with the renewals of the lease, which
// are as many as the scenario takes long; they take effect, and are tried both ways. Watches go on all the time.
func cells(calls []call) []cell {
	type place struct {
		kind    string
		changes int // that came before
	}
	var list []cell
	taken, changes := map[place]bool{}, 0
	for _, c := range calls {
		switch at := (place{c.kind, changes}); {
		case strings.HasPrefix(c.kind, "watch "):
		case c.changes():
			list = append(list, cell{c.kind, c.nth, dropped}, cell{c.kind, c.nth, answered})
			changes++
		case taken[at]:
		case c.lease() && !c.read():
			taken[at] = true
			list = append(list, cell{c.kind, c.nth, dropped}, cell{c.kind, c.nth, answered})
		default:
			taken[at] = true
			list = append(list, cell{c.kind, c.nth, dropped})
		}
	}
	return list
}

// TestCellsAreAllThatMatter on calls of which all is known.
func TestCellsAreAllThatMatter(t *testing.T) {
	var calls []call
	counts := map[string]int{}
	for _, kind := range []string{
		"watch nodes", "get leases", "put leases", "put leases", "DescribeInstances", "DescribeInstances", "CreateNetworkInterface",
		"DescribeInstances", "put leases", "patch nodes", "patch nodes/status", "DescribeInstances",
	} {
		counts[kind]++
		calls = append(calls, call{kind: kind, nth: counts[kind]})
	}
	var got []string
	for _, c := range cells(calls) {
		got = append(got, c.String())
	}
	want := []string{
		"before get leases 1", "before put leases 1", "after put leases 1", "before DescribeInstances 1",
		"before CreateNetworkInterface 1", "after CreateNetworkInterface 1",
		"before DescribeInstances 3", "before put leases 3", "after put leases 3",
		"before patch nodes 1", "after patch nodes 1", "before patch nodes.status 1", "after patch nodes.status 1",
		"before DescribeInstances 4",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
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
			r := l.newReplica(onNodes...)
			const nth = 2
			r.crashAny(func(c call) *trap {
				if c.nth != nth || strings.HasPrefix(c.kind, "watch ") {
					return nil
				}
				return newTrap(c.kind, nth, mode, r.kill)
			})
			for i, phase := range phases {
				phase.act(l)
				l.eventually(phase.name, l.shown)
				if i == 1 {
					l.settled(phase.name + ", to stay so")
				}
			}
			l.untouched()
			for _, kind := range []string{
				"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute", "CreateTags", "DeleteTags",
				"DetachNetworkInterface", "DeleteNetworkInterface", "DescribeNetworkInterfaces", "DescribeInstances", "DescribeSubnets",
				"patch nodeenis", "patch nodeenis/status", "patch nodes", "patch nodes/status", "put leases", "post events",
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

// tries is how often a crash is tried until its call comes; mostRare is which part of them may be rare.
const (
	tries    = 8
	mostRare = 0.03
)

// killAtEach has one run for each crash. How often a status is written, and how often an interface is too new to be
// attached, depends on how quick EC2 is at the time, so that a run may end before its call comes. Then there is another.
// What was the last of many in the one run that was measured may be rare; of these there must be few.
func killAtEach(t *testing.T, calls []call) {
	list := cells(calls)
	var again, rare atomic.Int64
	t.Run("each", func(t *testing.T) {
		for _, cell := range list {
			t.Run(cell.String(), func(t *testing.T) {
				t.Parallel()
				for try := 1; !t.Failed(); try++ {
					came := false
					t.Run(fmt.Sprint("try ", try), func(t *testing.T) {
						l := newLab(t)
						r := l.newReplica(onNodes...)
						crash := newTrap(cell.kind, cell.nth, cell.mode, r.kill)
						l.crash(r, crash)
						came = crash.hasSprung()
					})
					if came {
						return
					}
					if again.Add(1); try == tries {
						t.Logf("%d runs ended before their call came", tries)
						rare.Add(1)
						return
					}
				}
			})
		}
	})
	t.Logf("%d crashes; %d runs ended before their call came, and were made again; %d calls never came again", len(list), again.Load(), rare.Load())
	if float64(rare.Load()) > mostRare*float64(len(list)) {
		t.Errorf("of %d crashes %d were never tried, because their call did not come again", len(list), rare.Load())
	}
}
