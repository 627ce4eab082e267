package controller

import (
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

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
	steps map[plan.SlotKey]tokenStep
	// enough is how many steps may be held before those are looked for that are too old.
	enough int
}

type tokenStep struct {
	count int
	at    time.Time
}

func (t *tokenSteps) current(key plan.SlotKey) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.steps[key].count
}

func (t *tokenSteps) step(key plan.SlotKey) {
	const few = 1024
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if t.steps == nil {
		t.steps = map[plan.SlotKey]tokenStep{}
	}
	if len(t.steps) >= max(few, t.enough) {
		maps.DeleteFunc(t.steps, func(_ plan.SlotKey, s tokenStep) bool { return now.Sub(s.at) >= rememberStep })
		t.enough = 2 * len(t.steps)
	}
	t.steps[key] = tokenStep{t.steps[key].count + 1, now}
}

func (t *tokenSteps) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	maps.DeleteFunc(t.steps, func(key plan.SlotKey, _ tokenStep) bool { return key.NodeENI == uid })
}
