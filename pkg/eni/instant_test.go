package eni

import (
	"testing"
	"time"
)

func TestInstantsAreTimes(t *testing.T) {
	now := time.Now()
	for _, want := range []time.Time{{}, now, now.Add(time.Hour), now.Add(-time.Hour), instantZero} {
		got := InstantOf(want)
		if diff := got.Time().Sub(want); diff < 0 || diff > 1 || got.IsZero() != want.IsZero() {
			t.Errorf("%v became %v", want, got.Time())
		}
		if want.IsZero() {
			continue
		}
		if got.Add(time.Minute).Sub(want.Add(time.Minute)) > 1 || got.Sub(want) > 1 {
			t.Errorf("%v is not counted with", want)
		}
	}
	if a, b := InstantOf(now), InstantOf(now.Add(1)); a >= b {
		t.Errorf("%v is not before %v", a, b)
	}
}
