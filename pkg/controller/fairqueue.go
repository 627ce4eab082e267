package controller

// fairQueue has those who come wait less than those who have waited already. Of two keys one is a newcomer, as long as
// there are any, and of two of a kind one is the oldest, the other one the newest. So a Node that has just been labelled
// is not served after thousands that became due before it, nor what goes on after a pause - a delete after its detach -
// after all that have yet to begin; and nobody waits for more than four times as long as in a line.
type fairQueue[K comparable] struct {
	// isNewcomer is asked when a key comes; nil for a queue without newcomers.
	isNewcomer        func(K) bool
	newcomers, others deque[K]
	othersTurn        bool
}

// Touch is of no interest: what waits already has its place. Touch implements workqueue.Queue, as the others do.
func (*fairQueue[K]) Touch(K) {}

// Len is how many wait.
func (q *fairQueue[K]) Len() int { return q.newcomers.count + q.others.count }

// Push adds the newest of its kind.
func (q *fairQueue[K]) Push(key K) {
	if q.isNewcomer != nil && q.isNewcomer(key) {
		q.newcomers.push(key)
	} else {
		q.others.push(key)
	}
}

// Pop takes from both kinds by turns, and from each the oldest and the newest.
func (q *fairQueue[K]) Pop() K {
	others := q.newcomers.count == 0 || (q.othersTurn && q.others.count > 0)
	q.othersTurn = !others
	if others {
		return q.others.pop()
	}
	return q.newcomers.pop()
}

// deque is a ring: from has the oldest, and there are count of them.
type deque[K comparable] struct {
	ring        []K
	from, count int
	newest      bool
}

func (d *deque[K]) push(key K) {
	const least = 16
	if d.count == len(d.ring) {
		larger := make([]K, max(least, 2*len(d.ring)))
		n := copy(larger, d.ring[d.from:])
		copy(larger[n:], d.ring[:d.from])
		d.ring, d.from = larger, 0
	}
	d.ring[(d.from+d.count)%len(d.ring)] = key
	d.count++
}

// pop takes the oldest and the newest by turns.
func (d *deque[K]) pop() K {
	at := d.from
	if d.newest {
		at = (d.from + d.count - 1) % len(d.ring)
	} else {
		d.from = (d.from + 1) % len(d.ring)
	}
	d.newest = !d.newest
	d.count--
	key := d.ring[at]
	var none K
	d.ring[at] = none
	if d.count == 0 {
		d.ring, d.from = nil, 0 // what a backlog took is given back
	}
	return key
}
