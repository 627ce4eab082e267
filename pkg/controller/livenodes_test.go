package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// heldEvents starts the controller anew with a watch of Nodes that shows only what the test gives it.
func (l *lab) heldEvents() *watch.RaceFreeFakeWatcher {
	l.Helper()
	l.stop()
	events := watch.NewRaceFreeFake()
	l.kube.PrependWatchReactor("nodes", func(clienttesting.Action) (bool, watch.Interface, error) { return true, events, nil })
	l.start()
	l.pass(2 * time.Minute)
	return events
}

// registerAgain deletes the Node of the first instance and has its kubelet register anew.
func (l *lab) registerAgain(name, providerID string) (old, node *corev1.Node) {
	l.Helper()
	nodes := l.kube.CoreV1().Nodes()
	old, err := nodes.Get(l.Context(), nodeName(0), metav1.GetOptions{})
	l.must(err)
	l.must(nodes.Delete(l.Context(), nodeName(0), metav1.DeleteOptions{}))
	node, err = nodes.Create(l.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-again-" + name), Labels: old.Labels, CreationTimestamp: metav1.Now()},
		Spec:       corev1.NodeSpec{ProviderID: providerID},
	}, metav1.CreateOptions{})
	l.must(err)
	return old, node
}

func firstProviderID() string { return "aws:///us-east-1a/" + instanceID(0) }

func TestANodeUnderAnotherNameKeepsItsInterfaces(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(2)
		events := l.heldEvents()
		before := l.mutatingCalls()
		old, renamed := l.registerAgain("renamed", firstProviderID())
		events.Delete(old)
		l.pass(2 * time.Minute)
		if slices.ContainsFunc(l.nodeENI("a").Status.Attachments, func(a v1alpha1.Attachment) bool { return a.NodeName == old.Name }) {
			t.Fatal("the controller has not heard that the Node is gone, so nothing is shown here")
		}
		events.Add(renamed) // the event is late
		l.pass(5 * time.Minute)
		for _, call := range []string{"DetachNetworkInterface", "DeleteNetworkInterface"} {
			if n := l.calls(call); n > 0 {
				t.Errorf("%d calls of %s for what a live Node wants", n, call)
			}
		}
		l.wantAttached(2)
		if n := l.mutatingCalls() - before; n > 1 { // the tag with the Node's name
			t.Errorf("%d calls changed EC2, want at most the one that tags the new name", n)
		}
	})
}

func TestANodeThatLearnsItsInstanceLateKeepsItsInterfaces(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		before := l.mutatingCalls()
		_, again := l.registerAgain(nodeName(0), "")
		l.pass(5 * time.Minute) // the cloud provider takes its time
		releases := l.nodeENI("a").Status.Releasing
		if len(releases) != 1 || !strings.Contains(releases[0].Message, "Node "+nodeName(0)) {
			t.Errorf("releases are %v, want one that waits for the Node", releases)
		}
		again.Spec.ProviderID = firstProviderID()
		_, err := l.kube.CoreV1().Nodes().Update(l.Context(), again, metav1.UpdateOptions{})
		l.must(err)
		l.pass(10 * time.Minute)
		l.wantAttached(2)
		if n := l.mutatingCalls() - before; n > 0 {
			t.Errorf("%d calls changed EC2, want none", n)
		}
	})
}

func TestTheCacheMayNotKnowThatTheNodeIsBackWithoutItsInstance(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		events := l.heldEvents()
		old, again := l.registerAgain(nodeName(0), "")
		events.Delete(old)
		l.pass(2 * time.Minute)
		if n := l.calls("DetachNetworkInterface"); n > 0 {
			t.Errorf("%d detaches, although a Node of that name may turn out to be the instance's", n)
		}
		events.Add(again)
		l.pass(time.Minute)
		l.wantAttached(2)
		l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), again.Name, metav1.DeleteOptions{}))
		events.Delete(again)
		l.pass(5 * time.Minute)
		l.wantOurs(nodeName(1) + " 1 attached")
	})
}

func TestTheNameMayGoToAnotherInstance(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		_, again := l.registerAgain(nodeName(0), "")
		l.pass(20 * time.Second)
		l.wantAttached(2)
		again.Spec.ProviderID = "aws:///us-east-1a/i-0000000000000dead"
		_, err := l.kube.CoreV1().Nodes().Update(l.Context(), again, metav1.UpdateOptions{})
		l.must(err)
		l.pass(5 * time.Minute)
		l.wantOurs(nodeName(1) + " 1 attached")
	})
}

func TestNodesThatGoTogetherShareTheirLiveReads(t *testing.T) {
	const few = 9 // so many may always go
	inLab(t, 2*few, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(5 * time.Minute)
		l.wantAttached(2 * few)
		var lists, gets atomic.Int32
		l.still()
		l.kube.PrependReactor("list", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) { lists.Add(1); return false, nil, nil })
		l.kube.PrependReactor("get", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) { gets.Add(1); return false, nil, nil })
		for i := range few {
			l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(i), metav1.DeleteOptions{}))
		}
		l.pass(5 * time.Minute)
		l.wantAttached(few)
		// Each is detached and deleted, and each call decided on its own.
		if n := lists.Load(); n < 1 || n > few {
			t.Errorf("%d lists of all Nodes for %d calls, want fewer than half of that", n, 2*few)
		}
		if n := gets.Load(); n > 0 {
			t.Errorf("%d Nodes were read one by one, want none: a name proves nothing", n)
		}
	})
}

func TestWhatWasReadLongAgoDecidesNothing(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(1)
		var stalled atomic.Int32
		get := l.controller.live.nodes.get
		l.controller.live.nodes.get = func(ctx context.Context, name string) (*corev1.Node, error) {
			if stalled.Add(1) == 1 {
				l.stall(2 * longestDecision)
			}
			return get(ctx, name)
		}
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(longestDecision)
		if n := stalled.Load(); n != 1 {
			t.Fatalf("the Node was read %d times, want once, after the NodeENI", n)
		}
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetA })
		l.pass(10 * time.Minute)
		if n := l.calls("DetachNetworkInterface"); n > 0 {
			t.Errorf("%d detaches by a spec that was taken back before", n)
		}
		l.wantAttached(1)
	})
}

// Between the list of NodeENIs and the read of the Node somebody deletes the heir, while the API server stalls: by the
// list alone it would be adopted.
func TestWhatWasReadLongAgoAdoptsNothing(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(1)
		l.stop()
		l.vanish("a")
		l.restore("a", 1)
		var stalled atomic.Int32
		l.prepare = func(c *Controller) {
			get := c.live.nodes.get
			c.live.nodes.get = func(ctx context.Context, name string) (*corev1.Node, error) {
				if stalled.Add(1) == 1 {
					l.stall(2 * longestDecision)
				}
				return get(ctx, name)
			}
		}
		l.start()
		l.pass(longestDecision)
		if n := stalled.Load(); n != 1 {
			t.Fatalf("the Node was read %d times, want once, after the NodeENIs", n)
		}
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(longestDecision + 5*time.Second)
		if n := l.calls("CreateTags"); n > 0 {
			t.Errorf("%d adoptions by a spec that was edited before", n)
		}
		l.pass(15 * time.Minute)
		l.wantAttached(1)
		l.wantCalls("CreateNetworkInterface", 2)
	})
}

// A kubelet that registers under another name, and has the cloud provider look for its instance, is known by its address,
// or by nothing at first.
func TestANodeUnderAnotherNameThatLearnsItsInstanceLateKeepsItsInterfaces(t *testing.T) {
	for _, test := range []struct {
		name string
		// address is the Node's, late how long it takes to learn its instance, stays whether the interfaces do until then.
		address string
		late    time.Duration
		stays   bool
		// unseen says that no event of it comes.
		unseen bool
	}{
		{"known by its address", "10.0.2.10", time.Hour, true, false},
		{"known by its address, unseen", "10.0.2.10", time.Hour, true, true},
		{"young, without an address", "", 9 * time.Minute, true, false},
		{"young, without an address, unseen", "", 9 * time.Minute, true, true},
		{"old, without an address", "", 15 * time.Minute, false, false},
		{"known to be another one", "10.0.2.11", 2 * time.Minute, false, false},
		{"known to be another one, unseen", "10.0.2.11", 2 * time.Minute, false, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			place := func(w *ec2sim.World) { w.Instances[0].PrivateIP = "10.0.2.10" }
			inLab(t, 2, place, func(l *lab) {
				l.ask("a", 1)
				l.pass(2 * time.Minute)
				l.wantAttached(2)
				var events *watch.RaceFreeFakeWatcher
				if test.unseen {
					events = l.heldEvents()
				}
				nodes := l.kube.CoreV1().Nodes()
				old, err := nodes.Get(l.Context(), nodeName(0), metav1.GetOptions{})
				l.must(err)
				l.must(nodes.Delete(l.Context(), old.Name, metav1.DeleteOptions{}))
				again := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "renamed", UID: "uid-renamed", Labels: old.Labels, CreationTimestamp: metav1.Now()}}
				if test.address != "" {
					again.Status.Addresses = []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: test.address}}
				}
				again, err = nodes.Create(l.Context(), again, metav1.CreateOptions{})
				l.must(err)
				if test.unseen {
					events.Delete(old)
				}
				l.pass(test.late)
				if !test.stays {
					l.wantOurs(nodeName(1) + " 1 attached")
					return
				}
				l.wantAttached(2)
				again.Spec.ProviderID = firstProviderID()
				_, err = nodes.Update(l.Context(), again, metav1.UpdateOptions{})
				l.must(err)
				if test.unseen {
					events.Add(again)
				}
				l.pass(10 * time.Minute)
				l.wantAttached(2)
				l.wantCalls("DetachNetworkInterface", 0)
				l.wantCalls("CreateNetworkInterface", 2)
			})
		})
	}
}

// Where Nodes without provider ID and address come all the time, there is always one that may be anybody's: what a Node
// left behind that is gone for good goes all the same, once each of its kind has had its time.
func TestNodesThatComeAllTheTimeHoldNothingForEver(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(2)
		nodes := l.kube.CoreV1().Nodes()
		come := func(i int) {
			_, err := nodes.Create(l.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprint("new-", i), UID: types.UID(fmt.Sprint("uid-new-", i)), CreationTimestamp: metav1.Now(),
			}}, metav1.CreateOptions{})
			l.must(err)
		}
		come(0)
		l.must(nodes.Delete(l.Context(), nodeName(0), metav1.DeleteOptions{}))
		for i := range 4 {
			l.pass(2 * time.Minute)
			come(i + 1)
			l.must(nodes.Delete(l.Context(), fmt.Sprint("new-", i), metav1.DeleteOptions{}))
		}
		l.wantAttached(2)
		for i := 4; i < 10; i++ {
			l.pass(2 * time.Minute)
			come(i + 1)
			l.must(nodes.Delete(l.Context(), fmt.Sprint("new-", i), metav1.DeleteOptions{}))
		}
		l.wantOurs(nodeName(1) + " 1 attached")
	})
}
