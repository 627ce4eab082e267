package controller

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestWorkerMapsTheOutcomeOfASync follows one key through a scripted series of outcomes and compares the
// virtual times of its syncs.
func TestWorkerMapsTheOutcomeOfASync(t *testing.T) {
	type outcome struct {
		again time.Duration
		err   error
	}
	broken := errors.New("broken")
	for _, test := range []struct {
		name   string
		script []outcome
		// at are the times of the syncs since the key was added.
		at []time.Duration
	}{
		{"done", []outcome{{}}, []time.Duration{0}},
		{"again", []outcome{{again: 15 * time.Second}, {}}, []time.Duration{0, 15 * time.Second}},
		{
			"errors back off",
			[]outcome{{err: broken}, {err: broken}, {err: broken}, {}},
			[]time.Duration{0, firstRetry, 3 * firstRetry, 7 * firstRetry},
		},
		{
			"a success ends the back-off",
			[]outcome{{err: broken}, {err: broken}, {again: time.Second}, {err: broken}, {}},
			[]time.Duration{0, firstRetry, 3 * firstRetry, 3*firstRetry + time.Second, 4*firstRetry + time.Second},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			queue := newQueue[string]("", nil)
			began := time.Now()
			var at []time.Duration
			w := &worker[string]{queue: queue, named: namedInstance, sync: func(context.Context, string) (time.Time, error) {
				now := test.script[len(at)]
				at = append(at, time.Since(began))
				if now.again > 0 {
					return time.Now().Add(now.again), now.err
				}
				return time.Time{}, now.err
			}}
			queue.Add("a")
			var group sync.WaitGroup
			group.Go(func() { w.run(t.Context()) })
			time.Sleep(10 * time.Minute)
			queue.ShutDown()
			group.Wait()
			if !slices.Equal(at, test.at) {
				t.Errorf("%s: synced at %v, want %v", test.name, at, test.at)
			}
		})
	}
}

func TestBackOffIsCapped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue := newQueue[string]("", nil)
		var last, gap time.Duration
		began := time.Now()
		w := &worker[string]{queue: queue, named: namedInstance, sync: func(context.Context, string) (time.Time, error) {
			gap, last = time.Since(began)-last, time.Since(began)
			return time.Time{}, errors.New("broken")
		}}
		queue.Add("a")
		var group sync.WaitGroup
		group.Go(func() { w.run(t.Context()) })
		time.Sleep(time.Hour)
		queue.ShutDown()
		group.Wait()
		if gap != maxRetry {
			t.Errorf("after an hour of errors a key is retried every %v, want %v", gap, maxRetry)
		}
	})
}

func TestLocksKeepOneKeyApartAndOthersTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var locks keyedLock
		var mu sync.Mutex
		held, most := map[string]int{}, map[string]int{}
		began := time.Now()
		var group sync.WaitGroup
		for _, key := range []string{"a", "b", "a", "b", "a"} {
			group.Go(func() {
				defer locks.lock(key)()
				mu.Lock()
				held[key]++
				most[key] = max(most[key], held[key])
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				held[key]--
				mu.Unlock()
			})
		}
		group.Wait()
		if most["a"] != 1 || most["b"] != 1 {
			t.Errorf("held at a time: %v, want one for each key", most)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("took %v, want 3s: the keys do not wait for each other", took)
		}
		if len(locks.locks) != 0 {
			t.Errorf("%d locks are remembered, want none", len(locks.locks))
		}
	})
}
