package ec2sim

import (
	"context"
	"sync"
	"time"
)

// Clock is the simulator's source of time. Nothing in the simulator runs in the
// background: states are computed from Now at each call, and Sleep is only how a
// call's own latency passes.
type Clock interface {
	Now() time.Time
	// Sleep returns early, with the context's error, when the caller goes away.
	Sleep(ctx context.Context, d time.Duration) error
}

// SystemClock is real time, or a synctest bubble's time inside one.
type SystemClock struct{}

// Now implements Clock.
func (SystemClock) Now() time.Time { return time.Now() }

// Sleep implements Clock.
func (SystemClock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// StillClock is always the same instant. Calls take no time on it: a simulator's time
// moves only when Advance, or POST /_sim/clock, moves it.
type StillClock struct{ At time.Time }

// Now implements Clock.
func (c StillClock) Now() time.Time { return c.At }

// Sleep implements Clock without waiting.
func (StillClock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// VirtualClock stands still until it is told to move. A call's latency moves it by
// just that latency, since its caller has waited that long, so that the same calls
// give the same answers at the same instants.
type VirtualClock struct {
	mu  sync.Mutex
	now time.Time
}

// NewVirtualClock returns a clock that stands at start.
func NewVirtualClock(start time.Time) *VirtualClock { return &VirtualClock{now: start} }

// Now implements Clock.
func (c *VirtualClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Sleep implements Clock without waiting.
func (c *VirtualClock) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

// Advance moves the clock forward; it never moves back.
func (c *VirtualClock) Advance(d time.Duration) {
	if d <= 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
