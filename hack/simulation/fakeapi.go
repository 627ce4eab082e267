package simulation

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/fake"
)

type server struct {
	kube    clienttesting.ObjectTracker
	own     clienttesting.ObjectTracker
	mu      sync.Mutex
	uid     int
	onWrite func(client, verb, resource, name string)
}

func newServer() *server {
	return &server{kube: kubefake.NewSimpleClientset().Tracker(), own: fake.NewSimpleClientset().Tracker()}
}

type client struct {
	gate gate
	k    *kubefake.Clientset
	n    *fake.Clientset
}

func (c *client) Kube() kubernetes.Interface    { return c.k }
func (c *client) NodeENIs() versioned.Interface { return c.n }
func (c *client) Kill()                         { c.gate.die() }

func (s *server) NewClient(name string) *client {
	c := &client{k: &kubefake.Clientset{}, n: &fake.Clientset{}}
	for _, f := range []struct {
		fake    *clienttesting.Fake
		tracker clienttesting.ObjectTracker
	}{{&c.k.Fake, s.kube}, {&c.n.Fake, s.own}} {
		f.fake.AddReactor("*", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
			if c.gate.isDead() {
				return true, nil, errDead
			}
			if g, ok := a.(clienttesting.GetAction); ok && a.GetVerb() == "get" && g.GetName() == "" {
				return true, nil, errors.New("resource name may not be empty")
			}
			if create, ok := a.(clienttesting.CreateAction); ok {
				s.mu.Lock()
				s.uid++
				m, _ := meta.Accessor(create.GetObject())
				m.SetUID(types.UID(fmt.Sprintf("uid-%d", s.uid)))
				m.SetResourceVersion("1")
				m.SetGeneration(1)
				m.SetCreationTimestamp(metav1.NewTime(time.Now()))
				s.mu.Unlock()
			}
			switch a.GetVerb() {
			case "get", "list", "watch":
			default:
				s.onWrite(name, a.GetVerb(), a.GetResource().Resource, fmt.Sprint(a))
			}
			return false, nil, nil
		})
		f.fake.AddReactor("*", "*", clienttesting.ObjectReaction(f.tracker))
		f.fake.AddWatchReactor("*", func(a clienttesting.Action) (bool, watch.Interface, error) {
			w, err := f.tracker.Watch(a.GetResource(), a.GetNamespace())
			return true, w, err
		})
	}
	return c
}
