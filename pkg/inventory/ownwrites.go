package inventory

import (
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// endCreate takes in what came of our create for the NodeENI: an interface, or nil, and until when it may still
// take effect.
func (s *store) endCreate(uid string, created *eni.Interface, until, now time.Time) *changes {
	c := &changes{now: now}
	s.absence.endCreate(uid, until)
	include(&c.uids, uid)
	if created != nil {
		s.created(uid, *created, c)
	}
	return c
}

// created adds an interface that our create was answered with. A repeated create may be answered with one that
// is known.
func (s *store) created(uid string, iface eni.Interface, c *changes) {
	now := c.now
	if r, ok := s.records[iface.ID]; ok {
		r.written = eni.InstantOf(now)
		return
	}
	at := eni.InstantOf(now)
	r := &record{known: at, written: at, recheck: eni.InstantOf(now.Add(s.horizon)), attachment: observed(now), attachmentKnown: at}
	s.describe(r, iface)
	r.AttachmentSince = now
	r.owner.NodeENIUID = uid
	s.add(r, c)
}

// setAttachment applies what our attach or detach has led to. Reads made meanwhile may know more.
func (s *store) setAttachment(id string, a *eni.Attachment, now time.Time) *changes {
	c := &changes{now: now}
	r, ok := s.records[id]
	if !ok {
		return c
	}
	if a != nil {
		own := *a
		a = &own
		if a.Status == eni.UnknownAttachment && a.ID == "" && r.Attachment != nil {
			a.ID = r.Attachment.ID // a detach without answer
		}
	}
	s.edit(r, c, func() {
		r.written = eni.InstantOf(now)
		if outrun(r, a) {
			r.attachment.at = eni.InstantOf(now)
			return
		}
		if !sameStatus(r.Attachment, a) {
			if !sameID(r.Attachment, a) {
				r.flag = mark{}
			}
			r.reattach(r.Attachment, a, now)
		}
		r.Attachment, r.attachment = a, written(now)
	})
	return c
}

// outrun reports whether reads have shown a later status of the attachment than our call was answered with.
func outrun(r *record, a *eni.Attachment) bool {
	switch {
	case a == nil || a.ID == "":
		return false
	case r.had(a.ID):
		return true
	}
	return r.Attachment != nil && r.Attachment.ID == a.ID && rank(r.Attachment.Status) > rank(a.Status)
}

func sameID(a, b *eni.Attachment) bool { return a != nil && b != nil && a.ID == b.ID }

// modified applies our change of groups, description, tags or delete-on-termination. The change gets a copy of
// its own.
func (s *store) modified(id string, change func(*eni.Interface), now time.Time) *changes {
	c := &changes{now: now}
	r, ok := s.records[id]
	if !ok {
		return c
	}
	after := deepCopy(&r.Interface)
	after.Tags = r.tags.unpack()
	change(&after)
	slices.Sort(after.SecurityGroupIDs)
	s.edit(r, c, func() {
		r.written = eni.InstantOf(now)
		s.take(r, &after, now)
	})
	return c
}

// take takes over the settings that differ and marks them written. Where none does, a read has shown the
// change before its answer came: then any of them may be the one that was written.
func (s *store) take(r *record, after *eni.Interface, now time.Time) {
	groups := !slices.Equal(r.SecurityGroupIDs, after.SecurityGroupIDs)
	description := r.Description != after.Description
	tags := !r.tags.are(after.Tags)
	flag := sameID(r.Attachment, after.Attachment) && r.Attachment.DeleteOnTermination != after.Attachment.DeleteOnTermination
	unclear := !groups && !description && !tags && !flag
	own := r.settings
	if own == nil && (groups || description || tags || unclear) {
		own = &settings{}
	}
	if groups || unclear {
		r.SecurityGroupIDs, own.groups = after.SecurityGroupIDs, written(now)
	}
	if description || unclear {
		r.Description, own.description = after.Description, written(now)
	}
	if tags || unclear {
		own.tags = written(now)
	}
	if tags {
		r.tags = s.keys.pack(after.Tags)
		r.retagged++
	}
	r.settings = own
	if flag || (unclear && r.Attachment != nil) {
		attachment := *r.Attachment
		attachment.DeleteOnTermination = after.Attachment.DeleteOnTermination
		r.Attachment, r.flag = &attachment, written(now)
	}
}

func deepCopy(iface *eni.Interface) eni.Interface {
	c := *iface
	c.SecurityGroupIDs, c.Tags = slices.Clone(iface.SecurityGroupIDs), maps.Clone(iface.Tags)
	if iface.Attachment != nil {
		attachment := *iface.Attachment
		c.Attachment = &attachment
	}
	return c
}

// deleted removes an interface that our delete has taken away.
func (s *store) deleted(id string, now time.Time) *changes {
	c := &changes{now: now}
	dead := tombstone{at: now, deleted: true}
	if r, ok := s.records[id]; ok {
		dead.owner = r.owner
		s.remove(r, c)
	}
	s.tombstones[id] = dead
	return c
}

// deleteNotFound judges EC2's answer that what we want to delete does not exist: true for one that has been known
// for the horizon, and so must be visible to every call, if it exists.
func (s *store) deleteNotFound(id string, now time.Time) (gone bool, c *changes) {
	r, ok := s.records[id]
	if ok && now.Before(r.known.Add(s.horizon)) {
		return false, &changes{}
	}
	return true, s.deleted(id, now)
}

// notSeen judges EC2's answer that what we want to attach does not exist. It is missing until reads decide, or dropped
// when none has ever shown it although they have had the time for it.
func (s *store) notSeen(id string, now time.Time) *changes {
	c := &changes{now: now}
	r, ok := s.records[id]
	switch {
	case !ok:
	case !r.seen && !now.Before(r.known.Add(unseenByID*s.horizon)):
		s.drop(r, c)
	default:
		s.edit(r, c, func() { r.lose(c) })
	}
	return c
}
