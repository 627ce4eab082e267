package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// act is one kind of thing that users do to the cluster. It returns what it did, in words; empty for nothing to do.
type act struct {
	name   string
	weight int
	do     func(*actor) string
}

// actor is one act in the doing. What it draws, it draws from a source of its own.
type actor struct {
	*run
	*rand.Rand
	number int
	// took says that the act changed something.
	took bool
}

// clusterActs are what is done to Kubernetes objects.
var clusterActs = []act{
	{"create a NodeENI", 4, (*actor).createNodeENI},
	{"delete a NodeENI", 4, (*actor).deleteNodeENI},
	{"edit security groups", 3, edit(func(a *actor, n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = a.world.drawGroups(a.Rand) })},
	{"name a group that does not exist", 1, edit(func(a *actor, n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{"sg-0000000000000dead"} })},
	{"edit the device index", 3, edit(func(a *actor, n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 1 + int32(a.IntN(3)) })},
	{"edit the subnet", 3, edit(func(a *actor, n *v1alpha1.NodeENI) { n.Spec.SubnetID = pick(a.Rand, a.world.subnets).ID })},
	{"edit selector and subnet", 3, edit(func(a *actor, n *v1alpha1.NodeENI) { n.Spec.NodeSelector, n.Spec.SubnetID = a.world.drawPlace(a.Rand) })},
	{"edit the description", 2, edit(func(a *actor, n *v1alpha1.NodeENI) { n.Spec.Description = new(fmt.Sprintf("edit %d", a.number)) })},
	{"edit delete-on-termination", 2, edit(func(a *actor, n *v1alpha1.NodeENI) {
		n.Spec.DeleteOnTermination = new(n.Spec.DeleteOnTermination != nil && !*n.Spec.DeleteOnTermination)
	})},
	{"edit tags", 2, edit(func(a *actor, n *v1alpha1.NodeENI) {
		n.Spec.Tags = pick(a.Rand, []map[string]string{nil, {"team": "green"}, {"team": "red", "cost": "42"}})
	})},
	{"wipe a status", 2, (*actor).wipeStatus},
	{"relabel a Node", 4, (*actor).relabel},
	{"take the labels from all Nodes", 1, (*actor).unlabelAll},
	{"delete a Node", 2, (*actor).deleteNode},
	{"bring a Node back", 3, (*actor).bringNodeBack},
	{"replace a Node", 3, (*actor).replaceNode},
}

// edit makes an act of a change to the spec of some NodeENI.
func edit(change func(*actor, *v1alpha1.NodeENI)) func(*actor) string {
	return func(a *actor) string {
		n := a.someNodeENI()
		if n == nil {
			return ""
		}
		change(a, n)
		_, err := a.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Update(context.Background(), n, metav1.UpdateOptions{})
		data, _ := json.Marshal(n.Spec)
		return a.said(err, "%s is to be %s", n.Name, data)
	}
}

// said is what an act says about what it did.
func (a *actor) said(err error, format string, args ...any) string {
	text := fmt.Sprintf(format, args...)
	if err != nil {
		return fmt.Sprintf("%s: %v", text, err)
	}
	a.took = true
	return text
}

// someNodeENI is one that is not being deleted.
func (a *actor) someNodeENI() *v1alpha1.NodeENI {
	list := a.nodeENIs()
	if len(list) == 0 {
		return nil
	}
	n := pick(a.Rand, list)
	if n.DeletionTimestamp != nil {
		return nil
	}
	return &n
}

func (a *actor) someNode() *corev1.Node {
	list := a.nodes()
	if len(list) == 0 {
		return nil
	}
	return new(pick(a.Rand, list))
}

func (a *actor) createNodeENI() string {
	n := a.world.newNodeENI(a.Rand, fmt.Sprintf("eni-%d", a.number))
	_, err := a.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Create(context.Background(), n, metav1.CreateOptions{})
	data, _ := json.Marshal(n.Spec)
	return a.said(err, "%s %s", n.Name, data)
}

func (a *actor) deleteNodeENI() string {
	n := a.someNodeENI()
	if n == nil {
		return ""
	}
	err := a.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Delete(context.Background(), n.Name, metav1.DeleteOptions{})
	return a.said(err, "%s", n.Name)
}

func (a *actor) wipeStatus() string {
	n := a.someNodeENI()
	if n == nil {
		return ""
	}
	n.Status = v1alpha1.NodeENIStatus{}
	_, err := a.user.NodeENIs().NetworkingV1alpha1().NodeENIs().UpdateStatus(context.Background(), n, metav1.UpdateOptions{})
	return a.said(err, "%s", n.Name)
}

// label patches a Node's label; an empty value takes it away.
func (a *actor) label(node, key, value string) error {
	data, _ := json.Marshal(value)
	if value == "" {
		data = []byte("null")
	}
	patch := fmt.Sprintf(`{"metadata":{"labels":{%q:%s}}}`, key, data)
	_, err := a.user.Kube().CoreV1().Nodes().Patch(context.Background(), node, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

func (a *actor) relabel() string {
	node := a.someNode()
	if node == nil {
		return ""
	}
	key, value := "ng", pick(a.Rand, []string{"multi", "", "other"})
	if chance(a.Rand, 0.4) {
		key, value = "tier", pick(a.Rand, []string{"x", "y", ""})
	}
	return a.said(a.label(node.Name, key, value), "%s %s=%s", node.Name, key, value)
}

// unlabelAll is the label controller gone mad. It comes to its senses after a while.
func (a *actor) unlabelAll() string {
	for _, node := range a.nodes() {
		for _, key := range []string{"ng", "tier", "zone"} {
			if err := a.label(node.Name, key, ""); err != nil {
				return a.said(err, "%s", node.Name)
			}
		}
	}
	return a.said(nil, "ng, tier and zone")
}

func (a *actor) deleteNode() string {
	node := a.someNode()
	if node == nil {
		return ""
	}
	a.gone[node.Name] = node
	err := a.user.Kube().CoreV1().Nodes().Delete(context.Background(), node.Name, metav1.DeleteOptions{})
	return a.said(err, "%s; its instance %s lives on", node.Name, node.Spec.ProviderID)
}

// bringNodeBack creates a Node again that was deleted, as its kubelet does, or gives one its labels again.
func (a *actor) bringNodeBack() string {
	for _, old := range a.world.nodes {
		node := a.gone[old.Name]
		if node == nil {
			continue
		}
		delete(a.gone, old.Name)
		return a.createNode(newNode(node.Name, old.Labels["zone"], lastPart(node.Spec.ProviderID), old.Labels))
	}
	node := pick(a.Rand, a.world.nodes)
	for key, value := range node.Labels {
		if err := a.label(node.Name, key, value); err != nil {
			return a.said(err, "%s", node.Name)
		}
	}
	return a.said(nil, "%s has its first labels again", node.Name)
}

func (a *actor) createNode(node *corev1.Node) string {
	draw := a.seed.of("taints of act", a.number) // not from what the rest of the act is drawn from
	node = a.tainted(draw, node)
	_, err := a.user.Kube().CoreV1().Nodes().Create(context.Background(), node, metav1.CreateOptions{})
	a.register(draw, node)
	return a.said(err, "%s with %s", node.Name, node.Spec.ProviderID)
}

// replaceNode terminates a Node's instance, and after a while the name comes back with another instance.
func (a *actor) replaceNode() string {
	node := a.someNode()
	if node == nil {
		return ""
	}
	id := lastPart(node.Spec.ProviderID)
	a.control("POST", "instances/"+id+"/terminate", nil)
	time.Sleep(between(a.Rand, time.Second, time.Minute))
	err := a.user.Kube().CoreV1().Nodes().Delete(context.Background(), node.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return a.said(err, "%s", node.Name)
	}
	delete(a.gone, node.Name)
	time.Sleep(between(a.Rand, time.Second, time.Minute))
	zone := a.zoneOf(node)
	next := fmt.Sprintf("i-%017x", 0x1000+a.number)
	answer := a.control("POST", "instances", map[string]any{
		"id": next, "type": pick(a.Rand, instanceTypes), "subnet": a.world.subnets[3*zone].ID, "state": "running",
	})
	return fmt.Sprintf("%s: %s is terminated (%s); %s", node.Name, id, answer, a.createNode(newNode(node.Name, a.world.zones[zone], next, node.Labels)))
}

// zoneOf is the number of the zone of a Node of the world; its labels may have been taken away.
func (a *actor) zoneOf(node *corev1.Node) int {
	for i, zone := range a.world.zones {
		for _, first := range a.world.nodes {
			if first.Name == node.Name && first.Labels["zone"] == zone {
				return i
			}
		}
	}
	return 0
}
