package inventory

import (
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// created adds an interface that our create was answered with. A repeated create may be answered with one
// that is known.
func (s *store) created(iface eni.Interface, now time.Time) *changes {
	c := &changes{}
	if old, ok := s.records[iface.ID]; ok {
		again := *old
		again.created = now
		s.records[iface.ID] = &again
		return c
	}
	s.put(&record{
		ObservedInterface: eni.ObservedInterface{Interface: iface, AttachmentSince: now},
		created:           now,
	}, c)
	return c
}

// setAttachment applies what our attach or detach has led to.
func (s *store) setAttachment(id string, a *eni.Attachment, now time.Time) *changes {
	return s.write(id, func(r *record) {
		r.Attachment, r.attachmentWrite, r.AttachmentSince = a, now, now
	})
}

// modified applies our change of a setting. The change may replace the interface's maps and slices, not
// write to them.
func (s *store) modified(id string, change func(*eni.Interface), now time.Time) *changes {
	return s.write(id, func(r *record) {
		before := r.Interface
		change(&r.Interface)
		if before.Attachment != r.Attachment {
			r.flagWrite = now
			return
		}
		r.settingsWrite = now
	})
}

func (s *store) write(id string, apply func(*record)) *changes {
	c := &changes{}
	if old, ok := s.records[id]; ok {
		written := *old
		apply(&written)
		s.put(&written, c)
	}
	return c
}

// deleted removes an interface that our delete has taken away.
func (s *store) deleted(id string, now time.Time) *changes {
	c := &changes{}
	s.tombstones[id] = now
	s.remove(id, c)
	return c
}

// deleteNotFound judges EC2's answer that what we want to delete does not exist: true for one that a read has
// shown or that has had the horizon's time to become visible.
func (s *store) deleteNotFound(id string, now time.Time) (gone bool, c *changes) {
	r, ok := s.records[id]
	if !ok {
		return true, &changes{}
	}
	if !r.seen && now.Before(r.created.Add(s.horizon)) {
		return false, &changes{}
	}
	return true, s.deleted(id, now)
}

// notSeen judges EC2's answer that what we want to attach does not exist. One that was never seen is dropped
// after a minute; one that was seen before is missing until another read decides.
func (s *store) notSeen(id string, now time.Time) *changes {
	c := &changes{}
	r, ok := s.records[id]
	switch {
	case !ok:
	case r.seen && !r.Missing:
		missing := *r
		missing.Missing = true
		s.put(&missing, c)
	case !r.seen && now.Sub(r.created) >= unseenByIDFor:
		s.remove(id, c)
	}
	return c
}
