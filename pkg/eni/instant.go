package eni

import "time"

// Instant is a time of this process in a third of the room that a time.Time takes: what is remembered of thousands of
// interfaces holds several of them each. The zero Instant is the zero time.
type Instant int64

// instantZero is what Instants are told from. A time of this process has a monotonic reading, and so has the difference.
var instantZero = time.Now()

// InstantOf is the Instant of a time.
func InstantOf(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	if since := Instant(t.Sub(instantZero)); since != 0 {
		return since
	}
	return 1
}

// Time is the time.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return instantZero.Add(time.Duration(i))
}

// IsZero is time.Time's, and so are Add and Sub.
func (i Instant) IsZero() bool { return i == 0 }

// Add is the time so much later.
func (i Instant) Add(d time.Duration) time.Time { return i.Time().Add(d) }

// Sub is how much later it is.
func (i Instant) Sub(t time.Time) time.Duration { return i.Time().Sub(t) }
