package controller

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// What a predecessor has let go gets no interface, however long the cache of a new leader still shows it; each NodeENI
// is asked for once, and who asks in vain asks less and less often.
func TestNothingIsCreatedForWhatOnlyTheCacheShows(t *testing.T) {
	for name, answer := range map[string]func(n *v1alpha1.NodeENI) (runtime.Object, error){
		"gone": func(n *v1alpha1.NodeENI) (runtime.Object, error) {
			return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "nodeenis"}, n.Name)
		},
		"another of its name": func(n *v1alpha1.NodeENI) (runtime.Object, error) {
			n.UID = "another"
			return n, nil
		},
		"without the finalizer": func(n *v1alpha1.NodeENI) (runtime.Object, error) {
			n.Finalizers = nil
			return n, nil
		},
		"nobody knows": func(*v1alpha1.NodeENI) (runtime.Object, error) {
			return nil, apierrors.NewInternalError(errors.New("etcdserver: request timed out"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			inLab(t, 2, nil, func(l *lab) {
				var lags atomic.Bool
				var asked atomic.Int64
				lags.Store(true)
				l.still()
				l.client.PrependReactor("get", "nodeenis", func(clienttesting.Action) (bool, runtime.Object, error) {
					asked.Add(1)
					if !lags.Load() {
						return false, nil, nil
					}
					live, err := answer(l.cached("a"))
					return true, live, err
				})
				l.ask("a", 1)
				l.pass(10 * time.Minute)
				l.wantCalls("CreateNetworkInterface", 0)
				if n := asked.Load(); n < 5 || n > 60 {
					t.Errorf("the API server was asked %d times in ten minutes, want a few", n)
				}
				lags.Store(false)
				asked.Store(0)
				l.pass(5 * time.Minute)
				l.wantAttached(2)
				if n := asked.Load(); n != 1 {
					t.Errorf("the API server was asked %d times for two interfaces, want once", n)
				}
			})
		})
	}
}

// cached is a copy of what the cache shows.
func (l *lab) cached(name string) *v1alpha1.NodeENI {
	l.Helper()
	n, err := l.controller.nodeENIs.Get(name)
	l.must(err)
	return n.DeepCopy()
}
