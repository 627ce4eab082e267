package controller

import (
	"sync"
	"time"
)

// goneNodes remembers since when no Node names an instance: an instance's state counts as evidence for
// "the Node is gone" only when it was described after that.
type goneNodes struct {
	mu    sync.Mutex
	times map[string]time.Time
}

// since records whether a Node names the instance now, and returns since when none does; zero when one
// does.
func (g *goneNodes) since(instanceID string, named bool, now time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	if named {
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

// forget drops an instance on which nothing of ours is left.
func (g *goneNodes) forget(instanceID string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.times, instanceID)
}
