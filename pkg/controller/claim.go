package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// claim takes over an interface that was made by other means, as the NodeENI's annotation asks. Without
// --allow-adoption it only looks whether it could, and says so.
func (c *Controller) claim(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action) error {
	if !c.setbacks.admit(callFor(n, action), time.Now()) {
		return nil
	}
	iface, err := c.callClaim(ctx, n, action)
	if err != nil {
		return c.modifyFailed(ctx, n, action, err)
	}
	c.setbacks.succeeded(callFor(n, action), time.Now())
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
	iface, err := c.cloud.ClaimInterface(ctx, action.InterfaceID, action.Tags, func(ctx context.Context, found eni.Interface) error {
		return c.mayClaim(ctx, n, action, found)
	})
	if err != nil {
		end(nil, eni.KindOf(err) == eni.KindUnknownOutcome)
		return iface, err
	}
	end(&iface, false)
	return iface, nil
}

// mayClaim decides on the interface as it has just been described, and on live reads of NodeENIs and Nodes.
func (c *Controller) mayClaim(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, found eni.Interface) error {
	refuse := func(why string) error {
		return &eni.Error{Kind: eni.KindNotClaimable, Operation: operations[action.Kind], Subject: found.ID, Err: errors.New(why)}
	}
	if why := plan.ClaimRefusal(n, &found, action.InstanceID); why != "" {
		return refuse(why)
	}
	if !c.allowAdoption {
		return refuse("it fits and would be, were the controller started with --allow-adoption")
	}
	return c.stillAdoptable(ctx, action)
}
