package controller

import (
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// goneNodes remembers since when no Node names an instance: an instance's state counts as evidence for
// "the Node is gone" only when it was described after that.
type goneNodes struct {
	mu    sync.Mutex
	times map[string]time.Time
	// names are the Nodes that named the instances last: what an interface's tags say of that can be edited.
	names map[string]string
}

// saw remembers the name of the Node of an instance on which interfaces of ours are.
func (g *goneNodes) saw(instanceID, name string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.names == nil {
		g.names = map[string]string{}
	}
	g.names[instanceID] = name
}

// last is the name of the Node that named the instance last; empty when this process has seen none.
func (g *goneNodes) last(instanceID string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.names[instanceID]
}

// forget drops an instance on which no interface of ours is.
func (g *goneNodes) forget(instanceID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.names, instanceID)
}

// since records whether interfaces of ours are on an instance that no Node names now, and returns since when;
// zero when that is not so.
func (g *goneNodes) since(instanceID string, orphaned bool, now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !orphaned {
		delete(g.times, instanceID)
		return time.Time{}
	}
	if at, ok := g.times[instanceID]; ok {
		return at
	}
	if g.times == nil {
		g.times = map[string]time.Time{}
	}
	g.times[instanceID] = now
	return now
}

// ownerless remembers, for each instance, since when interfaces of ours on it have had no NodeENI.
type ownerless struct {
	mu         sync.Mutex
	byInstance map[string]map[string]sighting
}

// sighting is when an interface was first seen whose tags name an owner that there is not.
type sighting struct {
	plan.Sighting
	owner string
}

// update takes in how the instance's interfaces look now and returns what is known of those without a NodeENI.
func (o *ownerless) update(instanceID string, interfaces []eni.ObservedInterface, owned func(uid string) bool, now time.Time) map[string]plan.Sighting {
	o.mu.Lock()
	defer o.mu.Unlock()
	remembered, seen := map[string]sighting{}, map[string]plan.Sighting{}
	for i := range interfaces {
		iface := &interfaces[i]
		owner := iface.Tags[eni.TagNodeENIUID]
		if iface.LastOwner != nil || owned(owner) {
			continue
		}
		before, known := o.byInstance[instanceID][iface.ID]
		if !known || before.owner != owner {
			before = sighting{plan.Sighting{At: now, Epochs: iface.Epochs}, owner}
			leakedFound.Inc()
		}
		remembered[iface.ID], seen[iface.ID] = before, before.Sighting
	}
	if len(remembered) == 0 {
		delete(o.byInstance, instanceID)
		return nil
	}
	if o.byInstance == nil {
		o.byInstance = map[string]map[string]sighting{}
	}
	o.byInstance[instanceID] = remembered
	return seen
}

// count is how many interfaces have no NodeENI.
func (o *ownerless) count() (sum int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, of := range o.byInstance {
		sum += len(of)
	}
	return sum
}
