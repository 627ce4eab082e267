package controller

import "sync"

// keyedLock gives every key a lock of its own and forgets the keys that nobody holds or waits for.
type keyedLock struct {
	mu    sync.Mutex
	locks map[string]*countedLock
}

type countedLock struct {
	turn  turn
	users int
}

// turn is a lock that may be held across calls: a channel and no mutex, so that virtual time goes on while
// others wait for it.
type turn chan struct{}

func newTurn() turn { return make(turn, 1) }

func (t turn) take() { t <- struct{}{} }

func (t turn) give() { <-t }

// tryTake reports whether it was free.
func (t turn) tryTake() bool {
	select {
	case t <- struct{}{}:
		return true
	default:
		return false
	}
}

// lock waits for the key and returns the function that frees it.
func (k *keyedLock) lock(key string) (unlock func()) {
	k.mu.Lock()
	if k.locks == nil {
		k.locks = map[string]*countedLock{}
	}
	l := k.locks[key]
	if l == nil {
		l = &countedLock{turn: newTurn()}
		k.locks[key] = l
	}
	l.users++
	k.mu.Unlock()

	l.turn.take()
	return func() {
		l.turn.give()
		k.mu.Lock()
		defer k.mu.Unlock()
		if l.users--; l.users == 0 {
			delete(k.locks, key)
		}
	}
}
