package controller

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// notReady puts taints on a Node.
func notReady(keys ...string) func(*corev1.Node) {
	return func(n *corev1.Node) {
		n.Spec.Taints = nil
		for _, key := range keys {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: corev1.TaintEffectNoSchedule})
		}
	}
}

// Without leave to patch Nodes it is one that asks for all of them, less and less often, and they are written soon after
// there is leave.
func TestNodesThatMayNotBeWritten(t *testing.T) {
	inLab(t, 30, nil, func(l *lab) {
		l.settleAndStop() // nobody may read the reactors while one is added
		var denied atomic.Bool
		denied.Store(true)
		l.still()
		l.kube.PrependReactor("patch", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
			return denied.Load(), nil, apierrors.NewForbidden(corev1.Resource("nodes"), "", errors.New("no leave"))
		})
		l.onNodes = everythingOnNodes
		l.start()
		l.ask("a", 1)
		l.pass(time.Hour)
		if writes := l.nodeWrites(); writes > 80 {
			t.Errorf("%d writes of 30 Nodes in an hour without leave", writes)
		}
		denied.Store(false)
		l.pass(10 * time.Minute)
		for i := range 30 {
			l.wantShown(i, nil, "True AllAttached", 1)
		}
	})
}

// An annotation without a value is one, which a Node on which nothing is wanted must not bear; and who puts it there
// again and again is not answered each time.
func TestAnEmptyAnnotationIsTakenAway(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.restartShowing(everythingOnNodes)
		l.pass(5 * time.Minute)
		empty := func(n *corev1.Node) { n.Annotations = map[string]string{v1alpha1.AnnotationENIs: ""} }
		bears := func() bool { _, has := l.node(0).Annotations[v1alpha1.AnnotationENIs]; return has }
		l.changeNode(0, empty)
		l.pass(time.Minute)
		if bears() {
			t.Error("it is still there")
		}
		before := l.nodeWrites()
		for range 600 {
			l.changeNode(0, empty)
			l.pass(6 * time.Second)
		}
		if writes := l.nodeWrites() - before; writes > 20 {
			t.Errorf("%d writes of a Node in an hour in which they are undone all the time", writes)
		}
		l.pass(2 * time.Hour)
		if bears() {
			t.Error("it stays when the fight is over")
		}
	})
}

// Who puts back what is taken away, or takes away what is put on a Node, is not answered write for write.
func TestNoWarIsWagedOverANode(t *testing.T) {
	for name, undo := range map[string]func(*corev1.Node){
		"readiness taint": notReady(v1alpha1.TaintNotReady),
		"condition ":      func(n *corev1.Node) { n.Status.Conditions = nil },
		"annotation":      func(n *corev1.Node) { n.Annotations = nil },
	} {
		inLab(t, 2, nil, func(l *lab) {
			l.restartShowing(everythingOnNodes)
			l.ask("a", 1)
			l.pass(5 * time.Minute)
			before := l.nodeWrites()
			for range 600 {
				l.changeNode(0, undo)
				l.pass(6 * time.Second)
			}
			if writes := l.nodeWrites() - before; writes > 20 {
				t.Errorf("%s: %d writes of a Node in an hour in which they are undone all the time", name, writes)
			}
			if !l.toldOf(v1alpha1.ReasonObjectContested, name) {
				t.Errorf("%s: no event tells of the fight", name)
			}
			l.changeNode(1, undo)
			l.pass(time.Minute)
			l.wantShown(1, nil, "True AllAttached", 1)
			l.pass(time.Hour)
			l.wantShown(0, nil, "True AllAttached", 1)
		})
	}
}

// A NodeENI that the cache does not show yet, as its watch lags behind that of Nodes, keeps the taint on its nodes.
func TestANodeENIThatTheCacheDoesNotShowKeepsTheTaint(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		var behind atomic.Bool
		behind.Store(true)
		l.client.PrependWatchReactor("nodeenis", func(clienttesting.Action) (bool, watch.Interface, error) {
			return behind.Load(), watch.NewFake(), nil
		})
		l.onNodes = plan.NodeOptions{Taint: v1alpha1.TaintNotReady}
		l.start()
		l.pass(time.Second)
		l.ask("a", 1)
		l.changeNode(0, notReady(v1alpha1.TaintNotReady))
		l.pass(time.Minute)
		l.wantShown(0, []string{v1alpha1.TaintNotReady}, "", 0)
		if len(l.events.Events) > 0 {
			t.Errorf("told %q", <-l.events.Events)
		}
		behind.Store(false)
		l.settleAndStop()
		l.start()
		l.pass(5 * time.Minute)
		l.wantShown(0, nil, "", 0)
		l.wantOurs("node-00 1 attached")
	})
}

// A Node whose labels are yet to come is no node on which nothing is wanted.
func TestANodeThatIsNotInitializedKeepsTheTaint(t *testing.T) {
	for _, registering := range []string{"node.cloudprovider.kubernetes.io/uninitialized", "karpenter.sh/unregistered"} {
		inLab(t, 1, nil, func(l *lab) {
			l.restartShowing(plan.NodeOptions{Taint: v1alpha1.TaintNotReady})
			l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "InternalError", Status: 500})
			l.ask("a", 1)
			l.pass(time.Second)
			l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), nodeName(0), metav1.DeleteOptions{}))
			_, err := l.kube.CoreV1().Nodes().Create(l.Context(), &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: nodeName(0), UID: "another"},
				Spec: corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(0), Taints: []corev1.Taint{
					{Key: registering, Effect: corev1.TaintEffectNoSchedule}, {Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule},
				}},
			}, metav1.CreateOptions{})
			l.must(err)
			l.pass(time.Second)
			l.wantShown(0, []string{registering, v1alpha1.TaintNotReady}, "", 0)
			l.changeNode(0, func(n *corev1.Node) { n.Labels = map[string]string{"ng": "multi"} })
			l.changeNode(0, notReady(v1alpha1.TaintNotReady))
			l.pass(time.Second)
			l.wantShown(0, []string{v1alpha1.TaintNotReady}, "", 0)
			l.heal()
			l.pass(10 * time.Minute)
			l.wantShown(0, nil, "", 0)
		})
	}
}
