package inventory

import (
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// What we do to EC2 is recorded here at once, so that nobody decides on what EC2's reads do not show yet.

// BeginCreate records that a create for the NodeENI is about to be sent. end must be called with what came of
// it: the interface, or nil, and whether the create may have taken effect all the same, or may still. Such a
// create counts as in flight until its deadline and the horizon have passed since then: when it was sent, after
// how long a wait for its turn, is not known here.
func (i *Inventory) BeginCreate(uid string) (end func(created *eni.Interface, outcomeUnknown bool)) {
	i.mu.Lock()
	i.store.absence.beginCreate(uid)
	i.mu.Unlock()
	var once sync.Once
	return func(created *eni.Interface, outcomeUnknown bool) {
		once.Do(func() { i.endCreate(uid, created, outcomeUnknown) })
	}
}

func (i *Inventory) endCreate(uid string, created *eni.Interface, outcomeUnknown bool) {
	i.apply(func(now time.Time) *changes {
		until := now
		if outcomeUnknown {
			until = now.Add(i.options.CreateDeadline + i.options.Horizon)
		}
		return i.store.endCreate(uid, created, until, now)
	})
}

// SetAttachment records what our attach or detach has led to: Attaching, Detaching, or UnknownAttachment when
// its answer was lost; nil when EC2 said that there is none.
func (i *Inventory) SetAttachment(id string, a *eni.Attachment) {
	i.apply(func(now time.Time) *changes { return i.store.setAttachment(id, a, now) })
}

// Modified records our change of groups, description, tags or delete-on-termination. The change is applied to
// a copy; what else it changes is ignored.
func (i *Inventory) Modified(id string, change func(*eni.Interface)) {
	i.apply(func(now time.Time) *changes { return i.store.modified(id, change, now) })
}

// Deleted records that EC2 has deleted the interface for us.
func (i *Inventory) Deleted(id string) {
	i.apply(func(now time.Time) *changes { return i.store.deleted(id, now) })
}

// DeleteNotFound records that EC2 does not know what we wanted to delete. It reports whether that is to be
// believed: not of an interface that was made, or first seen, less than the horizon ago, because then the delete
// may have lagged behind the create. In that case ask again later.
func (i *Inventory) DeleteNotFound(id string) (gone bool) {
	i.apply(func(now time.Time) (c *changes) {
		gone, c = i.store.deleteNotFound(id, now)
		return c
	})
	return gone
}

// NotSeen records that EC2 does not know what we wanted to attach. It is missing until it is read; one that no read has
// shown is dropped when its create was answered two horizons ago.
func (i *Inventory) NotSeen(id string) {
	i.apply(func(now time.Time) *changes { return i.store.notSeen(id, now) })
}

// apply changes the stores and tells about it.
func (i *Inventory) apply(change func(now time.Time) *changes) {
	i.mu.Lock()
	c := change(time.Now())
	poll, list := len(i.store.restless) > 0, len(i.store.unlisted) > 0
	logger := i.logger
	i.mu.Unlock()

	if poll {
		wake(i.pollWake)
	}
	if list {
		wake(i.listWake)
	}
	for _, d := range c.decisions {
		d.log(logger)
		i.options.Seen(d.id, d.what)
	}
	if !c.empty() {
		i.options.Changed(c.change())
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
