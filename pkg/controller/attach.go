package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// maxRounds bounds how often one sync plans and acts. The ordinary way of one interface - create, attach, set the
// flag, nothing left - takes four rounds, and each further one of the same instance begins a round later.
const maxRounds = 32

// maxTokenSteps is how many client tokens of one wanted interface are tried without a pause. A predecessor may have used
// up some, and that one is used up says nothing about the create.
const maxTokenSteps = 10

// roundsPause is when a sync goes on that has used its rounds up.
const roundsPause = time.Second

// syncAttach brings the interfaces of one instance where they are wanted, through create, attach and
// settings, as far as it goes without waiting for EC2.
func (c *Controller) syncAttach(ctx context.Context, instanceID string) (time.Time, error) {
	defer c.locks.lock(instanceID)()
	if again, idle := c.told.idle(instanceID, time.Now()); idle {
		return again, nil
	}
	for range maxRounds {
		snapshot, result, err := c.decide(ctx, instanceID)
		if err != nil {
			return time.Time{}, err
		}
		if len(result.Release) > 0 {
			c.cleanupQueue.Add(instanceID)
		}
		if len(result.Attach) == 0 && !result.Refresh.Instance && len(result.Refresh.Subnets) == 0 {
			c.newcomers.served(instanceID)
		}
		actions, due := c.timely(snapshot, result.Attach)
		if len(actions) == 0 {
			return sooner(result.Again, due), nil
		}
		if err := c.actAll(ctx, snapshot, actions, c.attachAction); err != nil {
			return time.Time{}, err
		}
	}
	return time.Now().Add(roundsPause), nil
}

// decide gathers and plans, and passes on what the plan says beside its actions: which reads it needs and
// whose status may have changed.
func (c *Controller) decide(ctx context.Context, instanceID string) (plan.Snapshot, plan.Result, error) {
	planned := c.told.begin()
	snapshot, err := c.gather(instanceID)
	if err != nil {
		return snapshot, plan.Result{}, err
	}
	result := plan.Instance(snapshot)
	if c.countExodus(ctx, instanceID, result, snapshot.Now) {
		snapshot.Halt = c.exodus.halted()
		result = plan.Instance(snapshot)
	}
	klog.FromContext(ctx).V(4).Info("Planned", "attach", len(result.Attach), "release", len(result.Release),
		"refreshInstance", result.Refresh.Instance, "again", result.Again)
	c.sayWithheld(ctx, instanceID, result.Withheld)
	if result.Refresh.Instance {
		c.inventory.RefreshInstances(instanceID)
	}
	if len(result.Refresh.Interfaces) > 0 {
		c.inventory.RefreshInterfaces(result.Refresh.Interfaces...)
	}
	if len(result.Refresh.Subnets) > 0 {
		c.inventory.RefreshSubnets(result.Refresh.Subnets...)
	}
	c.inventory.WantForeign(instanceID, result.Foreign)
	c.tellNews(planned, snapshot, result, "")
	c.showOnNodes(snapshot, result)
	for _, waited := range c.waits.update(instanceID, result.Attachments, snapshot.Now) {
		attachDuration.Observe(waited.Seconds())
	}
	c.told.rest(instanceID, planned, result)
	return snapshot, result, nil
}

// actAll makes the actions in order. One that fails does not keep the others, which concern other slots,
// from being made.
func (c *Controller) actAll(ctx context.Context, snapshot plan.Snapshot, actions []plan.Action,
	act func(context.Context, plan.Snapshot, plan.Action) error,
) error {
	var failures []error
	for _, action := range actions {
		if c.stopping() {
			return fmt.Errorf("%s for %s: %w", action.Kind, action.NodeENIName, eni.KindNotSent)
		}
		klog.FromContext(ctx).V(6).Info("Acting", "action", action)
		acting := ctx
		if action.Kind != plan.Create { // which has yet to be told apart from others
			acting, _ = c.recorded(ctx, action)
		}
		if err := act(acting, snapshot, action); err != nil {
			failures = append(failures, fmt.Errorf("%s for NodeENI %s on node %s: %w", action.Kind, action.NodeENIName, action.NodeName, err))
		}
	}
	return errors.Join(failures...)
}

// attachAction makes one action of the attach side and tells the inventory what it did.
func (c *Controller) attachAction(ctx context.Context, snapshot plan.Snapshot, action plan.Action) error {
	n := ownerIn(snapshot, action)
	if n == nil {
		return fmt.Errorf("no NodeENI with UID %s in the snapshot: %w", action.NodeENI, eni.KindNotSent)
	}
	switch action.Kind {
	case plan.Create:
		return c.create(ctx, n, action)
	case plan.Claim:
		return c.claim(ctx, n, action)
	}
	iface, ok := c.inventory.Interface(action.InterfaceID)
	if !ok {
		return fmt.Errorf("interface %s: %w", action.InterfaceID, eni.KindNotFound)
	}
	switch action.Kind {
	case plan.Attach:
		return c.attach(ctx, n, action, iface)
	case plan.Adopt:
		return c.adopt(ctx, n, action, iface.Interface)
	}
	return c.modify(ctx, n, action, iface.Interface)
}

func ownerIn(snapshot plan.Snapshot, action plan.Action) *v1alpha1.NodeENI {
	i := slices.IndexFunc(snapshot.NodeENIs, func(n *v1alpha1.NodeENI) bool { return n.UID == action.NodeENI })
	if i < 0 {
		return nil
	}
	return snapshot.NodeENIs[i]
}

func (c *Controller) create(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action) error {
	created := false
	defer func() {
		if !created {
			c.leaveAhead(action)
		}
	}()
	if err := c.confirm(ctx, n); err != nil {
		return err
	}
	if !c.setbacks.admit(callFor(n, action), time.Now()) {
		return nil // the next plan shows the setback that another worker is probing
	}
	ctx, made := c.recorded(ctx, action)
	iface, err := c.callCreate(ctx, action)
	for eni.KindOf(err) == eni.KindTokenMismatch && c.tokens.number(keyOf(action)) <= maxTokenSteps {
		iface, err = c.callCreate(ctx, action)
	}
	if err != nil {
		return c.attachCallFailed(ctx, n, action, c.subnetDecides(n, err))
	}
	made(iface.ID)
	created = true
	c.setbacks.succeeded(callFor(n, action), time.Now())
	klog.FromContext(ctx).V(2).Info("Created interface", "eniID", iface.ID, "nodeENI", klog.KObj(n),
		"node", action.NodeName, "subnetID", action.SubnetID, "privateIP", iface.PrivateIP)
	return nil
}

// callCreate makes the call and keeps the inventory and the client token right about it.
func (c *Controller) callCreate(ctx context.Context, action plan.Action) (eni.Interface, error) {
	key := keyOf(action)
	end := c.inventory.BeginCreate(string(action.NodeENI))
	// From here on the finalizer waits for this create; before, it may have gone while the create of another
	// slot took its time.
	if !c.mayCreateFor(action.NodeENI) {
		end(nil, false)
		return eni.Interface{}, fmt.Errorf("the NodeENI is being deleted: %w", eni.KindNotSent)
	}
	term, n := c.tokens.current(key)
	iface, err := c.cloud.CreateInterface(ctx, eni.CreateRequest{
		SubnetID:         action.SubnetID,
		SecurityGroupIDs: action.SecurityGroupIDs,
		Description:      action.Description,
		Tags:             action.Tags,
		ClientToken:      plan.ClientToken(c.cluster.ID, string(action.NodeENI), action.InstanceID, action.Slot, term, n),
	})
	if err == nil {
		// Before anybody sees the interface: what was put right is part of its fight at once.
		c.contests.made(key, time.Now(), plan.Correction{Field: plan.FieldExistence, Wanted: plan.ExistenceOf(action.SubnetID), Found: iface.ID})
		end(&iface, false)
		c.tokens.step(key)
		return iface, nil
	}
	kind := eni.KindOf(err)
	end(nil, kind == eni.KindUnknownOutcome)
	switch kind {
	case eni.KindUnknownOutcome, eni.KindThrottled, eni.KindNotSent, eni.KindCredentials:
	default:
		c.tokens.step(key)
	}
	return iface, err
}

// mayCreateFor reports whether the cache shows the NodeENI as one that waits for its interfaces when it is
// deleted, and that is not being deleted.
func (c *Controller) mayCreateFor(uid types.UID) bool {
	return slices.ContainsFunc(c.byUID(string(uid)), awaitsInterfaces)
}

// awaitsInterfaces reports whether a NodeENI that is not being deleted will wait for its interfaces when it is.
func awaitsInterfaces(n *v1alpha1.NodeENI) bool {
	return n.DeletionTimestamp.IsZero() && slices.Contains(n.Finalizers, v1alpha1.Finalizer)
}

func (c *Controller) attach(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, iface eni.ObservedInterface) error {
	if !c.setbacks.admit(callFor(n, action), time.Now()) {
		return nil
	}
	attachment := &eni.Attachment{InstanceID: action.InstanceID, Slot: action.Slot, Status: eni.Attaching}
	id, err := c.cloud.AttachInterface(ctx, iface.Interface, action.InstanceID, action.Slot)
	if err != nil {
		if eni.KindOf(err) == eni.KindNotFound {
			c.visibility.miss(iface.ID, time.Since(iface.AttachmentSince))
		}
		return c.attachFailed(ctx, n, action, attachment, err)
	}
	attachment.ID = id
	if iface.WasAttached {
		c.contests.corrected(keyOf(action), time.Now(), plan.Correction{Field: plan.FieldAttachment, Wanted: plan.AttachmentOf(action.Slot)})
	}
	c.inventory.SetAttachment(iface.ID, attachment)
	c.leaveAhead(action)
	c.visibility.hit(iface.ID, time.Since(iface.AttachmentSince))
	c.setbacks.succeeded(callFor(n, action), time.Now())
	klog.FromContext(ctx).V(2).Info("Attaching interface", "eniID", iface.ID, "attachmentID", id, "nodeENI", klog.KObj(n),
		"node", action.NodeName, "deviceIndex", action.Slot.Index)
	return nil
}

// attachFailed has read anew what a refusal puts in doubt.
func (c *Controller) attachFailed(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, tried *eni.Attachment, err error) error {
	switch eni.KindOf(err) {
	case eni.KindThrottled, eni.KindNotSent:
	case eni.KindUnknownOutcome:
		tried.Status = eni.UnknownAttachment
		c.inventory.SetAttachment(action.InterfaceID, tried)
	case eni.KindNotFound:
		c.inventory.NotSeen(action.InterfaceID)
	case eni.KindInterfaceInUse:
		c.inventory.RefreshInterfaces(action.InterfaceID)
	case eni.KindUnclear:
		c.inventory.RefreshInterfaces(action.InterfaceID)
		c.inventory.RefreshInstances(action.InstanceID)
	default:
		c.inventory.RefreshInstances(action.InstanceID)
	}
	if refused(err) {
		c.leaveAhead(action)
	}
	return c.attachCallFailed(ctx, n, action, err)
}

// modify changes one setting in place.
func (c *Controller) modify(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, iface eni.Interface) error {
	if !c.setbacks.admit(callFor(n, action), time.Now()) {
		return nil
	}
	change, err := c.modifyCall(c.edits.mark(ctx, n.UID, time.Now()), action, iface)
	if err != nil {
		return c.modifyFailed(ctx, n, action, err)
	}
	c.contests.corrected(keyOf(action), time.Now(), action.Corrections(iface)...)
	c.inventory.Modified(iface.ID, change)
	c.setbacks.succeeded(callFor(n, action), time.Now())
	klog.FromContext(ctx).V(2).Info("Changed interface", "eniID", iface.ID, "change", action.Kind, "nodeENI", klog.KObj(n), "node", action.NodeName)
	return nil
}

// modifyFailed has the interface read anew when the refusal may lie in how it is.
func (c *Controller) modifyFailed(ctx context.Context, n *v1alpha1.NodeENI, action plan.Action, err error) error {
	if eni.DispositionOf(err) == eni.Retry {
		c.inventory.RefreshInterfaces(action.InterfaceID)
	}
	return c.attachCallFailed(ctx, n, action, err)
}

// modifyCall makes the call and returns its effect on what the inventory holds.
func (c *Controller) modifyCall(ctx context.Context, a plan.Action, iface eni.Interface) (func(*eni.Interface), error) {
	switch a.Kind {
	case plan.SetDeleteOnTermination:
		return func(i *eni.Interface) {
			if i.Attachment != nil && i.Attachment.ID == a.AttachmentID {
				changed := *i.Attachment
				changed.DeleteOnTermination = a.DeleteOnTermination
				i.Attachment = &changed
			}
		}, c.cloud.SetDeleteOnTermination(ctx, iface, a.AttachmentID, a.DeleteOnTermination)
	case plan.SetSecurityGroups:
		return func(i *eni.Interface) { i.SecurityGroupIDs = a.SecurityGroupIDs }, c.cloud.SetSecurityGroups(ctx, iface, a.SecurityGroupIDs)
	case plan.SetDescription:
		return func(i *eni.Interface) { i.Description = a.Description }, c.cloud.SetDescription(ctx, iface, a.Description)
	case plan.PutTags:
		return func(i *eni.Interface) {
			i.Tags = maps.Clone(i.Tags)
			maps.Copy(i.Tags, a.Tags)
		}, c.cloud.PutTags(ctx, iface, a.Tags)
	case plan.RemoveTags:
		return func(i *eni.Interface) {
			i.Tags = maps.Clone(i.Tags)
			maps.DeleteFunc(i.Tags, func(key, _ string) bool { return slices.Contains(a.TagKeys, key) })
		}, c.cloud.RemoveTags(ctx, iface, a.TagKeys)
	}
	return nil, fmt.Errorf("%s is no change of a setting: %w", a.Kind, eni.KindNotSent)
}
