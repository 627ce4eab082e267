package inventory

import (
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// store is the interface store. It has no lock and no clock: the Inventory holds the one and reads the other.
type store struct {
	clusterIDs []string
	horizon    time.Duration

	records    map[string]*record
	byInstance index
	byUID      index
	// tombstones are interfaces that we deleted, by when: a read that began less than a horizon later may
	// still show them.
	tombstones map[string]time.Time
}

// record is what is known of one interface.
type record struct {
	eni.ObservedInterface
	// owner is the last owner that its tags named: tags can be lost.
	owner eni.Owner
	// When our last write of each kind was answered; zero when there was none.
	created, attachmentWrite, flagWrite, settingsWrite time.Time
	// seen is true once a read has shown the interface.
	seen bool
	// firstMiss is when the first list began that should have shown the interface and did not; missedByID
	// that a read by ID did not show it either.
	firstMiss  time.Time
	missedByID bool
}

func newStore(clusterIDs []string, horizon time.Duration) *store {
	return &store{
		clusterIDs: clusterIDs,
		horizon:    horizon,
		records:    map[string]*record{},
		byInstance: index{},
		byUID:      index{},
		tombstones: map[string]time.Time{},
	}
}

// lastWrite is when the last own write of any kind was answered.
func (r *record) lastWrite() time.Time {
	last := r.created
	for _, at := range []time.Time{r.attachmentWrite, r.flagWrite, r.settingsWrite} {
		if at.After(last) {
			last = at
		}
	}
	return last
}

// instanceKeys are the instances whose workers have to do with the interface.
func (r *record) instanceKeys() []string {
	keys := []string{r.owner.InstanceID}
	if r.Attachment != nil && r.Attachment.InstanceID != r.owner.InstanceID {
		if keys[0] == "" {
			return []string{r.Attachment.InstanceID}
		}
		keys = append(keys, r.Attachment.InstanceID)
	}
	return keys
}

// inFlux reports whether EC2 is expected to show something else soon.
func (r *record) inFlux() bool {
	return r.Missing || (r.Attachment != nil && r.Attachment.Status != eni.Attached)
}

// put replaces what is known of an interface and keeps the indexes.
func (s *store) put(r *record, changes *changes) {
	if old, ok := s.records[r.ID]; ok {
		s.unindex(old)
		changes.record(old)
	}
	if owner, ok := s.ownerOf(r.Tags); ok {
		r.owner = owner
	}
	s.records[r.ID] = r
	for _, key := range r.instanceKeys() {
		s.byInstance.add(key, r.ID)
	}
	s.byUID.add(r.owner.NodeENIUID, r.ID)
	changes.record(r)
}

// remove forgets an interface.
func (s *store) remove(id string, changes *changes) {
	if r, ok := s.records[id]; ok {
		s.unindex(r)
		delete(s.records, id)
		changes.record(r)
	}
}

func (s *store) unindex(r *record) {
	for _, key := range r.instanceKeys() {
		s.byInstance.remove(key, r.ID)
	}
	s.byUID.remove(r.owner.NodeENIUID, r.ID)
}

// ownerOf reads tags that make an interface ours.
func (s *store) ownerOf(tags map[string]string) (eni.Owner, bool) {
	owner, ok := eni.OwnerOf(tags)
	return owner, ok && slices.Contains(s.clusterIDs, owner.ClusterID)
}

// observed returns the interfaces with the given IDs, in the order of ID.
func (s *store) observed(ids map[string]bool) []eni.ObservedInterface {
	if len(ids) == 0 {
		return nil
	}
	list := make([]eni.ObservedInterface, 0, len(ids))
	for _, id := range slices.Sorted(maps.Keys(ids)) {
		list = append(list, s.records[id].ObservedInterface)
	}
	return list
}

// flux are the interfaces to poll.
func (s *store) flux() []string {
	var ids []string
	for id, r := range s.records {
		if r.inFlux() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// index finds interface IDs by a key.
type index map[string]map[string]bool

func (x index) add(key, id string) {
	if x[key] == nil {
		x[key] = map[string]bool{}
	}
	x[key][id] = true
}

func (x index) remove(key, id string) {
	delete(x[key], id)
	if len(x[key]) == 0 {
		delete(x, key)
	}
}

// changes collects whom to tell.
type changes struct {
	instances, uids, subnets map[string]bool
}

func (c *changes) record(r *record) {
	for _, key := range r.instanceKeys() {
		mark(&c.instances, key)
	}
	if r.owner.NodeENIUID != "" {
		mark(&c.uids, r.owner.NodeENIUID)
	}
}

func mark(set *map[string]bool, key string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[key] = true
}

func (c *changes) change() Change {
	return Change{
		Instances:   slices.Sorted(maps.Keys(c.instances)),
		NodeENIUIDs: slices.Sorted(maps.Keys(c.uids)),
		Subnets:     slices.Sorted(maps.Keys(c.subnets)),
	}
}
