package controller

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var nodeENIResource = schema.GroupResource{Group: "networking.k8s.aws", Resource: "nodeenis"}

func TestOneLiveReadServesEverybodyForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		calls := map[string]int{}
		reads := sharedReads[string]{get: func(_ context.Context, name string) (string, error) {
			mu.Lock()
			defer mu.Unlock()
			calls[name]++
			return fmt.Sprintf("%s, read %d", name, calls[name]), nil
		}}
		readAll := func(want string) {
			var group sync.WaitGroup
			for range 50 {
				group.Go(func() {
					if got, found, err := reads.read(t.Context(), "a"); got != want || !found || err != nil {
						t.Errorf("read %q, %v, %v; want %q", got, found, err, want)
					}
				})
			}
			group.Wait()
		}
		readAll("a, read 1")
		time.Sleep(liveFor - time.Nanosecond)
		readAll("a, read 1")
		time.Sleep(time.Nanosecond)
		readAll("a, read 2")
	})
}

func TestLiveReadTellsAbsenceFromFailure(t *testing.T) {
	notServed := apierrors.NewGenericServerResponse(404, "GET", nodeENIResource, "a", "404 page not found", 0, true)
	for _, test := range []struct {
		name   string
		err    error
		failed bool
	}{
		{"object absent", apierrors.NewNotFound(nodeENIResource, "a"), false},
		{"type not served", notServed, true},
		{"server in trouble", apierrors.NewInternalError(errors.New("etcd")), true},
		{"no answer", context.DeadlineExceeded, true},
	} {
		reads := sharedReads[*metav1.Status]{get: func(context.Context, string) (*metav1.Status, error) { return nil, test.err }}
		_, found, err := reads.read(t.Context(), "a")
		if found || (err != nil) != test.failed {
			t.Errorf("%s: found %v, err %v; want failure %v", test.name, found, err, test.failed)
		}
	}
}

func TestAFailedLiveReadIsNotRemembered(t *testing.T) {
	fail := true
	reads := sharedReads[string]{get: func(context.Context, string) (string, error) {
		if fail {
			return "", errors.New("no answer")
		}
		return "value", nil
	}}
	if _, _, err := reads.read(t.Context(), "a"); err == nil {
		t.Fatal("the failure was not reported")
	}
	fail = false
	if got, found, err := reads.read(t.Context(), "a"); got != "value" || !found || err != nil {
		t.Errorf("read %q, %v, %v; want the value", got, found, err)
	}
}

func TestLiveReadsDoNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reads := sharedReads[int]{get: func(context.Context, string) (int, error) { return 1, nil }}
		for i := range 10_000 {
			if _, _, err := reads.read(t.Context(), fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(10 * time.Millisecond)
		}
		if got := len(reads.entries); got > 1000 {
			t.Errorf("%d entries held, want only the recent ones", got)
		}
	})
}
