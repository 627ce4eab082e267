package inventory

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// store holds what is known of our interfaces. It has no lock and no clock: the Inventory holds the one and
// reads the other.
type store struct {
	clusterIDs []string
	horizon    time.Duration
	// uidOf is the UID of the NodeENI that has a name now; empty when none has.
	uidOf func(name string) string

	records    map[string]*record
	byInstance fewIndex
	byUID      index
	keys       tagSets
	// attached counts the records that are attached and not being detached.
	attached int
	// restless are the records that must be read by ID, now or later; unlisted those of them that were missed by ID
	// already, and which only a list is wanted to know gone.
	restless map[string]*record
	unlisted map[string]*record
	// tombstones are interfaces that we deleted or take for gone: a read that began less than a horizon after we
	// learned it may still show them.
	tombstones map[string]tombstone
	absence    *absence
}

// tombstone is when we learned that an interface is gone, and whether from EC2's answer to a delete, which is the end
// of it, or from reads that did not show it; and whose it was, which its tags may not tell any more should it be there
// after all.
type tombstone struct {
	at      time.Time
	deleted bool
	owner   eni.Owner
}

// buried is for how long a tombstone is kept: until no read can be under way that began within the horizon.
const buried = 10 * time.Minute

func newStore(clusterIDs []string, horizon, createDeadline time.Duration) *store {
	return &store{
		clusterIDs: clusterIDs,
		horizon:    horizon,
		uidOf:      func(string) string { return "" },
		records:    map[string]*record{},
		byInstance: fewIndex{},
		byUID:      index{},
		restless:   map[string]*record{},
		unlisted:   map[string]*record{},
		tombstones: map[string]tombstone{},
		absence:    newAbsence(horizon, createDeadline),
	}
}

// add puts a new record into the store.
func (s *store) add(r *record, c *changes) {
	if owner, ok := s.owner(r.tags.value); ok {
		r.owner = owner
	}
	s.records[r.ID] = r
	s.index(r)
	s.watch(r)
	c.show(r)
	s.moved(r.owner.NodeENIUID, c)
}

// moved starts the wait for a NodeENI's absence anew, because an interface came to it or left it.
func (s *store) moved(uid string, c *changes) { s.absence.restart(uid, c.now) }

// absent reports whether no interface of the NodeENI exists and none can still come.
func (s *store) absent(uid string, now time.Time) bool {
	return s.absence.absent(uid, len(s.byUID[uid]) > 0, now)
}

// edit changes a record and keeps the indexes, and notes whether anybody would see a difference.
func (s *store) edit(r *record, c *changes, change func()) {
	before := *r
	change()
	if before.retagged != r.retagged {
		s.readOwner(r, c)
	}
	s.watch(r)
	c.decideMoved(before.Attachment, r.Attachment, r)
	if !r.differs(&before) {
		return
	}
	if before.owner != r.owner || !sameAttachment(before.Attachment, r.Attachment) {
		s.unindex(&before)
		s.index(r)
	}
	if before.owner.NodeENIUID != r.owner.NodeENIUID {
		s.moved(before.owner.NodeENIUID, c)
		s.moved(r.owner.NodeENIUID, c)
	}
	c.show(&before)
	c.show(r)
}

// readOwner follows the tags to another owner. Tags that name none leave the last one in place: it is whose
// finalizer the interface holds until it is gone, or tagged again.
func (s *store) readOwner(r *record, c *changes) {
	owner, ok := s.owner(r.tags.value)
	if !ok {
		c.decide(hasLostTags, r)
		last := r.owner
		r.LastOwner = &last
		return
	}
	r.owner, r.LastOwner = owner, nil
}

// remove forgets an interface.
func (s *store) remove(r *record, c *changes) {
	s.unindex(r)
	delete(s.records, r.ID)
	delete(s.restless, r.ID)
	delete(s.unlisted, r.ID)
	c.show(r)
	s.moved(r.owner.NodeENIUID, c)
}

// bury removes an interface that is gone, and keeps lagging reads from bringing it back.
func (s *store) bury(r *record, c *changes) {
	s.tombstones[r.ID] = tombstone{at: c.now, owner: r.owner}
	s.remove(r, c)
}

func (s *store) expireTombstones(now time.Time) {
	maps.DeleteFunc(s.tombstones, func(_ string, t tombstone) bool { return now.After(t.at.Add(s.horizon + buried)) })
}

func (s *store) index(r *record) {
	for key := range r.instanceKeys {
		s.byInstance.add(key, r.ID)
	}
	s.byUID.add(r.owner.NodeENIUID, r.ID)
	if r.staysAttached() {
		s.attached++
	}
}

func (s *store) unindex(r *record) {
	for key := range r.instanceKeys {
		s.byInstance.remove(key, r.ID)
	}
	s.byUID.remove(r.owner.NodeENIUID, r.ID)
	if r.staysAttached() {
		s.attached--
	}
}

// ownerOf reads tags that make an interface ours.
func (s *store) ownerOf(tags map[string]string) (eni.Owner, bool) {
	return s.owner(func(key string) string { return tags[key] })
}

// owner is ownerOf, of tags of which each is asked for.
func (s *store) owner(tag func(key string) string) (eni.Owner, bool) {
	owner, ok := eni.OwnerFrom(tag)
	return owner, ok && slices.Contains(s.clusterIDs, owner.ClusterID)
}

// halfOwnerOf reads tags that have lost one of the two that make an interface ours: whose it was, the other one tells with
// what is left: the name of a NodeENI is proof only beside the node that the interface was made for, since people paste
// tags. An interface that names another cluster is that one's, be it a copy of ours.
func (s *store) halfOwnerOf(tags map[string]string) (eni.Owner, bool) {
	owner, whole := eni.OwnerOf(tags)
	switch {
	case whole:
		return eni.Owner{}, false
	case owner.NodeENIUID != "":
		owner.ClusterID = s.clusterIDs[0]
	case owner.NodeENIName != "" && (owner.NodeName != "" || owner.InstanceID != "") && slices.Contains(s.clusterIDs, owner.ClusterID):
		owner.NodeENIUID = s.uidOf(owner.NodeENIName)
	}
	return owner, owner.NodeENIUID != ""
}

// uidIn is the NodeENI of which a read shows an interface; empty if it is none of ours.
func (s *store) uidIn(iface *eni.Interface) string {
	if owner, ok := s.ownerOf(iface.Tags); ok {
		return owner.NodeENIUID
	}
	owner, _ := s.halfOwnerOf(iface.Tags)
	return owner.NodeENIUID
}

// tagsLost reports whether the interface no longer bears the tags that made it ours.
func (s *store) tagsLost(r *record) bool {
	_, ours := s.owner(r.tags.value)
	return !ours
}

// allTagsLost are the interfaces that lists no longer show because their tags were lost, sorted.
func (s *store) allTagsLost() []string {
	var ids []string
	for id, r := range s.records {
		if s.tagsLost(r) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// observed returns the interfaces with the given IDs.
func (s *store) observed(ids []string) []eni.ObservedInterface {
	if len(ids) == 0 {
		return nil
	}
	list := make([]eni.ObservedInterface, 0, len(ids))
	for _, id := range ids {
		list = append(list, s.records[id].observed())
	}
	return list
}

// watch keeps track of whether the record must be read by ID.
func (s *store) watch(r *record) {
	if _, due := r.due(s.horizon); due {
		s.restless[r.ID] = r
	} else {
		delete(s.restless, r.ID)
	}
	if m := r.misses(); r.seen && r.Missing && !m.id.IsZero() && m.list.IsZero() && !s.tagsLost(r) {
		s.unlisted[r.ID] = r
	} else {
		delete(s.unlisted, r.ID)
	}
}

// nextPoll is when the next interface is to be read by ID; false when none is.
func (s *store) nextPoll() (next time.Time, ok bool) {
	for _, r := range s.restless {
		if at, _ := r.due(s.horizon); !ok || at.Before(next) {
			next, ok = at, true
		}
	}
	return next, ok
}

// poll takes of the interfaces that are to be read now those first that have waited longest: up to one call's worth, or
// where there are more, as many as make whole calls, up to most.
func (s *store) poll(now time.Time, worth, most int) []string {
	var due []*record
	for _, r := range s.restless {
		if at, _ := r.due(s.horizon); !at.After(now) {
			due = append(due, r)
		}
	}
	slices.SortFunc(due, func(a, b *record) int {
		return cmp.Or(a.polled.Time().Compare(b.polled.Time()), cmp.Compare(a.ID, b.ID))
	})
	if len(due) > worth {
		due = due[:min(len(due)/worth*worth, most)]
	}
	ids := make([]string, len(due))
	for i, r := range due {
		r.polled = eni.InstantOf(now)
		ids[i] = r.ID
	}
	return ids
}

// unlistedUIDs are the NodeENIs of which an interface was missed by ID and only a list is wanted to know it gone.
func (s *store) unlistedUIDs() map[string]bool {
	var uids map[string]bool
	for _, r := range s.unlisted {
		include(&uids, r.owner.NodeENIUID)
	}
	return uids
}

// fewIndex finds interface IDs by a key that few have, and has them sorted.
type fewIndex map[string][]string

func (x fewIndex) add(key, id string) {
	if i, there := slices.BinarySearch(x[key], id); !there {
		x[key] = slices.Insert(x[key], i, id)
	}
}

func (x fewIndex) remove(key, id string) {
	if i, there := slices.BinarySearch(x[key], id); there {
		x[key] = slices.Delete(x[key], i, i+1)
	}
	if len(x[key]) == 0 {
		delete(x, key)
	}
}

// index finds interface IDs by a key.
type index map[string]map[string]struct{}

func (x index) add(key, id string) {
	if x[key] == nil {
		x[key] = map[string]struct{}{}
	}
	x[key][id] = struct{}{}
}

func (x index) remove(key, id string) {
	delete(x[key], id)
	if len(x[key]) == 0 {
		delete(x, key)
	}
}
