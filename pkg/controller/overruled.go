package controller

import (
	"fmt"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// This file is what becomes of a release that the second decision, on live reads, has spoken against. Mostly the watch
// shows the same a moment later, and there is nothing to be released any more. While it lags, each further try would find
// the same: it waits, longer each time, for as long as the cache shows what it showed when the live read spoke against it.

// errOverruled is the second decision when it is another one than the first.
var errOverruled = fmt.Errorf("no longer the thing to do: %w", eni.KindNotSent)

const overruledMessage = "the API server shows another state than our watch does: waits until the watch has caught up"

// overrule records that a live read spoke against a release which the snapshot asked for.
func (s *setbacks) overrule(c call, snapshot *plan.Snapshot, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endProbes(c) // EC2 was not asked
	i := slices.IndexFunc(snapshot.Interfaces, func(i eni.ObservedInterface) bool { return i.ID == c.interfaceID })
	if i < 0 {
		return
	}
	s.pruneOwn(now)
	b, view := remember(&s.own, c.subject()), viewOf(snapshot, &snapshot.Interfaces[i])
	switch {
	case b.Reason != "" && !b.over(now): // EC2's refusal is what is told, and stands whatever the cache shows
		b.Until = now.Add(b.step)
		return
	case b.overruled != view:
		*b = setback{overruled: view}
	}
	b.pause(overruledMessage, 0, now)
	b.overruled = view
}

// standsFor reports whether a setback has anything to say of the interface as the snapshot shows it.
func (s *setback) standsFor(snapshot *plan.Snapshot, iface *eni.ObservedInterface) bool {
	return s.overruled == "" || s.overruled == viewOf(snapshot, iface)
}

// viewOf is what the release of an interface rests on, as far as live reads may show it otherwise or an event may change
// it: its Nodes, its NodeENI, its attachment and its instance. When the interface was seen last is no part of it.
func viewOf(snapshot *plan.Snapshot, iface *eni.ObservedInterface) string {
	var view []any // maps are printed in the order of their keys
	for _, node := range append(slices.Clone(snapshot.Duplicates), snapshot.Node) {
		if node != nil {
			view = append(view, node.UID, node.Name, node.Spec.ProviderID, node.Labels)
		}
	}
	for _, n := range snapshot.NodeENIs {
		if string(n.UID) == iface.Tags[eni.TagNodeENIUID] {
			view = append(view, n.UID, n.Generation, !n.DeletionTimestamp.IsZero(), n.Annotations)
		}
	}
	if a := iface.Attachment; a != nil {
		view = append(view, a.ID, a.Status)
	}
	if snapshot.Instance != nil {
		view = append(view, snapshot.Instance.State, snapshot.Instance.NotFound)
	}
	return fmt.Sprintf("%q", view)
}
