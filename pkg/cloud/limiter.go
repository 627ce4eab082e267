package cloud

import (
	"context"
	"sync"
	"time"
)

const (
	// recoveryTime is how long a rate takes to climb from zero to what EC2 documents.
	recoveryTime = time.Minute
	// floorShare is the share of the documented rate below which ours never falls: someone must find out
	// when the quota is free again.
	floorShare = 0.1
)

// bucket is a token bucket like EC2's own, whose rate gives way when EC2 throttles: what we share the
// account's quota with is unknown, so the rate is found by halving it at a throttle and adding to it as
// time passes. Whoever waits first is served first; only the first waits for a token, the others for
// their turn, so that a fall of the rate holds for all of them at once.
//
// x/time/rate is not used because it grants tokens in advance, at the rate of that moment, and can not take
// back one whose time has come.
type bucket struct {
	turn chan struct{}

	mu sync.Mutex
	// size and fill are EC2's: how many tokens the bucket holds and how many it gets per second.
	size, fill float64
	// rate is the present tokens per second, between floorShare of fill and fill.
	rate    float64
	tokens  float64
	updated time.Time
	// cut is when rate was last halved.
	cut time.Time
}

func newBucket(size, fill float64) *bucket {
	return &bucket{turn: make(chan struct{}, 1), size: size, fill: fill, rate: fill, tokens: size, updated: time.Now()}
}

// take waits for a token.
func (b *bucket) take(ctx context.Context) error {
	if err := b.queue(ctx); err != nil {
		return err
	}
	defer b.leave()
	return b.await(ctx)
}

// queue waits until nobody is before us.
func (b *bucket) queue(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case b.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bucket) leave() { <-b.turn }

// await waits for a token; it is our turn.
func (b *bucket) await(ctx context.Context) error {
	for {
		wait := b.tryTake(time.Now())
		if wait == 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// tryTake takes a token, or says how long it takes until there is one.
func (b *bucket) tryTake(now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	if b.tokens >= 1 {
		b.tokens--
		return 0
	}
	return time.Duration((1-b.tokens)/b.rate*float64(time.Second)) + 1
}

// advance adds the tokens of the time that has passed, and lets the rate climb.
func (b *bucket) advance(now time.Time) {
	elapsed := now.Sub(b.updated).Seconds()
	if elapsed <= 0 {
		return
	}
	b.updated = now
	slope := b.fill / recoveryTime.Seconds()
	climbing := min(elapsed, (b.fill-b.rate)/slope)
	b.tokens += b.rate*climbing + slope*climbing*climbing/2 + b.fill*(elapsed-climbing)
	b.rate = min(b.fill, b.rate+slope*climbing)
	b.tokens = min(b.tokens, b.size*b.rate/b.fill)
}

// giveBack returns a token that was taken and not used.
func (b *bucket) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+1, b.size)
}

// throttled empties the bucket and halves the rate. Of calls that were under way together, only the first
// to be throttled halves it: they all met the same empty bucket at EC2.
func (b *bucket) throttled(sent, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	b.tokens = 0
	if sent.Before(b.cut) {
		return
	}
	b.rate = max(b.fill*floorShare, b.rate/2)
	b.cut = now
}

// drain empties the bucket and leaves the rate.
func (b *bucket) drain(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	b.tokens = 0
}
