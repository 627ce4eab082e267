package controller

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

var everythingOnNodes = plan.NodeOptions{Taint: v1alpha1.TaintNotReady, Condition: true, Annotation: true}

func (l *lab) node(i int) *corev1.Node {
	l.Helper()
	node, err := l.kube.CoreV1().Nodes().Get(l.Context(), nodeName(i), metav1.GetOptions{})
	l.must(err)
	return node
}

func (l *lab) changeNode(i int, change func(*corev1.Node)) {
	l.Helper()
	node := l.node(i)
	change(node)
	_, err := l.kube.CoreV1().Nodes().Update(l.Context(), node, metav1.UpdateOptions{})
	l.must(err)
}

// restartShowing starts the controller anew, with what Nodes are to show.
func (l *lab) restartShowing(options plan.NodeOptions) {
	l.Helper()
	l.settleAndStop()
	l.onNodes = options
	l.start()
}

// nodeWrites counts the writes of Nodes by the controller.
func (l *lab) nodeWrites() (count int) {
	for _, action := range l.kube.Actions() {
		if action.GetVerb() == "patch" && action.GetResource().Resource == "nodes" {
			count++
		}
	}
	return count
}

func shown(node *corev1.Node) (taints []string, condition string, enis []plan.NodeInterface) {
	for _, taint := range node.Spec.Taints {
		taints = append(taints, taint.Key)
	}
	for _, c := range node.Status.Conditions {
		if c.Type == v1alpha1.NodeConditionENIsReady {
			condition = string(c.Status) + " " + c.Reason
		}
	}
	if value := node.Annotations[v1alpha1.AnnotationENIs]; value != "" {
		if err := json.Unmarshal([]byte(value), &enis); err != nil {
			panic(err)
		}
	}
	return taints, condition, enis
}

func (l *lab) wantShown(i int, taints []string, condition string, enis int) {
	l.Helper()
	gotTaints, gotCondition, gotENIs := shown(l.node(i))
	if !slices.Equal(gotTaints, taints) || gotCondition != condition || len(gotENIs) != enis {
		l.Errorf("%s shows taints %q, condition %q and %d interfaces, want %q, %q and %d", nodeName(i), gotTaints, gotCondition, len(gotENIs), taints, condition, enis)
	}
}

// A node starts with the taint, loses it when its second interface is attached, keeps what others have put on it, and
// is left alone from then on.
func TestANodeShowsItsInterfaces(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.restartShowing(everythingOnNodes)
		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "InternalError", Status: 500})
		for i := range 2 {
			l.changeNode(i, func(n *corev1.Node) {
				n.Spec.Taints = []corev1.Taint{{Key: "others", Effect: corev1.TaintEffectNoSchedule}, {Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule}}
				n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue}}
				n.Annotations = map[string]string{"others": "kept"}
			})
		}
		// Node 1 is wanted by nobody: it loses the taint, and shows nothing else.
		l.changeNode(1, func(n *corev1.Node) { n.Labels = nil })
		l.ask("a", 1)
		l.ask("b", 2)
		l.pass(time.Minute)
		l.wantShown(0, []string{"others", v1alpha1.TaintNotReady}, "False NotAttached", 0)
		l.wantShown(1, []string{"others"}, "", 0)

		l.heal()
		l.pass(10 * time.Minute)
		l.wantShown(0, []string{"others"}, "True AllAttached", 2)
		if node := l.node(0); node.Annotations["others"] != "kept" || !slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
			return c.Type == corev1.NodeReady
		}) {
			t.Errorf("what others have put on the node is gone: %v, %v", node.Annotations, node.Status.Conditions)
		}
		before := l.nodeWrites()
		l.pass(time.Hour)
		if after := l.nodeWrites(); after != before {
			t.Errorf("%d writes of Nodes in a quiet hour", after-before)
		}

		l.delete("b")
		l.pass(5 * time.Minute)
		l.wantShown(0, []string{"others"}, "True AllAttached", 1)
		l.delete("a")
		l.pass(5 * time.Minute)
		l.wantShown(0, []string{"others"}, "True NoneWanted", 0)
		if _, has := l.node(0).Annotations[v1alpha1.AnnotationENIs]; has {
			t.Error("the annotation stays on a node on which nothing is wanted")
		}
	})
}

// What a person or another program wipes off a Node comes back; a taint that is put on again goes again.
func TestWhatANodeShowsIsKept(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.restartShowing(everythingOnNodes)
		l.ask("a", 1)
		l.pass(5 * time.Minute)
		l.wantShown(0, nil, "True AllAttached", 1)
		l.changeNode(0, func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule}}
			n.Status.Conditions, n.Annotations = nil, nil
		})
		l.pass(time.Minute)
		l.wantShown(0, nil, "True AllAttached", 1)
	})
}

// With retaint a node that loses an interface is tainted until it is attached again.
func TestRetaint(t *testing.T) {
	for _, retaint := range []bool{false, true} {
		inLab(t, 1, nil, func(l *lab) {
			l.restartShowing(plan.NodeOptions{Taint: v1alpha1.TaintNotReady, Retaint: retaint})
			l.ask("a", 1)
			l.pass(5 * time.Minute)
			l.wantShown(0, nil, "", 0)
			l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Effect: "error", Code: "InternalError", Status: 500})
			l.ask("b", 2)
			l.pass(time.Minute)
			var want []string
			if retaint {
				want = []string{v1alpha1.TaintNotReady}
			}
			l.wantShown(0, want, "", 0)
			l.heal()
			l.pass(10 * time.Minute)
			l.wantShown(0, nil, "", 0)
		})
	}
}

// addUnplaced adds a Node that names no EC2 instance.
func (l *lab) addUnplaced(i int, providerID string, taints ...corev1.Taint) {
	l.Helper()
	_, err := l.kube.CoreV1().Nodes().Create(l.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), UID: types.UID("uid-" + nodeName(i)), Labels: map[string]string{"ng": "multi"}},
		Spec:       corev1.NodeSpec{ProviderID: providerID, Taints: taints},
	}, metav1.CreateOptions{})
	l.must(err)
}

var startupTaint = corev1.Taint{Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule}

// A Node that can not have an interface, of Fargate say, is not tainted, and loses the taint that it started with; its
// condition says what it lacks.
func TestANodeThatCanHaveNoInterfaceIsNotTainted(t *testing.T) {
	inLab(t, 0, nil, func(l *lab) {
		showing := everythingOnNodes
		showing.Retaint = true
		l.restartShowing(showing)
		l.addUnplaced(0, "aws:///us-east-1a/0123abc/fargate-ip-10-0-1-1.ec2.internal")
		l.addUnplaced(1, "eks-hybrid:///us-east-1/prod/mi-0123456789abcdef0", startupTaint)
		l.ask("a", 1)
		l.pass(time.Minute)
		for i := range 2 {
			l.wantShown(i, nil, "False NotAttached", 0)
		}
		before := l.nodeWrites()
		l.pass(time.Hour)
		if got := l.nodeWrites() - before; got > 0 {
			t.Errorf("%d writes of Nodes in a quiet hour", got)
		}
	})
}

// A Node that has no provider ID yet keeps the taint that it started with while a NodeENI selects it, and is not given
// one.
func TestANodeWithoutAProviderIDKeepsItsTaint(t *testing.T) {
	inLab(t, 0, nil, func(l *lab) {
		showing := everythingOnNodes
		showing.Retaint = true
		l.restartShowing(showing)
		l.addUnplaced(0, "", startupTaint)
		l.addUnplaced(1, "")
		l.ask("a", 1)
		l.pass(time.Minute)
		l.wantShown(1, nil, "False NotAttached", 0)
		l.pass(time.Minute)
		l.wantShown(0, []string{v1alpha1.TaintNotReady}, "False NotAttached", 0)
		l.delete("a")
		l.pass(5 * time.Minute)
		l.wantShown(0, nil, "True NoneWanted", 0)
	})
}

// hideInterfaces has EC2's reads by ID and lists leave out all interfaces.
type hideInterfaces struct {
	Cloud
	hidden atomic.Bool
}

func (h *hideInterfaces) ListInterfaces(ctx context.Context, clusterIDs, uids []string) ([]eni.Interface, error) {
	list, err := h.Cloud.ListInterfaces(ctx, clusterIDs, uids)
	if h.hidden.Load() {
		list = nil
	}
	return list, err
}

func (h *hideInterfaces) DescribeInterfaces(ctx context.Context, ids []string) ([]eni.Interface, error) {
	list, err := h.Cloud.DescribeInterfaces(ctx, ids)
	if h.hidden.Load() {
		list = nil
	}
	return list, err
}

// An interface that EC2 has ceased to show does not make a node ready, although it is not known to be gone.
func TestAnInterfaceThatIsNotShownIsNotReady(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		hide := &hideInterfaces{}
		l.wrapCloud = func(real Cloud) Cloud {
			hide.Cloud = real
			return hide
		}
		l.restartShowing(plan.NodeOptions{Taint: v1alpha1.TaintNotReady, Retaint: true, Condition: true, Annotation: true})
		l.ask("a", 1)
		l.pass(6 * time.Minute)
		l.wantShown(0, nil, "True AllAttached", 1)
		hide.hidden.Store(true)
		for range 400 { // the next list is within five minutes
			if l.pass(time.Second); l.controller.inventory.Stats().Missing > 0 {
				break
			}
		}
		l.pass(2 * time.Second)
		l.wantShown(0, []string{v1alpha1.TaintNotReady}, "False NotAttached", 1)
		hide.hidden.Store(false)
		l.pass(time.Minute)
		l.wantShown(0, nil, "True AllAttached", 1)
		if made := l.calls("CreateNetworkInterface"); made != 1 {
			t.Errorf("%d creates, want no other interface", made)
		}
	})
}

// A spec that has become invalid, and names no subnet that there is, does not keep the other interfaces of its nodes
// from being shown, nor its own; not after a restart either.
func TestAnInvalidSpecDoesNotFreezeTheAnnotation(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.restartShowing(everythingOnNodes)
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
		l.pass(5 * time.Minute)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "subnet-none" })
		l.pass(time.Minute)
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInvalidSpec)
		l.wantShown(0, nil, "True AllAttached", 1)
		l.changeNode(0, func(n *corev1.Node) { n.Annotations = nil })
		l.restartShowing(everythingOnNodes)
		l.ask("b", 2)
		l.pass(10 * time.Minute)
		l.wantShown(0, nil, "True AllAttached", 2)
		_, _, enis := shown(l.node(0))
		if enis[0].NodeENI != "a" || enis[0].SubnetID != subnetB || enis[0].SubnetCIDR != "10.0.2.0/24" {
			t.Errorf("shown is %+v", enis)
		}
	})
}

// Nothing is written on Nodes unless a flag asks for it.
func TestNodesAreNotWrittenUnasked(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.changeNode(0, func(n *corev1.Node) {
			n.Spec.Taints = []corev1.Taint{{Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule}}
		})
		l.ask("a", 1)
		l.pass(10 * time.Minute)
		if count := l.nodeWrites(); count > 0 {
			t.Errorf("%d writes of Nodes", count)
		}
	})
}

func TestAnAddressThatMovesIsTold(t *testing.T) {
	addressed := func(address string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Status.Addresses = []corev1.NodeAddress{
				{Type: corev1.NodeHostName, Address: n.Name}, {Type: corev1.NodeInternalIP, Address: address},
			}
		}
	}
	inLab(t, 2, nil, func(l *lab) {
		l.changeNode(0, addressed("10.0.2.4"))
		l.changeNode(1, addressed("10.0.2.5"))
		l.pass(time.Second)
		l.changeNode(0, addressed("10.0.2.6")) // no interface of ours is there: not our business
		l.ask("a", 1)
		l.pass(5 * time.Minute)
		attachment := l.nodeENI("a").Status.Attachments[0]
		for len(l.events.Events) > 0 {
			if event := <-l.events.Events; strings.Contains(event, eventNodeAddressChanged) {
				t.Errorf("told without an interface: %s", event)
			}
		}
		l.changeNode(0, addressed(attachment.PrivateIP))
		l.changeNode(1, addressed("10.0.2.77"))
		l.pass(time.Minute)
		var told []string
		for len(l.events.Events) > 0 {
			told = append(told, <-l.events.Events)
		}
		slices.Sort(told)
		if len(told) != 2 || !strings.Contains(told[0]+told[1], "InternalIP was 10.0.2.6 and is "+attachment.PrivateIP+" now, the address of interface "+attachment.ENIID) ||
			!strings.Contains(told[0]+told[1], "start the kubelet with --node-ip=10.0.2.5") {
			t.Errorf("told %q", told)
		}
	})
}
