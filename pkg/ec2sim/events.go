package ec2sim

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// eventKind is something that happens by itself once its time has come.
type eventKind string

const (
	attachDone    eventKind = "attached"
	detachDone    eventKind = "detached"
	instanceMoves eventKind = "instance"
	instanceFades eventKind = "forgotten"
)

// event is data, not a function, so that a snapshot of the world can hold it. It names
// what it is about; if that has moved on meanwhile, the event means nothing any more.
type event struct {
	At   time.Time `json:"at"`
	Seq  uint64    `json:"seq"`
	Kind eventKind `json:"kind"`
	// ID is an attachment's or an instance's.
	ID string `json:"id"`
	// Turn is the instance's turn that the event belongs to.
	Turn int `json:"turn,omitempty"`
}

// eventQueue is a heap by time, and by order of making within one instant.
type eventQueue struct {
	list []event
	seq  uint64
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (q *eventQueue) Len() int { return len(q.list) }

func (q *eventQueue) Less(i, j int) bool { return q.list[i].compare(q.list[j]) < 0 }

// compare orders events by time, and by order of making within one instant.
func (e event) compare(other event) int {
	return cmp.Or(e.At.Compare(other.At), cmp.Compare(e.Seq, other.Seq))
}

func (q *eventQueue) Swap(i, j int) { q.list[i], q.list[j] = q.list[j], q.list[i] }

func (q *eventQueue) Push(e any) { q.list = append(q.list, e.(event)) }

func (q *eventQueue) Pop() any {
	last := q.list[len(q.list)-1]
	q.list = q.list[:len(q.list)-1]
	return last
}

// at makes an event happen at a time.
func (s *Simulator) at(t time.Time, kind eventKind, id string, turn int) {
	s.due.seq++
	heap.Push(&s.due, event{At: t, Seq: s.due.seq, Kind: kind, ID: id, Turn: turn})
}

// drop forgets what was to happen to something that never was.
func (q *eventQueue) drop(id string) {
	q.list = slices.DeleteFunc(q.list, func(e event) bool { return e.ID == id })
	heap.Init(q)
}

// settle lets everything happen that is due by now, in order of its time. States are
// thus the same whether or not anybody looked in between.
func (s *Simulator) settle(now time.Time) {
	for s.due.Len() > 0 && !s.due.list[0].At.After(now) {
		e := heap.Pop(&s.due).(event)
		s.when = e.At
		switch e.Kind {
		case attachDone:
			s.attached(e.ID)
		case detachDone:
			s.detached(e.ID)
		case instanceMoves:
			s.moved(e.ID, e.Turn, e.At)
		case instanceFades:
			s.forget(e.ID)
		}
	}
}
