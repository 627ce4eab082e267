package controller

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// claim takes over an interface that was made by other means, as the NodeENI's annotation asks.
func (c *Controller) claim(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action) error {
	if !c.setbacks.admit(callFor(n, action), time.Now()) {
		return nil
	}
	iface, err := c.callClaim(ctx, n, action)
	if err != nil {
		return c.modifyFailed(ctx, n, action, err)
	}
	c.setbacks.succeeded(callFor(n, action), time.Now())
	orderedAdoptions.Inc()
	c.recorder.Event(n, corev1.EventTypeNormal, plan.NoticeAdopted, fmt.Sprintf("adopted interface %s on node %s, as the annotation %s asks",
		iface.ID, action.NodeName, v1alpha1.AnnotationAdopt))
	klog.FromContext(ctx).V(2).Info("Adopted an interface that was made by other means", "eniID", iface.ID, "nodeENI", klog.KObj(n),
		"node", action.NodeName, "deviceIndex", action.Slot.Index)
	return nil
}

// callClaim makes the call and keeps the inventory right about it. To the finalizer it is what a create is.
func (c *Controller) callClaim(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action) (eni.Interface, error) {
	end := c.inventory.BeginCreate(string(n.UID))
	if !c.mayCreateFor(n.UID) {
		end(nil, false)
		return eni.Interface{}, fmt.Errorf("the NodeENI is being deleted: %w", eni.KindNotSent)
	}
	iface, err := c.cloud.ClaimInterface(ctx, action.InterfaceID, action.Tags, func(ctx context.Context) (eni.Interface, error) {
		return c.mayClaim(ctx, action)
	})
	if err != nil {
		end(nil, eni.KindOf(err) == eni.KindUnknownOutcome)
		return iface, err
	}
	end(&iface, false)
	return iface, nil
}

// mayClaim reads the interface live, and decides again on that and on live reads of NodeENIs and Nodes.
func (c *Controller) mayClaim(ctx context.Context, action plan.Action) (eni.Interface, error) {
	found, err := c.inventory.ReadForeign(ctx, action.InterfaceID)
	if err != nil {
		return eni.Interface{}, fmt.Errorf("deciding again: %w: %w", eni.KindNotSent, err)
	}
	return found.Interface, c.stillAdoptable(ctx, action)
}
