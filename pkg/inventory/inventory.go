package inventory

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Inventory holds what EC2 shows, merged with what we did. Its methods may be called from any goroutine; what
// they return is never modified afterwards.
type Inventory struct {
	reader  Reader
	options Options

	refreshInstances, refreshInterfaces, refreshSubnets *batch
	// pollFlux and checkAbsence wake the loops that otherwise have nothing to do.
	pollFlux, checkAbsence chan struct{}

	mu        sync.Mutex
	synced    bool
	store     *store
	instances instanceStore
	subnets   subnetStore
	absence   *absence
}

// New makes an inventory. It reads nothing before Run.
func New(reader Reader, options Options) *Inventory {
	return &Inventory{
		reader:            reader,
		options:           options,
		refreshInstances:  newBatch(),
		refreshInterfaces: newBatch(),
		refreshSubnets:    newBatch(),
		pollFlux:          make(chan struct{}, 1),
		checkAbsence:      make(chan struct{}, 1),
		store:             newStore(options.ClusterIDs, options.Horizon),
		instances:         instanceStore{},
		subnets:           subnetStore{},
		absence:           newAbsence(options.Horizon),
	}
}

// HasSynced reports whether the first complete list has arrived: nothing must be decided before.
func (i *Inventory) HasSynced() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.synced
}

// InterfacesOf returns our interfaces that are tagged for the instance or attached to it, in the order of ID.
// The instance "" stands for those that are neither tagged for nor attached to any.
func (i *Inventory) InterfacesOf(instanceID string) []eni.ObservedInterface {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.observed(i.store.byInstance[instanceID])
}

// InterfacesOfNodeENI returns the interfaces whose tags name, or before they were lost named, the UID.
func (i *Inventory) InterfacesOfNodeENI(uid string) []eni.ObservedInterface {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.observed(i.store.byUID[uid])
}

// InstancesOfNodeENI returns the instances whose workers have to do with interfaces of the NodeENI, sorted.
func (i *Inventory) InstancesOfNodeENI(uid string) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	keys := map[string]bool{}
	for id := range i.store.byUID[uid] {
		for _, key := range i.store.records[id].instanceKeys() {
			keys[key] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// InstanceKeys returns every instance that InterfacesOf has something for, sorted.
func (i *Inventory) InstanceKeys() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Sorted(maps.Keys(i.store.byInstance))
}

// Interface returns one interface of ours.
func (i *Inventory) Interface(id string) (eni.ObservedInterface, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r, ok := i.store.records[id]; ok {
		return r.ObservedInterface, true
	}
	return eni.ObservedInterface{}, false
}

// Departed reports whether we have deleted the interface lately, so that an older description of its
// instance may still show it.
func (i *Inventory) Departed(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	_, ok := i.store.tombstones[id]
	return ok
}

// Instance returns an instance as last described.
func (i *Inventory) Instance(id string) (eni.ObservedInstance, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	instance, ok := i.instances[id]
	return instance, ok
}

// Subnet returns a subnet as last described.
func (i *Inventory) Subnet(id string) (eni.ObservedSubnet, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	subnet, ok := i.subnets[id]
	return subnet, ok
}

// RefreshInstances has the instances described anew, together with those that others ask for. Changed tells
// when the answer is there.
func (i *Inventory) RefreshInstances(ids ...string) { i.refreshInstances.add(ids...) }

// RefreshInterfaces is RefreshInstances for interfaces.
func (i *Inventory) RefreshInterfaces(ids ...string) { i.refreshInterfaces.add(ids...) }

// RefreshSubnets is RefreshInstances for subnets.
func (i *Inventory) RefreshSubnets(ids ...string) { i.refreshSubnets.add(ids...) }

// BeginCreate records that a create for the NodeENI is about to be sent. end must be called with what came of
// it: the interface, or nil, and whether the create may have taken effect all the same.
func (i *Inventory) BeginCreate(uid string) (end func(created *eni.Interface, outcomeUnknown bool)) {
	began := time.Now()
	i.mu.Lock()
	i.absence.beginCreate(uid)
	i.mu.Unlock()
	return func(created *eni.Interface, outcomeUnknown bool) {
		until := time.Now()
		if outcomeUnknown {
			until = began.Add(CreateDeadline + i.options.Horizon)
		}
		i.apply(func(now time.Time) *changes {
			i.absence.endCreate(uid, until)
			if created == nil {
				return &changes{uids: map[string]bool{uid: true}}
			}
			return i.store.created(*created, now)
		})
	}
}

// SetAttachment records what our attach or detach has led to: Attaching, Detaching, or UnknownAttachment when
// its answer was lost.
func (i *Inventory) SetAttachment(id string, a *eni.Attachment) {
	i.apply(func(now time.Time) *changes { return i.store.setAttachment(id, a, now) })
}

// Modified records our change of a setting. The change may replace the interface's maps and slices, but must
// not write to them.
func (i *Inventory) Modified(id string, change func(*eni.Interface)) {
	i.apply(func(now time.Time) *changes { return i.store.modified(id, change, now) })
}

// Deleted records that EC2 has deleted the interface for us.
func (i *Inventory) Deleted(id string) {
	i.apply(func(now time.Time) *changes { return i.store.deleted(id, now) })
}

// DeleteNotFound records that EC2 does not know what we wanted to delete. It reports whether that is to be
// believed: not of an interface made a moment ago that no read has shown yet.
func (i *Inventory) DeleteNotFound(id string) (gone bool) {
	i.apply(func(now time.Time) (c *changes) {
		gone, c = i.store.deleteNotFound(id, now)
		return c
	})
	return gone
}

// NotSeen records that EC2 does not know what we wanted to attach.
func (i *Inventory) NotSeen(id string) {
	i.apply(func(now time.Time) *changes { return i.store.notSeen(id, now) })
}

// AbsentFor reports whether no interface of the NodeENI exists and none can still come. When that is not
// known, the lists that it takes are made, and Changed tells when the answer may be another.
func (i *Inventory) AbsentFor(uid string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	absent := i.absence.absent(uid, len(i.store.byUID[uid]) > 0, time.Now())
	if !absent {
		wake(i.checkAbsence)
	}
	return absent
}

// apply changes the store and tells about it.
func (i *Inventory) apply(change func(now time.Time) *changes) {
	i.mu.Lock()
	c := change(time.Now())
	i.mu.Unlock()
	i.tell(c)
}

// tell passes on what has changed, and wakes the poll when anything is in flux.
func (i *Inventory) tell(c *changes) {
	if len(c.instances)+len(c.uids)+len(c.subnets) == 0 {
		return
	}
	wake(i.pollFlux)
	i.options.Changed(c.change())
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
