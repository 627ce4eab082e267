package controller

import (
	"errors"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	firstSetback = 5 * time.Second
	// maxSetback bounds how long a refusal is believed although nobody tells us that its cause is gone: no
	// event comes from EC2 when a subnet has addresses again.
	maxSetback = 5 * time.Minute
	// probeTime is how long one probe of a cause may take before the next may start.
	probeTime = time.Minute
	// probePause is how often those who wait for a probe look what it found.
	probePause = time.Second
)

// setbacks remembers EC2's refusals. A refusal that concerns one slot stands for this slot; one that
// concerns many nodes at once (a full subnet, a denied action) stands for its cause, so that one probe for
// each back-off step asks EC2 again and not every node.
type setbacks struct {
	mu     sync.Mutex
	slots  map[plan.SlotKey]*setback
	causes map[cause]*setback
}

// cause names what makes calls for many nodes fail alike.
type cause struct {
	kind eni.Kind
	// subject is the subnet, the NodeENI's UID or the action; empty for the whole Region.
	subject string
}

// setback is one remembered refusal.
type setback struct {
	plan.Setback
	step       time.Duration
	generation int64
	probing    time.Time
}

// fail records a refusal and doubles how long it stands.
func (s *setback) fail(reason, message string, generation int64, now time.Time) {
	if generation != s.generation {
		s.step = 0
	}
	s.step = min(max(2*s.step, firstSetback), maxSetback)
	s.generation, s.probing = generation, time.Time{}
	s.Setback = plan.Setback{Reason: reason, Message: message, Until: now.Add(s.step)}
}

// standing returns what stands against the wanted interfaces of an instance.
func (s *setbacks) standing(instanceID string, nodeENIs []*v1alpha1.NodeENI, now time.Time) map[plan.SlotKey]plan.Setback {
	s.mu.Lock()
	defer s.mu.Unlock()
	var standing map[plan.SlotKey]plan.Setback
	for _, n := range nodeENIs {
		key := slotKey(n, instanceID)
		found := s.first(key, n, now)
		if found == nil {
			continue
		}
		if standing == nil {
			standing = map[plan.SlotKey]plan.Setback{}
		}
		standing[key] = *found
	}
	return standing
}

// first returns the setback that stands against one wanted interface; nil when there is none.
func (s *setbacks) first(key plan.SlotKey, n *v1alpha1.NodeENI, now time.Time) *plan.Setback {
	if own := s.slots[key]; own != nil && own.generation == n.Generation && own.Until.After(now) {
		return &own.Setback
	}
	if shared := s.firstCause(attachCauses(n), n, now); shared != nil {
		return shared
	}
	shared := s.firstCause(createCauses(n), n, now)
	if shared != nil {
		shared.CreateOnly = true
	}
	return shared
}

// firstCause returns a copy of the first shared refusal that stands against the NodeENI.
func (s *setbacks) firstCause(causes []cause, n *v1alpha1.NodeENI, now time.Time) *plan.Setback {
	for _, c := range causes {
		shared := s.causes[c]
		if shared == nil || !shared.appliesTo(n) {
			continue
		}
		found := shared.Setback
		if found.Until.After(now) {
			return &found
		}
		if now.Sub(shared.probing) < probeTime {
			found.Until = now.Add(probePause)
			return &found
		}
	}
	return nil
}

// appliesTo reports whether a refusal concerns the NodeENI as it is now: one that lies in the spec ends
// with the spec's next edit.
func (s *setback) appliesTo(n *v1alpha1.NodeENI) bool {
	return s.generation == 0 || s.generation == n.Generation
}

// admit is asked right before a create or attach. When a cause's time is over, one caller is let through
// as its probe; the others are told to wait for what the probe finds.
func (s *setbacks) admit(n *v1alpha1.NodeENI, causes []cause, now time.Time) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var probes []*setback
	for _, c := range causes {
		shared := s.causes[c]
		switch {
		case shared == nil || !shared.appliesTo(n):
		case shared.Until.After(now) || now.Sub(shared.probing) < probeTime:
			return false
		default:
			probes = append(probes, shared)
		}
	}
	for _, shared := range probes {
		shared.probing = now
	}
	return true
}

// refused records that EC2 refused a call for the NodeENI on the instance.
func (s *setbacks) refused(n *v1alpha1.NodeENI, instanceID string, err error, now time.Time) {
	reason, message := explain(n, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	c, generation, shared := causeOf(n, err)
	if shared {
		fail(&s.causes, c, reason, message, generation, now)
		return
	}
	fail(&s.slots, slotKey(n, instanceID), reason, message, n.Generation, now)
}

func fail[K comparable](in *map[K]*setback, key K, reason, message string, generation int64, now time.Time) {
	if *in == nil {
		*in = map[K]*setback{}
	}
	if (*in)[key] == nil {
		(*in)[key] = &setback{}
	}
	(*in)[key].fail(reason, message, generation, now)
}

// succeeded forgets what stood against the NodeENI's interface on the instance, and the causes that a call
// which succeeded has disproved.
func (s *setbacks) succeeded(n *v1alpha1.NodeENI, instanceID string, disproved []cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.slots, slotKey(n, instanceID))
	for _, c := range disproved {
		delete(s.causes, c)
	}
}

// forget drops everything about a NodeENI that is gone.
func (s *setbacks) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range s.slots {
		if key.NodeENI == uid {
			delete(s.slots, key)
		}
	}
	delete(s.causes, cause{eni.KindGroupNotFound, string(uid)})
}

func slotKey(n *v1alpha1.NodeENI, instanceID string) plan.SlotKey {
	return plan.SlotKey{NodeENI: n.UID, Instance: instanceID, Slot: plan.SlotOf(n)}
}

// The calls that a denied action holds up for every node. A denied change of a setting concerns its own
// interface only.
const (
	createOperation = "CreateNetworkInterface"
	attachOperation = "AttachNetworkInterface"
)

// attachCauses are the shared causes that can stand against attaching for a NodeENI.
func attachCauses(*v1alpha1.NodeENI) []cause {
	return []cause{{eni.KindCredentials, ""}, {eni.KindDenied, attachOperation}}
}

// createCauses are the shared causes that can stand against creating for a NodeENI.
func createCauses(n *v1alpha1.NodeENI) []cause {
	return []cause{
		{eni.KindCredentials, ""},
		{eni.KindDenied, createOperation},
		{eni.KindQuotaReached, ""},
		{eni.KindSubnetFull, n.Spec.SubnetID},
		{eni.KindGroupNotFound, string(n.UID)},
	}
}

// causeOf says whether a refusal concerns more than one node, and which cause it has. A generation other
// than zero binds the cause to that edit of the spec.
func causeOf(n *v1alpha1.NodeENI, err error) (c cause, generation int64, shared bool) {
	switch kind := eni.KindOf(err); kind {
	case eni.KindCredentials, eni.KindQuotaReached:
		return cause{kind, ""}, 0, true
	case eni.KindDenied:
		operation := operationOf(err)
		return cause{kind, operation}, 0, operation == createOperation || operation == attachOperation
	case eni.KindSubnetFull:
		return cause{kind, n.Spec.SubnetID}, 0, true
	case eni.KindGroupNotFound:
		return cause{kind, string(n.UID)}, n.Generation, true
	}
	return cause{}, 0, false
}

func operationOf(err error) string {
	if e, ok := errors.AsType[*eni.Error](err); ok {
		return e.Operation
	}
	return ""
}
