package controller

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// rememberStep is for how long a step is remembered that nobody asks for. Who comes back to a token as old as that is
// answered by EC2 with a dead interface at worst, and steps again.
const rememberStep = 24 * time.Hour

// A leader's creates bear tokens of its term, which is the number of its lease. So a token that a process which is no
// more has used for an interface that is gone by now is not used again: EC2 would answer it with that interface.
//
// But a predecessor may have made an interface that no list shows yet. Only its own token finds it, and so creates bear
// the predecessor's first token until a list has come that shows all that a predecessor can have made. Where that token
// is used up, or a predecessor's predecessor has made what does not show, it is as with any token: tokens make needless
// calls rare, and what they do not spare is put right as what is surplus or gone.
const (
	inherited = -1 // the first token of the term before ours
	first     = 0  // the first of ours; others follow
)

// tokenSteps says, for each wanted interface, which client token its next create bears. It is stepped when that token
// can bring nothing new: after an answer, whatever it was, but never after a lost one.
type tokenSteps struct {
	// term is our lease's number; 0 without a lease, where all processes share the tokens of one term.
	term int64
	// shown reports whether all that a predecessor can have made is known. Until then its tokens are tried.
	shown func() bool

	mu    sync.Mutex
	steps map[types.UID]map[place]tokenStep
	// held counts the steps; enough is how many may be held before those are looked for that are too old.
	held, enough int
}

// place is where a NodeENI wants an interface.
type place struct {
	instance string
	slot     eni.Slot
}

func placeOf(key plan.SlotKey) place { return place{key.Instance, key.Slot} }

type tokenStep struct {
	number int32
	at     eni.Instant
}

// begin is called before the first create of a process.
func (t *tokenSteps) begin(term int64, shown func() bool) { t.term, t.shown = term, shown }

// current is the token of the next create: the n-th of a term. It stays the same until it is stepped.
func (t *tokenSteps) current(key plan.SlotKey) (term int64, n int) {
	n = t.number(key)
	if n == inherited {
		return t.term - 1, first
	}
	return t.term, n
}

// number is current's, or inherited.
func (t *tokenSteps) number(key plan.SlotKey) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.steps[key.NodeENI][placeOf(key)]; !known {
		t.put(key, t.beginning())
	}
	return int(t.steps[key.NodeENI][placeOf(key)].number)
}

// step has the next create bear another token.
func (t *tokenSteps) step(key plan.SlotKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	// What is not known counts for the first: that may have been forgotten.
	t.put(key, int(t.steps[key.NodeENI][placeOf(key)].number)+1)
}

// beginning is the number of the first token of an interface.
func (t *tokenSteps) beginning() int {
	if t.term == 0 || t.shown() {
		return first
	}
	return inherited
}

func (t *tokenSteps) put(key plan.SlotKey, number int) {
	now := time.Now()
	t.prune(now)
	places := t.steps[key.NodeENI]
	if places == nil {
		places = map[place]tokenStep{}
		t.steps[key.NodeENI] = places
	}
	if _, known := places[placeOf(key)]; !known {
		t.held++
	}
	places[placeOf(key)] = tokenStep{int32(number), eni.InstantOf(now)}
}

// prune forgets what is too old, once in a while.
func (t *tokenSteps) prune(now time.Time) {
	const few = 1024
	if t.steps == nil {
		t.steps = map[types.UID]map[place]tokenStep{}
	}
	if t.held < max(few, t.enough) {
		return
	}
	t.held = 0
	for uid, places := range t.steps {
		maps.DeleteFunc(places, func(_ place, s tokenStep) bool { return now.Sub(s.at.Time()) >= rememberStep })
		if t.held += len(places); len(places) == 0 {
			delete(t.steps, uid)
		}
	}
	t.enough = 2 * t.held
}

func (t *tokenSteps) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.held -= len(t.steps[uid])
	delete(t.steps, uid)
}
