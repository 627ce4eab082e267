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
