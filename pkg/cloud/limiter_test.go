package cloud

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// taken is when each of n tokens came, in seconds since the start.
func taken(t *testing.T, b *bucket, n int) []float64 {
	t.Helper()
	start := time.Now()
	var at []float64
	for range n {
		if err := b.take(t.Context(), usual); err != nil {
			t.Fatal(err)
		}
		at = append(at, time.Since(start).Seconds())
	}
	return at
}

// pass lets time pass in the test's bubble.
func pass(d time.Duration) { <-time.After(d) }

func about(got, want float64) bool { return math.Abs(got-want) < 1e-3 }

func TestBucketIsLikeEC2sButForOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		// 49 at 50 a second; by then nearly five more have come in, at 5 a second.
		at := taken(t, b, 64)
		if at[0] != 0 || !about(at[49], 49.0/50) || !about(at[63], (64-49)/5.0) {
			t.Errorf("tokens 1, 50 and 64 came after %v, %v and %v seconds; want 0, 0.98 and 3", at[0], at[49], at[63])
		}
		pass(time.Hour)
		if at := taken(t, b, 64); at[0] != 0 || !about(at[63], (64-49)/5.0) {
			t.Errorf("after a rest: tokens 1 and 64 came after %v and %v seconds", at[0], at[63])
		}
		if b := newBucket(Quota{1, 5}); b.size != 1 {
			t.Errorf("a bucket of one token holds %v", b.size)
		}
	})
}

func TestThrottleCutsTheRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		b.throttled(time.Now(), time.Now())
		if b.rate != 3.5 || b.tokens != 0 {
			t.Fatalf("rate %v, tokens %v; want 3.5 and 0", b.rate, b.tokens)
		}
		// The rate climbs by 5 in five minutes, from 3.5 to 5 in one and a half.
		pass(45 * time.Second)
		b.advance(time.Now())
		if !about(b.rate, 4.25) || !about(b.tokens, 49*0.85) {
			t.Errorf("after 45 s: rate %v, tokens %v; want 4.25, and no more than that share of 49", b.rate, b.tokens)
		}
		pass(45 * time.Second)
		b.advance(time.Now())
		if b.rate != 5 || b.tokens != 49 {
			t.Errorf("after 90 s: rate %v, tokens %v; want 5 and 49", b.rate, b.tokens)
		}
	})
}

func TestOneThrottleIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		sent := time.Now()
		pass(time.Second)
		for range 20 {
			b.throttled(sent, time.Now())
		}
		if b.rate != 3.5 {
			t.Errorf("twenty calls that met one empty bucket: rate %v, want 3.5", b.rate)
		}
		for range 20 {
			pass(time.Second)
			b.throttled(time.Now(), time.Now())
		}
		if b.rate < 0.5 || b.rate > 0.6 {
			t.Errorf("throttled at every call: rate %v, want the floor of 0.5", b.rate)
		}
	})
}

func TestWaitersFeelTheThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		b.spent(time.Now(), time.Now())
		start := time.Now()
		var mu sync.Mutex
		var order []int
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				if err := b.take(t.Context(), usual); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
			})
			synctest.Wait()
		}
		pass(100 * time.Millisecond)
		b.throttled(time.Now(), time.Now())
		wg.Wait()
		if got := time.Since(start).Seconds(); got < 2.8 || got > 3.1 {
			t.Errorf("ten waiters at seven tenths of the rate were done after %v s", got)
		}
		if fmt.Sprint(order) != "[0 1 2 3 4 5 6 7 8 9]" {
			t.Errorf("served in the order %v", order)
		}
	})
}

func TestWaitEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		b.spent(time.Now(), time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		start := time.Now()
		var wg sync.WaitGroup
		for range 3 { // one waits for a token, two for their turn
			wg.Go(func() {
				if err := b.take(ctx, usual); !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := time.Since(start); got != 50*time.Millisecond {
			t.Errorf("waited %v", got)
		}
		if at := taken(t, b, 1); !about(at[0], 0.15) {
			t.Errorf("the next token came %v s later; those who gave up must not have taken any", at[0])
		}
	})
}

func TestGiveBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		taken(t, b, 50)
		b.giveBack()
		if at := taken(t, b, 1); at[0] > 1/(burst*5.0) {
			t.Errorf("the token that was given back came after %v s", at[0])
		}
		pass(time.Hour)
		b.giveBack()
		if b.tokens > 50 {
			t.Errorf("%v tokens in a bucket of 50", b.tokens)
		}
	})
}

// TestThrottleSlowsItsActionOnly goes through the client: EC2's answer reaches the right bucket.
func TestThrottleSlowsItsActionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := newScripted(t, func(form url.Values) answer {
			if form.Get("Action") == deleteNetworkInterface {
				return refusal(503, "RequestLimitExceeded", "slow")
			}
			return accept(form)
		})
		for range 2 { // two so near each other that one throttle is all there was
			if err := c.DeleteInterface(t.Context(), ours(), confirmed); !errors.Is(err, eni.KindThrottled) {
				t.Fatal(err)
			}
		}
		if err := c.DetachInterface(t.Context(), ours(), confirmed); err != nil {
			t.Fatal(err)
		}
		for action, b := range c.limiter.buckets {
			if slowed := b.rate < b.fill; slowed != (action == deleteNetworkInterface) {
				t.Errorf("%s: rate %v of %v", action, b.rate, b.fill)
			}
		}
	})
}

func TestAttachAndDetachShareWhenThrottledTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		l.throttled(attachNetworkInterface, time.Now())
		pass(2 * time.Second)
		l.throttled(detachNetworkInterface, time.Now())
		l.throttled(createNetworkInterface, time.Now())
		if l.pair.shared(attachNetworkInterface, time.Now()) != nil {
			t.Fatal("throttled two seconds apart, and yet they share")
		}
		pass(time.Second)
		l.throttled(attachNetworkInterface, time.Now())
		if l.pair.shared(detachNetworkInterface, time.Now()) == nil || l.pair.shared(createNetworkInterface, time.Now()) != nil {
			t.Fatal("throttled within a second, and yet they do not share, or others do")
		}
		l.serve(t, time.Minute, attachNetworkInterface, detachNetworkInterface) // until their own rates are up again
		counts := l.serve(t, time.Minute, attachNetworkInterface, detachNetworkInterface)
		attached, detached := counts[attachNetworkInterface], counts[detachNetworkInterface]
		if sum := attached + detached; sum < 299 || sum > 301 || max(attached, detached) > 152 {
			t.Errorf("%d attaches and %d detaches in a minute: want half each of 5 a second", attached, detached)
		}
		pass(5 * time.Minute)
		if alone := l.serve(t, time.Minute, attachNetworkInterface)[attachNetworkInterface]; alone < 300 {
			t.Errorf("%d attaches in a minute when nothing detaches: want all of the rate", alone)
		}
		pass(5 * time.Minute)
		if l.pair.shared(attachNetworkInterface, time.Now()) != nil {
			t.Error("still sharing after ten minutes without a throttle")
		}
	})
}

// serve takes as many tokens of the actions as there are in the time, and counts them.
func (l *limiter) serve(t *testing.T, during time.Duration, actions ...string) map[string]int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	counts := map[string]int{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, action := range actions {
		for range 10 {
			wg.Go(func() {
				for {
					if _, err := l.take(ctx, action, usual); err != nil {
						return
					}
					mu.Lock()
					counts[action]++
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	return counts
}

func TestTheUrgentAreServedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBucket(Quota{50, 5})
		b.spent(time.Now(), time.Now())
		var mu sync.Mutex
		var served []string
		var wg sync.WaitGroup
		wait := func(ctx context.Context, name string, how urgency) {
			wg.Go(func() {
				if b.take(ctx, how) == nil {
					mu.Lock()
					defer mu.Unlock()
					served = append(served, name)
				}
			})
			synctest.Wait()
		}
		wait(t.Context(), "first", patient)
		ctx, cancel := context.WithCancel(t.Context())
		wait(t.Context(), "edit", patient)
		wait(ctx, "gives up", urgent)
		wait(t.Context(), "drift", usual)
		wait(t.Context(), "flag", urgent)
		wait(t.Context(), "other flag", urgent)
		cancel()
		wg.Wait()
		if got := fmt.Sprint(served); got != "[first flag other flag drift edit]" {
			t.Errorf("served in the order %s", got)
		}
	})
}

// TestWhoModifies goes through the client: which calls are served before which.
func TestWhoModifies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := newScripted(t, accept)
		b := c.limiter.buckets[modifyInterfaceAttribute]
		b.spent(time.Now(), time.Now())
		edit, attached := eni.WithEdit(t.Context()), ours()
		var wg sync.WaitGroup
		for _, call := range []func() error{
			func() error { return c.SetDescription(edit, ours(), "waits for the first token") },
			func() error { return c.SetDescription(edit, ours(), "edited") },
			func() error { return c.SetDescription(t.Context(), ours(), "put right") },
			func() error { return c.SetDeleteOnTermination(edit, attached, attached.Attachment.ID, true) },
		} {
			wg.Go(func() {
				if err := call(); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		var got []string
		for _, form := range s.requests() {
			got = append(got, form.Get("Description.Value")+form.Get("Attachment.DeleteOnTermination"))
		}
		if want := []string{"waits for the first token", "true", "put right", "edited"}; !slices.Equal(got, want) {
			t.Errorf("made in the order %q, want %q", got, want)
		}
	})
}
