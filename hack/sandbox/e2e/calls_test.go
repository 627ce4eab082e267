package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

const (
	// settleTime is when, after the last change, everything must be at rest.
	settleTime = 10 * time.Second
	// restTime is how long the test then watches.
	restTime = 7 * time.Second
)

// mutating are the calls, of any outcome, that could change something; dry runs could not.
func mutating(calls sandbox.Calls) map[string]int {
	counts := map[string]int{}
	for action, codes := range calls {
		if strings.HasPrefix(action, "Describe") {
			continue
		}
		for code, count := range codes {
			if code != "DryRunOperation" {
				counts[action] += count
			}
		}
		if counts[action] == 0 {
			delete(counts, action)
		}
	}
	return counts
}

// describes counts the calls that only read.
func describes(calls sandbox.Calls) int {
	total := 0
	for action, codes := range calls {
		if strings.HasPrefix(action, "Describe") {
			for _, count := range codes {
				total += count
			}
		}
	}
	return total
}

// happyPath demands that so many interfaces were made with three calls for each, and that nothing else was
// changed.
func (l *lab) happyPath(interfaces int) {
	l.Helper()
	want := map[string]int{
		"CreateNetworkInterface":          interfaces,
		"AttachNetworkInterface":          interfaces,
		"ModifyNetworkInterfaceAttribute": interfaces,
	}
	if diff := gocmp.Diff(want, mutating(l.calls())); diff != "" {
		l.Errorf("mutating calls for %d interfaces (-want +got):\n%s", interfaces, diff)
	}
}

func (l *lab) calls() sandbox.Calls {
	l.Helper()
	calls, err := l.sim.Calls(l.ctx)
	l.must(err)
	return calls
}

// atRest watches from the last change on: after the time to settle, no NodeENI is written any more and
// no mutating call reaches EC2.
func (l *lab) atRest() {
	l.Helper()
	list, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().List(l.ctx, metav1.ListOptions{})
	l.must(err)
	watcher, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Watch(l.ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion})
	l.must(err)
	defer watcher.Stop()
	drain(l.ctx, watcher, settleTime, func(watch.Event) {})
	before := l.calls()
	drain(l.ctx, watcher, restTime, func(event watch.Event) {
		l.Errorf("a NodeENI was written although all was at rest: %s %+v", event.Type, event.Object)
	})
	after := l.calls()
	if diff := gocmp.Diff(mutating(before), mutating(after)); diff != "" {
		l.Errorf("EC2 was called although all was at rest (-before +after):\n%s", diff)
	}
	if describes(after) == describes(before) {
		l.Error("EC2 was not even looked at: the test has shown nothing; --ec2-resync-period must be shorter")
	}
}

// drain hands on what the watch brings, for a while.
func drain(ctx context.Context, watcher watch.Interface, window time.Duration, handle func(watch.Event)) {
	ctx, cancel := context.WithTimeout(ctx, window)
	defer cancel()
	for {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				handle(watch.Event{Type: "the watch was closed"})
				return
			}
			handle(event)
		case <-ctx.Done():
			return
		}
	}
}

func TestSteadyStateIsSilent(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	l.startController("--ec2-resync-period=5s")
	l.create(nodeENI("attached", sandbox.SubnetA, 1))
	other := nodeENI("blocked", sandbox.SubnetFar, 2) // no node is in that subnet's zone
	l.create(other)
	l.onlyInEC2(onAll(nodes, "attached", sandbox.SubnetA, 1)...)
	l.blocked("blocked", "node1", "SubnetInOtherZone", sandbox.SubnetFar, sandbox.OtherZone, sandbox.Zone)
	l.atRest()
	l.must(l.inEC2(l.ctx, onAll(nodes, "attached", sandbox.SubnetA, 1)))
}

// attachFleet gives each of so many nodes two interfaces, and returns the calls that it took.
func attachFleet(t *testing.T, count int) sandbox.Calls {
	t.Helper()
	nodes := machines(count)
	l := newLab(t, nodes...)
	l.create(nodeENI("first", sandbox.SubnetA, 1))
	l.create(nodeENI("second", sandbox.SubnetB, 2))
	l.startController()
	l.converge(append(onAll(nodes, "first", sandbox.SubnetA, 1), onAll(nodes, "second", sandbox.SubnetB, 2)...)...)
	calls := l.calls()
	l.happyPath(2 * count)
	for action, codes := range calls {
		for code, n := range codes {
			if code != "OK" && code != "DryRunOperation" {
				t.Errorf("%s failed %d times with %s", action, n, code)
			}
		}
	}
	return calls
}

func TestCallsPerInterface(t *testing.T) {
	var mu sync.Mutex
	reads := map[int]int{}
	t.Run("fleet", func(t *testing.T) {
		for _, count := range []int{5, 20} {
			t.Run(fmt.Sprintf("%d nodes", count), func(t *testing.T) {
				calls := attachFleet(t, count)
				mu.Lock()
				defer mu.Unlock()
				reads[count] = describes(calls)
			})
		}
	})
	t.Logf("describe calls by number of nodes: %v", reads)
	// The number varies by a few polls of what is in flux. One read for each of fifteen more nodes would
	// show.
	if few, many := reads[5], reads[20]; few == 0 || many > few+5 {
		t.Errorf("describe calls grow with the nodes: %v", reads)
	}
}
