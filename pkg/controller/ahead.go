package controller

import (
	"maps"
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	// maxAhead is how many interfaces may be created and not yet attached: each of them holds an address of its subnet,
	// and one of the Region's quota, while it waits.
	maxAhead = 100
	// aheadFor is how long one counts that is never attached, whatever the reason.
	aheadFor = 5 * time.Minute
	// lookAhead is when somebody looks again who was not let in, should nobody call him.
	lookAhead = time.Minute
)

// ahead bounds the interfaces that are created and not yet attached. Who is not let in is called when there is room:
// the oldest and the newest by turns.
type ahead struct {
	mu    sync.Mutex
	since map[plan.SlotKey]time.Time
	// waiting are the instances that were not let in, listed says which these are.
	waiting fairQueue[string]
	listed  map[string]bool
}

// enter reports whether an interface may be created, and counts it from then on.
func (a *ahead) enter(key plan.SlotKey, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since == nil {
		a.since, a.listed = map[plan.SlotKey]time.Time{}, map[string]bool{}
	}
	if len(a.since) >= maxAhead {
		maps.DeleteFunc(a.since, func(_ plan.SlotKey, since time.Time) bool { return now.Sub(since) >= aheadFor })
	}
	if _, counted := a.since[key]; counted || len(a.since) < maxAhead {
		a.since[key] = now
		return true
	}
	if !a.listed[key.Instance] {
		a.listed[key.Instance] = true
		a.waiting.Push(key.Instance)
	}
	return false
}

// leave counts the interface no longer: it is being attached, or will not be. It returns the instance that may enter
// instead; empty when none waits.
func (a *ahead) leave(key plan.SlotKey) (next string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, counted := a.since[key]; !counted || a.waiting.Len() == 0 {
		delete(a.since, key)
		return ""
	}
	delete(a.since, key)
	next = a.waiting.Pop()
	delete(a.listed, next)
	return next
}

// leaveAhead counts the interface no longer, and calls somebody else.
func (c *Controller) leaveAhead(action plan.Action) {
	if next := c.ahead.leave(keyOf(action)); next != "" {
		c.attachQueue.Add(next)
	}
}

// timely are the actions whose time has come: no create while too many interfaces wait to be attached, one create at a
// time, so that the attach of the first does not wait for the last to be created, and nothing on what EC2 may not show
// to all of itself yet. due is when the others' has; those that wait for one of the actions are planned after it.
func (c *Controller) timely(snapshot plan.Snapshot, actions []plan.Action) (now []plan.Action, due time.Time) {
	creating := false
	for _, action := range actions {
		at := time.Time{}
		switch action.Kind {
		case plan.Create:
			if creating {
				continue
			}
			creating = true
			if !c.ahead.enter(keyOf(action), snapshot.Now) {
				at = snapshot.Now.Add(lookAhead)
			}
		case plan.Attach, plan.SetDeleteOnTermination:
			at = c.visibility.from(attachmentSince(snapshot, action.InterfaceID))
		}
		if at.After(snapshot.Now) {
			due = sooner(due, at)
			continue
		}
		now = append(now, action)
	}
	return now, due
}

// attachmentSince is since when the interface is attached, or attached to nothing, as it is.
func attachmentSince(snapshot plan.Snapshot, id string) time.Time {
	for i := range snapshot.Interfaces {
		if snapshot.Interfaces[i].ID == id {
			return snapshot.Interfaces[i].AttachmentSince
		}
	}
	return time.Time{}
}
