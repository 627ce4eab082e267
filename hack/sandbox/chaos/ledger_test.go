package chaos

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// call is one call of a replica, as its proxies have seen it.
type call struct {
	kind  string
	nth   int // of its kind
	began time.Time
}

// The kinds of calls are EC2's actions, and verbs and resources of Kubernetes. Who waits at rest for its lease
// renews it.

func (c call) read() bool {
	return strings.HasPrefix(c.kind, "Describe") || strings.HasPrefix(c.kind, "get ") || strings.HasPrefix(c.kind, "watch ")
}

func (c call) lease() bool { return strings.HasSuffix(c.kind, " leases") }

func (c call) ec2() bool { return !strings.Contains(c.kind, " ") }

// changes reports whether the call might change anything but the lease.
func (c call) changes() bool { return !c.read() && !c.lease() }

// begins reports whether the call is one of those with which a process begins, once: what asks whether it has leave.
func (c call) begins() bool { return strings.HasPrefix(c.kind, leaveFor) }

// leaveFor is how the kinds of dry runs begin.
const leaveFor = "DescribeLeaveFor"

// mode is what becomes of a call that a trap has caught.
type mode int

const (
	dropped  mode = iota // it never arrives
	answered             // it takes effect, and then the trap acts: its answer never arrives
	passed               // the trap acts, and then the call goes its way
)

func (m mode) String() string {
	return [...]string{"before", "after", "late"}[m]
}

// trap is something that happens while a call is held.
type trap struct {
	kind string
	nth  int
	mode mode
	act  func()

	sprung chan struct{} // closed when act has returned
}

func newTrap(kind string, nth int, mode mode, act func()) *trap {
	return &trap{kind: kind, nth: nth, mode: mode, act: act, sprung: make(chan struct{})}
}

func (t *trap) spring() {
	t.act()
	close(t.sprung)
}

func (t *trap) hasSprung() bool {
	select {
	case <-t.sprung:
		return true
	default:
		return false
	}
}

// ledger has the calls of one replica, whatever its process.
type ledger struct {
	mu    sync.Mutex
	calls []call
	count map[string]int
	traps []*trap
	any   func(call) *trap // has one made for a call for which none waits
}

func (l *ledger) set(traps ...*trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.traps = append(l.traps, traps...)
}

// crashAny has a trap made for any call for which none waits, or none where it gives nil.
func (l *ledger) crashAny(trap func(call) *trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.any = trap
}

// enter counts a call, and takes the trap that waits for it. A trap whose call has passed while another one was
// acting takes the next of the kind.
func (l *ledger) enter(kind string) (call, *trap) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.count == nil {
		l.count = map[string]int{}
	}
	l.count[kind]++
	c := call{kind, l.count[kind], time.Now()}
	l.calls = append(l.calls, c)
	i := slices.IndexFunc(l.traps, func(t *trap) bool { return t.kind == kind && t.nth <= c.nth })
	switch {
	case i < 0 && l.any != nil:
		return c, l.any(c)
	case i < 0:
		return c, nil
	}
	caught := l.traps[i]
	l.traps = slices.Delete(l.traps, i, i+1)
	return c, caught
}

// since lists the calls that began after a time.
func (l *ledger) since(start time.Time) []call {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, _ := slices.BinarySearchFunc(l.calls, start, func(c call, start time.Time) int { return c.began.Compare(start) })
	return slices.Clone(l.calls[i:])
}

// counts says how many calls of each kind there were.
func (l *ledger) counts() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts := map[string]int{}
	for kind, n := range l.count {
		counts[kind] = n
	}
	return counts
}
