package controller

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// uidIndex is the NodeENI informer's index by UID, which is what the tags of an interface name.
const uidIndex = "uid"

func indexByUID(n *v1alpha1.NodeENI) ([]string, error) { return []string{string(n.UID)}, nil }

// addHandlers has the informers call the handlers below, which turn events into keys and do no I/O. It
// returns what tells that the handlers have seen the informers' first lists, and what removes them.
func (c *Controller) addHandlers() (synced []cache.InformerSynced, remove func(), err error) {
	nodes, errNodes := c.nodeInformer.TypedInformer().AddTypedEventHandler(cache.TypedResourceEventHandlerFuncs[*corev1.Node]{
		AddFunc:    c.nodeAdded,
		UpdateFunc: c.nodeUpdated,
		DeleteFunc: c.nodeDeleted,
	})
	nodeENIs, errNodeENIs := c.nodeENIInformer.TypedInformer().AddTypedEventHandler(cache.TypedResourceEventHandlerFuncs[*v1alpha1.NodeENI]{
		AddFunc:    c.nodeENIAdded,
		UpdateFunc: c.nodeENIUpdated,
		DeleteFunc: c.nodeENIDeleted,
	})
	if err := errors.Join(errNodes, errNodeENIs); err != nil {
		return nil, nil, fmt.Errorf("adding event handlers: %w", err)
	}
	remove = func() {
		// Fails only for a handler that is gone already.
		_ = c.nodeInformer.Informer().RemoveEventHandler(nodes)
		_ = c.nodeENIInformer.Informer().RemoveEventHandler(nodeENIs)
	}
	return []cache.InformerSynced{nodes.HasSynced, nodeENIs.HasSynced}, remove, nil
}

func (c *Controller) nodeAdded(node *corev1.Node) {
	c.selections.node(node)
	c.welcome(node)
	c.enqueueNode(node)
}

// welcome has the Node's instance served among the first.
func (c *Controller) welcome(node *corev1.Node) {
	if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
		c.newcomers.add(id)
	}
}

func (c *Controller) nodeUpdated(old, node *corev1.Node) {
	c.noticeMoved(old, node)
	if old.UID != node.UID {
		c.forgetNode(old.UID) // deleted and made again, without an event between
	}
	if c.nodeEdits.concern(old, node) {
		c.noticeNodeUndone(old, node)
		c.nodeQueue.Add(node.Name)
	}
	if old.UID == node.UID && old.Spec.ProviderID == node.Spec.ProviderID && maps.Equal(old.Labels, node.Labels) {
		return // a heartbeat
	}
	c.selections.node(node)
	c.welcome(node)
	c.enqueueNode(old)
	c.enqueueNode(node)
}

func (c *Controller) nodeDeleted(deleted cache.DeletedObject[*corev1.Node]) {
	c.selections.forgetNode(deleted.GetName())
	if deleted.OptionalObj != nil {
		c.forgetNode(deleted.OptionalObj.UID)
		c.enqueueNode(deleted.OptionalObj)
		return
	}
	// The informer can not say which instance it was: look at everything that has interfaces of ours.
	for _, id := range c.inventory.InstanceKeys() {
		c.enqueueInstance(id)
	}
}

// forgetNode drops what is remembered of a Node that is gone.
func (c *Controller) forgetNode(uid types.UID) {
	c.deselected.forgetNode(uid)
	c.nodeEdits.forget(uid)
	c.contests.forget(uid)
}

func (c *Controller) nodeENIAdded(n *v1alpha1.NodeENI) {
	c.selections.nodeENI(n, c.allNodes)
	c.enqueueNodeENI(n)
}

func (c *Controller) nodeENIUpdated(old, n *v1alpha1.NodeENI) {
	if reselected := !maps.Equal(old.Spec.NodeSelector, n.Spec.NodeSelector); reselected || old.UID != n.UID {
		if reselected && old.UID == n.UID {
			c.deselected.edited(n, c.selectedNodes(old))
		}
		c.enqueueNodeENI(old) // what it had, which n may not have any more
	}
	if old.UID != n.UID {
		c.forget(old.UID) // deleted and made again, without an event between
	} else if old.Generation != n.Generation {
		c.edits.begin(n.UID, time.Now())
	}
	c.selections.nodeENI(n, c.allNodes)
	c.noticeUndone(old, n)
	if old.Annotations[v1alpha1.AnnotationAdopt] != n.Annotations[v1alpha1.AnnotationAdopt] {
		c.inventory.RereadForeign(c.instancesOf(n)...) // what it names may have been mended for it
	}
	switch {
	case old.UID != n.UID || old.Generation != n.Generation || old.DeletionTimestamp.IsZero() != n.DeletionTimestamp.IsZero() ||
		!slices.Equal(old.Finalizers, n.Finalizers) || !maps.Equal(old.Annotations, n.Annotations):
		c.enqueueNodeENI(n)
	case sameStatus(&old.Status, &n.Status) || c.written.wrote(n):
		// nothing of ours, or the echo of our own write
	default:
		c.enqueueStatus(n.Name)
	}
}

func (c *Controller) nodeENIDeleted(deleted cache.DeletedObject[*v1alpha1.NodeENI]) {
	defer c.selections.forgetNodeENI(deleted.GetName())
	if deleted.OptionalObj == nil {
		for _, id := range c.inventory.InstanceKeys() {
			c.enqueueInstance(id)
		}
		return
	}
	c.forget(deleted.OptionalObj.UID)
	c.enqueueNodeENI(deleted.OptionalObj)
}

// forget drops what is remembered of a NodeENI that is gone.
func (c *Controller) forget(uid types.UID) {
	c.confirmed.forget(uid)
	c.setbacks.forget(uid)
	c.tokens.forget(uid)
	c.told.forget(uid)
	c.written.forget(uid)
	c.deselected.forget(uid)
	c.stuck.forget(uid)
	c.complaints.news(uid, "")
	c.adoptions.take(uid)
	c.contests.forget(uid)
	c.tallies.forget(uid)
	c.waits.forget(uid)
}

// inventoryChanged is called when EC2 shows something else than before, or has answered a refresh.
func (c *Controller) inventoryChanged(change inventory.Change) {
	c.preflight.look()
	for _, id := range change.Instances {
		c.enqueueInstance(id)
	}
	for _, uid := range change.NodeENIUIDs {
		for _, n := range c.byUID(uid) {
			c.enqueueStatus(n.Name)
		}
	}
	if len(change.Subnets) == 0 {
		return
	}
	for _, n := range c.allNodeENIs() {
		// Where the spec is invalid the interfaces that there are may be in any subnet.
		if slices.Contains(change.Subnets, n.Spec.SubnetID) || len(plan.Validate(n)) > 0 {
			c.enqueueNodeENI(n)
		}
	}
}

// enqueueNode has everything looked at that a Node's labels or instance decide.
func (c *Controller) enqueueNode(node *corev1.Node) {
	if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
		c.enqueueInstance(id)
	} else if c.nodeEdits.options.Any() {
		c.nodeQueue.Add(node.Name) // no instance key stands for it
	}
	c.selections.nodeENIs(node.Labels, c.enqueueStatus)
}

// enqueueInstance adds the key to the queues that may have something to do. What either finds for the
// other side it hands over.
func (c *Controller) enqueueInstance(id string) {
	c.told.changed(id)
	if id != "" {
		c.attachQueue.Add(id)
	}
	if c.inventory.HasInterfaces(id) {
		c.cleanupQueue.Add(id)
	}
}

// enqueueNodeENI has everything looked at that a NodeENI decides: the instances it selects, those on which
// it has interfaces, and its own status.
func (c *Controller) enqueueNodeENI(n *v1alpha1.NodeENI) {
	c.preflight.look()
	for _, node := range c.selectedNodes(n) {
		if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
			c.enqueueInstance(id)
		} else if c.nodeEdits.options.Any() {
			c.nodeQueue.Add(node.Name)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(c.inventory.InstancesOfNodeENI(string(n.UID)))) {
		c.enqueueInstance(id)
	}
	c.enqueueStatus(n.Name)
}

// enqueueStatus has a status written, at most once for each statusInterval.
func (c *Controller) enqueueStatus(name string) {
	if wait := time.Until(c.written.due(name)); wait > 0 {
		c.statusQueue.AddAfter(name, wait)
		return
	}
	c.statusQueue.Add(name)
}

// enqueueStatuses has every status looked at.
func (c *Controller) enqueueStatuses() {
	for _, n := range c.allNodeENIs() {
		c.enqueueStatus(n.Name)
	}
}

// tellNews has the statuses written of which a plan says something else than they do, but for that which is being made.
func (c *Controller) tellNews(planned uint64, snapshot plan.Snapshot, result plan.Result, inTheMaking types.UID) {
	for _, uid := range c.told.record(snapshot.InstanceID, planned, snapshot.NodeENIs, result) {
		if uid == inTheMaking {
			continue
		}
		found := c.byUID(string(uid))
		if len(found) == 0 {
			c.told.forget(uid) // it went while its status was being made
		}
		for _, n := range found {
			c.enqueueStatus(n.Name)
		}
	}
}

// selectedNodes are the Nodes that bear every label of the selector, whether the NodeENI is being deleted
// or not: that is for the plan to weigh.
func (c *Controller) selectedNodes(n *v1alpha1.NodeENI) []*corev1.Node {
	if len(n.Spec.NodeSelector) == 0 {
		return nil
	}
	names, known := c.selections.nodes(n)
	if !known { // its selector has been edited, or its handler is still to be called
		return slices.DeleteFunc(c.allNodes(), func(node *corev1.Node) bool { return !plan.Matches(n.Spec.NodeSelector, node.Labels) })
	}
	nodes := make([]*corev1.Node, 0, len(names))
	for _, name := range names {
		if node, err := c.nodes.Get(name); err == nil && plan.Matches(n.Spec.NodeSelector, node.Labels) {
			nodes = append(nodes, node)
		}
	}
	return nodes
}

func (c *Controller) allNodes() []*corev1.Node {
	// A lister over an indexer has no way to fail.
	all, _ := c.nodes.List(labels.Everything())
	return all
}

func (c *Controller) allNodeENIs() []*v1alpha1.NodeENI {
	all, _ := c.nodeENIs.List(labels.Everything())
	return all
}

func (c *Controller) byUID(uid string) []*v1alpha1.NodeENI {
	found, _ := c.nodeENIIndex.ByTypedIndex(uidIndex, uid)
	return found
}

// instancesOf are those of the Nodes that a NodeENI selects.
func (c *Controller) instancesOf(n *v1alpha1.NodeENI) (ids []string) {
	for _, node := range c.selectedNodes(n) {
		if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
			ids = append(ids, id)
		}
	}
	return ids
}

// matchedInstances are the instances that the inventory keeps described: those of Nodes which a NodeENI
// selects.
func (c *Controller) matchedInstances() []string {
	ids := map[string]bool{}
	for _, n := range c.allNodeENIs() {
		for _, id := range c.instancesOf(n) {
			ids[id] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// wantedSubnets are the subnets that the inventory keeps described.
func (c *Controller) wantedSubnets() []string {
	ids := map[string]bool{}
	for _, n := range c.allNodeENIs() {
		ids[n.Spec.SubnetID] = true
	}
	return slices.Sorted(maps.Keys(ids))
}
