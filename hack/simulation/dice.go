package simulation

import (
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// dice are all randomness of one seed. Each decision draws from a source of its own, named by its purpose and its
// number, so that one decision more or less does not shift all others.
type dice uint64

// of is the source of one decision.
func (d dice) of(purpose string, number int) *rand.Rand {
	h := fnv.New64a()
	_ = binary.Write(h, binary.LittleEndian, [2]uint64{uint64(d), uint64(number)})
	_, _ = h.Write([]byte(purpose))
	return rand.New(rand.NewPCG(h.Sum64(), uint64(d)))
}

// pick returns one of a list.
func pick[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// between draws a duration, in whole milliseconds.
func between(r *rand.Rand, low, high time.Duration) time.Duration {
	return (low + time.Duration(r.Int64N(int64(high-low)))).Truncate(time.Millisecond)
}

// chance is true with the given probability.
func chance(r *rand.Rand, share float64) bool { return r.Float64() < share }
