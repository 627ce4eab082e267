package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// tally is how the interfaces of one NodeENI, or of several, stood when a status was made last. A status has no room for
// more than 500 attachments; a tally counts them all.
type tally struct {
	states    map[v1alpha1.AttachmentState]int
	blocked   map[string]int // by reason
	held      map[string]int // likewise
	refused   map[plan.AdoptionRefusal]int
	releasing int
}

func tallyOf(attachments []plan.AttachmentReport, releases []plan.ReleaseReport) tally {
	t := tally{releasing: len(releases)}
	for _, report := range attachments {
		count(&t.states, report.Attachment.State, 1)
		if report.Blocked() {
			count(&t.blocked, report.Attachment.Reason, 1)
		}
		if report.Refused != "" {
			count(&t.refused, report.Refused, 1)
		}
	}
	for _, report := range releases {
		if report.Held {
			count(&t.held, report.Release.Reason, 1)
		}
	}
	return t
}

// add adds another NodeENI's.
func (t *tally) add(other tally) {
	t.releasing += other.releasing
	addCounts(&t.states, other.states)
	addCounts(&t.blocked, other.blocked)
	addCounts(&t.held, other.held)
	addCounts(&t.refused, other.refused)
}

// matching is how many interfaces are wanted.
func (t *tally) matching() (sum int) {
	for _, n := range t.states {
		sum += n
	}
	return sum
}

func count[K comparable](in *map[K]int, key K, n int) {
	put(in, key, (*in)[key]+n)
}

func addCounts[K comparable](in *map[K]int, more map[K]int) {
	for key, n := range more {
		count(in, key, n)
	}
}

// tally remembers how a NodeENI's interfaces stand, unless it has gone meanwhile: its handler forgets it then, or has.
func (c *Controller) tally(uid types.UID, attachments []plan.AttachmentReport, releases []plan.ReleaseReport) {
	c.tallies.record(uid, tallyOf(attachments, releases))
	if len(c.byUID(string(uid))) == 0 {
		c.tallies.forget(uid)
	}
}

// tallies has the tally of each NodeENI.
type tallies struct {
	mu    sync.Mutex
	byUID map[types.UID]tally
}

func (t *tallies) record(uid types.UID, of tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	put(&t.byUID, uid, of)
}

// of returns a tally that nobody changes any more.
func (t *tallies) of(uid types.UID) tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byUID[uid]
}

func (t *tallies) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byUID, uid)
}
