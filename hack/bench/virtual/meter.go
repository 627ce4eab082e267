package virtual

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
)

// meter counts what the controller asks of EC2 and writes to the API server.
type meter struct {
	mu sync.Mutex
	count
	// acted is when each process's first call was made that changes EC2.
	acted map[string]time.Time
	// led is when each process got the lease.
	led map[string]time.Time
}

// count is what was counted up to some moment.
type count struct {
	// done are the calls that succeeded, by action; throttled and refused those that did not; dry the dry runs, which
	// are none of the calls, but draw on the quotas.
	done, throttled, refused, dry map[string]int
	// writes are those to the API server, but for Leases.
	writes int
}

func newMeter() *meter {
	return &meter{count: count{done: map[string]int{}, throttled: map[string]int{}, refused: map[string]int{}, dry: map[string]int{}}, acted: map[string]time.Time{}, led: map[string]time.Time{}}
}

func mutates(action string) bool { return !strings.HasPrefix(action, "Describe") }

func (m *meter) called(process, action string, status int, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if status == http.StatusPreconditionFailed {
		m.dry[action]++
		return
	}
	if _, known := m.acted[process]; !known && mutates(action) {
		m.acted[process] = at
	}
	switch status {
	case 200:
		m.done[action]++
	case 503:
		m.throttled[action]++
	default:
		m.refused[action]++
	}
}

func (m *meter) wrote(w strictapi.Write) {
	if w.Resource == "leases" && holder(w.New) != "" && holder(w.Old) != holder(w.New) {
		m.mu.Lock()
		m.led[w.Client] = time.Now()
		m.mu.Unlock()
	}
	if w.Client == user || w.Verb == "expire" || w.Resource == "leases" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
}

func (m *meter) now() count {
	m.mu.Lock()
	defer m.mu.Unlock()
	return count{maps.Clone(m.done), maps.Clone(m.throttled), maps.Clone(m.refused), maps.Clone(m.dry), m.writes}
}

func (m *meter) finished(action string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done[action]
}

func (m *meter) firstAct(process string) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.acted[process]
	return at, ok
}

func (m *meter) ledSince(process string) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.led[process]
}

// holder is whose a Lease is.
func holder(o runtime.Object) string {
	if lease, ok := o.(*coordinationv1.Lease); ok && lease.Spec.HolderIdentity != nil {
		return *lease.Spec.HolderIdentity
	}
	return ""
}

// since is what was counted after an earlier moment.
func (c count) since(before count) count {
	return count{less(c.done, before.done), less(c.throttled, before.throttled), less(c.refused, before.refused), less(c.dry, before.dry), c.writes - before.writes}
}

func less(a, b map[string]int) map[string]int {
	out := map[string]int{}
	for action, n := range a {
		if n -= b[action]; n > 0 {
			out[action] = n
		}
	}
	return out
}

// calls are all that were made, with whatever outcome, if they are of the kind.
func (c count) calls(is func(string) bool) (n int) {
	for _, one := range []map[string]int{c.done, c.throttled, c.refused} {
		n += sum(one, is)
	}
	return n
}

func sum(counts map[string]int, is func(string) bool) (n int) {
	for action, some := range counts {
		if is(action) {
			n += some
		}
	}
	return n
}

func all(string) bool              { return true }
func describes(action string) bool { return !mutates(action) }

// throttledShare is the share of all calls that EC2 throttled.
func (c count) throttledShare() float64 {
	return float64(sum(c.throttled, all)) / float64(max(1, c.calls(all)))
}
