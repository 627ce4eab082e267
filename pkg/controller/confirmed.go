package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// confirmed has the NodeENIs that a live read has shown with the finalizer since this process leads: nobody but itself
// takes that away from then on. A cache that lags may still show what a predecessor has let go; an interface made for
// that would be nobody's.
type confirmed struct {
	mu   sync.Mutex
	uids map[types.UID]struct{}
}

func (c *confirmed) has(uid types.UID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.uids[uid]
	return ok
}

func (c *confirmed) add(uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.uids == nil {
		c.uids = map[types.UID]struct{}{}
	}
	c.uids[uid] = struct{}{}
}

func (c *confirmed) forget(uid types.UID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.uids, uid)
}

// confirm makes sure, before the first interface that this process creates for a NodeENI, that it still is there and
// waits for its interfaces when it is deleted.
func (c *Controller) confirm(ctx context.Context, n *v1alpha1.NodeENI) error {
	if c.confirmed.has(n.UID) {
		return nil
	}
	live, found, err := c.live.nodeENIs.read(ctx, n.Name)
	switch {
	case err != nil:
		return fmt.Errorf("reading NodeENI %s before its first interface is created: %w", n.Name, err)
	case !found || live.UID != n.UID || !awaitsInterfaces(live):
		return fmt.Errorf("NodeENI %s is not any more as the cache shows it: %w", n.Name, eni.KindNotSent)
	}
	c.confirmed.add(n.UID)
	return nil
}
