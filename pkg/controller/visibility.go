package controller

import (
	"sync"
	"time"
)

// visibility learns how long after a write EC2 may answer that it does not know what was written: a call that is made
// too early costs a token of the quota that everything waits for. It is zero until such an answer is met, and proves to
// have been wrong.
//
//	not found, found later ──► half as long again   ▲ at most the horizon
//	found, though young    ──► a little shorter     ▼
type visibility struct {
	// most is the horizon.
	most time.Duration

	mu    sync.Mutex
	delay time.Duration
	// missed has how old what was not found was at the time.
	missed map[string]time.Duration
}

const (
	// learnStep is added to what is too short, unlearn the share that is taken from what is long enough: one call in a
	// hundred or so is made too early.
	learnStep = 100 * time.Millisecond
	unlearn   = 200
	// leastDelay is less than a call takes.
	leastDelay = 10 * time.Millisecond
	// manyMissed is how many are remembered that have not turned up.
	manyMissed = 1024
)

// from is from when on a call may be made on what was written then.
func (v *visibility) from(written time.Time) time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return written.Add(v.delay)
}

// miss takes in that EC2 did not know what was written so long ago.
func (v *visibility) miss(id string, age time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.missed == nil || len(v.missed) >= manyMissed {
		v.missed = map[string]time.Duration{}
	}
	v.missed[id] = age
}

// hit takes in that EC2 knew it.
func (v *visibility) hit(id string, age time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	missed, ok := v.missed[id]
	delete(v.missed, id)
	switch {
	case ok:
		v.delay = min(max(v.delay, missed)*3/2+learnStep, v.most)
	case age < 2*v.delay:
		if v.delay -= v.delay / unlearn; v.delay < leastDelay {
			v.delay = 0
		}
	}
}
