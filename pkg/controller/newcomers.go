package controller

import "sync"

// newcomers are the instances whose Nodes have come, or have got other labels, and have not got yet what that gives them.
// What is done for many at once - all Nodes of a NodeENI that was edited - makes nobody one.
type newcomers struct {
	mu  sync.Mutex
	ids map[string]bool
}

func (n *newcomers) add(instanceID string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ids == nil {
		n.ids = map[string]bool{}
	}
	n.ids[instanceID] = true
}

// served is called when there is nothing to be done for the instance.
func (n *newcomers) served(instanceID string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.ids, instanceID)
}

func (n *newcomers) has(instanceID string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ids[instanceID]
}
