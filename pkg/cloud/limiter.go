package cloud

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// cutTo is what of a rate is left after a throttle when nothing better is known, belowFound what of the rate that
	// EC2 was found to let through, and recoveryTime how long a rate takes to climb from zero to what EC2 documents. So
	// less than one call in a hundred is throttled while others have half of the quota, and what they leave is used:
	// EC2's bucket takes up what is not used while the rate is below that.
	cutTo        = 0.7
	belowFound   = 0.9
	recoveryTime = 5 * time.Minute
	// floorShare is the share of the documented rate below which ours never falls: someone must find out
	// when the quota is free again.
	floorShare = 0.1
	// spare is how many tokens are never taken: a call may be on its way for less time than the one before it, and
	// meet a bucket that has not been filled as far as ours.
	spare = 1
	// burst is how many times faster than they are filled in tokens may be taken, however many there are. When the
	// bucket is emptier than we know, few calls are under way to find out.
	burst = 10
)

// urgency orders those who wait for one bucket; where nobody says anything all are alike.
type urgency int

const (
	urgent urgency = iota
	usual
	patient
	urgencies
)

// bucket is a token bucket like EC2's own, whose rate gives way when EC2 throttles: what we share the
// account's quota with is unknown, so the rate is found by cutting it at a throttle and adding to it as
// time passes. Of those who are equally urgent, whoever waits first is served first; only the first waits for a
// token, the others for their turn, so that a fall of the rate holds for all of them at once.
//
// x/time/rate is not used because it grants tokens in advance, at the rate of that moment, and can not take
// back one whose time has come.
type bucket struct {
	mu sync.Mutex
	// taken says that it is somebody's turn; line has those who wait for theirs.
	taken bool
	line  [urgencies][]chan struct{}
	// size and fill are EC2's: how many tokens the bucket holds and how many it gets per second.
	size, fill float64
	// rate is the present tokens per second, between floorShare of fill and fill.
	rate    float64
	tokens  float64
	updated time.Time
	// next is when the next token may be taken at the earliest.
	next time.Time
	// cut is when rate was last cut, granted how many tokens were taken since.
	cut     time.Time
	granted float64
}

func newBucket(q Quota) *bucket {
	b := &bucket{size: max(1, q.Bucket-spare), fill: q.Refill, rate: q.Refill, updated: time.Now()}
	b.tokens = b.size
	return b
}

// take waits for a token.
func (b *bucket) take(ctx context.Context, how urgency) error {
	if err := b.queue(ctx, how); err != nil {
		return err
	}
	defer b.leave()
	return b.await(ctx)
}

// queue waits until nobody is before us.
func (b *bucket) queue(ctx context.Context, how urgency) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b.mu.Lock()
	if !b.taken {
		b.taken = true
		b.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	b.line[how] = append(b.line[how], turn)
	b.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		b.giveUp(how, turn)
		return ctx.Err()
	}
}

// giveUp leaves the line, or gives the turn on if it has come.
func (b *bucket) giveUp(how urgency, turn chan struct{}) {
	b.mu.Lock()
	i := slices.Index(b.line[how], turn)
	if i >= 0 {
		b.line[how] = slices.Delete(b.line[how], i, i+1)
	}
	b.mu.Unlock()
	if i < 0 {
		b.leave()
	}
}

// leave makes it the turn of the most urgent one.
func (b *bucket) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for how, line := range b.line {
		if len(line) > 0 {
			close(line[0])
			b.line[how] = line[1:]
			return
		}
	}
	b.taken = false
}

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
	if early := b.next.Sub(now); early > 0 {
		return early
	}
	if b.tokens >= 1 {
		b.tokens--
		b.granted++
		b.next = now.Add(time.Duration(float64(time.Second) / (burst * b.fill)))
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

// note takes a token, if there is one, for a call that did not wait for it: EC2 counts that as well.
func (b *bucket) note(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	b.tokens = max(0, b.tokens-1)
}

// giveBack returns a token that was taken and not used.
func (b *bucket) giveBack() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tokens = min(b.tokens+1, b.size)
	b.granted = max(0, b.granted-1)
}

// throttled empties the bucket and cuts the rate. Of calls that were under way together, only the first
// to be throttled cuts it: they all met the same empty bucket at EC2.
func (b *bucket) throttled(sent, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	b.tokens = 0
	if sent.Before(b.cut) {
		return
	}
	b.rate = max(b.fill*floorShare, b.rate*cutTo, min(b.rate, b.found(now))*belowFound)
	b.cut, b.granted = now, 0
}

// found is how many calls a second EC2 has let through between two throttles, at each of which its bucket was empty;
// zero where these are too few to say.
func (b *bucket) found(now time.Time) float64 {
	const enough = 10
	if b.cut.IsZero() || b.granted < enough || now.Sub(b.cut) > recoveryTime {
		return 0
	}
	return b.granted / now.Sub(b.cut).Seconds()
}

// spent leaves in the bucket what can have come in since it was emptied at the given time, and leaves the rate.
func (b *bucket) spent(at, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance(now)
	b.tokens = max(0, min(b.tokens, b.fill*now.Sub(at).Seconds()))
}
