package controller

import (
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// deselected remembers the Nodes that an edit took out of a NodeENI's selector. That is an order, unlike the loss of
// a Node's labels. So that the next leader can tell the two apart, former selectors are recorded in an annotation until
// what they alone selected has gone.
type deselected struct {
	mu    sync.Mutex
	byUID map[types.UID]map[types.UID]bool
}

// edited takes in that a NodeENI's selector was edited. nodes are those that the former one selected.
func (d *deselected) edited(n *v1alpha1.NodeENI, nodes []*corev1.Node) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, node := range nodes {
		if plan.Selects(n, node) {
			continue
		}
		if d.byUID == nil {
			d.byUID = map[types.UID]map[types.UID]bool{}
		}
		if d.byUID[n.UID] == nil {
			d.byUID[n.UID] = map[types.UID]bool{}
		}
		d.byUID[n.UID][node.UID] = true
	}
}

// has reports whether an edit took the Node out of the NodeENI's selector.
func (d *deselected) has(nodeENI, node types.UID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.byUID[nodeENI][node]
}

// from returns the UIDs of the NodeENIs from which an edit took the Node. One that selects it again has forgotten.
func (d *deselected) from(node *corev1.Node, nodeENIs []*v1alpha1.NodeENI) map[types.UID]bool {
	if node == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var found map[types.UID]bool
	for _, n := range nodeENIs {
		switch {
		case !d.byUID[n.UID][node.UID]:
		case plan.Selects(n, node):
			delete(d.byUID[n.UID], node.UID)
		default:
			if found == nil {
				found = map[types.UID]bool{}
			}
			found[n.UID] = true
		}
	}
	return found
}

// resumeEdits takes in the edits that were made under the leader before, or while nobody led, and are not carried out yet.
func (c *Controller) resumeEdits() {
	for _, n := range c.allNodeENIs() {
		for _, former := range plan.FormerSelectors(n) {
			c.deselected.edited(n, slices.DeleteFunc(c.allNodes(), func(node *corev1.Node) bool { return !plan.Matches(former, node.Labels) }))
		}
	}
}

// standingSelectors are the recorded former selectors of which the next leader must know: they select a Node which an
// edit has taken out and that still has its interface. Not so where they would also explain away that another Node has
// lost its labels since.
func (c *Controller) standingSelectors(n *v1alpha1.NodeENI) []map[string]string {
	former := plan.FormerSelectors(n)
	if len(former) == 0 {
		return nil // as nearly always; else every interface has to be looked at
	}
	var ordered, lost []*corev1.Node
	own := c.inventory.InterfacesOfNodeENI(string(n.UID))
	for i := range own {
		if own[i].Attachment == nil || own[i].Attachment.Status == eni.Detaching {
			continue
		}
		// An index has no way to fail.
		nodes, _ := c.nodeIndex.ByTypedIndex(instanceIndex, own[i].Attachment.InstanceID)
		for _, node := range nodes {
			switch {
			case plan.Selects(n, node):
			case c.deselected.has(n.UID, node.UID):
				ordered = append(ordered, node)
			default:
				lost = append(lost, node)
			}
		}
	}
	return slices.DeleteFunc(former, func(s map[string]string) bool { return !matchesAny(s, ordered) || matchesAny(s, lost) })
}

func matchesAny(selector map[string]string, nodes []*corev1.Node) bool {
	return slices.ContainsFunc(nodes, func(node *corev1.Node) bool { return plan.Matches(selector, node.Labels) })
}

// forgetNode drops a Node that is gone, forget a NodeENI.
func (d *deselected) forgetNode(uid types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, nodes := range d.byUID {
		delete(nodes, uid)
	}
}

func (d *deselected) forget(uid types.UID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.byUID, uid)
}
