package controller

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// withheld remembers what would have been taken from each instance were it not for the dry run, so that it is logged
// once.
type withheld struct {
	mu         sync.Mutex
	byInstance map[string]map[string]bool
}

// news returns those of the actions that are not known yet.
func (w *withheld) news(instanceID string, actions []plan.Action) (fresh []plan.Action) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known := map[string]bool{}
	for _, a := range actions {
		key := fmt.Sprint(a.Kind, " ", a.InterfaceID, " ", a.AttachmentID, " ", a.Reason, " ", a.Force)
		if known[key] = true; !w.byInstance[instanceID][key] {
			fresh = append(fresh, a)
		}
	}
	if len(known) == 0 {
		delete(w.byInstance, instanceID)
		return nil
	}
	if w.byInstance == nil {
		w.byInstance = map[string]map[string]bool{}
	}
	w.byInstance[instanceID] = known
	return fresh
}

// sayWithheld logs what a dry run does not do.
func (c *Controller) sayWithheld(ctx context.Context, instanceID string, actions []plan.Action) {
	for _, a := range c.withheld.news(instanceID, actions) {
		c.flights.add(a.InterfaceID, decision("withheld", a))
		klog.FromContext(ctx).V(2).Info("Not released: dry run", "action", a.Kind, "eniID", a.InterfaceID, "attachmentID", a.AttachmentID, "force", a.Force,
			"nodeENI", klog.KRef("", a.NodeENIName), "node", a.NodeName, "instanceID", instanceID, "reason", a.Reason)
	}
}
