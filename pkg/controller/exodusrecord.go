package controller

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/util/retry"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// retryRecord is when the record is read again that could not be, forgetRecord how often it is looked at whether it
	// says more than needs to be known.
	retryRecord  = time.Second
	forgetRecord = time.Minute
)

// exodusRecord is what our Lease says of the interfaces that went lately because their NodeENI, their Node or its
// labels vanished, so that the next leader goes on counting where this one ends. It is a number without a time: replicas
// do not agree about those, and who begins to lead counts them as if they had just gone.
//
//	detach: begin ── enough room recorded? else write more ── decide again ── call ── settled
//
// The Lease never says less than went. It says a little more, so that a mass release costs one write for each eighth by
// which it grows, and what is left of the room when a process crashes counts as gone.
type exodusRecord struct {
	leases coordinationclient.LeaseInterface
	turn   turn
	// holder is who held the Lease when it was read: when another one does, this process leads no more. room is for how
	// many departures the Lease accounts.
	holder string
	room   int
	// failing says that the last write failed, and has been told.
	failing bool
}

var errDeposed = errors.New("another replica holds the Lease")

// roomFor is what is recorded for a number of departures.
func roomFor(departures int) int { return departures + departures/8 }

// loadExodus takes over what the leader before has recorded. It goes on trying until it can or ctx ends.
func (c *Controller) loadExodus(ctx context.Context) error {
	for {
		lease, err := c.record.leases.Get(ctx, c.exodus.lease.Name, metav1.GetOptions{})
		if err == nil || isAbsent(err) {
			c.takeOver(ctx, lease)
			return nil
		}
		klog.FromContext(ctx).Error(err, "Nothing is done before the Lease says what went lately, trying again", "lease", c.exodus.lease.Name)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retryRecord):
		}
	}
}

func (c *Controller) takeOver(ctx context.Context, lease *coordinationv1.Lease) {
	c.record.holder, c.record.room = holderOf(lease), roomIn(lease)
	c.exodus.inherit(c.record.room, time.Now())
	if c.record.room > 0 {
		klog.FromContext(ctx).V(2).Info("The leader before has released interfaces that nobody asked to release", "atMost", c.record.room)
	}
}

func holderOf(lease *coordinationv1.Lease) string {
	if lease == nil || lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// roomIn reads the annotation. What can not be read, nobody of us has written.
func roomIn(lease *coordinationv1.Lease) int {
	if lease == nil {
		return 0
	}
	room, err := strconv.Atoi(lease.Annotations[v1alpha1.AnnotationReleasedLately])
	if err != nil {
		return 0
	}
	return max(room, 0)
}

// recordDeparture has the Lease account for an interface that is about to go, if it counts.
func (c *Controller) recordDeparture(ctx context.Context, id string) error {
	if !c.exodus.begin(id) {
		return nil
	}
	c.record.turn.take()
	defer c.record.turn.give()
	departures := c.exodus.departed()
	if departures <= c.record.room {
		return nil
	}
	if err := c.writeRecord(ctx, roomFor(departures)); err != nil {
		return fmt.Errorf("recording that interface %s goes, of which nobody has given the order: %w", id, err)
	}
	return nil
}

// keepRecord takes from the Lease what went long ago, until ctx ends.
func (c *Controller) keepRecord(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(forgetRecord):
			c.trimRecord(ctx)
		}
	}
}

// trimRecord lowers the record once it says twice what it should: a steady trickle does not need a write for each.
func (c *Controller) trimRecord(ctx context.Context) {
	c.exodus.expire(time.Now())
	c.record.turn.take()
	defer c.record.turn.give()
	if room := roomFor(c.exodus.departed()); c.record.room > 0 && 2*room <= c.record.room {
		_ = c.writeRecord(ctx, room) // it has been told, and is tried again
	}
}

// writeRecord is for who has the turn. The elector writes the same object: on a conflict either begins anew.
func (c *Controller) writeRecord(ctx context.Context, room int) error {
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		lease, err := c.record.leases.Get(ctx, c.exodus.lease.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if holderOf(lease) != c.record.holder {
			return errDeposed
		}
		lease = lease.DeepCopy()
		if metav1.SetMetaDataAnnotation(&lease.ObjectMeta, v1alpha1.AnnotationReleasedLately, strconv.Itoa(room)); room == 0 {
			delete(lease.Annotations, v1alpha1.AnnotationReleasedLately)
		}
		_, err = c.record.leases.Update(ctx, lease, metav1.UpdateOptions{FieldManager: fieldManager})
		return err
	})
	if err != nil {
		// Whoever waits for it takes it for one of the ordinary reasons for which a call is not made.
		if !c.record.failing && !errors.Is(err, errDeposed) {
			klog.FromContext(ctx).Error(err, "The Lease can not be written, and nothing goes that must be counted there", "lease", c.exodus.lease)
		}
		c.record.failing = true
		return fmt.Errorf("writing Lease %s: %w: %w", c.exodus.lease, err, eni.KindNotSent)
	}
	c.record.room, c.record.failing = room, false
	return nil
}
