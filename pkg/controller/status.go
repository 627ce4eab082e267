package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// statusWorkers is how many NodeENIs are reported on at a time.
const statusWorkers = 4

// recheckMetadata is when we look whether the cache shows what we have written: an informer that lists anew may skip
// the event.
const recheckMetadata = 5 * time.Second

// recheckDeleted is how often a deleted NodeENI is looked at, although the inventory calls back when it knows that
// no interface is left: it gives up knowing when reading EC2 fails for long.
const recheckDeleted = time.Minute

// syncStatus keeps what a NodeENI itself bears: finalizer, annotation, status.
func (c *Controller) syncStatus(ctx context.Context, name string) (time.Time, error) {
	if c.stopping() || c.readingFirst() {
		return time.Time{}, nil
	}
	n, err := c.nodeENIs.Get(name)
	if apierrors.IsNotFound(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading NodeENI %s from the cache: %w", name, err)
	}
	if due := c.written.due(name); time.Until(due) > 0 {
		return due, nil
	}
	if !c.leading.Load() {
		return c.tellUnread(ctx, n)
	}
	changed, again, refused := c.syncMetadata(ctx, n)
	switch {
	case isRefused(refused):
		// The stored status may be another controller's, which keeps the whole object from being changed: ours in its place
		// makes room, and says what is wrong.
	case refused != nil:
		return time.Time{}, refused
	case changed:
		return time.Now().Add(recheckMetadata), nil // sooner, when the update's event brings the key back
	}
	c.complain(n)
	status, err := c.makeStatus(n)
	if err != nil {
		return time.Time{}, err
	}
	due, err := c.storeStatus(ctx, n, status)
	due = sooner(due, status.again)
	if err != nil || refused != nil {
		return time.Time{}, errors.Join(refused, err) // what was told stands for what the retry will write
	}
	c.announceAdoptions(n)
	if n.DeletionTimestamp.IsZero() {
		return sooner(again, due), nil
	}
	if status.releases == 0 {
		err = c.syncFinalizer(ctx, n)
	}
	return sooner(time.Now().Add(recheckDeleted), due), err
}

// storeStatus writes the status unless the stored one says the same, and returns when to look again.
func (c *Controller) storeStatus(ctx context.Context, n *v1alpha1.NodeENI, made madeStatus) (again time.Time, err error) {
	stored, status, now := made.stored, made.status, made.at
	if sameStatus(&stored, &status) {
		return time.Time{}, nil
	}
	rewritten, until := c.statusFight(n, &status, now)
	if !until.IsZero() {
		return until, nil
	}
	updated, err := c.patch(ctx, n, []patchOperation{{"add", "/status", status}}, "status")
	if err != nil {
		return time.Time{}, fmt.Errorf("writing the status of NodeENI %s: %w", n.Name, err)
	}
	if updated == nil {
		c.told.forget(n.UID)
		return time.Time{}, nil
	}
	if rewritten {
		c.contests.corrected(objectKey(n.UID), now, plan.Correction{Field: fieldStatus, Found: c.otherManagers(ctx, n)})
		again = now.Add(c.contests.quiet) // when it has stood for as long, the fight is over
	}
	c.written.record(updated, c.announce(n, stored, status), time.Now())
	return again, nil
}

// metadata is what the NodeENI's metadata lacks.
func (c *Controller) metadata(n *v1alpha1.NodeENI) plan.MetadataPatch {
	return plan.Metadata(n, c.borneTagKeys(n), c.standingSelectors(n))
}

// syncMetadata keeps the finalizer and the annotations. It reports whether it changed anything, and when what it has
// held back is due.
func (c *Controller) syncMetadata(ctx context.Context, n *v1alpha1.NodeENI) (changed bool, due time.Time, err error) {
	if c.written.metadataPending(n) {
		return true, due, nil // the cache does not show our last write yet; what it lacks may be there
	}
	want, due := c.uncontested(n, c.metadata(n))
	var operations []patchOperation
	if want.AddFinalizer {
		operations = append(operations, addFinalizer(n)...)
	}
	annotations := map[string]string{}
	if want.SetManagedTagKeys {
		annotations[v1alpha1.AnnotationManagedTagKeys] = want.ManagedTagKeys
	}
	if want.SetSelectors {
		annotations[v1alpha1.AnnotationSelectors] = want.Selectors
	}
	operations = append(operations, setAnnotations(n, annotations)...)
	if len(operations) == 0 {
		return false, due, nil
	}
	updated, err := c.patch(ctx, n, operations)
	if err != nil {
		return false, due, fmt.Errorf("writing finalizer and annotations of NodeENI %s: %w", n.Name, err)
	}
	if updated != nil {
		c.written.recordMetadata(updated)
		c.wroteMetadata(ctx, n, want)
	}
	return true, due, nil
}

// borneTagKeys are those of the recorded tag keys which the spec has no more that an interface of the NodeENI bears, or
// one of an earlier NodeENI of its name, which it may adopt.
func (c *Controller) borneTagKeys(n *v1alpha1.NodeENI) map[string]bool {
	retired := plan.RetiredTagKeys(n)
	if len(retired) == 0 {
		return nil // as nearly always; else every interface has to be looked at
	}
	keys := map[string]bool{}
	collect := func(iface *eni.ObservedInterface) {
		for _, key := range retired {
			if _, borne := iface.Tags[key]; borne {
				keys[key] = true
			}
		}
	}
	own := c.inventory.InterfacesOfNodeENI(string(n.UID))
	for i := range own {
		collect(&own[i])
	}
	for _, node := range c.selectedNodes(n) {
		id, _ := plan.InstanceID(node.Spec.ProviderID)
		there := c.inventory.InterfacesOf(id)
		for i := range there {
			if there[i].Tags[eni.TagNodeENIName] == n.Name {
				collect(&there[i])
			}
		}
	}
	return keys
}

// syncFinalizer lets a deleted NodeENI go when EC2 has none of its interfaces and none can still come.
func (c *Controller) syncFinalizer(ctx context.Context, n *v1alpha1.NodeENI) error {
	if !slices.Contains(n.Finalizers, v1alpha1.Finalizer) || !c.inventory.AbsentFor(string(n.UID)) {
		return nil // the inventory calls back when it knows
	}
	if _, err := c.patch(ctx, n, removeFinalizer(n)); err != nil {
		return fmt.Errorf("removing the finalizer of NodeENI %s: %w", n.Name, err)
	}
	klog.FromContext(ctx).V(2).Info("No interface of the NodeENI is left, finalizer removed", "nodeENI", klog.KObj(n))
	return nil
}
