package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// tokenSteps counts, for each wanted interface, how often its client token had to change. It starts at zero
// in every process, so that a restart repeats the token of a create whose answer was lost; it is stepped
// when that token can bring nothing new: after an answer, whatever it was, but never after a lost one.
type tokenSteps struct {
	mu    sync.Mutex
	steps map[plan.SlotKey]int
}

func (t *tokenSteps) current(key plan.SlotKey) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.steps[key]
}

func (t *tokenSteps) step(key plan.SlotKey) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.steps == nil {
		t.steps = map[plan.SlotKey]int{}
	}
	t.steps[key]++
}

func (t *tokenSteps) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for key := range t.steps {
		if key.NodeENI == uid {
			delete(t.steps, key)
		}
	}
}
