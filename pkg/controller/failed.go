package controller

import (
	"context"
	"errors"
	"time"

	"k8s.io/klog/v2"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// callFor is the call that an action of the attach side makes.
func callFor(n *v1alpha1.NodeENI, action plan.Action) call {
	return call{kind: action.Kind, nodeENI: n, instanceID: action.InstanceID}
}

// releaseCall is the call that an action of the cleanup side makes.
func releaseCall(action plan.Action) call {
	return call{
		kind: action.Kind, instanceID: action.InstanceID, interfaceID: action.InterfaceID,
		stuck: action.Force || action.Reason == v1alpha1.ReasonAttachStuck,
	}
}

// attachCallFailed does about a failed call of the attach side what its disposition says: the next plan reports the
// failure and says when the call is made again. What EC2 refused, and will refuse again, is no error of the sync.
func (c *Controller) attachCallFailed(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, err error) error {
	failed := callFor(n, action)
	if eni.DispositionOf(err) == eni.Wait {
		c.setbacks.notAsked(failed, err, time.Now())
		return err
	}
	reason, message := explain(n, err)
	c.setbacks.failed(failed, reason, message, err, time.Now())
	if reason == v1alpha1.ReasonSubnetFull {
		c.readFull(n.Spec.SubnetID)
	}
	if !refused(err) {
		return err
	}
	logRefusal(ctx, action, err)
	return nil
}

// releaseCallFailed is the same for the cleanup side. A refusal is told to the owner, where there still is one.
func (c *Controller) releaseCallFailed(ctx context.Context, snapshot plan.Snapshot, action plan.Action, err error) error {
	failed := releaseCall(action)
	if eni.DispositionOf(err) == eni.Wait {
		c.setbacks.notAsked(failed, err, time.Now())
		return err
	}
	reason, message := explainRelease(action.InterfaceID, err)
	news := c.setbacks.failed(failed, reason, message, err, time.Now())
	if n := ownerIn(snapshot, action); n != nil && news != "" {
		c.recorder.Event(n, corev1.EventTypeWarning, eventReleaseFailed, news)
	}
	switch {
	case refused(err):
		logRefusal(ctx, action, err)
		return nil
	case eni.DispositionOf(err) == eni.Done:
		return nil // reads will show it
	}
	return err
}

// refused reports whether an answer is definite, as far as the call itself goes.
func refused(err error) bool {
	return eni.DispositionOf(err) == eni.Blocked || eni.KindOf(err) == eni.KindUnclear
}

func logRefusal(ctx context.Context, action plan.Action, err error) {
	klog.FromContext(ctx).V(2).Info("EC2 refused a call", "action", action.Kind, "nodeENI", klog.KRef("", action.NodeENIName), "node", action.NodeName,
		"eniID", action.InterfaceID, "err", err)
}

// readFull has a full subnet read anew of which a description says that it is not: the status tells how many addresses
// are free.
func (c *Controller) readFull(subnetID string) {
	if subnet, known := c.inventory.Subnet(subnetID); !known || subnet.FreeAddresses > 0 {
		c.inventory.RefreshSubnets(subnetID)
	}
}

// subnetDecides has the subnet read anew after a create was refused without saying why, and makes of the refusal a full
// subnet if that is what EC2 shows. The text that says so is not looked at.
// Source: https://github.com/aws/amazon-vpc-cni-k8s/issues/3105
func (c *Controller) subnetDecides(n *v1alpha1.NodeENI, err error) error {
	answer, ok := errors.AsType[*eni.Error](err)
	if !ok || answer.Kind != eni.KindUnclear {
		return err
	}
	c.inventory.RefreshSubnets(n.Spec.SubnetID)
	subnet, known := c.inventory.Subnet(n.Spec.SubnetID)
	if !known || subnet.NotFound || subnet.FreeAddresses > 0 {
		return err
	}
	full := *answer
	full.Kind, full.Disposition = eni.KindSubnetFull, eni.Blocked
	return &full
}
