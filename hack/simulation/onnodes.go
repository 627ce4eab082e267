package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// This file is about seeds in which Nodes are to show their interfaces: by the readiness taint, the condition, the
// annotation. What others do to these is added to what a seed has without them, so that no other seed changes.

const (
	// onNodesShare is in how many of the seeds Nodes are to show anything.
	onNodesShare = 1.0 / 6
	// leastNodeActs are how many acts on that such a seed has.
	leastNodeActs = 5
	othersTaint   = "example.com/dedicated"
)

func drawOnNodes(d dice) (o property.OnNodes) {
	r := d.of("on nodes", 0)
	if !chance(r, onNodesShare) {
		return o
	}
	o.Condition, o.Annotation = chance(r, 0.7), chance(r, 0.7)
	if chance(r, 0.8) || !o.Any() {
		o.Taint, o.Retaint = v1alpha1.TaintNotReady, chance(r, 0.4)
	}
	return o
}

// nodeActs are what is done to what Nodes show, and beside it.
var nodeActs = []act{
	{"put the readiness taint on a Node", 3, onNode(func(a *actor, n *corev1.Node) {
		n.Spec.Taints = append(without(n.Spec.Taints, isReadiness), readiness(a.Rand))
	})},
	{"take the readiness taint from a Node", 3, onNode(func(_ *actor, n *corev1.Node) {
		n.Spec.Taints = without(n.Spec.Taints, isReadiness)
	})},
	{"change another taint of a Node", 3, onNode(func(a *actor, n *corev1.Node) {
		others := without(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == othersTaint })
		if len(others) == len(n.Spec.Taints) {
			others = slices.Insert(others, a.IntN(len(others)+1), corev1.Taint{Key: othersTaint, Value: fmt.Sprint(a.number), Effect: corev1.TaintEffectNoExecute})
		}
		n.Spec.Taints = others
	})},
	{"edit the annotation of a Node", 2, onNode(func(a *actor, n *corev1.Node) {
		metav1.SetMetaDataAnnotation(&n.ObjectMeta, v1alpha1.AnnotationENIs, pick(a.Rand, []string{"", "[]", "nonsense", `[{"nodeENI":"x","eniID":"eni-0","deviceIndex":1}]`}))
		metav1.SetMetaDataAnnotation(&n.ObjectMeta, "example.com/edited", fmt.Sprint(a.number))
	})},
	{"take the annotations from a Node", 2, onNode(func(_ *actor, n *corev1.Node) { n.Annotations = nil })},
	{"overwrite the condition of a Node", 2, onNodeStatus(func(a *actor, n *corev1.Node) {
		c := corev1.NodeCondition{Type: v1alpha1.NodeConditionENIsReady, Status: pick(a.Rand, []corev1.ConditionStatus{"True", "False", "Unknown"}), Reason: "Somebody"}
		n.Status.Conditions = append(without(n.Status.Conditions, isENIsReady), c)
	})},
	{"a kubelet registers anew", 2, onNodeStatus(func(a *actor, n *corev1.Node) {
		n.Status.Conditions = []corev1.NodeCondition{{Type: corev1.NodeReady, Status: "True", Reason: fmt.Sprintf("KubeletReady%d", a.number)}}
	})},
	{"fight over what a Node shows", 1, (*actor).fightOverNode},
}

// nodeFaults are what goes wrong with Nodes.
var nodeFaults = []faultKind{{"watches lag while the taints of Nodes change", 1, (*fault).taintBehindWatches}}

// onNodes are the acts and faults that a seed has beside those that it draws, where one of its clusters shows anything.
func (s Seed) onNodes() (steps []step) {
	if !drawOnNodes(s.dice).Any() && (!chance(s.of("neighbour", 0), neighbourShare) || !drawOnNodes(s.dice^neighbourInstances).Any()) {
		return nil
	}
	for i := range leastNodeActs + s.of("node acts", 0).IntN(4) {
		number := 2000 + i // far from the others'
		r := s.of("node act", number)
		steps = append(steps, s.act(number, r, draw(r.IntN, nodeActs, func(a act) int { return a.weight })))
	}
	if r := s.of("node fault", 2000); chance(r, 0.5) {
		steps = append(steps, s.fault(2000, r, nodeFaults[0]))
	}
	return steps
}

func isReadiness(t corev1.Taint) bool { return t.Key == v1alpha1.TaintNotReady }

func isENIsReady(c corev1.NodeCondition) bool { return c.Type == v1alpha1.NodeConditionENIsReady }

// readiness is the taint with any effect: all are meant.
func readiness(r *rand.Rand) corev1.Taint {
	return corev1.Taint{Key: v1alpha1.TaintNotReady, Effect: pick(r, []corev1.TaintEffect{corev1.TaintEffectNoSchedule, corev1.TaintEffectNoSchedule, corev1.TaintEffectNoExecute})}
}

// tainted is a new Node with the taints with which it begins.
func (r *run) tainted(draw *rand.Rand, node *corev1.Node) *corev1.Node {
	if !r.world.onNodes.Any() {
		return node
	}
	node = node.DeepCopy()
	if chance(draw, 0.8) {
		node.Spec.Taints = append(node.Spec.Taints, readiness(draw))
	}
	if chance(draw, 0.3) {
		node.Spec.Taints = append(node.Spec.Taints, corev1.Taint{Key: pick(draw, property.Registering), Effect: corev1.TaintEffectNoSchedule})
	}
	return node
}

// register takes the taint from a Node, after a while, that it bore until its labels were there.
func (r *run) register(draw *rand.Rand, node *corev1.Node) {
	if !property.Bears(node, property.Registering...) {
		return
	}
	name := node.Name
	time.AfterFunc(between(draw, 10*time.Second, 5*time.Minute), func() {
		err := r.changeNode(name, false, func(n *corev1.Node) {
			n.Spec.Taints = without(n.Spec.Taints, func(t corev1.Taint) bool { return slices.Contains(property.Registering, t.Key) })
		})
		r.trace.add(r.prefix+"ACT", "node %s is registered: %v", name, err)
	})
}

// changeNode changes a Node, or its status, as one does who has just read it.
func (r *run) changeNode(name string, status bool, change func(*corev1.Node)) error {
	nodes := r.user.Kube().CoreV1().Nodes()
	node, err := nodes.Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	change(node)
	if status {
		_, err = nodes.UpdateStatus(context.Background(), node, metav1.UpdateOptions{})
	} else {
		_, err = nodes.Update(context.Background(), node, metav1.UpdateOptions{})
	}
	return err
}

// onNode makes an act of a change to some Node.
func onNode(change func(*actor, *corev1.Node)) func(*actor) string { return onSomeNode(false, change) }

// onNodeStatus makes an act of a change to the status of some Node.
func onNodeStatus(change func(*actor, *corev1.Node)) func(*actor) string {
	return onSomeNode(true, change)
}

func onSomeNode(status bool, change func(*actor, *corev1.Node)) func(*actor) string {
	return func(a *actor) string {
		node := a.someNode()
		if node == nil || !a.world.onNodes.Any() {
			return ""
		}
		err := a.changeNode(node.Name, status, func(n *corev1.Node) { change(a, n) })
		return a.said(err, "%s", node.Name)
	}
}

// taintBehindWatches puts the readiness taint on Nodes, and another one soon after, which who takes the first must not
// overlook, although watches tell of it late.
func (f *fault) taintBehindWatches() string {
	if f.world.onNodes.Taint == "" {
		return "nobody takes a taint"
	}
	const lag = 20 * time.Second
	f.watch.troubled(3 * lag)
	for _, r := range f.replicas {
		r.setFaults(strictapi.Faults{WatchLag: strictapi.Range{Min: time.Second, Max: lag}})
		time.AfterFunc(3*lag, func() { r.setFaults(strictapi.Faults{}) })
	}
	var names []string
	for _, node := range f.nodes() {
		names = append(names, node.Name)
		first := f.changeNode(node.Name, false, func(n *corev1.Node) { n.Spec.Taints = append(without(n.Spec.Taints, isReadiness), readiness(f.Rand)) })
		time.AfterFunc(between(f.Rand, time.Second, lag), func() {
			err := f.changeNode(node.Name, false, func(n *corev1.Node) {
				n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: "example.com/late", Effect: corev1.TaintEffectNoExecute})
			})
			f.trace.add(f.prefix+"ACT", "node %s has the readiness taint: %v; and another one: %v", node.Name, first, err)
		})
	}
	return fmt.Sprint(names)
}

// fightOverNode has somebody overwrite what a Node shows again and again, for a while, without having read it.
func (a *actor) fightOverNode() string {
	node := a.someNode()
	if node == nil || !a.world.onNodes.Any() {
		return ""
	}
	nodes := a.user.Kube().CoreV1().Nodes()
	annotation, _ := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{v1alpha1.AnnotationENIs: "mine"}}})
	condition, _ := json.Marshal(map[string]any{"status": map[string]any{"conditions": []corev1.NodeCondition{{Type: v1alpha1.NodeConditionENIsReady, Status: "Unknown", Reason: "Mine"}}}})
	rounds, pause, field := 10+a.IntN(20), between(a.Rand, 5*time.Second, 20*time.Second), a.IntN(3)
	strikes := []func() error{
		func() error {
			_, err := nodes.Patch(context.Background(), node.Name, types.MergePatchType, annotation, metav1.PatchOptions{})
			return err
		},
		func() error {
			_, err := nodes.Patch(context.Background(), node.Name, types.StrategicMergePatchType, condition, metav1.PatchOptions{}, "status")
			return err
		},
		func() error {
			return a.changeNode(node.Name, false, func(n *corev1.Node) {
				n.Spec.Taints = append(without(n.Spec.Taints, isReadiness), corev1.Taint{Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule})
			})
		},
	}
	go func() {
		for range rounds {
			_ = strikes[field]() // the Node may be gone
			time.Sleep(pause)
		}
	}()
	a.took = true
	return fmt.Sprintf("%s, the %s, %d rounds, one each %v", node.Name, []string{"annotation", "condition", "taint"}[field], rounds, pause)
}
