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

// tokenSteps counts, for each wanted interface, how often its client token had to change. It starts at zero
// in every process, so that a restart repeats the token of a create whose answer was lost; it is stepped
// when that token can bring nothing new: after an answer, whatever it was, but never after a lost one.
type tokenSteps struct {
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
	count int
	at    time.Time
}

func (t *tokenSteps) current(key plan.SlotKey) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.steps[key.NodeENI][placeOf(key)].count
}

func (t *tokenSteps) step(key plan.SlotKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	t.prune(now)
	places := t.steps[key.NodeENI]
	if places == nil {
		places = map[place]tokenStep{}
		t.steps[key.NodeENI] = places
	}
	before, known := places[placeOf(key)]
	if !known {
		t.held++
	}
	places[placeOf(key)] = tokenStep{before.count + 1, now}
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
		maps.DeleteFunc(places, func(_ place, s tokenStep) bool { return now.Sub(s.at) >= rememberStep })
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
