package controller

import (
	"fmt"
	"testing"

	"k8s.io/client-go/util/workqueue"
	"pgregory.net/rapid"
)

var _ workqueue.Queue[string] = &fairQueue[string]{}

func TestFairQueueServesTheOldestAndTheNewestByTurns(t *testing.T) {
	var q fairQueue[int]
	for i := range 40 {
		q.Push(i)
	}
	var got []int
	for len(got) < 6 {
		got = append(got, q.Pop())
	}
	q.Push(100)
	got = append(got, q.Pop(), q.Pop())
	if fmt.Sprint(got) != "[0 39 1 38 2 37 3 100]" || q.Len() != 33 {
		t.Errorf("served %v, %d are left", got, q.Len())
	}
}

// TestDequeLosesNothing compares it with a list, over all ways in which keys can come and go.
func TestDequeLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q deque[int]
		var list []int
		newest := false
		for i, push := range rapid.SliceOfN(rapid.Bool(), 0, 200).Draw(t, "pushes") {
			if push || len(list) == 0 {
				q.push(i)
				list = append(list, i)
				continue
			}
			want := list[0]
			if newest {
				want, list = list[len(list)-1], list[:len(list)-1]
			} else {
				list = list[1:]
			}
			newest = !newest
			if got := q.pop(); got != want {
				t.Fatalf("popped %d, want %d", got, want)
			}
		}
		if q.count != len(list) {
			t.Fatalf("%d wait, want %d", q.count, len(list))
		}
	})
}

func TestFairQueueServesNewcomersBesideTheOthers(t *testing.T) {
	q := fairQueue[int]{isNewcomer: func(key int) bool { return key >= 100 }}
	for i := range 20 {
		q.Push(i)
	}
	got := []int{q.Pop()}
	for i := range 3 {
		q.Push(100 + i)
	}
	for len(got) < 8 {
		got = append(got, q.Pop())
	}
	if fmt.Sprint(got) != "[0 100 19 102 1 101 18 2]" || q.Len() != 15 {
		t.Errorf("served %v, %d are left", got, q.Len())
	}
}
