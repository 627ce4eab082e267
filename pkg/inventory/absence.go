package inventory

import (
	"maps"
	"slices"
	"time"
)

const (
	// CreateDeadline is how long a create without an answer may still take effect, from its beginning, before
	// the horizon is added.
	CreateDeadline = time.Minute
	// rememberAbsence is for how long an answer is kept that nobody asks for again.
	rememberAbsence = 10 * time.Minute
	// maxScope is how many UIDs one narrowed list may name.
	// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html (filters)
	maxScope = 200
	// leastGap keeps the two lists apart when the horizon is next to nothing.
	leastGap = 50 * time.Millisecond
)

// absence answers whether an interface of a NodeENI can still be there. Two complete lists must fail to show
// one: a horizon apart, and both begun when every create of ours had been answered or had run out of time.
type absence struct {
	horizon time.Duration
	// began is when this process became responsible: creates of a predecessor may show until a horizon later.
	began   time.Time
	creates map[string]*creates
	waiting map[string]*wait
}

// creates are a NodeENI's creates.
type creates struct {
	inFlight int
	// ended is when the last one was answered, or will have run out of time.
	ended time.Time
}

// wait is what is known for a NodeENI whose absence somebody waits for.
type wait struct {
	asked time.Time
	// next is when a list is due; first began the first list without an interface of the NodeENI; confirmed
	// says that a second one agrees.
	next, first time.Time
	confirmed   bool
}

func newAbsence(horizon time.Duration) *absence {
	return &absence{horizon: max(horizon, leastGap), creates: map[string]*creates{}, waiting: map[string]*wait{}}
}

func (a *absence) beginCreate(uid string) {
	if a.creates[uid] == nil {
		a.creates[uid] = &creates{}
	}
	a.creates[uid].inFlight++
	delete(a.waiting, uid)
}

// endCreate records the end of a create; until is later than now when it may still take effect.
func (a *absence) endCreate(uid string, until time.Time) {
	c := a.creates[uid]
	c.inFlight--
	if until.After(c.ended) {
		c.ended = until
	}
	delete(a.waiting, uid)
}

// absent answers, and registers the wish when the answer is not known. present says that the store holds an
// interface of the NodeENI.
func (a *absence) absent(uid string, present bool, now time.Time) bool {
	if present || (a.creates[uid] != nil && a.creates[uid].inFlight > 0) {
		delete(a.waiting, uid)
		return false
	}
	w := a.waiting[uid]
	if w == nil {
		w = &wait{next: a.since(uid)}
		a.waiting[uid] = w
	}
	w.asked = now
	return w.confirmed
}

// since is from when on lists count for a NodeENI.
func (a *absence) since(uid string) time.Time {
	since := a.began.Add(a.horizon)
	if c := a.creates[uid]; c != nil && c.ended.After(since) {
		since = c.ended
	}
	return since
}

// applyList takes a complete list into account that began at the given time and showed interfaces of the
// given NodeENIs. It returns those of whose absence it is the confirmation.
func (a *absence) applyList(began time.Time, shown, scope map[string]bool) (confirmed []string) {
	for uid, w := range a.waiting {
		if w.confirmed || (scope != nil && !scope[uid]) || began.Before(a.since(uid)) {
			continue
		}
		switch {
		case shown[uid]:
			w.first, w.next = time.Time{}, began.Add(a.horizon)
		case w.first.IsZero():
			w.first, w.next = began, began.Add(a.horizon)
		case !began.Before(w.first.Add(a.horizon)):
			w.confirmed = true
			confirmed = append(confirmed, uid)
		}
	}
	slices.Sort(confirmed)
	return confirmed
}

// due returns the NodeENIs for which a list is to be made now, and when the next one is; zero when nobody
// waits.
func (a *absence) due(now time.Time) (uids []string, next time.Time) {
	for _, uid := range slices.Sorted(maps.Keys(a.waiting)) {
		w := a.waiting[uid]
		switch {
		case now.Sub(w.asked) > rememberAbsence:
			delete(a.waiting, uid)
			delete(a.creates, uid)
		case w.confirmed:
		case !now.Before(w.next) && len(uids) < maxScope:
			uids = append(uids, uid)
		case next.IsZero() || w.next.Before(next):
			next = w.next
		}
	}
	return uids, next
}
