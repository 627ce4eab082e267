package controller

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	// keepStuck is for how long a slot's attaches that were given up are remembered; while the slot is stuck, one is
	// given up every hour.
	keepStuck = 3 * time.Hour
	// firstForce and maxForce are the back-off between two detaches of one interface by force, each of which takes
	// EC2 a while.
	firstForce = time.Minute
	maxForce   = 10 * time.Minute
)

// stuckAttaches counts, for each slot, the attaches in a row that were given up because EC2 did not end them. It
// begins anew with the process: then a stuck slot is tried some times more than it need be.
type stuckAttaches struct {
	mu    sync.Mutex
	slots map[plan.SlotKey]stuckAttach
}

type stuckAttach struct {
	count int
	last  time.Time
}

func (a stuckAttach) forgotten(now time.Time) bool { return now.Sub(a.last) >= keepStuck }

// gaveUp counts one that is detached now, and returns how many these are.
func (s *stuckAttaches) gaveUp(key plan.SlotKey, now time.Time) (count int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.slots, func(_ plan.SlotKey, a stuckAttach) bool { return a.forgotten(now) })
	if s.slots == nil {
		s.slots = map[plan.SlotKey]stuckAttach{}
	}
	a := stuckAttach{s.slots[key].count + 1, now}
	s.slots[key] = a
	return a.count
}

// standing returns the counts for the NodeENIs' slots of an instance. An interface that is attached ends its slot's.
func (s *stuckAttaches) standing(instanceID string, nodeENIs []*v1alpha1.NodeENI, interfaces []eni.ObservedInterface, now time.Time) map[plan.SlotKey]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var standing map[plan.SlotKey]int
	for _, n := range nodeENIs {
		key := slotKey(n, instanceID)
		if s.slots[key].count == 0 {
			continue
		}
		if s.slots[key].forgotten(now) || slices.ContainsFunc(interfaces, func(i eni.ObservedInterface) bool { return attachedFor(i, key) }) {
			delete(s.slots, key)
			continue
		}
		if standing == nil {
			standing = map[plan.SlotKey]int{}
		}
		standing[key] = s.slots[key].count
	}
	return standing
}

func attachedFor(i eni.ObservedInterface, key plan.SlotKey) bool {
	return i.Tags[eni.TagNodeENIUID] == string(key.NodeENI) && i.AttachedTo(key.Instance, key.Slot) && i.Attachment.Status == eni.Attached
}

// forget drops what is known of a NodeENI that is gone.
func (s *stuckAttaches) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.slots, func(key plan.SlotKey, _ stuckAttach) bool { return key.NodeENI == uid })
}

// helped takes in that EC2 has begun, or may have begun, to detach what it did not end to attach or to detach.
func (c *Controller) helped(snapshot plan.Snapshot, action plan.Action) {
	if action.Force {
		c.setbacks.forced(action.InterfaceID, forcedMessage(action), time.Now())
	}
	n := ownerIn(snapshot, action)
	if n == nil {
		return
	}
	switch {
	case action.Force:
		c.recorder.Event(n, corev1.EventTypeWarning, eventDetachForced, detachForcedMessage(action))
	case action.Reason == v1alpha1.ReasonAttachStuck:
		count := c.stuck.gaveUp(keyOf(action), time.Now())
		c.recorder.Eventf(n, corev1.EventTypeWarning, eventAttachStuck,
			"EC2 did not attach %s to %s, node %s: it is detached, to be attached again (attempt %d)", action.InterfaceID, action.InstanceID, action.NodeName, count+1)
	}
}

// forced has a detach by force made again only after a while: EC2 answers it long before it is done.
func (s *setbacks) forced(id, message string, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruneOwn(now)
	r := remember(&s.own, subject{interfaceID: id, kind: plan.Detach})
	if r.Reason != v1alpha1.ReasonDetachStuck {
		r.step = 0
	}
	r.step = min(max(2*r.step, firstForce), maxForce)
	r.tries, r.overruled = 0, "" // the call was made: what spoke against it is over
	r.Setback = plan.Setback{Reason: v1alpha1.ReasonDetachStuck, Message: message, Until: now.Add(r.step)}
}

func detachForcedMessage(a plan.Action) string {
	return fmt.Sprintf("%s is detached by force from %s, node %s; if its device index is of no use then, stop the instance and start it", a.InterfaceID, a.InstanceID, a.NodeName)
}

func forcedMessage(a plan.Action) string {
	return fmt.Sprintf("EC2 was told to detach %s from %s by force, and is told so again until it has; if that does not help, stop the instance", a.InterfaceID, a.InstanceID)
}
