package controller

import (
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"
)

// cutWatch forwards what a watch tells until it is cut with the answer that its version is too old.
type cutWatch struct {
	watch.Interface
	events chan watch.Event
}

func newCutWatch(inner watch.Interface, cut <-chan struct{}) *cutWatch {
	c := &cutWatch{inner, make(chan watch.Event)}
	go func() {
		defer close(c.events)
		for {
			select {
			case event, ok := <-inner.ResultChan():
				if !ok {
					return
				}
				c.events <- event
			case <-cut:
				status := apierrors.NewResourceExpired("too old resource version").Status()
				c.events <- watch.Event{Type: watch.Error, Object: &status}
				return
			}
		}
	}()
	return c
}

func (c *cutWatch) ResultChan() <-chan watch.Event { return c.events }

// A watch that ends in 410, and lists that do as well, for an hour: the cache is old, and what it says is not enough.
func TestListsThatEndIn410ChangeNothing(t *testing.T) {
	inLab(t, 3, nil, func(l *lab) {
		l.settleAndStop()
		cut, never := make(chan struct{}), make(chan struct{})
		var expired, wasCut atomic.Bool
		until := func() <-chan struct{} {
			if wasCut.Load() {
				return never
			}
			return cut
		}
		var lists atomic.Int32
		refuse := func(clienttesting.Action) (bool, runtime.Object, error) {
			lists.Add(1)
			return expired.Load(), nil, apierrors.NewResourceExpired("the provided continue parameter is too old")
		}
		l.still()
		l.kube.PrependReactor("list", "nodes", refuse)
		l.client.PrependReactor("list", "nodeenis", refuse)
		l.kube.PrependWatchReactor("nodes", func(action clienttesting.Action) (bool, watch.Interface, error) {
			inner, err := l.kube.Tracker().Watch(action.GetResource(), action.GetNamespace())
			return true, newCutWatch(inner, until()), err
		})
		l.client.PrependWatchReactor("nodeenis", func(action clienttesting.Action) (bool, watch.Interface, error) {
			inner, err := l.client.Tracker().Watch(action.GetResource(), action.GetNamespace())
			return true, newCutWatch(inner, until()), err
		})
		l.start()
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(3)
		before := lists.Load()
		l.untouched(3, func() {
			expired.Store(true)
			wasCut.Store(true)
			close(cut)
			l.pass(time.Hour)
			if lists.Load() == before {
				t.Fatal("nobody listed: the test shows nothing")
			}
			expired.Store(false)
			l.pass(10 * time.Minute)
		})
		l.delete("a")
		l.pass(10 * time.Minute)
		l.wantOurs()
	})
}

// An orphan's second witness is a list of all NodeENIs: when that ends in 410, nobody has said that the owner is gone.
func TestALiveListThatEndsIn410IsNoAbsence(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.settleAndStop()
		var failing atomic.Bool
		l.still()
		l.client.PrependReactor("list", "nodeenis", func(clienttesting.Action) (bool, runtime.Object, error) {
			return failing.Load(), nil, apierrors.NewResourceExpired("the provided continue parameter is too old")
		})
		l.start()
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		failing.Store(true)
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(time.Hour)
		l.wantAttached(2)
		failing.Store(false)
		l.pass(15 * time.Minute)
		l.wantOurs()
	})
}
