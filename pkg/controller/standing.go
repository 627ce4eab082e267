package controller

import (
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// standing adds to a snapshot what stands against the calls for its interfaces, or has to be tried again.
func (s *setbacks) standing(snapshot *plan.Snapshot) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.own)+len(s.causes) == 0 {
		return // as most of the time
	}
	for _, n := range snapshot.NodeENIs {
		s.standingFor(snapshot, n)
	}
	for i := range snapshot.Interfaces {
		iface := &snapshot.Interfaces[i]
		c := call{kind: nextRelease(iface), interfaceID: iface.ID}
		if own := s.own[c.subject()]; own != nil && !own.over(snapshot.Now) && own.standsFor(snapshot, iface) {
			put(&snapshot.ReleaseSetbacks, iface.ID, own.Setback)
		}
		if b, ok := s.sharedAgainst(c, nil, snapshot.Now); ok {
			put(&snapshot.ReleaseCauses, iface.ID, b)
		}
	}
}

// nextRelease is the call that takes an interface away.
func nextRelease(iface *eni.ObservedInterface) plan.ActionKind {
	if iface.Attachment == nil {
		return plan.Delete
	}
	return plan.Detach
}

// standingFor adds what stands against the wanted interface of one NodeENI.
func (s *setbacks) standingFor(snapshot *plan.Snapshot, n *v1alpha1.NodeENI) {
	now, key := snapshot.Now, slotKey(n, snapshot.InstanceID)
	if slices.ContainsFunc(snapshot.Interfaces, func(i eni.ObservedInterface) bool { return attachedFor(i, key) }) {
		delete(s.own, subject{slot: key}) // an attach that was not answered took effect after all
	}
	attaching, stands := s.against(call{kind: plan.Attach, nodeENI: n, instanceID: snapshot.InstanceID}, n, now)
	if stands {
		put(&snapshot.Setbacks, key, attaching)
		put(&snapshot.CreateSetbacks, key, attaching) // what can not be attached is not created either
	}
	if creating, ok := s.sharedAgainst(call{kind: plan.Create, nodeENI: n, instanceID: snapshot.InstanceID}, n, now); ok {
		if own := s.own[subject{slot: key}]; stands && own != nil && own.stale(now) {
			creating = joined(creating, attaching)
		} else if stands {
			creating = joined(attaching, creating)
		}
		put(&snapshot.CreateSetbacks, key, creating)
	}
	for _, kind := range changes {
		if b, ok := s.against(call{kind: kind, nodeENI: n, instanceID: snapshot.InstanceID}, n, now); ok {
			if snapshot.ChangeSetbacks == nil {
				snapshot.ChangeSetbacks = map[plan.SlotKey]map[plan.ActionKind]plan.Setback{}
			}
			of := snapshot.ChangeSetbacks[key]
			put(&of, kind, b)
			snapshot.ChangeSetbacks[key] = of
		}
	}
}

// against is what stands against a call, or has to be tried again. Of several setbacks the last to end says until when,
// and the first in a fixed order says why: which of them was renewed last changes nothing that is told.
func (s *setbacks) against(c call, n *v1alpha1.NodeENI, now time.Time) (found plan.Setback, ok bool) {
	found, ok = s.sharedAgainst(c, n, now)
	own := s.own[c.subject()]
	switch {
	case own == nil || !own.appliesTo(n) || own.over(now):
		return found, ok
	case !ok:
		return own.Setback, true
	case own.stale(now): // it was not tried again in its time, since the others stand against that
		return joined(found, own.Setback), true
	}
	return joined(own.Setback, found), true
}

// sharedAgainst is what the shared setbacks come to that stand against a call; n is nil for the cleanup side.
func (s *setbacks) sharedAgainst(c call, n *v1alpha1.NodeENI, now time.Time) (found plan.Setback, ok bool) {
	if len(s.causes) == 0 {
		return plan.Setback{}, false // as most of the time
	}
	causes := c.causes()
	known := s.known(causes, n, now)
	for _, one := range causes {
		b := s.causes[one]
		if !b.standsAgainst(n) || (!known && !b.probed(now)) {
			continue
		}
		seen := b.asSeen(c.subject(), now)
		if ok {
			seen = joined(found, seen)
		}
		found, ok = seen, true
	}
	return found, ok
}

// known reports whether what the shared setbacks of these causes say that stand against a call still counts. They count
// as long as the last of them does: none can be tried before, so that it says nothing against the others that it is
// renewed and they are not.
func (s *setbacks) known(causes []cause, n *v1alpha1.NodeENI, now time.Time) bool {
	return slices.ContainsFunc(causes, func(one cause) bool {
		b := s.causes[one]
		return b.standsAgainst(n) && !b.stale(now)
	})
}

// standsAgainst reports whether a shared setback, if there is one, holds up the calls for a NodeENI; nil stands for the
// cleanup side.
func (s *shared) standsAgainst(n *v1alpha1.NodeENI) bool {
	return s != nil && s.stands() && (n == nil || s.appliesTo(n))
}

// asSeen is a shared setback as those see it who wait for their turn, or while another one tries the call.
func (s *shared) asSeen(who subject, now time.Time) plan.Setback {
	s.others = s.others || who.slot.NodeENI != s.asked
	seen := s.Setback
	if seen.Until = s.dueFor(who); !seen.Until.After(now) && s.probed(now) {
		seen.Until = now.Add(probePause)
	}
	return seen
}

func put[K comparable, V any](in *map[K]V, key K, value V) {
	if *in == nil {
		*in = map[K]V{}
	}
	(*in)[key] = value
}
