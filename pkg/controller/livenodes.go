package controller

import (
	"cmp"
	"context"
	"slices"
	"time"

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
	// unplaced are those that have no provider ID, in the order of their names.
	unplaced []*corev1.Node
}

func sortNodes(list *corev1.NodeList) *nodesByInstance {
	sorted := &nodesByInstance{naming: map[string][]*corev1.Node{}}
	for i := range list.Items {
		node := &list.Items[i]
		if node.Spec.ProviderID == "" {
			sorted.unplaced = append(sorted.unplaced, &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: node.Name, CreationTimestamp: node.CreationTimestamp},
				Status:     corev1.NodeStatus{Addresses: node.Status.Addresses},
			})
		} else if id, ok := plan.InstanceID(node.Spec.ProviderID); ok {
			sorted.naming[id] = append(sorted.naming[id], &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: node.Name, UID: node.UID, Labels: node.Labels, CreationTimestamp: node.CreationTimestamp},
				Spec:       corev1.NodeSpec{ProviderID: node.Spec.ProviderID},
			})
		}
	}
	slices.SortFunc(sorted.unplaced, byName)
	return sorted
}

func byName(a, b *corev1.Node) int { return cmp.Compare(a.Name, b.Name) }

// likenessOf is by what the Node of an instance may be told when it comes again: the name that it had last, those for which
// its interfaces were made, and what EC2 says of the instance.
func (c *Controller) likenessOf(s plan.Snapshot) plan.Likeness {
	names := map[string]bool{c.gone.last(s.InstanceID): true}
	l := plan.Likeness{InstanceID: s.InstanceID, Names: names, Addresses: map[string]bool{}, NodeGoneSince: s.NodeGoneSince}
	if s.Instance != nil {
		l.DNSName, l.Addresses[s.Instance.PrivateIP] = s.Instance.PrivateDNSName, true
	}
	for i := range s.Interfaces {
		iface := &s.Interfaces[i]
		if iface.Tags[eni.TagInstanceID] == s.InstanceID {
			l.Names[iface.Tags[eni.TagNodeName]] = true
		}
		if iface.Attachment != nil && iface.Attachment.InstanceID == s.InstanceID {
			l.Addresses[iface.PrivateIP] = true
		}
	}
	delete(l.Names, "")
	delete(l.Addresses, "")
	return l
}

// unplaced is the first Node without provider ID in the cache that may be the instance's; empty when none may.
func (c *Controller) unplaced(like plan.Likeness) string {
	nodes, err := c.nodeIndex.ByTypedIndex(unplacedIndex, unplacedIndex)
	if err != nil {
		return "" // the index is there
	}
	return firstLike(slices.SortedFunc(slices.Values(nodes), byName), like)
}

// firstLike is the name of the first of the Nodes that may be the instance's.
func firstLike(nodes []*corev1.Node, like plan.Likeness) string {
	now := time.Now()
	i := slices.IndexFunc(nodes, func(node *corev1.Node) bool { return like.MayBe(node, now) })
	if i < 0 {
		return ""
	}
	return nodes[i].Name
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
	like := c.likenessOf(cached)
	if action.NodeName != "" {
		like.Names[action.NodeName] = true
	}
	return all.naming[cached.InstanceID], firstLike(all.unplaced, like), nil
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
