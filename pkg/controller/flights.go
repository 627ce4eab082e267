package controller

import (
	"cmp"
	"container/list"
	"context"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
	"unique"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// What the flight recorder keeps: so many entries of one interface, and of all together, of which those go first whose
// interface has had no news for longest. With the longest details that is 6 MB.
const (
	maxFlight  = 32
	maxFlights = 1 << 14
	maxDetail  = 256
)

// FlightEntry is something that happened to an interface.
type FlightEntry struct {
	Time time.Time `json:"time"`
	// Event is what happened: "decided: Detach", "called: DetachNetworkInterface", "seen: attached".
	Event string `json:"event"`
	// Reason says why it was decided, or with which of EC2's codes a call was answered.
	Reason string `json:"reason,omitempty"`
	// RequestID is EC2's.
	RequestID string `json:"requestID,omitempty"`
	// Took is for how long a call took.
	Took string `json:"took,omitempty"`
	// Detail says more: for whom it was decided, or what EC2 said.
	Detail string `json:"detail,omitempty"`
}

// flights is the flight recorder: the latest of what was decided about each interface, called for it and seen of it,
// also when it is gone.
type flights struct {
	mu   sync.Mutex
	byID map[string]*list.Element // of *flight
	// latest has the interface with the latest news in front.
	latest list.List
	total  int
}

type flight struct {
	id      string
	entries []FlightEntry
}

// add records entries about an interface.
func (f *flights) add(id string, entries ...FlightEntry) {
	if id == "" || len(entries) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.byID == nil {
		f.byID = map[string]*list.Element{}
	}
	element := f.byID[id]
	if element == nil {
		element = f.latest.PushFront(&flight{id: id})
		f.byID[id] = element
	}
	f.latest.MoveToFront(element)
	one := element.Value.(*flight)
	before := len(one.entries)
	for _, e := range entries {
		e.Event, e.Detail = unique.Make(e.Event).Value(), one.shared(shorten(e.Detail))
		if n := len(one.entries); n > 0 && same(one.entries[n-1], e) {
			continue // a decision that waits for its turn is made again and again
		}
		one.entries = append(one.entries, e)
	}
	if surplus := len(one.entries) - maxFlight; surplus > 0 {
		one.entries = slices.Delete(one.entries, 0, surplus)
	}
	f.total += len(one.entries) - before
	for f.total > maxFlights {
		oldest := f.latest.Back()
		gone := f.latest.Remove(oldest).(*flight)
		delete(f.byID, gone.id)
		f.total -= len(gone.entries)
	}
}

// shared is the copy of a detail that an entry has already: all that is decided for an interface is decided for one
// NodeENI, node and slot.
func (f *flight) shared(detail string) string {
	for i := range f.entries {
		if f.entries[i].Detail == detail {
			return f.entries[i].Detail
		}
	}
	return detail
}

// same reports whether two entries tell the same decision, or the same sight.
func same(a, b FlightEntry) bool {
	a.Time = b.Time
	return a == b && a.RequestID == "" && a.Took == ""
}

// shorten cuts a detail to what is kept.
func shorten(detail string) string {
	if len(detail) <= maxDetail {
		return detail
	}
	cut := maxDetail
	for !utf8.RuneStart(detail[cut]) {
		cut--
	}
	return strings.Clone(detail[:cut]) // or the whole would be kept
}

// of are the entries about an interface, oldest first.
func (f *flights) of(id string) []FlightEntry {
	f.mu.Lock()
	defer f.mu.Unlock()
	if element := f.byID[id]; element != nil {
		return slices.Clone(element.Value.(*flight).entries)
	}
	return nil
}

// recent are the interfaces with the latest news, up to limit.
func (f *flights) recent(limit int) (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for element := f.latest.Front(); element != nil && len(ids) < limit; element = element.Next() {
		ids = append(ids, element.Value.(*flight).id)
	}
	return ids
}

// decision is the entry of an action that is about to be made, or withheld.
func decision(verb string, action plan.Action) FlightEntry {
	detail := "for NodeENI " + action.NodeENIName + " on node " + action.NodeName + ", " + action.InstanceID + " slot " + action.Slot.String()
	if action.Force {
		detail += ", by force"
	}
	return FlightEntry{Time: time.Now(), Event: verb + ": " + string(action.Kind), Reason: action.Reason, Detail: detail}
}

// called is the entry of a call.
func called(call eni.Call) FlightEntry {
	entry := FlightEntry{Time: call.Began, Event: "called: " + call.Action, Reason: call.Code, RequestID: call.RequestID}
	if call.Err == nil {
		entry.Took = call.Duration.Round(time.Millisecond).String()
		return entry
	}
	entry.Detail = answerOf(call.Err)
	if answer := eni.KindOf(call.Err); answer == eni.KindNotSent {
		entry.Event, entry.Detail = "not called: "+call.Action, call.Err.Error()
	} else {
		entry.Took = call.Duration.Round(time.Millisecond).String()
		entry.Reason = cmp.Or(entry.Reason, "no answer")
	}
	return entry
}

// recorded records a decision about an interface, and what is called for it under the context. Of an interface that is
// yet to be made it returns what records both once it has an ID.
func (c *Controller) recorded(ctx context.Context, action plan.Action) (_ context.Context, made func(id string)) {
	if action.InterfaceID != "" {
		c.flights.add(action.InterfaceID, decision("decided", action))
		return eni.WithCalls(ctx, func(call eni.Call) { c.flights.add(action.InterfaceID, called(call)) }), func(string) {}
	}
	entries := []FlightEntry{decision("decided", action)}
	return eni.WithCalls(ctx, func(call eni.Call) { entries = append(entries, called(call)) }),
		func(id string) { c.flights.add(id, entries...) }
}

// seen records what EC2 has shown of an interface.
func (c *Controller) seen(id, what string) {
	c.flights.add(id, FlightEntry{Time: time.Now(), Event: "seen: " + what})
}

// Flight is what the recorder has of an interface, oldest first; empty when it has nothing.
func (c *Controller) Flight(id string) []FlightEntry { return c.flights.of(id) }

// RecentFlights are the interfaces with the latest news, up to limit.
func (c *Controller) RecentFlights(limit int) []string { return c.flights.recent(limit) }
