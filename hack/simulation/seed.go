package simulation

import "time"

// actTime is for how long things are done and go wrong.
const actTime = 40 * time.Minute

// Seed is a world and what happens in it.
type Seed struct {
	dice
	steps []step
}

// step is something that happens at a time.
type step struct {
	at   time.Duration
	what string
	do   func(*run)
}

// NewSeed draws everything from one number.
func NewSeed(number uint64) Seed {
	return Seed{dice: dice(number)}
}
