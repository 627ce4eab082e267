package inventory

import (
	"maps"
	"slices"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Inventory holds what EC2 shows, merged with what we did. Its methods may be called from any goroutine; what
// they return is never modified afterwards.
type Inventory struct {
	reader  Reader
	options Options

	refreshInstances, refreshInterfaces, refreshSubnets, refreshForeign *batch
	// pollWake and listWake wake the loops that otherwise have nothing to do.
	pollWake, listWake chan struct{}
	// listed is closed when the first complete list has arrived.
	listed chan struct{}

	mu        sync.Mutex
	logger    klog.Logger
	synced    bool
	store     *store
	instances instanceStore
	// subnets is handed out, and so replaced when something is to be changed.
	subnets subnetStore
	foreign *foreignStore
	stats   Stats
}

// New makes an inventory. It reads nothing before Run.
func New(reader Reader, options Options) *Inventory {
	options = options.withDefaults()
	i := &Inventory{
		reader:            reader,
		options:           options,
		refreshInstances:  newBatch(),
		refreshInterfaces: newBatch(),
		refreshSubnets:    newBatch(),
		refreshForeign:    newBatch(),
		pollWake:          make(chan struct{}, 1),
		listWake:          make(chan struct{}, 1),
		listed:            make(chan struct{}),
		logger:            klog.Background(),
		store:             newStore(options.ClusterIDs, options.Horizon, options.CreateDeadline),
		instances:         instanceStore{},
		subnets:           subnetStore{},
		foreign:           newForeignStore(),
		stats:             Stats{Reads: map[string]int{}, Failures: map[string]int{}},
	}
	i.store.uidOf = options.UIDOf
	return i
}

// HasSynced reports whether the first complete list has arrived: nothing must be decided before.
func (i *Inventory) HasSynced() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.synced
}

// InterfacesOf returns our interfaces that are tagged for the instance or attached to it, in the order of ID.
// The instance "" stands for those that are neither tagged for nor attached to any. An interface that has lost
// its tags is among them by what they last were.
func (i *Inventory) InterfacesOf(instanceID string) []eni.ObservedInterface {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.observed(i.store.byInstance[instanceID])
}

// HasInterfaces reports whether InterfacesOf has any.
func (i *Inventory) HasInterfaces(instanceID string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return len(i.store.byInstance[instanceID]) > 0
}

// InterfacesOfNodeENI returns the interfaces whose tags name, or before they were lost named, the UID.
func (i *Inventory) InterfacesOfNodeENI(uid string) []eni.ObservedInterface {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.observed(slices.Sorted(maps.Keys(i.store.byUID[uid])))
}

// InstancesOfNodeENI returns the instances whose workers have to do with interfaces of the NodeENI, in a set of the
// caller's own.
func (i *Inventory) InstancesOfNodeENI(uid string) map[string]bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	keys := make(map[string]bool, len(i.store.byUID[uid]))
	for id := range i.store.byUID[uid] {
		for key := range i.store.records[id].instanceKeys {
			keys[key] = true
		}
	}
	return keys
}

// InstanceKeys returns every instance that InterfacesOf has something for, sorted.
func (i *Inventory) InstanceKeys() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Sorted(maps.Keys(i.store.byInstance))
}

// NodeENIUIDs returns every UID that InterfacesOfNodeENI has something for, sorted.
func (i *Inventory) NodeENIUIDs() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Sorted(maps.Keys(i.store.byUID))
}

// interfaceSubnets are those in which interfaces of ours are, which the specs of their NodeENIs may not name any more.
func (i *Inventory) interfaceSubnets() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	ids := map[string]bool{}
	for _, r := range i.store.records {
		ids[r.SubnetID] = true
	}
	delete(ids, "")
	return slices.Collect(maps.Keys(ids))
}

// Interface returns one interface of ours.
func (i *Inventory) Interface(id string) (eni.ObservedInterface, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if r, ok := i.store.records[id]; ok {
		return r.observed(), true
	}
	return eni.ObservedInterface{}, false
}

// Attached counts our interfaces that are attached, or may be, and are not being detached.
func (i *Inventory) Attached() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.attached
}

// Departed reports whether the interface has been deleted lately, so that an older description of its instance
// may still show it.
func (i *Inventory) Departed(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.tombstones[id].deleted
}

// Doubted reports whether reads have ceased to show the interface lately, and nothing else says that it is gone: a
// description of its instance that shows it may be the one that is right.
func (i *Inventory) Doubted(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	t, ok := i.store.tombstones[id]
	return ok && !t.deleted
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

// Subnets returns all subnets that have been described, by ID.
func (i *Inventory) Subnets() map[string]eni.ObservedSubnet {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.subnets
}

// RefreshInstances has the instances described anew, together with those that others ask for. Changed tells
// when the answer is there.
func (i *Inventory) RefreshInstances(ids ...string) { i.refreshInstances.add(ids...) }

// RefreshInterfaces is RefreshInstances for interfaces.
func (i *Inventory) RefreshInterfaces(ids ...string) { i.refreshInterfaces.add(ids...) }

// RefreshSubnets is RefreshInstances for subnets.
func (i *Inventory) RefreshSubnets(ids ...string) { i.refreshSubnets.add(ids...) }

// ShowsPredecessors reports whether whatever a predecessor made is held: whether a complete list has come that began
// when a predecessor's last calls could take effect no more, and a horizon after that.
func (i *Inventory) ShowsPredecessors() bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.store.absence.whole
}

// AbsentFor reports whether no interface of the NodeENI exists and none can still come. When that is not
// known, the lists that it takes are made, and Changed tells when the answer may be another.
func (i *Inventory) AbsentFor(uid string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	absent := i.store.absent(uid, time.Now())
	if !absent {
		wake(i.listWake)
	}
	return absent
}
