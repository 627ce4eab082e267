package controller

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// adopt gives an interface whose NodeENI is gone to the one that has its name now.
func (c *Controller) adopt(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, iface eni.Interface) error {
	if !c.setbacks.admit(callFor(n, action), time.Now()) {
		return nil
	}
	if err := c.callAdopt(ctx, n, action, iface); err != nil {
		return c.modifyFailed(ctx, n, action, err)
	}
	c.setbacks.succeeded(callFor(n, action), time.Now())
	c.adoptions.add(n.UID)
	interfacesAdopted.Inc()
	klog.FromContext(ctx).V(2).Info("Adopted interface", "eniID", iface.ID, "nodeENI", klog.KObj(n), "node", action.NodeName,
		"uid", n.UID, "formerUID", iface.Tags[eni.TagNodeENIUID])
	return nil
}

// callAdopt makes the call and keeps the inventory right about it. To the finalizer it is what a create is: while it is
// in flight, an interface may come.
func (c *Controller) callAdopt(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, iface eni.Interface) error {
	end := c.inventory.BeginCreate(string(n.UID))
	if !c.mayCreateFor(n.UID) {
		end(nil, false)
		return fmt.Errorf("the NodeENI is being deleted: %w", eni.KindNotSent)
	}
	err := c.cloud.AdoptInterface(ctx, iface, string(n.UID), func(ctx context.Context) error {
		return c.stillAdoptable(ctx, action)
	})
	if err == nil {
		c.contests.corrected(keyOf(action), time.Now(), action.Corrections(iface)...)
		c.inventory.Modified(iface.ID, func(i *eni.Interface) {
			i.Tags = maps.Clone(i.Tags)
			maps.Copy(i.Tags, action.Tags)
		})
	}
	end(nil, err != nil && eni.KindOf(err) == eni.KindUnknownOutcome)
	return err
}

// stillAdoptable decides anew on live reads. All NodeENIs are listed: that none bears the former UID is what has to be
// known, and the name in the tags does not tell it.
func (c *Controller) stillAdoptable(ctx context.Context, action plan.Action) error {
	began := time.Now()
	cached, err := c.gather(action.InstanceID)
	if err != nil {
		return err
	}
	nodeENIs, err := c.liveNodeENIs(ctx)
	if err != nil {
		return fmt.Errorf("deciding again: %w", err)
	}
	nodes, _, err := c.liveNodes(ctx, cached, action)
	if err != nil {
		return fmt.Errorf("deciding again: %w", err)
	}
	if err := recentEnough(began); err != nil {
		return err
	}
	snapshot := c.compose(action.InstanceID, nodes, nodeENIs, c.inventory.InterfacesOf(action.InstanceID))
	snapshot.ChangeSetbacks = nil // this call has been admitted, perhaps as the probe for which the others wait
	if slices.ContainsFunc(plan.Instance(snapshot).Attach, action.Same) {
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Not adopted: a live read shows another state than the cache did",
		"eniID", action.InterfaceID, "nodeENI", klog.KRef("", action.NodeENIName), "node", action.NodeName)
	return fmt.Errorf("no longer the thing to do: %w", eni.KindNotSent)
}

// adoptions counts, by NodeENI, the interfaces that were adopted and of which no event has told.
type adoptions struct {
	mu     sync.Mutex
	counts map[types.UID]int
}

func (a *adoptions) add(uid types.UID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.counts == nil {
		a.counts = map[types.UID]int{}
	}
	a.counts[uid]++
}

// take returns the count and begins anew.
func (a *adoptions) take(uid types.UID) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	count := a.counts[uid]
	delete(a.counts, uid)
	return count
}

// announceAdoptions tells of the adoptions since it was last called: of all at once, for a restore has many.
func (c *Controller) announceAdoptions(n *v1alpha1.NodeENI) {
	if count := c.adoptions.take(n.UID); count > 0 {
		c.recorder.Event(n, corev1.EventTypeNormal, plan.NoticeAdopted, plan.AdoptedMessage(int32(count)))
	}
}
