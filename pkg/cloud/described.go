package cloud

import (
	"maps"
	"sync"
	"time"
)

// keepDescribed is for how long an interface is remembered that complete lists do not show any more.
const keepDescribed = time.Hour

// described remembers of which interfaces EC2's answers said last that they are ours. It is asked before each call
// that changes one: whoever wants the call may hold an old description, or one that he has made up. Interfaces that
// have never been ours are not in it, so it is about as large as the cluster.
type described struct {
	mu sync.Mutex
	// start is what times are told from, which take a third of the room then.
	start time.Time
	byID  map[string]sight
}

// sight is when the latest call began that was answered with the interface, and whether it was ours then.
type sight struct {
	began time.Duration
	ours  bool
}

// put remembers a sight.
func (d *described) put(began time.Time, id string, ours bool) {
	if d.byID == nil {
		d.byID, d.start = map[string]sight{}, began
	}
	d.byID[id] = sight{began.Sub(d.start), ours}
}

// show takes in how a call that began at the given time was answered.
func (d *described) show(began time.Time, id string, ours bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	last, known := d.byID[id]
	if (!known && !ours) || (known && began.Sub(d.start) < last.began) {
		return
	}
	d.put(began, id, ours)
}

// made takes in an interface that a create was answered with. A repeated create is answered as the first was, so it
// says nothing against what a describe has shown since.
func (d *described) made(began time.Time, id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.byID[id]; !known {
		d.put(began, id, true)
	}
}

// ours reports whether the interface was ours when it was described last; false for one that never was.
func (d *described) ours(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byID[id].ours
}

// prune forgets what has not been shown for long. It is called after a complete list: what is still there has just
// been shown.
func (d *described) prune(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.byID, func(_ string, last sight) bool { return now.Sub(d.start)-last.began >= keepDescribed })
}
