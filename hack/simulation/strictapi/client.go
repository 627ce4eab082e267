package strictapi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/client-go/kubernetes"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
)

// ErrKilled is what the calls of a client that was killed end in.
var ErrKilled = errors.New("the process that called is dead")

var errStopped = errors.New("the watch was stopped")

// Client is one process's connection to the server.
type Client struct {
	server *Server
	name   string
	killed chan struct{}

	// The server's lock guards what follows.
	dead   bool
	faults Faults
	// changed is closed when the faults change.
	changed chan struct{}
	watches []*watcher
	// counts has how many calls were made of each kind and name, with few names that share a count.
	counts [1 << 12]uint64
	calls  int
	onCall func(Call) Decision
	killAt int
	after  bool
}

// Call is a call that arrives at the server.
type Call struct {
	// Number counts the client's calls, from 1.
	Number int
	// Verb is get, list, watch, create, update, patch, delete or deletecollection.
	Verb                                   string
	Resource, Subresource, Namespace, Name string
}

// IsWrite reports whether the call means to change something.
func (c Call) IsWrite() bool { return c.Verb != "get" && c.Verb != "list" && c.Verb != "watch" }

// Decision is what becomes of a call.
type Decision int

const (
	// Proceed lets the call go on, with the faults of its client.
	Proceed Decision = iota
	// KillBefore kills the client before the call takes effect.
	KillBefore
	// KillAfter kills the client after the call took effect and before it is answered.
	KillAfter
)

// request is a call with all that it carries.
type request struct {
	resource                           schema.GroupVersionResource
	verb, subresource, namespace, name string

	object        object
	patchType     types.PatchType
	patch         []byte
	getOptions    metav1.GetOptions
	listOptions   metav1.ListOptions
	deleteOptions metav1.DeleteOptions
}

// NewClient connects a process. The name tells its writes from those of others.
func (s *Server) NewClient(name string) *Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &Client{server: s, name: name, killed: make(chan struct{}), changed: make(chan struct{})}
	s.clients = append(s.clients, c)
	return c
}

// Name is the name that NewClient was given.
func (c *Client) Name() string { return c.name }

// Kube is the client of the built-in kinds.
func (c *Client) Kube() kubernetes.Interface { return newKube(c) }

// NodeENIs is the client of NodeENIs.
func (c *Client) NodeENIs() versioned.Interface { return newNodeENIs(c) }

// Kill ends the process's connection for good: its watches end, and calls fail. A call in progress that has
// taken effect has done so; any other one has no effect any more.
func (c *Client) Kill() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.kill()
}

func (c *Client) kill() {
	if c.dead {
		return
	}
	c.dead = true
	close(c.killed)
	c.server.clients = slices.DeleteFunc(c.server.clients, func(other *Client) bool { return other == c })
}

// Killed is closed when the client has been killed, by whomever.
func (c *Client) Killed() <-chan struct{} { return c.killed }

// KillAt kills the client at the n-th call from now, counted from 1: before the call takes effect, or after
// that and before it is answered.
func (c *Client) KillAt(n int, after bool) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.killAt, c.after = c.calls+n, after
}

// OnCall has a hook decide what becomes of each call when it arrives. It is called without a lock held, and so
// may be called for several calls at once.
func (c *Client) OnCall(hook func(Call) Decision) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.onCall = hook
}

// Calls is how many calls the client has made.
func (c *Client) Calls() int {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return c.calls
}

// SetFaults sets what is wrong with the connection from now on.
func (c *Client) SetFaults(f Faults) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.faults = f
	close(c.changed)
	c.changed = make(chan struct{})
	if f.Unreachable {
		c.dropWatches()
	}
}

// DropWatches ends all watches of the client, as a server does that closes the connection. Events on the way are
// lost.
func (c *Client) DropWatches() {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.dropWatches()
}

func (c *Client) dropWatches() {
	for _, w := range c.watches {
		w.drop()
	}
}

// Watches is how many watches are open.
func (c *Client) Watches() int {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	return len(c.watches)
}

func (c *Client) forget(w *watcher) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.watches = slices.DeleteFunc(c.watches, func(other *watcher) bool { return other == w })
}

// next counts what happens under a name.
func (c *Client) next(verb, resource, name string) uint64 {
	slot := &c.counts[hash(verb, resource, name)%uint64(len(c.counts))]
	*slot++
	return *slot
}

// fate is what will become of a call.
type fate struct {
	decision      Decision
	before, after time.Duration
	failure       Failure
	stale         time.Duration
}

// do carries a call through: to the server, into effect, and back.
func (c *Client) do(ctx context.Context, r *request, effect func(fate) (runtime.Object, error)) (runtime.Object, error) {
	f, err := c.arrive(r)
	if err != nil {
		return nil, err
	}
	if err := c.pause(ctx, f.before); err != nil {
		if f.decision != Proceed {
			c.Kill()
		}
		return nil, err
	}
	answer, err := c.takeEffect(r, f, effect)
	if f.decision != Proceed {
		return nil, ErrKilled
	}
	if err := c.pause(ctx, f.after); err != nil {
		return nil, err
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.faults.Unreachable && !utilnet.IsConnectionRefused(err) {
		return nil, r.netError("read", syscall.ECONNRESET)
	}
	return answer, err
}

// arrive counts a call and decides its fate.
func (c *Client) arrive(r *request) (fate, error) {
	c.server.mu.Lock()
	if c.dead {
		c.server.mu.Unlock()
		return fate{}, ErrKilled
	}
	c.calls++
	call := Call{c.calls, r.verb, r.resource.Resource, r.subresource, r.namespace, r.name}
	f, hook := c.draw(r), c.onCall
	if c.calls == c.killAt {
		f.decision = KillBefore
		if c.after {
			f.decision = KillAfter
		}
	}
	c.server.mu.Unlock()
	if hook != nil && f.decision == Proceed {
		f.decision = hook(call)
	}
	return f, nil
}

// draw draws a call's fate.
func (c *Client) draw(r *request) (f fate) {
	count := c.next(r.verb+" "+r.subresource, r.resource.Resource, key{r.namespace, r.name}.String())
	d := newDice(c.server.seed, count, c.name, r.verb, r.subresource, r.resource.Resource, r.namespace, r.name)
	f.before, f.after = c.faults.Latency.draw(d), c.faults.Latency.draw(d)
	f.stale = c.faults.Stale.draw(d)
	if !d.chance(c.faults.ErrorShare) {
		return f
	}
	failures := c.faults.Failures
	if len(failures) == 0 {
		failures = AllFailures()
	}
	f.failure = failures[d.IntN(len(failures))]
	if !f.failure.fits(r) {
		f.failure = FailInternal
	}
	if f.failure.hangs() {
		f.after = c.faults.Hang
		if f.after == 0 {
			f.after = 10 * time.Second
		}
	}
	return f
}

// pause lets time pass, unless the caller gives up or dies before.
func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		case <-c.killed:
		}
	}
	return c.flow(ctx, nil)
}

// flow waits while the connection is stalled, unless the caller gives up, dies, or is stopped before.
func (c *Client) flow(ctx context.Context, stopped <-chan struct{}) error {
	for {
		select {
		case <-c.killed:
			return ErrKilled
		default:
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("giving up: %w", err)
		}
		c.server.mu.Lock()
		stalled, changed := c.faults.Stalled, c.changed
		if stalled {
			c.server.strike("stalled")
		}
		c.server.mu.Unlock()
		if !stalled {
			return nil
		}
		select {
		case <-changed:
		case <-stopped:
			return errStopped
		case <-ctx.Done():
		case <-c.killed:
		}
	}
}

// takeEffect has the call do what it does, all at once.
func (c *Client) takeEffect(r *request, f fate, effect func(fate) (runtime.Object, error)) (answer runtime.Object, err error) {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	st := c.server.stores[r.resource]
	switch {
	case c.dead:
		return nil, ErrKilled
	case f.decision == KillBefore:
		c.server.strike("killed before a call")
		c.kill()
		return nil, ErrKilled
	case c.faults.Unreachable:
		c.server.strike("unreachable")
		err = r.netError("dial", syscall.ECONNREFUSED)
	case f.failure != "" && !f.failure.afterEffect():
		c.server.strike(string(f.failure))
		err = f.failure.err(r)
	case st == nil || st.unserved:
		c.server.strike("not served")
		err = r.unserved()
	default:
		answer, err = effect(f)
		if f.failure != "" {
			c.server.strike(string(f.failure))
			answer, err = nil, f.failure.err(r)
		}
	}
	if f.decision == KillAfter {
		c.server.strike("killed after a call")
		c.kill()
	}
	return answer, err
}
