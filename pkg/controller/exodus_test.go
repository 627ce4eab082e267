package controller

import (
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
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
	for i := range fleet {
		_, err := l.kube.CoreV1().Nodes().Patch(l.Context(), nodeName(i), "application/merge-patch+json", []byte(patch), metav1.PatchOptions{})
		l.must(err)
	}
}

func (l *lab) approve() {
	l.Helper()
	l.edit("a", func(n *v1alpha1.NodeENI) {
		metav1.SetMetaDataAnnotation(&n.ObjectMeta, v1alpha1.AnnotationAllowReleaseUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
	})
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
		"instances terminated with Nodes": func(l *lab) { l.terminateAll() },
	} {
		t.Run(name, func(t *testing.T) {
			inFleet(t, func(l *lab) {
				order(l)
				l.pass(10 * time.Minute)
				l.wantOurs()
			})
		})
	}
}

func (l *lab) terminateAll() {
	l.Helper()
	for i := range fleet {
		l.control("POST", "/_sim/instances/"+instanceID(i)+"/terminate")
		l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(i), metav1.DeleteOptions{}))
	}
}

func TestWithoutItsNodeENITheLeaseApproves(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
		l.pass(time.Hour)
		l.wantAttached(fleet)
		lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "multi-eni-controller"}}
		metav1.SetMetaDataAnnotation(&lease.ObjectMeta, v1alpha1.AnnotationAllowReleaseUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
		_, err := l.kube.CoordinationV1().Leases("kube-system").Create(l.Context(), lease, metav1.CreateOptions{})
		l.must(err)
		l.pass(5 * time.Minute)
		l.wantOurs()
	})
}

// A list of Nodes that comes back empty is what an API server says that has lost its data.
func TestAnEmptyListOfNodesTakesNothingAway(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.must(l.kube.Tracker().Delete(corev1.SchemeGroupVersion.WithResource("nodes"), "", nodeName(0)))
		for i := 1; i < fleet; i++ {
			l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(i), metav1.DeleteOptions{}))
		}
		l.pass(time.Hour)
		if left := len(l.ours()); left < fleet-atMost {
			t.Errorf("%d of %d interfaces are left, want at least half", left, fleet)
		}
	})
}
