package inventory

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

const (
	// A batch is read when nobody has asked for more for batchIdle, at the latest batchMax after the first.
	batchIdle = 100 * time.Millisecond
	batchMax  = time.Second
	// maxBatch is how many IDs one read names.
	// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
	maxBatch = 1000

	firstBackOff = time.Second
	maxBackOff   = 30 * time.Second
)

// batch collects the IDs that anybody asks to have read.
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
		b.ids[id] = true
	}
	select {
	case b.wake <- struct{}{}:
	default:
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
	var backOff time.Duration
	for b.collect(ctx) {
		for ids := b.take(); len(ids) > 0; ids = b.take() {
			if err := read(ctx, ids); err != nil {
				backOff = nextBackOff(backOff)
				logReadFailure(ctx, what, err, backOff)
				b.add(ids...)
				sleep(ctx, backOff)
				break
			}
			backOff = 0
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

func nextBackOff(last time.Duration) time.Duration {
	return min(max(2*last, firstBackOff), maxBackOff)
}

// logReadFailure says that EC2 could not be read; nothing is concluded from a read that failed.
func logReadFailure(ctx context.Context, what string, err error, retryAfter time.Duration) {
	if ctx.Err() == nil {
		klog.FromContext(ctx).Error(err, "Reading from EC2 failed, trying again", "what", what, "retryAfter", retryAfter)
	}
}

// sleep waits, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
