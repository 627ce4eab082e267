package inventory

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// fakeEC2 is a Reader that shows what it holds and records its calls. There may be a delay on every call.
type fakeEC2 struct {
	delay time.Duration
	begun time.Time

	mu         sync.Mutex
	interfaces map[string]eni.Interface
	instances  map[string]eni.Instance
	subnets    map[string]eni.Subnet
	failing    map[string]error
	calls      []fakeCall
}

// fakeCall is a call, the seconds after the start at which it was made, and how many IDs it named.
type fakeCall struct {
	At   float64
	What string
	IDs  int
}

func newFakeEC2() *fakeEC2 {
	return &fakeEC2{
		begun:      time.Now(),
		interfaces: map[string]eni.Interface{},
		instances:  map[string]eni.Instance{},
		subnets:    map[string]eni.Subnet{},
		failing:    map[string]error{},
	}
}

func (f *fakeEC2) call(ctx context.Context, what string, ids []string) error {
	f.mu.Lock()
	f.calls = append(f.calls, fakeCall{time.Since(f.begun).Seconds(), what, len(ids)})
	err := f.failing[what]
	f.mu.Unlock()
	if err == nil && f.delay > 0 {
		sleep(ctx, f.delay)
		err = ctx.Err()
	}
	return err
}

func (f *fakeEC2) ListInterfaces(ctx context.Context, clusterIDs, uids []string) ([]eni.Interface, error) {
	if err := f.call(ctx, "list", uids); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []eni.Interface
	for _, iface := range f.interfaces {
		if (uids == nil && slices.Contains(clusterIDs, iface.Tags[eni.TagClusterID])) || slices.Contains(uids, iface.Tags[eni.TagNodeENIUID]) {
			list = append(list, iface)
		}
	}
	return list, nil
}

func (f *fakeEC2) DescribeInterfaces(ctx context.Context, ids []string) ([]eni.Interface, error) {
	return lookUp(ctx, f, "interfaces", f.interfaces, ids)
}

func (f *fakeEC2) DescribeInstances(ctx context.Context, ids []string) ([]eni.Instance, error) {
	return lookUp(ctx, f, "instances", f.instances, ids)
}

func (f *fakeEC2) DescribeSubnets(ctx context.Context, ids []string) ([]eni.Subnet, error) {
	return lookUp(ctx, f, "subnets", f.subnets, ids)
}

func lookUp[T any](ctx context.Context, f *fakeEC2, what string, in map[string]T, ids []string) ([]T, error) {
	if err := f.call(ctx, what, ids); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []T
	for _, id := range ids {
		if object, ok := in[id]; ok {
			found = append(found, object)
		}
	}
	return found, nil
}

// put adds or replaces interfaces.
func (f *fakeEC2) put(list ...eni.Interface) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, iface := range list {
		f.interfaces[iface.ID] = iface
	}
}

func (f *fakeEC2) drop(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.interfaces, id)
}

func (f *fakeEC2) fail(what string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing[what] = err
}

// taken returns the calls since it was last asked, of the given kinds or of all.
func (f *fakeEC2) taken(what ...string) []fakeCall {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := slices.DeleteFunc(f.calls, func(c fakeCall) bool { return len(what) > 0 && !slices.Contains(what, c.What) })
	f.calls = nil
	return calls
}

// ear hears what is told.
type ear struct {
	mu    sync.Mutex
	heard Change
	calls int
}

func (e *ear) changed(c Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.calls++
	e.heard.Instances = append(e.heard.Instances, c.Instances...)
	e.heard.NodeENIUIDs = append(e.heard.NodeENIUIDs, c.NodeENIUIDs...)
	e.heard.Subnets = append(e.heard.Subnets, c.Subnets...)
}

// taken returns what was told since it was last asked.
func (e *ear) taken() Change {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := e.heard
	e.heard = Change{}
	return heard
}

// bench is an inventory that runs in a bubble of virtual time.
type bench struct {
	*Inventory
	ec2 *fakeEC2
	ear *ear
}

// inBubble runs an inventory for the test. Unless the options say otherwise, reads lag by up to 10 s and
// everything is read each 5 minutes. That Run leaves no goroutine behind is the bubble's to find.
func inBubble(t *testing.T, options Options, prepare func(*fakeEC2), test func(*testing.T, *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{ec2: newFakeEC2(), ear: &ear{}}
		if prepare != nil {
			prepare(b.ec2)
		}
		options.ClusterIDs, options.Changed = []string{testCluster}, b.ear.changed
		b.Inventory = New(b.ec2, options)
		logger, _ := ktesting.NewTestContext(t)
		ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logger))
		done := make(chan struct{})
		go func() { b.Run(ctx); close(done) }()
		synctest.Wait()
		test(t, b)
		cancel()
		<-done
	})
}

// pass lets time pass.
func pass(seconds float64) {
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	synctest.Wait()
}

func expect(t *testing.T, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func names(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s-%05d", prefix, i)
	}
	return list
}
