package inventory

import "time"

// instant is a time of this process in a third of the room: thousands of records hold half a dozen of them each. The
// zero instant is the zero time.
type instant int64

// epochStart is what instants are told from. A time of this process has a monotonic reading, and so has the difference.
var epochStart = time.Now()

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	if since := instant(t.Sub(epochStart)); since != 0 {
		return since
	}
	return 1
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return epochStart.Add(time.Duration(i))
}

// IsZero is time.Time's, and so are Add and Sub.
func (i instant) IsZero() bool { return i == 0 }

// Add is the time so much later.
func (i instant) Add(d time.Duration) time.Time { return i.time().Add(d) }

// Sub is how much later it is.
func (i instant) Sub(t time.Time) time.Duration { return i.time().Sub(t) }
