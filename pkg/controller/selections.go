package controller

import (
	"maps"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// selections knows which Nodes each selector of a NodeENI selects, so that what happens to a Node costs as much as
// there are selectors that could match it, and what happens to a NodeENI as much as it has Nodes. It is kept by the
// informers' handlers; NodeENIs with the same selector share a selection. Only a selector that no NodeENI had before
// is held against all Nodes, once.
//
// It tells candidates: what an object in the informers' caches really says is for those to look at who ask.
type selections struct {
	mu sync.RWMutex
	// bySelector has the selections by their selector's canonical form, byNodeENI and byNode by the names of those
	// who are part of them.
	bySelector map[string]*selection
	byNodeENI  map[string]*selection
	byNode     map[string][]*selection
	// byLabel has each selection under one label of its selector: a Node that it selects bears that label.
	byLabel map[label][]*selection
}

type label struct{ key, value string }

type selection struct {
	selector map[string]string
	filed    label
	nodeENIs map[string]struct{}
	nodes    map[string]struct{}
}

// nodeENI takes in a NodeENI as it is now. all lists the Nodes; it is called for a selector that is new.
func (s *selections) nodeENI(n *v1alpha1.NodeENI, all func() []*corev1.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.byNodeENI[n.Name]
	if before != nil && maps.Equal(before.selector, n.Spec.NodeSelector) {
		return
	}
	s.leave(n.Name)
	if len(n.Spec.NodeSelector) == 0 {
		return
	}
	now, known := s.bySelector[canonical(n.Spec.NodeSelector)]
	if !known {
		now = s.add(n.Spec.NodeSelector)
		// With the lock held: the handler of a Node that is not listed yet comes afterwards.
		for _, node := range all() {
			s.match(node)
		}
	}
	now.nodeENIs[n.Name] = struct{}{}
	s.byNodeENI[n.Name] = now
}

// forgetNodeENI drops a NodeENI that is gone.
func (s *selections) forgetNodeENI(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.leave(name)
}

// node takes in a Node as it is now.
func (s *selections) node(node *corev1.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.match(node)
}

// forgetNode drops a Node that is gone.
func (s *selections) forgetNode(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, of := range s.byNode[name] {
		delete(of.nodes, name)
	}
	delete(s.byNode, name)
}

// nodes are the names of the Nodes that the NodeENI selects; false when its selector is not known.
func (s *selections) nodes(n *v1alpha1.NodeENI) (names []string, known bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	of := s.byNodeENI[n.Name]
	if of == nil || !maps.Equal(of.selector, n.Spec.NodeSelector) {
		if of = s.bySelector[canonical(n.Spec.NodeSelector)]; of == nil {
			return nil, false
		}
	}
	names = make([]string, 0, len(of.nodes))
	for name := range of.nodes {
		names = append(names, name)
	}
	return names, true
}

// nodeENIs calls found for the name of each NodeENI whose selector a Node's labels match.
func (s *selections) nodeENIs(labels map[string]string, found func(name string)) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for of := range s.matching(labels) {
		for name := range of.nodeENIs {
			found(name)
		}
	}
}

// matching yields the selections that a Node with such labels is part of.
func (s *selections) matching(labels map[string]string) func(yield func(*selection) bool) {
	return func(yield func(*selection) bool) {
		for key, value := range labels {
			for _, of := range s.byLabel[label{key, value}] {
				if plan.Matches(of.selector, labels) && !yield(of) {
					return
				}
			}
		}
	}
}

// match has the Node be in the selections that match it, and in no other.
func (s *selections) match(node *corev1.Node) {
	var now []*selection
	for of := range s.matching(node.Labels) {
		now = append(now, of)
		of.nodes[node.Name] = struct{}{}
	}
	for _, of := range s.byNode[node.Name] {
		if !slices.Contains(now, of) {
			delete(of.nodes, node.Name)
		}
	}
	if len(now) == 0 {
		delete(s.byNode, node.Name)
		return
	}
	if s.byNode == nil {
		s.byNode = map[string][]*selection{}
	}
	s.byNode[node.Name] = now
}

// add makes a selection. It is filed under that label of its selector under which there are fewest.
func (s *selections) add(selector map[string]string) *selection {
	if s.bySelector == nil {
		s.bySelector, s.byNodeENI, s.byLabel = map[string]*selection{}, map[string]*selection{}, map[label][]*selection{}
	}
	made := &selection{selector: selector, nodeENIs: map[string]struct{}{}, nodes: map[string]struct{}{}}
	fewest := -1
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		under := label{key, selector[key]}
		if count := len(s.byLabel[under]); fewest < 0 || count < fewest {
			made.filed, fewest = under, count
		}
	}
	s.bySelector[canonical(selector)] = made
	s.byLabel[made.filed] = append(s.byLabel[made.filed], made)
	return made
}

// leave takes a NodeENI out of its selection, and the selection away when it was the last.
func (s *selections) leave(nodeENI string) {
	of := s.byNodeENI[nodeENI]
	if of == nil {
		return
	}
	delete(s.byNodeENI, nodeENI)
	delete(of.nodeENIs, nodeENI)
	if len(of.nodeENIs) > 0 {
		return
	}
	isOf := func(other *selection) bool { return other == of }
	for name := range of.nodes {
		if s.byNode[name] = slices.DeleteFunc(s.byNode[name], isOf); len(s.byNode[name]) == 0 {
			delete(s.byNode, name)
		}
	}
	if s.byLabel[of.filed] = slices.DeleteFunc(s.byLabel[of.filed], isOf); len(s.byLabel[of.filed]) == 0 {
		delete(s.byLabel, of.filed)
	}
	delete(s.bySelector, canonical(of.selector))
}

// canonical is one text for equal selectors. No label holds a line feed.
func canonical(selector map[string]string) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		text.WriteString(key)
		text.WriteByte('=')
		text.WriteString(selector[key])
		text.WriteByte('\n')
	}
	return text.String()
}
