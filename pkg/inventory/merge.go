package inventory

import (
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// read is when a read began, and when its answer is merged. Reads are ordered by when they began: that is
// what bounds how old their answer can be.
type read struct{ began, now time.Time }

// applyList merges a complete list. scope narrows it to those NodeENI UIDs; nil means everything, which makes
// it an epoch. What comes or goes by the list starts the wait for absence anew before the list counts for that.
func (s *store) applyList(rd read, list []eni.Interface, scope map[string]bool) *changes {
	c := &changes{now: rd.now}
	shown, owners := make(map[string]struct{}, len(list)), map[string]bool{}
	for i := range list {
		shown[list[i].ID], owners[s.uidIn(&list[i])] = struct{}{}, true
		s.show(rd, &list[i], scope == nil, c)
	}
	for id, r := range s.records {
		if _, ok := shown[id]; !ok && (scope == nil || scope[r.owner.NodeENIUID]) {
			s.missFromList(rd, r, c)
		}
	}
	s.expireTombstones(rd.now)
	for _, uid := range s.absence.applyList(rd, owners, scope) {
		include(&c.uids, uid)
	}
	return c
}

// applyByID merges a read of the given IDs.
func (s *store) applyByID(rd read, asked []string, found []eni.Interface) *changes {
	c := &changes{now: rd.now}
	shown := make(map[string]struct{}, len(found))
	for i := range found {
		shown[found[i].ID] = struct{}{}
		s.show(rd, &found[i], false, c)
	}
	for _, id := range asked {
		if _, ok := shown[id]; ok {
			continue
		}
		if r, ok := s.records[id]; ok {
			s.missByID(rd, r, c)
		}
	}
	return c
}

// show merges one interface that a read has shown.
func (s *store) show(rd read, iface *eni.Interface, epoch bool, c *changes) {
	died, dead := s.tombstones[iface.ID]
	if dead {
		if rd.began.Before(died.at.Add(s.horizon)) {
			return
		}
		delete(s.tombstones, iface.ID)
		c.decide(isBack, &record{ObservedInterface: eni.ObservedInterface{Interface: *iface}})
	}
	if r, known := s.records[iface.ID]; known {
		s.edit(r, c, func() { s.merge(rd, r, iface, epoch) })
		if r.byRest && s.anothers(r) {
			c.decide(isAnothers, r)
			s.remove(r, c)
		}
		return
	}
	_, ours := s.ownerOf(iface.Tags)
	last := died.owner // it was ours until it was taken for gone
	byRest := !ours && last == (eni.Owner{})
	if byRest {
		last, _ = s.halfOwnerOf(iface.Tags) // or before this process began
	}
	if !ours && last.NodeENIUID == "" {
		return
	}
	now := eni.InstantOf(rd.now)
	r := &record{known: now, seen: true, byRest: byRest, attachment: observed(rd.now), attachmentKnown: now}
	s.describe(r, *iface)
	r.ShownAt, r.AttachmentSince = rd.began, rd.now
	if !ours {
		r.owner = last
		s.readOwner(r, c)
	}
	r.count(epoch)
	s.add(r, c)
}

// anothers reports whether the interface bears all ownership tags again, and those of another cluster: of a copy of ours,
// say, whose NodeENIs have the same UIDs.
func (s *store) anothers(r *record) bool {
	owner, whole := eni.OwnerFrom(r.tags.value)
	r.byRest = !whole
	return whole && !slices.Contains(s.clusterIDs, owner.ClusterID)
}

// describe has a record be of an interface.
func (s *store) describe(r *record, iface eni.Interface) {
	r.tags = s.keys.pack(iface.Tags)
	r.Interface, r.Tags = iface, nil
}

// count counts an epoch that showed the interface.
func (r *record) count(epoch bool) {
	if epoch {
		r.Epochs++
	}
}

// merge takes from a read what it may say: all but what it contradicts and may lag behind.
func (s *store) merge(rd read, r *record, iface *eni.Interface, epoch bool) {
	r.count(epoch)
	first := !r.seen
	r.seen = true
	if rd.began.Before(r.ShownAt) || rd.began.Before(r.misses().last) {
		return // an older answer than the one that is known
	}
	r.ShownAt = rd.began
	switch {
	case !r.misses().last.IsZero():
		r.recheck = eni.InstantOf(rd.now.Add(s.horizon)) // reads disagree: one of them lags
	case first || !rd.began.Before(r.recheck.Time()):
		r.recheck = 0
	}
	r.Missing, r.missed = false, nil

	old := r.Interface
	r.Interface, r.Tags = *iface, nil
	r.Attachment = s.mergeAttachment(rd, r, old.Attachment, sharing(old.Attachment, iface.Attachment))
	s.mergeSettings(rd, r, &old, iface.Tags)
	r.share(&old)
}

// share keeps the copies of texts that there are, to which indexes and reports point as well: each read brings others.
func (r *record) share(old *eni.Interface) {
	for _, text := range []struct{ now, before *string }{{&r.ID, &old.ID}, {&r.MAC, &old.MAC}, {&r.PrivateIP, &old.PrivateIP}} {
		if *text.now == *text.before {
			*text.now = *text.before
		}
	}
}

// sharing is the attachment that a read shows, with what there is of the one that is known.
func sharing(known, shown *eni.Attachment) *eni.Attachment {
	switch {
	case known == nil || shown == nil || known.ID != shown.ID:
		return shown
	case *known == *shown:
		return known
	}
	same := *shown
	same.ID = known.ID
	return &same
}

// mergeSettings puts back the settings of which the read may lag behind our write, and keeps what there is
// where nothing differs.
func (s *store) mergeSettings(rd read, r *record, old *eni.Interface, tags map[string]string) {
	written := r.settings
	if written == nil {
		written = &settings{} // what we have not written overrules nothing
	}
	same := slices.Equal(old.SecurityGroupIDs, r.SecurityGroupIDs)
	if written.groups.overrules(rd.began, s.horizon, same) || same {
		r.SecurityGroupIDs = old.SecurityGroupIDs
	}
	same = r.tags.are(tags)
	if !written.tags.overrules(rd.began, s.horizon, same) && !same {
		r.tags = s.keys.pack(tags)
		r.retagged++
	}
	if written.description.overrules(rd.began, s.horizon, old.Description == r.Description) {
		r.Description = old.Description
	}
}

// mergeAttachment decides between the attachment that is known and the one that a read shows.
// Source: https://github.com/aws/amazon-vpc-cni-k8s/issues/914 (attachments left out of a read)
func (s *store) mergeAttachment(rd read, r *record, known, shown *eni.Attachment) *eni.Attachment {
	if known != nil && known.ID != "" && shown != nil && shown.ID == "" {
		// In use, with the attachment left out for a moment: that says nothing about the one that is known.
		r.recheck = eni.InstantOf(later(r.recheck.Time(), rd.now.Add(s.horizon)))
		return known
	}
	same := sameStatus(known, shown)
	if r.attachment.overrules(rd.began, s.horizon, same || s.follows(rd, r, known, shown)) {
		return known
	}
	if !same {
		r.reattach(known, shown, rd.now)
		r.attachment = observed(rd.now)
	}
	return s.mergeFlag(rd, r, known, shown)
}

// mergeFlag keeps the delete-on-termination that we set on this attachment while the read may lag behind.
func (s *store) mergeFlag(rd read, r *record, known, shown *eni.Attachment) *eni.Attachment {
	if known == nil || shown == nil || known.ID != shown.ID {
		r.flag = mark{}
		return shown
	}
	if !r.flag.overrules(rd.began, s.horizon, known.DeleteOnTermination == shown.DeleteOnTermination) {
		return shown
	}
	kept := *shown
	kept.DeleteOnTermination = known.DeleteOnTermination
	return &kept
}

// reattach follows the attachment from one to the next, or from one status to the next.
func (r *record) reattach(from, to *eni.Attachment, now time.Time) {
	r.AttachmentSince = now
	if from != nil && to != nil && from.ID == to.ID {
		return
	}
	r.attachmentKnown = eni.InstantOf(now)
	if from != nil && from.ID != "" {
		r.WasAttached = true
		if r.settings == nil {
			r.settings = &settings{}
		}
		ids := append(slices.Clone(r.settings.formers), from.ID)
		r.settings.formers = ids[max(0, len(ids)-maxFormers):]
	}
}

// follows reports whether what a read shows can only have come after what is known, so that the read does not
// lag however early it began.
//
//	none ──► attaching ──► attached ──► (unknown: a detach without answer) ──► detaching ──► none
//	  └────► unknown: an attach without answer, its ID not known ──► any of these
func (s *store) follows(rd read, r *record, known, shown *eni.Attachment) bool {
	switch {
	case known == nil || known.ID == "":
		return shown != nil && !r.had(shown.ID)
	case shown != nil && shown.ID == known.ID:
		return rank(shown.Status) > rank(known.Status)
	}
	return !rd.began.Before(r.attachmentKnown.Add(s.horizon)) // began when the known attachment was there already
}

// rank orders the statuses of one attachment as it goes through them.
func rank(status eni.AttachmentStatus) int {
	switch status {
	case eni.Attaching:
		return 1
	case eni.Attached:
		return 2
	case eni.UnknownAttachment:
		return 3
	}
	return 4
}
