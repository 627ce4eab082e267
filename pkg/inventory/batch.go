package inventory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// A batch is read when nobody has asked for more for batchIdle, at the latest batchMax after the first.
	batchIdle = 100 * time.Millisecond
	batchMax  = time.Second
	// maxBatch is how many IDs one read names.
	// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
	maxBatch = 1000
)

// batch collects the IDs that anybody asks to have read. An ID that is asked for while it is being read is read
// again: whoever asks wants an answer that began afterwards.
type batch struct {
	mu   sync.Mutex
	ids  map[string]bool
	wake chan struct{}
}

func newBatch() *batch {
	return &batch{ids: map[string]bool{}, wake: make(chan struct{}, 1)}
}

func (b *batch) add(ids ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if id != "" {
			b.ids[id] = true
			wake(b.wake)
		}
	}
}

// take returns up to maxBatch of the IDs and removes them.
func (b *batch) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := slices.Sorted(maps.Keys(b.ids))
	ids = ids[:min(len(ids), maxBatch)]
	for _, id := range ids {
		delete(b.ids, id)
	}
	return ids
}

// run reads batch after batch until ctx ends. IDs whose read failed are asked for again.
func (b *batch) run(ctx context.Context, what string, read func(context.Context, []string) error) {
	backOff := backOff{what: what}
	for b.collect(ctx) {
		for ids := b.take(); len(ids) > 0; ids = b.take() {
			err := read(ctx, ids)
			if err != nil {
				b.add(ids...)
			}
			if !backOff.settle(ctx, err) {
				break
			}
		}
	}
}

// collect waits for a batch to be complete. It reports false when ctx has ended.
func (b *batch) collect(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-b.wake:
	}
	latest := time.NewTimer(batchMax)
	defer latest.Stop()
	for {
		idle := time.NewTimer(batchIdle)
		select {
		case <-ctx.Done():
			idle.Stop()
			return false
		case <-latest.C:
			idle.Stop()
			return true
		case <-idle.C:
			return true
		case <-b.wake:
			idle.Stop()
		}
	}
}
