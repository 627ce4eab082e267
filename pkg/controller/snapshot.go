package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// instanceIndex is the Node informer's index by EC2 instance ID.
const instanceIndex = "instance"

// unplacedIndex has the Nodes without provider ID, all under one key.
const unplacedIndex = "unplaced"

func indexUnplaced(node *corev1.Node) ([]string, error) {
	if node.Spec.ProviderID == "" {
		return []string{unplacedIndex}, nil
	}
	return nil, nil
}

func indexByInstance(node *corev1.Node) ([]string, error) {
	if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
		return []string{id}, nil
	}
	return nil, nil
}

// errNotServed is the answer to a list that finds nothing to list from: no reason to think that nothing exists.
var errNotServed = errors.New("the API server does not serve the type")

// gather makes the snapshot of one instance from the caches.
func (c *Controller) gather(instanceID string) (plan.Snapshot, error) {
	nodes, err := c.nodeIndex.ByTypedIndex(instanceIndex, instanceID)
	if err != nil {
		return plan.Snapshot{}, fmt.Errorf("looking up the nodes of instance %s: %w", instanceID, err)
	}
	interfaces := c.inventory.InterfacesOf(instanceID)
	snapshot := c.compose(instanceID, nodes, c.candidates(nodes, interfaces), interfaces)
	if len(nodes) == 0 {
		snapshot.Unplaced = c.unplaced(c.likenessOf(snapshot))
	}
	return snapshot, nil
}

// candidates are the NodeENIs in the cache that may select one of the Nodes or own one of the interfaces.
func (c *Controller) candidates(nodes []*corev1.Node, interfaces []eni.ObservedInterface) []*v1alpha1.NodeENI {
	var found []*v1alpha1.NodeENI
	for _, node := range nodes {
		c.selections.nodeENIs(node.Labels, func(name string) {
			// An indexer has no way to fail.
			if object, exists, _ := c.nodeENIIndex.GetByKey(name); exists {
				found = include(found, object.(*v1alpha1.NodeENI))
			}
		})
	}
	for owner := range owners(interfaces) {
		if !owns(found, types.UID(owner)) {
			found = append(found, c.byUID(owner)...)
		}
	}
	return found
}

// include adds the NodeENI unless the list has it.
func include(list []*v1alpha1.NodeENI, n *v1alpha1.NodeENI) []*v1alpha1.NodeENI {
	if owns(list, n.UID) {
		return list
	}
	return append(list, n)
}

// compose puts a snapshot together from the given Nodes, NodeENIs and interfaces, and the inventory.
func (c *Controller) compose(instanceID string, nodes []*corev1.Node, all []*v1alpha1.NodeENI, interfaces []eni.ObservedInterface) plan.Snapshot {
	nodes = newestFirst(nodes)
	snapshot := plan.Snapshot{
		Now:        time.Now(),
		Cluster:    c.cluster,
		InstanceID: instanceID,
		Interfaces: interfaces,
		Subnets:    c.inventory.Subnets(),
	}
	if len(nodes) > 0 {
		snapshot.Node, snapshot.Duplicates = nodes[0], nodes[1:]
	}
	switch {
	case len(snapshot.Interfaces) == 0:
		c.gone.forget(instanceID)
	case snapshot.Node != nil:
		c.gone.saw(instanceID, snapshot.Node.Name)
	}
	snapshot.NodeGoneSince = c.gone.since(instanceID, snapshot.Node == nil && len(snapshot.Interfaces) > 0, snapshot.Now)
	if instance, ok := c.inventory.Instance(instanceID); ok {
		snapshot.Instance = &instance
		snapshot.Departed = those(instance.Interfaces, c.inventory.Departed)
		snapshot.Doubted = those(instance.Interfaces, c.inventory.Doubted)
	}
	snapshot.Foreign, snapshot.AllowAdoption = c.inventory.ForeignOf(instanceID), c.allowAdoption
	snapshot.NodeENIs = concerned(all, nodes, snapshot.Interfaces)
	snapshot.Elsewhere = c.elsewhere(instanceID, snapshot.NodeENIs, snapshot.Interfaces)
	snapshot.Ownerless = c.ownerless.update(instanceID, snapshot.Interfaces, func(uid string) bool {
		return owns(snapshot.NodeENIs, types.UID(uid))
	}, snapshot.Now)
	snapshot.Deselected, snapshot.Halt = c.deselected.from(snapshot.Node, snapshot.NodeENIs), c.exodus.halted()
	snapshot.InstancesRefused, snapshot.SubnetsRefused = c.refusals.of(inventory.ReadInstances), c.refusals.of(inventory.ReadSubnets)
	c.setbacks.standing(&snapshot)
	snapshot.StuckAttaches, snapshot.DryRun = c.stuck.standing(instanceID, snapshot.NodeENIs, snapshot.Interfaces, snapshot.Now), c.dryRun
	snapshot.Contests = c.contests.standing(instanceID, snapshot.NodeENIs, snapshot.Now)
	return snapshot
}

// those are the interfaces of which it is true.
func those(interfaces []eni.InstanceInterface, is func(id string) bool) map[string]bool {
	var found map[string]bool
	for _, i := range interfaces {
		if is(i.ID) {
			if found == nil {
				found = map[string]bool{}
			}
			found[i.ID] = true
		}
	}
	return found
}

// newestFirst orders Nodes that name one instance: of several, the newest counts.
func newestFirst(nodes []*corev1.Node) []*corev1.Node {
	return slices.SortedFunc(slices.Values(nodes), func(a, b *corev1.Node) int {
		return cmp.Or(b.CreationTimestamp.Compare(a.CreationTimestamp.Time), cmp.Compare(a.Name, b.Name))
	})
}

// concerned keeps the NodeENIs that select one of the Nodes or own one of the interfaces.
func concerned(all []*v1alpha1.NodeENI, nodes []*corev1.Node, interfaces []eni.ObservedInterface) []*v1alpha1.NodeENI {
	owners := owners(interfaces)
	var kept []*v1alpha1.NodeENI
	for _, n := range all {
		if owners[string(n.UID)] || slices.ContainsFunc(nodes, func(node *corev1.Node) bool { return plan.Selects(n, node) }) {
			kept = append(kept, n)
		}
	}
	return kept
}

// owners are the UIDs of the NodeENIs whose tags the interfaces bear, or last bore.
func owners(interfaces []eni.ObservedInterface) map[string]bool {
	if len(interfaces) == 0 {
		return nil
	}
	owners := map[string]bool{}
	for i := range interfaces {
		owners[interfaces[i].Tags[eni.TagNodeENIUID]] = true
		if last := interfaces[i].LastOwner; last != nil {
			owners[last.NodeENIUID] = true
		}
	}
	return owners
}

// gatherLive is gather with what the decision about one action rests on read anew from the API server:
// its NodeENI and its Node.
func (c *Controller) gatherLive(ctx context.Context, instanceID string, action plan.Action) (plan.Snapshot, error) {
	began := time.Now()
	cached, err := c.gather(instanceID)
	if err != nil {
		return plan.Snapshot{}, err
	}
	nodeENIs, err := c.liveOwner(ctx, cached, action.NodeENI)
	if err != nil {
		return plan.Snapshot{}, err
	}
	if halt := c.exodus.halted(); halt != nil && !halt.ApprovedUntil.IsZero() && !owns(nodeENIs, action.NodeENI) {
		if _, err := c.readApproval(ctx); err != nil { // it may have been withdrawn
			return plan.Snapshot{}, err
		}
	}
	nodes, unplaced, err := c.liveNodes(ctx, cached, action)
	if err != nil {
		return plan.Snapshot{}, err
	}
	if err := recentEnough(began); err != nil {
		return plan.Snapshot{}, err
	}
	snapshot := c.compose(instanceID, nodes, nodeENIs, c.inventory.InterfacesOf(instanceID))
	snapshot.Unplaced = unplaced
	return snapshot, nil
}

// liveOwner returns the snapshot's NodeENIs with the one of the given UID read anew. It goes by the UID: the name
// in an interface's tags is for people, who may edit it. Where the cache has no such NodeENI, all are listed.
func (c *Controller) liveOwner(ctx context.Context, cached plan.Snapshot, uid types.UID) ([]*v1alpha1.NodeENI, error) {
	i := slices.IndexFunc(cached.NodeENIs, func(n *v1alpha1.NodeENI) bool { return n.UID == uid })
	if i < 0 {
		return c.liveNodeENIs(ctx)
	}
	owner, found, err := c.live.nodeENIs.read(ctx, cached.NodeENIs[i].Name)
	if err != nil {
		return nil, err
	}
	nodeENIs := slices.Delete(slices.Clone(cached.NodeENIs), i, i+1)
	if found {
		nodeENIs = append(nodeENIs, owner)
	}
	return nodeENIs, nil
}

// liveNodeENIs lists all NodeENIs.
func (c *Controller) liveNodeENIs(ctx context.Context) ([]*v1alpha1.NodeENI, error) {
	list, found, err := c.live.all.read(ctx, "")
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, errNotServed
	}
	all := make([]*v1alpha1.NodeENI, len(list.Items))
	for i := range list.Items {
		all[i] = &list.Items[i]
	}
	return all, nil
}
