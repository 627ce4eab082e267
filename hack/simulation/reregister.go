package simulation

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
)

// This file is about kubelets that register anew while their instances live on: with another name, as after a change of
// the host's name, or without a provider ID, which an external cloud provider sets when it gets to it.

func init() {
	clusterActs = append(clusterActs, []act{
		{"a Node registers under another name", 2, (*actor).renameNode},
		{"a Node registers anew, and learns its instance late", 2, (*actor).registerAnew},
	}...)
	rareActs = append(rareActs, act{name: "a Node registers under another name while watches lag", do: (*actor).renameUnnoticed})
}

// someNodeInUse is a Node on whose instance an interface of ours is, if there is one.
func (a *actor) someNodeInUse() *corev1.Node {
	e, ok := a.someAttached()
	for _, node := range a.nodes() {
		if ok && node.Spec.ProviderID != "" && lastPart(node.Spec.ProviderID) == e.Attachment.Instance {
			return &node
		}
	}
	return a.someNode()
}

// registerAgain deletes a Node, and has its kubelet register anew a little later.
func (a *actor) registerAgain(old *corev1.Node, name, providerID string) error {
	nodes := a.user.Kube().CoreV1().Nodes()
	if err := nodes.Delete(context.Background(), old.Name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	delete(a.gone, old.Name)
	time.Sleep(between(a.Rand, 100*time.Millisecond, 3*time.Second))
	draw := a.seed.of("taints of act", a.number)
	node := a.tainted(draw, &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: old.Labels}, Spec: corev1.NodeSpec{ProviderID: providerID},
	})
	_, err := nodes.Create(context.Background(), node, metav1.CreateOptions{})
	a.register(draw, node)
	return err
}

func (a *actor) renameNode() string {
	node := a.someNodeInUse()
	if node == nil {
		return ""
	}
	name := fmt.Sprintf("renamed-%d", a.number)
	return a.said(a.registerAgain(node, name, node.Spec.ProviderID), "%s of %s is %s now", node.Name, node.Spec.ProviderID, name)
}

// renameUnnoticed has all replicas hear late of all that changes before it renames a Node: of each event so much later
// than of the one before it that a Node may seem gone for long.
func (a *actor) renameUnnoticed() string {
	for _, r := range a.replicas {
		r.setFaults(strictapi.Faults{WatchLag: strictapi.Range{Max: 2 * time.Minute}})
		time.AfterFunc(4*time.Minute, func() { r.setFaults(strictapi.Faults{}) })
	}
	return a.renameNode()
}

func (a *actor) registerAnew() string {
	node := a.someNodeInUse()
	if node == nil || node.Spec.ProviderID == "" {
		return ""
	}
	if err := a.registerAgain(node, node.Name, ""); err != nil {
		return a.said(err, "%s", node.Name)
	}
	d := between(a.Rand, 5*time.Second, 2*time.Minute)
	time.AfterFunc(d, func() {
		patch := fmt.Sprintf(`{"spec":{"providerID":%q}}`, node.Spec.ProviderID)
		_, err := a.user.Kube().CoreV1().Nodes().Patch(context.Background(), node.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
		a.trace.add(a.prefix+"ACT", "%d: %s learns that it is %s: %v", a.number, node.Name, node.Spec.ProviderID, err)
	})
	return a.said(nil, "%s without %s for %v", node.Name, node.Spec.ProviderID, d)
}
