package controller

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// This file is how it is found out which Node an instance has, or that it has none. Names do not tell it: a kubelet may
// register under another one, and one that registers anew under its own may not know its instance at first.

// nodesByInstance is a list of all Nodes, as far as a plan looks at them: it is kept until the next one is made.
type nodesByInstance struct {
	naming map[string][]*corev1.Node
	// unplaced are the names of those that have no provider ID.
	unplaced map[string]bool
}

func sortNodes(list *corev1.NodeList) *nodesByInstance {
	sorted := &nodesByInstance{naming: map[string][]*corev1.Node{}, unplaced: map[string]bool{}}
	for i := range list.Items {
		node := &list.Items[i]
		if node.Spec.ProviderID == "" {
			sorted.unplaced[node.Name] = true
		} else if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
			sorted.naming[id] = append(sorted.naming[id], &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, Labels: node.Labels, CreationTimestamp: node.CreationTimestamp},
				Spec:       corev1.NodeSpec{ProviderID: node.Spec.ProviderID},
			})
		}
	}
	return sorted
}

// namesOf are the names under which the Node of an instance may come again: the one that it had last, and those for
// which its interfaces were made.
func (c *Controller) namesOf(instanceID string, interfaces []eni.ObservedInterface) map[string]bool {
	names := map[string]bool{c.gone.last(instanceID): true}
	for i := range interfaces {
		if tags := interfaces[i].Tags; tags[eni.TagInstanceID] == instanceID {
			names[tags[eni.TagNodeName]] = true
		}
	}
	delete(names, "")
	return names
}

// unplaced is the first of the names that a Node without provider ID has in the cache; empty when none has.
func (c *Controller) unplaced(names map[string]bool) string {
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if node, err := c.nodes.Get(name); err == nil && node.Spec.ProviderID == "" {
			return name
		}
	}
	return ""
}

// liveNodes reads the Nodes that name the instance: one by one those of which the cache says so, and where none of them
// does, all. Only a list of all shows that there is none, and whether there is one that may turn out to be it.
func (c *Controller) liveNodes(ctx context.Context, cached plan.Snapshot, action plan.Action) (nodes []*corev1.Node, unplaced string, err error) {
	if nodes, err = c.liveKnown(ctx, cached); err != nil || len(nodes) > 0 {
		return nodes, "", err
	}
	if cached.Instance != nil && cached.Instance.State.Dying() {
		return nil, "", nil // no Node brings it back, and those of many may go at once
	}
	all, found, err := c.live.allNodes.read(ctx, "")
	if err != nil {
		return nil, "", err
	}
	if !found {
		return nil, "", errNotServed
	}
	names := c.namesOf(cached.InstanceID, cached.Interfaces)
	names[action.NodeName] = true
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if all.unplaced[name] {
			unplaced = name
			break
		}
	}
	return all.naming[cached.InstanceID], unplaced, nil
}

// liveKnown reads those Nodes that name the instance in the cache, and keeps those that do.
func (c *Controller) liveKnown(ctx context.Context, cached plan.Snapshot) (nodes []*corev1.Node, err error) {
	known := slices.Clone(cached.Duplicates)
	if cached.Node != nil {
		known = append(known, cached.Node)
	}
	for _, node := range known {
		live, found, err := c.live.nodes.read(ctx, node.Name)
		if err != nil {
			return nil, err
		}
		if !found {
			continue
		}
		if id, ok := plan.InstanceID(live.Spec.ProviderID); ok && id == cached.InstanceID {
			nodes = append(nodes, live)
		}
	}
	return nodes, nil
}
