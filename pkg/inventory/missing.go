package inventory

import (
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// unseenInLists is after what time a create that no read has ever shown is dropped.
	unseenInLists = 5 * time.Minute
	// unseenByID is the same, in horizons, when EC2 says of the ID itself that it does not exist. It may be the answer to
	// a create of long ago, repeated for its client token, whose interface is gone.
	unseenByID = 2
)

// missFromList notes that a complete list did not show the interface. A list goes by tags, so it says nothing
// of an interface that has lost them, and never on its own that one is gone.
func (s *store) missFromList(rd read, r *record, c *changes) {
	switch {
	case rd.began.Before(r.ShownAt) || s.tagsLost(r):
	case !r.seen && !rd.began.Before(r.known.Add(unseenInLists)):
		s.drop(r, c)
	case s.mayLag(rd, r):
		s.edit(r, c, func() { r.recheck = eni.InstantOf(later(r.recheck.Time(), r.alive().Add(s.horizon))) })
	case r.seen && r.misses().idAgain:
		s.gone(r, c)
	default:
		s.miss(rd, r, c, func(m *misses) { m.list = first(m.list, rd.began) })
	}
}

// missByID notes that EC2 did not show the interface when asked for its ID. It takes two such answers, a horizon apart,
// with none between that shows it: a single one may have left it out, and a list is no second witness against that
// when it does not show the interface because somebody has just taken its tags away.
func (s *store) missByID(rd read, r *record, c *changes) {
	before := r.misses()
	again := !before.id.IsZero() && !rd.began.Before(before.id.Add(s.horizon))
	switch {
	case rd.began.Before(r.ShownAt):
	case !r.seen && !rd.began.Before(r.known.Add(unseenByID*s.horizon)):
		s.drop(r, c)
	case s.mayLag(rd, r):
		s.edit(r, c, func() { r.recheck = eni.InstantOf(later(r.recheck.Time(), r.alive().Add(s.horizon))) })
	case r.seen && again && (!before.list.IsZero() || s.tagsLost(r)):
		s.gone(r, c)
	default:
		s.miss(rd, r, c, func(m *misses) { m.id, m.idAgain = first(m.id, rd.began), again })
	}
}

// mayLag reports whether a read that does not show the interface may be from before we learned of it.
func (s *store) mayLag(rd read, r *record) bool { return rd.began.Before(r.alive().Add(s.horizon)) }

// miss makes the interface missing; note takes down what kind of read did not show it.
func (s *store) miss(rd read, r *record, c *changes, note func(*misses)) {
	s.edit(r, c, func() {
		r.miss(func(m *misses) {
			note(m)
			m.last = later(m.last, rd.began)
		})
		r.recheck = 0 // a missing interface is polled anyway
		r.lose(c)
	})
}

// first is the time that was noted, or now, when none was.
func first(noted, now time.Time) time.Time {
	if noted.IsZero() {
		return now
	}
	return noted
}

// lose makes a record missing that was not.
func (r *record) lose(c *changes) {
	if !r.Missing {
		r.Missing = true
		r.miss(func(m *misses) { m.since = c.now })
		c.decide(isMissing, r)
	}
}

func (s *store) gone(r *record, c *changes) {
	c.decide(isGone, r)
	s.bury(r, c)
}

// drop forgets a create that was answered, but whose interface nobody has ever seen. It leaves no tombstone:
// should it appear after all, the next list has it.
func (s *store) drop(r *record, c *changes) {
	c.decide(isNeverSeen, r)
	s.remove(r, c)
}
