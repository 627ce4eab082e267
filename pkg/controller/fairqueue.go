package controller

// fairQueue has those who come wait less than those who have waited already: of two keys one is the oldest, the other
// one the newest. So a Node that has just been labelled is not served after thousands that became due before it, nor what
// goes on after a pause - a delete after its detach - after all that have yet to begin; and nobody waits for more than
// twice as long as in a line.
//
// It is a ring: from has the oldest, and there are count of them.
type fairQueue[K comparable] struct {
	ring        []K
	from, count int
	newest      bool
}

// Touch is of no interest: what waits already has its place. Touch implements workqueue.Queue, as the others do.
func (*fairQueue[K]) Touch(K) {}

// Len is how many wait.
func (q *fairQueue[K]) Len() int { return q.count }

// Push adds the newest.
func (q *fairQueue[K]) Push(key K) {
	const few = 16
	if q.count == len(q.ring) {
		larger := make([]K, max(few, 2*len(q.ring)))
		n := copy(larger, q.ring[q.from:])
		copy(larger[n:], q.ring[:q.from])
		q.ring, q.from = larger, 0
	}
	q.ring[(q.from+q.count)%len(q.ring)] = key
	q.count++
}

// Pop takes the oldest and the newest by turns.
func (q *fairQueue[K]) Pop() K {
	at := q.from
	if q.newest {
		at = (q.from + q.count - 1) % len(q.ring)
	} else {
		q.from = (q.from + 1) % len(q.ring)
	}
	q.newest = !q.newest
	q.count--
	key := q.ring[at]
	var none K
	q.ring[at] = none
	if q.count == 0 {
		q.ring, q.from = nil, 0 // what a backlog took is given back
	}
	return key
}
