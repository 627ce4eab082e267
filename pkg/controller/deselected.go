package controller

import (
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// deselected remembers the Nodes that an edit took out of a NodeENI's selector. That is an order, unlike the loss of
// a Node's labels.
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
