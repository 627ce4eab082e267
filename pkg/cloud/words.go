package cloud

import (
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// mostWords is how many strings are remembered at a time: more than the IDs and tags of some thousands of nodes.
const mostWords = 1 << 16

// words keeps one copy of what EC2's answers say over and over: every interface names its subnet, its instance, its
// NodeENI and the keys of its tags, and each answer brings copies of its own of all of them.
type words struct {
	mu   sync.Mutex
	held map[string]string
}

// shared is the process's, since equal strings are equal to everybody.
var shared words

// same returns the copy that is held.
func (w *words) same(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if held, ok := w.held[text]; ok {
		return held
	}
	if w.held == nil || len(w.held) >= mostWords {
		w.held = map[string]string{} // what is in use comes again
	}
	w.held[text] = text
	return text
}

// word is the one copy of what a pointer points at; empty for nil.
func word(text *string) string { return shared.same(aws.ToString(text)) }
