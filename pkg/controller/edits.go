package controller

import (
	"context"
	"maps"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// editFor is how long an edit counts as being carried out after the last call for it.
const editFor = 10 * time.Minute

// edits knows which NodeENIs have been edited, so that what changes for that, on each node, gives way to what something
// else has changed. Nothing is lost with it: it orders calls, and decides nothing.
type edits struct {
	mu   sync.Mutex
	last map[types.UID]time.Time
}

// begin notes an edit of the spec.
func (e *edits) begin(uid types.UID, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.last == nil {
		e.last = map[types.UID]time.Time{}
	}
	maps.DeleteFunc(e.last, func(_ types.UID, last time.Time) bool { return now.Sub(last) >= editFor })
	e.last[uid] = now
}

// mark marks calls that change a setting for the NodeENI, if they carry out an edit.
func (e *edits) mark(ctx context.Context, uid types.UID, now time.Time) context.Context {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last, ok := e.last[uid]; !ok || now.Sub(last) >= editFor {
		return ctx
	}
	e.last[uid] = now
	return eni.WithEdit(ctx)
}
