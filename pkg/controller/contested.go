package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	// enoughCorrections is how often the same may be put right before it is a fight. What we make ourselves in the
	// ordinary course of things - the interface, the finalizer - is no correction the first time.
	enoughCorrections = 3
	// contestWindow is how long two corrections may lie apart to belong together, beside the time for which the second
	// one was held back.
	contestWindow = time.Hour
	firstHold     = time.Minute
	maxHold       = time.Hour
	// leastQuiet is the least time for which a value must have stood; more where reads are further apart.
	leastQuiet = 10 * time.Minute
)

// contests remembers what was put right, and how often, so that we never lead a write war with something that changes
// it back: every correction of a field that is fought over waits longer than the one before.
//
//	put right, put right ──► put right a third time ──► fought over: 1m, 2m, 4m … 1h between two corrections
//	     ▲                                                    │
//	     └── another value is wanted, or nothing happened ◄───┘
//	         for an hour longer than the last wait
type contests struct {
	// quiet is how long a value must have stood, seen by reads, for its fight to count as ended.
	quiet time.Duration

	mu sync.Mutex
	// byPlace has, of each NodeENI, the fields of each slot: few, and most of the time one or two, one after the other.
	byPlace map[types.UID]map[place]*contest
	// slots counts the slots; enough is how many may be held before those are looked for that are too old.
	slots, enough int
}

// contest is one field that was put right.
type contest struct {
	field         plan.Field
	wanted, found string
	last          eni.Instant
	hold          time.Duration
	corrections   int32
	// undone says that somebody was seen to change the field since.
	undone bool
	// next is another field of the slot.
	next *contest
}

// all yields the contest and those after it, and lets each be changed.
func (c *contest) all(yield func(*contest) bool) {
	for c != nil {
		next := c.next
		if !yield(c) {
			return
		}
		c = next
	}
}

// over reports whether the last correction is too long ago to be part of a fight.
func (c *contest) over(now time.Time) bool { return !now.Before(c.last.Add(c.hold + contestWindow)) }

func (c *contest) fought() bool { return c.corrections >= enoughCorrections }

// corrected records that a field was put right.
func (c *contests) corrected(key plan.SlotKey, now time.Time, corrections ...plan.Correction) {
	for _, correction := range corrections {
		c.record(key, correction, now, true)
	}
}

// made records that something was made which counts as put right only if that was made before.
func (c *contests) made(key plan.SlotKey, now time.Time, correction plan.Correction) {
	c.record(key, correction, now, false)
}

// wrote is made for what is counted only if somebody was seen to undo it: a cache that lags behind our own writes lets
// us write the same twice.
func (c *contests) wrote(key plan.SlotKey, now time.Time, correction plan.Correction) {
	c.mu.Lock()
	entry := c.find(key, correction.Field)
	counts := entry == nil || entry.undone || entry.wanted != correction.Wanted
	c.mu.Unlock()
	if counts {
		c.record(key, correction, now, false)
	}
}

// undone records that somebody has changed what we wrote.
func (c *contests) undone(key plan.SlotKey, field plan.Field, value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if entry := c.find(key, field); entry != nil && entry.wanted == value {
		entry.undone = true
	}
}

func (c *contests) find(key plan.SlotKey, field plan.Field) *contest {
	for entry := range c.byPlace[key.NodeENI][placeOf(key)].all {
		if entry.field == field {
			return entry
		}
	}
	return nil
}

// record begins to count, with the first one or after it, or goes on.
func (c *contests) record(key plan.SlotKey, correction plan.Correction, now time.Time, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.prune(now)
	entry := c.find(key, correction.Field)
	switch {
	case entry == nil:
		entry = c.add(key, correction, first)
	case entry.wanted != correction.Wanted || entry.over(now):
		*entry = begun(correction, first, entry.next)
	default:
		entry.corrections++
	}
	entry.found, entry.last, entry.undone = correction.Found, eni.InstantOf(now), false
	if entry.fought() {
		entry.hold = min(max(2*entry.hold, firstHold), maxHold)
	}
}

func begun(correction plan.Correction, first bool, next *contest) contest {
	entry := contest{field: correction.Field, wanted: correction.Wanted, next: next}
	if first {
		entry.corrections = 1
	}
	return entry
}

func (c *contests) add(key plan.SlotKey, correction plan.Correction, first bool) *contest {
	slots := c.byPlace[key.NodeENI]
	if slots == nil {
		slots = map[place]*contest{}
		c.byPlace[key.NodeENI] = slots
	}
	others := slots[placeOf(key)]
	if others == nil {
		c.slots++
	}
	entry := begun(correction, first, others)
	slots[placeOf(key)] = &entry
	return &entry
}

// keep keeps those fields of a slot of which it is true.
func (c *contests) keep(uid types.UID, at place, is func(*contest) bool) {
	slots := c.byPlace[uid]
	var kept *contest
	for entry := range slots[at].all {
		if is(entry) {
			entry.next, kept = kept, entry
		}
	}
	switch {
	case kept != nil:
		slots[at] = kept
	case slots[at] != nil:
		if delete(slots, at); len(slots) == 0 {
			delete(c.byPlace, uid)
		}
		c.slots--
	}
}

// prune forgets what is long over, once in a while.
func (c *contests) prune(now time.Time) {
	const few = 1024
	if c.byPlace == nil {
		c.byPlace = map[types.UID]map[place]*contest{}
	}
	if c.slots < max(few, c.enough) {
		return
	}
	for uid, slots := range c.byPlace {
		for at := range slots {
			c.keep(uid, at, func(entry *contest) bool { return !entry.over(now) })
		}
	}
	c.enough = 2 * c.slots
}

// standing returns the fights over the wanted interfaces of an instance.
func (c *contests) standing(instanceID string, nodeENIs []*v1alpha1.NodeENI, now time.Time) map[plan.SlotKey]map[plan.Field]plan.Contest {
	var standing map[plan.SlotKey]map[plan.Field]plan.Contest
	for _, n := range nodeENIs {
		key := slotKey(n, instanceID)
		if fights := c.fights(key, now); len(fights) > 0 {
			if standing == nil {
				standing = map[plan.SlotKey]map[plan.Field]plan.Contest{}
			}
			standing[key] = fights
		}
	}
	return standing
}

// fights returns the fights over the fields of one key.
func (c *contests) fights(key plan.SlotKey, now time.Time) map[plan.Field]plan.Contest {
	c.mu.Lock()
	defer c.mu.Unlock()
	var fights map[plan.Field]plan.Contest
	for entry := range c.byPlace[key.NodeENI][placeOf(key)].all {
		if !entry.fought() || entry.over(now) {
			continue
		}
		if fights == nil {
			fights = map[plan.Field]plan.Contest{}
		}
		fights[entry.field] = plan.Contest{Wanted: entry.wanted, Found: entry.found, Next: entry.last.Add(entry.hold), Over: entry.last.Add(c.quiet)}
	}
	return fights
}

// forgive forgets how often an interface was made and attached, because we have taken it away ourselves, or may have: for
// the slot that its tags name, which may be edited, and for that for which it was made.
func (c *contests) forgive(key plan.SlotKey, id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	forgiven := []place{placeOf(key)}
	for at, entries := range c.byPlace[key.NodeENI] {
		for entry := range entries.all {
			if entry.field == plan.FieldExistence && entry.found == id {
				forgiven = append(forgiven, at)
			}
		}
	}
	for _, at := range forgiven {
		c.keep(key.NodeENI, at, func(entry *contest) bool {
			return entry.field != plan.FieldAttachment && entry.field != plan.FieldExistence
		})
	}
}

// forget drops everything about a NodeENI that is gone.
func (c *contests) forget(uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slots -= len(c.byPlace[uid])
	delete(c.byPlace, uid)
}

func keyOf(action plan.Action) plan.SlotKey {
	return plan.SlotKey{NodeENI: action.NodeENI, Instance: action.InstanceID, Slot: action.Slot}
}
