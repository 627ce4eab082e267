package inventory

import (
	"maps"
	"slices"
	"time"
)

const (
	// CreateDeadline is how long a create without an answer may still take effect unless Options say something else.
	CreateDeadline = time.Minute
	// rememberWait is for how long an answer is kept that nobody asks for again.
	rememberWait = 10 * time.Minute
	// maxScope is how many UIDs one narrowed list may name.
	// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html (filters)
	maxScope = 200
)

// absence answers whether an interface of a NodeENI can still be there. Two complete lists must fail to show
// one: a horizon apart, and both begun when every create of ours had been answered or had run out of time. Both must be
// narrowed: these go by the NodeENI's UID alone, and show what has lost the tag of the cluster; a single one may leave
// something out. What has lost the UID is in lists of everything only, of which one must have been made since what a
// predecessor did can be seen.
//
//	             list without it            list without it, a horizon later
//	waiting ───────────────────► once missed ─────────────────────────────► absent
//	   ▲ ◄── list with it ───────────┘                                         │
//	   └────── a create, or an interface that comes or goes ───────────────────┘
type absence struct {
	horizon time.Duration
	// deadline is how long a create without an answer may still take effect.
	deadline time.Duration
	// start is when this process became responsible: what a predecessor has made shows at the latest a horizon
	// later, what its last calls may still make that much later than their deadline. Zero until then.
	start time.Time

	inFlight map[string]int
	// since is, by NodeENI, from when on lists count: when its last create was answered or will have run out
	// of time, or when its last interface went. Only where that is later than for everybody.
	since   map[string]time.Time
	waiting map[string]*wait
	// whole says that a list of everything has been made that can not lag behind what a predecessor did, nor behind what
	// it sent last.
	whole bool
}

// wait is what is known for a NodeENI whose absence somebody waits for.
type wait struct {
	asked time.Time
	// next is when a narrowed list is due; first began the first one without an interface of the NodeENI; twice says that
	// a second one agrees, confirmed that a list of everything does too.
	next, first      time.Time
	twice, confirmed bool
}

func newAbsence(horizon, deadline time.Duration) *absence {
	return &absence{horizon: horizon, deadline: deadline, inFlight: map[string]int{}, since: map[string]time.Time{}, waiting: map[string]*wait{}}
}

func (a *absence) beginCreate(uid string) {
	a.inFlight[uid]++
	delete(a.waiting, uid)
}

// endCreate records the end of a create; until is later than now when it may still take effect.
func (a *absence) endCreate(uid string, until time.Time) {
	if a.inFlight[uid]--; a.inFlight[uid] <= 0 {
		delete(a.inFlight, uid)
	}
	a.restart(uid, until)
}

// restart lets only lists count for the NodeENI that begin at the given time or later.
func (a *absence) restart(uid string, since time.Time) {
	a.since[uid] = later(a.since[uid], since)
	delete(a.waiting, uid)
}

// countsFrom is from when on lists count for a NodeENI.
func (a *absence) countsFrom(uid string) time.Time {
	return later(a.start.Add(a.deadline+a.horizon), a.since[uid])
}

// absent answers, and registers the wish when the answer is not known. present says that the store holds an
// interface of the NodeENI.
func (a *absence) absent(uid string, present bool, now time.Time) bool {
	if present || a.inFlight[uid] > 0 {
		delete(a.waiting, uid)
		return false
	}
	w := a.waiting[uid]
	if w == nil {
		w = &wait{next: a.countsFrom(uid)}
		a.waiting[uid] = w
	}
	w.asked = now
	return w.confirmed
}

// applyList takes a complete list into account, which showed interfaces of the given NodeENIs; scope narrows
// it, nil means everything. It returns those of whose absence it is the confirmation.
func (a *absence) applyList(rd read, shown, scope map[string]bool) (confirmed []string) {
	a.whole = a.whole || (scope == nil && !rd.began.Before(a.start.Add(a.deadline+a.horizon)))
	for uid, w := range a.waiting {
		if (scope == nil || scope[uid]) && a.observe(uid, w, rd.began, shown[uid], scope != nil) {
			confirmed = append(confirmed, uid)
		}
	}
	if scope == nil {
		oldest := rd.began.Add(-rememberWait) // no list under way can have begun earlier
		maps.DeleteFunc(a.since, func(_ string, since time.Time) bool { return since.Before(oldest) })
	}
	return confirmed
}

// observe takes one list into account for one NodeENI. It reports whether the list confirms the absence.
func (a *absence) observe(uid string, w *wait, began time.Time, shown, narrowed bool) bool {
	if w.confirmed || began.Before(a.countsFrom(uid)) {
		return false
	}
	if shown {
		*w = wait{asked: w.asked, next: began.Add(a.horizon)}
		return false
	}
	if narrowed && w.first.IsZero() {
		w.first, w.next = began, began.Add(a.horizon)
	}
	w.twice = w.twice || (narrowed && !began.Before(w.first.Add(a.horizon)))
	w.confirmed = w.twice && a.whole
	return w.confirmed
}

// due returns the NodeENIs for which a list is to be made now, whether it takes one of everything, and when the next one
// is; zero when nobody waits.
func (a *absence) due(now time.Time) (uids []string, whole bool, next time.Time) {
	for _, uid := range slices.Sorted(maps.Keys(a.waiting)) {
		w := a.waiting[uid]
		switch {
		case now.Sub(w.asked) > rememberWait:
			delete(a.waiting, uid)
		case w.confirmed:
		case w.twice:
			whole = true
		case !w.next.After(now):
			uids = append(uids, uid)
		case next.IsZero() || w.next.Before(next):
			next = w.next
		}
	}
	return uids, whole, next
}
