package inventory

import (
	"context"
	"time"

	"k8s.io/klog/v2"
)

const (
	firstBackOff = time.Second
	maxBackOff   = 30 * time.Second
)

// backOff spaces the tries of something that reads EC2, and says once when it begins to fail and once when it
// works again. Nothing is concluded from a read that failed.
type backOff struct {
	what  string
	delay time.Duration
}

// settle takes the outcome of a try into account: after a failure it waits and reports false.
func (b *backOff) settle(ctx context.Context, err error) bool {
	logger := klog.FromContext(ctx)
	switch {
	case err == nil && b.delay > 0:
		logger.Info("Reading from EC2 works again", "what", b.what)
		b.delay = 0
		return true
	case err == nil:
		return true
	case ctx.Err() != nil:
		return false
	}
	first := b.delay == 0
	b.delay = min(max(2*b.delay, firstBackOff), maxBackOff)
	if first {
		logger.Error(err, "Reading from EC2 failed, trying again until it works", "what", b.what)
	} else {
		logger.V(4).Info("Reading from EC2 still fails", "what", b.what, "err", err, "retryAfter", b.delay)
	}
	sleep(ctx, b.delay)
	return false
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

// await waits until the given time, which may be zero for never, until it is woken, or until ctx ends.
func await(ctx context.Context, until time.Time, woken <-chan struct{}) {
	var due <-chan time.Time
	if !until.IsZero() {
		timer := time.NewTimer(time.Until(until))
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
	case <-due:
	case <-woken:
	}
}
