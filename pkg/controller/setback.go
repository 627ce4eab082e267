package controller

import (
	"maps"
	"slices"
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
	// firstPause and maxPause are the same for a failure that may be over at once.
	firstPause = time.Second
	maxPause   = time.Minute
	// probeTime is how long one probe of a cause may take before the next may start, and for how long a
	// setback is remembered that nobody tries again.
	probeTime = time.Minute
	// keepIdle is for how long a slot's setback is kept, so that its back-off goes on, when nobody tries again.
	keepIdle = time.Hour
	// probePause is how often those who wait for a probe look what it found.
	probePause = time.Second
)

// setbacks remembers the calls to EC2 that failed, so that whatever wakes a worker up, a call that has just
// failed is not made again before its time. A failure that concerns one wanted interface stands for its slot, one
// of taking an interface away for the interface; a refusal that concerns many nodes at once (a full subnet, a
// denied action) stands for its cause (causes.go), so that one probe for each back-off step asks EC2 again and
// not every node.
type setbacks struct {
	mu       sync.Mutex
	slots    map[plan.SlotKey]*setback
	releases map[string]*setback
	causes   map[cause]*setback
}

// setback is one remembered failure.
type setback struct {
	plan.Setback
	step time.Duration
	// generation is the edit of the spec that it is about; zero when the spec does not matter.
	generation int64
	probing    time.Time
}

// refuse records a refusal and doubles how long it stands.
func (s *setback) refuse(reason, message string, generation int64, now time.Time) {
	if generation != s.generation {
		s.step = 0
	}
	s.step = min(max(2*s.step, firstSetback), maxSetback)
	s.generation, s.probing = generation, time.Time{}
	s.Setback = plan.Setback{Reason: reason, Message: message, Until: now.Add(s.step)}
}

// pause records a failure that may be over at once. It says nothing against an earlier refusal.
func (s *setback) pause(message string, generation int64, now time.Time) {
	if generation != s.generation || s.stale(now) {
		*s = setback{generation: generation}
	}
	s.step = min(max(2*s.step, firstPause), max(s.step, maxPause))
	s.Until = now.Add(s.step)
	if s.Reason == "" {
		s.Message = message
	}
}

// stale reports whether nobody has tried again although the time for it is long over: nobody wants to.
func (s *setback) stale(now time.Time) bool { return !now.Before(s.Until.Add(probeTime)) }

// appliesTo reports whether a setback concerns the NodeENI as it is now: one that lies in the spec ends with the
// spec's next edit.
func (s *setback) appliesTo(n *v1alpha1.NodeENI) bool {
	return s.generation == 0 || s.generation == n.Generation
}

// standing returns what stands against the wanted interfaces of an instance, or has to be tried again.
func (s *setbacks) standing(instanceID string, nodeENIs []*v1alpha1.NodeENI, now time.Time) map[plan.SlotKey]plan.Setback {
	s.mu.Lock()
	defer s.mu.Unlock()
	var standing map[plan.SlotKey]plan.Setback
	for _, n := range nodeENIs {
		key := slotKey(n, instanceID)
		found, ok := s.first(key, n, now)
		if !ok {
			continue
		}
		if standing == nil {
			standing = map[plan.SlotKey]plan.Setback{}
		}
		standing[key] = found
	}
	return standing
}

// standingReleases is the same against taking interfaces away.
func (s *setbacks) standingReleases(interfaces []eni.ObservedInterface, now time.Time) map[string]plan.Setback {
	s.mu.Lock()
	defer s.mu.Unlock()
	var standing map[string]plan.Setback
	for i := range interfaces {
		own := s.releases[interfaces[i].ID]
		if own == nil || own.stale(now) {
			continue
		}
		if standing == nil {
			standing = map[string]plan.Setback{}
		}
		standing[interfaces[i].ID] = own.Setback
	}
	return standing
}

// first returns what stands against one wanted interface, or is to be tried again. Of several setbacks the last to end
// says until when, and the first in a fixed order says why: which of them was renewed last changes nothing that is told.
func (s *setbacks) first(key plan.SlotKey, n *v1alpha1.NodeENI, now time.Time) (found plan.Setback, ok bool) {
	var plain, creates *plan.Setback
	if own := s.slots[key]; own != nil && own.appliesTo(n) && !own.stale(now) {
		plain = joined(plain, own.Setback)
	}
	for _, c := range slices.Concat(attachCauses(n), createCauses(n)) {
		shared := s.causes[c]
		switch {
		case shared == nil || !shared.appliesTo(n) || shared.over(now):
		case c.createOnly():
			creates = joined(creates, shared.asSeen(now))
		default:
			plain = joined(plain, shared.asSeen(now))
		}
	}
	switch {
	case creates == nil && plain == nil:
		return plan.Setback{}, false
	case creates == nil:
		return *plain, true
	case plain != nil:
		found = *joined(plain, *creates)
	default:
		found = *creates
	}
	found.CreateOnly, found.Beside = true, plain
	return found, true
}

// joined is a setback that holds as long as both, for the reason of the first, if that has one.
func joined(a *plan.Setback, b plan.Setback) *plan.Setback {
	if a == nil {
		return &b
	}
	both := *a
	if both.Reason == "" && b.Reason != "" {
		both.Reason, both.Message = b.Reason, b.Message
	}
	if b.Until.After(both.Until) {
		both.Until = b.Until
	}
	return &both
}

// probed reports whether somebody is trying the call.
func (s *setback) probed(now time.Time) bool { return now.Sub(s.probing) < probeTime }

// over reports whether a shared setback is long over, and nobody is trying the call.
func (s *setback) over(now time.Time) bool { return s.stale(now) && !s.probed(now) }

// asSeen is a shared setback as those see it who wait while another one tries the call.
func (s *setback) asSeen(now time.Time) plan.Setback {
	seen := s.Setback
	if !seen.Until.After(now) && s.probed(now) {
		seen.Until = now.Add(probePause)
	}
	return seen
}

// admit is asked right before a call. When a cause's time is over, one caller is let through as its probe; the
// others are told to wait for what the probe finds.
func (s *setbacks) admit(n *v1alpha1.NodeENI, causes []cause, now time.Time) (ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var probes []*setback
	for _, c := range causes {
		shared := s.causes[c]
		switch {
		case shared == nil || !shared.appliesTo(n):
		case shared.Until.After(now) || shared.probed(now):
			return false
		default:
			probes = append(probes, shared)
		}
	}
	for _, shared := range probes {
		if shared.stale(now) {
			shared.Reason, shared.Message = "", "" // it was not told any more, and is not told again before it is known
		}
		shared.probing = now
	}
	return true
}

// notAsked takes an admission back: the call was not made, or not answered, so the next caller is the probe.
func (s *setbacks) notAsked(causes []cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range causes {
		if shared := s.causes[c]; shared != nil {
			shared.probing = time.Time{}
		}
	}
}

// refused records that EC2 refused a call for the NodeENI on the instance, for which admitted were probed.
func (s *setbacks) refused(n *v1alpha1.NodeENI, instanceID string, admitted []cause, err error, now time.Time) {
	reason, message := explain(n, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range admitted {
		if other := s.causes[c]; other != nil {
			other.probing = time.Time{} // it was not for this one that the call was refused
		}
	}
	c, generation, shared := causeOf(n, err)
	if shared {
		remember(&s.causes, c).refuse(reason, message, generation, now)
		return
	}
	s.pruneSlots(now)
	remember(&s.slots, slotKey(n, instanceID)).refuse(reason, message, n.Generation, now)
}

// failed records that a call for the NodeENI on the instance failed in a way that may be over at once.
func (s *setbacks) failed(n *v1alpha1.NodeENI, instanceID string, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruneSlots(now)
	remember(&s.slots, slotKey(n, instanceID)).pause(retryMessage(err), n.Generation, now)
}

// releaseRefused records that EC2 refused to take an interface away. It reports whether that is news.
func (s *setbacks) releaseRefused(id, reason, message string, now time.Time) (news bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruneReleases(now)
	r := remember(&s.releases, id)
	news = r.Reason != reason || r.Message != message
	r.refuse(reason, message, 0, now)
	return news
}

// releaseFailed records that taking an interface away failed in a way that may be over at once.
func (s *setbacks) releaseFailed(id string, err error, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruneReleases(now)
	remember(&s.releases, id).pause(retryMessage(err), 0, now)
}

// pruneSlots forgets instances that are gone, and slots that nobody wants any more.
func (s *setbacks) pruneSlots(now time.Time) {
	maps.DeleteFunc(s.slots, func(_ plan.SlotKey, own *setback) bool { return !now.Before(own.Until.Add(keepIdle)) })
}

// pruneReleases forgets interfaces that went in another way.
func (s *setbacks) pruneReleases(now time.Time) {
	maps.DeleteFunc(s.releases, func(_ string, r *setback) bool { return r.stale(now) })
}

func remember[K comparable](in *map[K]*setback, key K) *setback {
	if *in == nil {
		*in = map[K]*setback{}
	}
	if (*in)[key] == nil {
		(*in)[key] = &setback{}
	}
	return (*in)[key]
}

// succeeded forgets what stood against the NodeENI's interface on the instance, and the causes that a call which
// succeeded has disproved.
func (s *setbacks) succeeded(n *v1alpha1.NodeENI, instanceID string, disproved []cause) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.slots, slotKey(n, instanceID))
	for _, c := range disproved {
		delete(s.causes, c)
	}
}

// released forgets what stood against taking an interface away.
func (s *setbacks) released(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.releases, id)
}

// forget drops everything about a NodeENI that is gone.
func (s *setbacks) forget(uid types.UID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.slots, func(key plan.SlotKey, _ *setback) bool { return key.NodeENI == uid })
	delete(s.causes, cause{eni.KindGroupNotFound, string(uid)})
}

func slotKey(n *v1alpha1.NodeENI, instanceID string) plan.SlotKey {
	return plan.SlotKey{NodeENI: n.UID, Instance: instanceID, Slot: plan.SlotOf(n)}
}
