package controller

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

const fleet = 30

// inFleet runs a story in which each of thirty Nodes has an interface.
func inFleet(t *testing.T, story func(*lab)) {
	t.Helper()
	inLab(t, fleet, func(w *ec2sim.World) { w.Quotas.Enabled = new(false) }, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		l.wantAttached(fleet)
		story(l)
	})
}

func (l *lab) wantAttached(want int) {
	l.Helper()
	got := 0
	for _, where := range l.ours() {
		if strings.HasSuffix(where, " attached") {
			got++
		}
	}
	if got != want {
		l.Errorf("%d interfaces are attached, want %d", got, want)
	}
}

// label has every Node bear the label, or lose it when the value is empty.
func (l *lab) labelAll(value string) {
	l.Helper()
	patch := `{"metadata":{"labels":{"ng":null}}}`
	if value != "" {
		patch = `{"metadata":{"labels":{"ng":"` + value + `"}}}`
	}
	l.patchNodes(patch)
}

func (l *lab) patchNodes(patch string) {
	l.Helper()
	for i := range fleet {
		l.patchNode(i, patch)
	}
}

func (l *lab) patchNode(i int, patch string) {
	l.Helper()
	_, err := l.kube.CoreV1().Nodes().Patch(l.Context(), nodeName(i), "application/merge-patch+json", []byte(patch), metav1.PatchOptions{})
	l.must(err)
}

func (l *lab) approve() {
	l.Helper()
	l.edit("a", func(n *v1alpha1.NodeENI) {
		metav1.SetMetaDataAnnotation(&n.ObjectMeta, v1alpha1.AnnotationAllowReleaseUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
}

func (l *lab) approveOnLease(d time.Duration) {
	l.Helper()
	l.editLease(func(lease *coordinationv1.Lease) {
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, v1alpha1.AnnotationAllowReleaseUntil, time.Now().Add(d).Format(time.RFC3339))
	})
}

func (l *lab) lease() *coordinationv1.Lease {
	l.Helper()
	lease, err := l.kube.CoordinationV1().Leases(ourLease.Namespace).Get(l.Context(), ourLease.Name, metav1.GetOptions{})
	l.must(err)
	return lease
}

func (l *lab) editLease(change func(*coordinationv1.Lease)) {
	l.Helper()
	lease := l.lease()
	change(lease)
	_, err := l.kube.CoordinationV1().Leases(lease.Namespace).Update(l.Context(), lease, metav1.UpdateOptions{})
	l.must(err)
}

// atMost is how many of the fleet may go before cleanup halts.
const atMost = fleet / 2

func TestWhenEveryNodeLosesItsLabelsCleanupHalts(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.labelAll("")
		l.pass(time.Hour)
		left := len(l.ours())
		if left < fleet-atMost {
			t.Fatalf("%d of %d interfaces are left, want at least half", left, fleet)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
		stalled := meta.FindStatusCondition(l.nodeENI("a").Status.Conditions, v1alpha1.ConditionStalled)
		if !strings.Contains(stalled.Message, "kubectl annotate --overwrite nodeeni a "+v1alpha1.AnnotationAllowReleaseUntil) {
			t.Errorf("the message does not say how to approve: %s", stalled.Message)
		}
		writes := l.writes()
		l.pass(time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes in an hour in which nothing happened", got)
		}

		l.stop()
		l.start()
		l.pass(time.Hour)
		l.wantAttached(left)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)

		l.approve()
		l.pass(2 * time.Minute)
		l.wantOurs()
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonNoMatchingNodes)
	})
}

func TestAHaltEndsWhenTheInterfacesAreWantedAgain(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.labelAll("")
		l.pass(time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
		detached := l.calls("DetachNetworkInterface")
		l.labelAll("multi")
		l.pass(5 * time.Minute)
		l.wantAttached(fleet)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
		if got := l.calls("DetachNetworkInterface") - detached; got != 0 {
			t.Errorf("%d detaches of interfaces that are wanted again", got)
		}
	})
}

func TestOrdersAreNotHalted(t *testing.T) {
	for name, order := range map[string]func(*lab){
		"NodeENI deleted": func(l *lab) { l.delete("a") },
		"selector edited": func(l *lab) {
			l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"ng": "none"} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFleet(t, func(l *lab) {
				order(l)
				l.pass(10 * time.Minute)
				l.wantOurs()
				if got := l.told("CleanupHalted"); got > 0 {
					t.Errorf("an order was halted for a while")
				}
			})
		})
	}
}

func TestWithoutItsNodeENITheLeaseApproves(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(time.Hour)
		l.wantAttached(fleet)
		var told []string
		for len(l.events.Events) > 0 {
			if event := <-l.events.Events; strings.Contains(event, v1alpha1.ReasonCleanupHalted) {
				told = append(told, event)
			}
		}
		// The interfaces have no NodeENI for long enough after a few minutes of the hour.
		if n := len(told); n < 5 || n > 6 || len(slices.Compact(told)) != 1 {
			t.Errorf("want the halt told every %v on the Lease, got %d events: %q", remindAfter, n, told)
		} else if !strings.Contains(told[0], "kubectl annotate --overwrite -n kube-system lease multi-eni-controller") {
			t.Errorf("no command to approve it in %q", told[0])
		}
		l.approveOnLease(time.Hour)
		l.pass(5 * time.Minute)
		l.wantOurs()
	})
}

// A list of Nodes that comes back empty is what an API server says that has lost its data. A restart, at which nobody
// knows yet which instances live, does not begin anew.
func TestAnEmptyListOfNodesTakesNothingAway(t *testing.T) {
	for _, latency := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond} {
		inLab(t, fleet, func(w *ec2sim.World) {
			w.Quotas.Enabled, w.Latency.Call = new(false), ec2sim.Exactly(latency)
		}, func(l *lab) {
			l.ask("a", 1)
			l.pass(2 * time.Minute)
			l.deleteNodes()
			l.pass(time.Hour)
			left := len(l.ours())
			if left < fleet-atMost {
				t.Fatalf("%d of %d interfaces are left, want at least half", left, fleet)
			}
			for range 3 {
				l.stop()
				l.start()
				l.pass(time.Hour)
				l.wantAttached(left)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
			}
		})
	}
}

func (l *lab) deleteNodes() {
	l.Helper()
	for i := range fleet {
		l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(i), metav1.DeleteOptions{}))
	}
}

// Nodes and instances that go together, in whatever order, are an ordinary scale-down.
func TestAScaleDownIsNotHalted(t *testing.T) {
	for _, later := range []time.Duration{0, 10 * time.Second, time.Minute} {
		inFleet(t, func(l *lab) {
			for i := range fleet {
				l.control("POST", "/_sim/instances/"+instanceID(i)+"/terminate")
			}
			l.pass(later)
			l.deleteNodes()
			l.pass(10 * time.Minute)
			l.wantOurs()
			if got := l.told("CleanupHalted"); got > 0 {
				t.Errorf("Nodes gone %v after their instances: halted", later)
			}
		})
	}
}

// What an edit has let go long ago says nothing about labels that are lost later.
func TestAnEditIsNoLeaveForEver(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.patchNodes(`{"metadata":{"labels":{"tier":"x"}}}`)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"ng": "multi", "tier": "x"} })
		l.pass(time.Hour)
		l.wantAttached(fleet)
		l.patchNodes(`{"metadata":{"labels":{"tier":null}}}`)
		l.pass(time.Hour)
		if left := len(l.ours()); left < fleet-atMost {
			t.Errorf("%d of %d interfaces are left, want at least half", left, fleet)
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
	})
}

func TestAHaltDoesNotEndByWaiting(t *testing.T) {
	for _, nodes := range []int{12, 16, fleet} {
		inLab(t, nodes, nil, func(l *lab) {
			l.ask("a", 1)
			l.pass(2 * time.Minute)
			for i := range nodes {
				l.patchNode(i, `{"metadata":{"labels":{"ng":null}}}`)
				l.pass(3 * time.Second)
			}
			l.pass(time.Minute)
			left := len(l.ours())
			l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
			l.pass(2 * time.Hour)
			l.wantAttached(left)
		})
	}
}

func TestDetachesWithoutAnAnswerCount(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "cut-after"})
		for i := range fleet {
			l.patchNode(i, `{"metadata":{"labels":{"ng":null}}}`)
			l.pass(15 * time.Second)
		}
		l.pass(time.Minute)
		if left := len(l.ours()); left < fleet-atMost {
			t.Errorf("%d of %d interfaces are left, want at least half", left, fleet)
		}
	})
}

// partialAnswers leaves instances out of the answers while it is on.
type partialAnswers struct {
	http.RoundTripper
	on atomic.Bool
}

func (p *partialAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	asked := string(body)
	if p.on.Load() && strings.Contains(asked, "Action=DescribeInstances&") {
		for i := 12; i < fleet; i++ {
			asked = strings.ReplaceAll(asked, instanceID(i), "i-0ffffffffffffffff")
		}
	}
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(asked)), int64(len(asked))
	return p.RoundTripper.RoundTrip(r)
}

func TestAPartialAnswerLiftsNoHalt(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.stop()
		partial := &partialAnswers{RoundTripper: l.wire.RoundTripper}
		l.wire.RoundTripper = partial
		l.start()
		l.pass(6 * time.Minute)
		l.labelAll("")
		l.pass(30 * time.Minute)
		left := len(l.ours())
		partial.on.Store(true)
		l.pass(5*time.Minute + time.Second) // one resync
		partial.on.Store(false)
		l.pass(30 * time.Minute)
		l.wantAttached(left)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonCleanupHalted)
	})
}

func TestAnApprovalOnTheLeaseCanBeWithdrawn(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(20 * time.Minute)
		l.wantAttached(fleet)
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "UnauthorizedOperation", Status: 403})
		l.approveOnLease(10 * time.Hour)
		l.pass(5 * time.Minute)
		l.editLease(func(lease *coordinationv1.Lease) { delete(lease.Annotations, v1alpha1.AnnotationAllowReleaseUntil) })
		l.pass(10 * time.Minute)
		l.heal()
		l.pass(time.Hour)
		l.wantAttached(fleet)
	})
}
