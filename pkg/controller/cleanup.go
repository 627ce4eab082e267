package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// cleanupNewest is how many instances that have just become due are looked at for each one that has waited for long. A
// detach needs a fresh read of its instance and is followed by several looks whether it has ended, and these are all that
// a delete waits for. There must be more than it takes: else what is to be looked at piles up for as long as the backlog
// lasts, reads grow old before they are looked at, and deletes follow when all is detached.
const cleanupNewest = 8

// syncCleanup takes the interfaces of one instance away that nobody wants there.
func (c *Controller) syncCleanup(ctx context.Context, instanceID string) (time.Time, error) {
	defer c.locks.lock(instanceID)()
	if again, idle := c.told.idle(instanceID, time.Now()); idle {
		return again, nil
	}
	for range maxRounds {
		snapshot, result, err := c.decide(ctx, instanceID)
		if err != nil {
			return time.Time{}, err
		}
		if approved, err := c.askLease(ctx, snapshot, result); approved || err != nil {
			return time.Now(), err
		}
		c.tellStuck(ctx, snapshot, result)
		if len(result.Attach) > 0 {
			c.attachQueue.Add(instanceID)
		}
		if len(result.Release) == 0 {
			return result.Again, nil
		}
		if err := c.actAll(ctx, snapshot, result.Release, c.releaseAction); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now().Add(roundsPause), nil
}

// releaseAction makes one action of the cleanup side and tells the inventory what it did.
func (c *Controller) releaseAction(ctx context.Context, snapshot plan.Snapshot, action plan.Action) error {
	iface, ok := c.inventory.Interface(action.InterfaceID)
	if !ok {
		return nil // known to be gone since the plan was made
	}
	if !c.setbacks.admit(releaseCall(action), time.Now()) {
		return nil // the next plan shows the setback that another worker is probing
	}
	confirm := func(ctx context.Context) error { return c.stillUnwanted(ctx, snapshot.InstanceID, action) }
	var err error
	if action.Kind == plan.Detach {
		err = c.detach(ctx, snapshot, action, iface.Interface, confirm)
	} else {
		err = c.delete(ctx, action, iface.Interface, confirm)
	}
	if errors.Is(err, errOverruled) {
		c.setbacks.overrule(releaseCall(action), &snapshot, time.Now())
		return nil
	}
	if err != nil {
		return c.releaseCallFailed(ctx, snapshot, action, err)
	}
	if action.Force { // EC2's answer says nothing of its end
		c.setbacks.accepted(releaseCall(action), time.Now())
		return nil
	}
	c.setbacks.succeeded(releaseCall(action), time.Now())
	return nil
}

// stillUnwanted decides anew, on live reads, whether the action is what should be done.
func (c *Controller) stillUnwanted(ctx context.Context, instanceID string, action plan.Action) error {
	snapshot, err := c.gatherLive(ctx, instanceID, action)
	if err != nil {
		return fmt.Errorf("deciding again: %w", err)
	}
	snapshot.ReleaseCauses = nil // this call has been admitted, perhaps as the probe for which the others wait
	if slices.ContainsFunc(plan.Instance(snapshot).Release, action.Same) {
		return nil
	}
	klog.FromContext(ctx).V(2).Info("Not released: a live read shows another state than the cache did",
		"action", action.Kind, "eniID", action.InterfaceID, "nodeENI", klog.KRef("", action.NodeENIName), "node", action.NodeName, "reason", action.Reason)
	return errOverruled
}

func (c *Controller) detach(ctx context.Context, snapshot plan.Snapshot, action plan.Action, iface eni.Interface, confirm func(context.Context) error) error {
	if iface.Attachment == nil || iface.Attachment.ID != action.AttachmentID {
		return fmt.Errorf("attachment %s is no longer that of %s: %w", action.AttachmentID, iface.ID, eni.KindNotSent)
	}
	call := c.cloud.DetachInterface
	if action.Force {
		call = c.cloud.ForceDetachInterface
	}
	defer c.exodus.settled(iface.ID)
	if err := call(ctx, iface, c.recordedFirst(action, confirm)); err != nil {
		switch eni.KindOf(err) {
		case eni.KindUnknownOutcome:
			c.detachBegun(snapshot, action, *iface.Attachment, eni.UnknownAttachment)
		case eni.KindThrottled, eni.KindNotSent:
		default:
			c.inventory.RefreshInterfaces(iface.ID)
			c.inventory.RefreshInstances(action.InstanceID)
		}
		return err
	}
	c.detachBegun(snapshot, action, *iface.Attachment, eni.Detaching)
	klog.FromContext(ctx).V(2).Info("Detaching interface", "eniID", iface.ID, "attachmentID", action.AttachmentID,
		"nodeENI", klog.KRef("", action.NodeENIName), "node", action.NodeName, "reason", action.Reason, "force", action.Force)
	return nil
}

// recordedFirst has the departure recorded before it is confirmed, so that no crash makes the next leader forget it. What
// a person has approved is not counted.
func (c *Controller) recordedFirst(action plan.Action, confirm func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if !action.Approved {
			if err := c.recordDeparture(ctx, action.InterfaceID); err != nil {
				return err
			}
		}
		return confirm(ctx)
	}
}

// detachBegun takes in that EC2 has begun, or may have begun, to detach an interface.
func (c *Controller) detachBegun(snapshot plan.Snapshot, action plan.Action, attachment eni.Attachment, now eni.AttachmentStatus) {
	attachment.Status = now
	c.inventory.SetAttachment(action.InterfaceID, &attachment)
	c.contests.forgive(keyOf(action), action.InterfaceID)
	c.exodus.detached(action.InterfaceID, action.Approved, time.Now())
	c.helped(snapshot, action)
}

func (c *Controller) delete(ctx context.Context, action plan.Action, iface eni.Interface, confirm func(context.Context) error) error {
	err := c.cloud.DeleteInterface(ctx, iface, confirm)
	if err != nil {
		switch eni.KindOf(err) {
		case eni.KindThrottled, eni.KindNotSent:
			return err
		case eni.KindUnknownOutcome:
			c.contests.forgive(keyOf(action), iface.ID) // it may be gone by that
		case eni.KindNotFound:
			// Believed or not: should a read show it all the same, the next delete has a setback to wait for.
			if c.inventory.DeleteNotFound(iface.ID) {
				return err
			}
		}
		c.inventory.RefreshInterfaces(iface.ID)
		return err
	}
	c.inventory.Deleted(iface.ID)
	interfacesDeleted.WithLabelValues(action.Reason).Inc()
	if len(c.byUID(string(action.NodeENI))) > 0 {
		c.tokens.step(keyOf(action)) // the token may be that of its create, which a predecessor made
	}
	c.complaints.news(types.UID(iface.ID), "")
	c.contests.forgive(keyOf(action), iface.ID)
	klog.FromContext(ctx).V(2).Info("Deleted interface", "eniID", iface.ID,
		"nodeENI", klog.KRef("", action.NodeENIName), "node", action.NodeName, "reason", action.Reason)
	return nil
}
