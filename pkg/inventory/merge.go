package inventory

import (
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// unseenFor is after what time a create that no read has ever shown is dropped.
	unseenFor = 5 * time.Minute
	// unseenByIDFor is the same when EC2 says of the ID itself that it does not exist.
	unseenByIDFor = time.Minute
)

// applyList merges a complete list that began at the given time. scope narrows it to those NodeENI UIDs; nil
// means everything, which makes it an epoch.
func (s *store) applyList(began, now time.Time, list []eni.Interface, scope map[string]bool) *changes {
	c := &changes{}
	shown := make(map[string]bool, len(list))
	for i := range list {
		shown[list[i].ID] = true
		s.show(began, now, &list[i], c, scope == nil)
	}
	for _, id := range slices.Sorted(maps.Keys(s.records)) {
		r := s.records[id]
		if !shown[id] && (scope == nil || scope[r.owner.NodeENIUID]) {
			s.missFromList(began, now, r, c)
		}
	}
	s.expireTombstones(now)
	return c
}

// applyByID merges a read of the given IDs that began at the given time.
func (s *store) applyByID(began, now time.Time, asked []string, found []eni.Interface) *changes {
	c := &changes{}
	shown := make(map[string]bool, len(found))
	for i := range found {
		shown[found[i].ID] = true
		s.show(began, now, &found[i], c, false)
	}
	for _, id := range asked {
		if r, ok := s.records[id]; ok && !shown[id] {
			s.missByID(began, r, c)
		}
	}
	return c
}

// show merges one interface that a read has shown.
func (s *store) show(began, now time.Time, read *eni.Interface, c *changes, epoch bool) {
	if deleted, ok := s.tombstones[read.ID]; ok && began.Before(deleted.Add(s.horizon)) {
		return
	}
	old, known := s.records[read.ID]
	if !known {
		if _, ours := s.ownerOf(read.Tags); !ours {
			return
		}
		old = &record{ObservedInterface: eni.ObservedInterface{Interface: *read, AttachmentSince: now}}
	}
	merged := *old
	merged.Interface = s.merge(began, old, read)
	merged.seen, merged.Missing, merged.missedByID, merged.firstMiss = true, false, false, time.Time{}
	if epoch {
		merged.Epochs++
		if merged.FirstListed.IsZero() {
			merged.FirstListed = began
		}
	}
	if known && !sameAttachment(old.Attachment, merged.Attachment) {
		merged.AttachmentSince = now
	}
	delete(s.tombstones, read.ID)
	if known && !old.Missing && sameInterface(&old.Interface, &merged.Interface) {
		s.records[read.ID] = &merged // nothing that anybody looks at has changed
		return
	}
	s.put(&merged, c)
}

// merge is the read, but for what an own write has changed so lately that the read need not show it.
func (s *store) merge(began time.Time, old *record, read *eni.Interface) eni.Interface {
	merged := *read
	if s.masked(began, old.attachmentWrite) && !confirmsAttachment(began, old, read.Attachment) {
		merged.Attachment = old.Attachment
	}
	if s.masked(began, old.flagWrite) && old.Attachment != nil && merged.Attachment != nil && old.Attachment.ID == merged.Attachment.ID {
		kept := *merged.Attachment
		kept.DeleteOnTermination = old.Attachment.DeleteOnTermination
		merged.Attachment = &kept
	}
	if s.masked(began, old.settingsWrite) {
		merged.SecurityGroupIDs, merged.Description, merged.Tags = old.SecurityGroupIDs, old.Description, old.Tags
	}
	return merged
}

// masked reports whether a read that began at the given time may lag behind the write.
func (s *store) masked(began, write time.Time) bool {
	return !write.IsZero() && began.Before(write.Add(s.horizon))
}

// confirmsAttachment reports whether a read shows what an own attach or detach has led to, or where it goes
// from there. A read that began before the answer confirms nothing.
func confirmsAttachment(began time.Time, old *record, read *eni.Attachment) bool {
	own := old.Attachment
	if began.Before(old.attachmentWrite) || own == nil {
		return false
	}
	switch {
	case own.Status == eni.UnknownAttachment && own.ID == "": // an attach without answer
		return read != nil
	case own.Status == eni.Attaching || own.Status == eni.Attached:
		return read != nil && read.ID == own.ID
	default: // a detach, answered or not
		return read == nil || read.ID != own.ID || read.Status == eni.Detaching
	}
}

// missFromList notes that a complete list did not show the interface.
func (s *store) missFromList(began, now time.Time, r *record, c *changes) {
	if !r.seen && now.Sub(r.created) >= unseenFor {
		s.remove(r.ID, c)
		return
	}
	if s.masked(began, r.lastWrite()) {
		return
	}
	switch {
	case r.missedByID, !r.firstMiss.IsZero() && !began.Before(r.firstMiss.Add(s.horizon)):
		s.remove(r.ID, c)
	case r.firstMiss.IsZero():
		missing := *r
		missing.Missing, missing.firstMiss = true, began
		s.put(&missing, c)
	}
}

// missByID notes that EC2 did not show the interface when asked for its ID.
func (s *store) missByID(began time.Time, r *record, c *changes) {
	if s.masked(began, r.lastWrite()) {
		return
	}
	if !r.firstMiss.IsZero() {
		s.remove(r.ID, c)
		return
	}
	missing := *r
	missing.Missing, missing.missedByID = true, true
	if !r.Missing {
		s.put(&missing, c)
		return
	}
	s.records[r.ID] = &missing
}

func (s *store) expireTombstones(now time.Time) {
	for id, deleted := range s.tombstones {
		if now.After(deleted.Add(s.horizon + unseenFor)) {
			delete(s.tombstones, id)
		}
	}
}

func sameAttachment(a, b *eni.Attachment) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.ID == b.ID && a.Status == b.Status && a.InstanceID == b.InstanceID && a.Slot == b.Slot
}

func sameInterface(a, b *eni.Interface) bool {
	return sameAttachment(a.Attachment, b.Attachment) &&
		(a.Attachment == nil || a.Attachment.DeleteOnTermination == b.Attachment.DeleteOnTermination) &&
		a.SubnetID == b.SubnetID && a.VPCID == b.VPCID && a.Zone == b.Zone && a.Description == b.Description &&
		a.MAC == b.MAC && a.PrivateIP == b.PrivateIP && a.RequesterManaged == b.RequesterManaged &&
		slices.Equal(a.SecurityGroupIDs, b.SecurityGroupIDs) && maps.Equal(a.Tags, b.Tags)
}
