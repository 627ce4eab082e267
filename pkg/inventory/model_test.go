package inventory

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	testHorizon = 10 * time.Second
	testCluster = "cluster"
)

var testStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// model is a tiny EC2 that is eventually consistent, with a store that reads it and the worker that writes to
// it. Every read shows each interface as it was at some time between a horizon before the read began and its
// end, chosen for each interface and each read on its own.
type model struct {
	now   time.Time
	store *store

	// history is how each interface was, in order of time; nil when it did not exist.
	history map[string][]version
	// events happen in EC2 when their time comes; answers are reads and own calls in progress.
	events  []event
	answers []func(*rapid.T)
	serial  int

	// known are the interfaces that the store has ever held; creating counts creates that can still take effect.
	known    map[string]bool
	creating map[string]int
	// busy are the interfaces on which a call of ours is in progress: one worker at a time works on one.
	busy map[string]bool
	// attached are the IDs of the last attachments.
	attached map[string]string
	// own is what our last answered write of a setting or of the attachment was, by interface, until somebody
	// else changes it.
	own map[string]ownValues
}

type version struct {
	at    time.Time
	iface *eni.Interface
}

type event struct {
	at   time.Time
	what func()
}

// ownValues are what reads must not contradict; nil or false when there is nothing.
type ownValues struct {
	groups     []string
	attachment *eni.Attachment
}

func newModel() *model {
	m := &model{
		now:      testStart,
		store:    newStore([]string{testCluster}, testHorizon, CreateDeadline),
		history:  map[string][]version{},
		known:    map[string]bool{},
		creating: map[string]int{},
		busy:     map[string]bool{},
		attached: map[string]string{},
		own:      map[string]ownValues{},
	}
	m.store.absence.start = m.now
	return m
}

func testOwner(uid, instance string) eni.Owner {
	return eni.Owner{ClusterID: testCluster, NodeENIUID: uid, NodeENIName: uid, InstanceID: instance, Slot: eni.Slot{Index: 1}}
}

// make makes an interface in EC2.
func (m *model) make(uid string) *eni.Interface {
	m.serial++
	iface := &eni.Interface{
		ID:               fmt.Sprintf("eni-%03d", m.serial),
		SecurityGroupIDs: []string{"sg-0"},
		Tags:             testOwner(uid, "i-"+uid).Tags(),
	}
	m.set(iface.ID, iface)
	return iface
}

// set records a new version of an interface.
func (m *model) set(id string, iface *eni.Interface) {
	m.history[id] = append(m.history[id], version{m.now, iface})
}

// at is the interface as it was at a time; nil when it did not exist.
func (m *model) at(id string, when time.Time) *eni.Interface {
	var iface *eni.Interface
	for _, v := range m.history[id] {
		if v.at.After(when) {
			break
		}
		iface = v.iface
	}
	return iface
}

// truth is the interface as it is.
func (m *model) truth(id string) *eni.Interface { return m.at(id, m.now) }

// change changes an interface in EC2, if it exists.
func (m *model) change(id string, change func(*eni.Interface)) {
	if iface := m.truth(id); iface != nil {
		changed := deepCopy(iface)
		change(&changed)
		m.set(id, &changed)
	}
}

// after has something happen in EC2 later.
func (m *model) after(d time.Duration, what func()) {
	m.events = append(m.events, event{m.now.Add(d), what})
}

// advance lets time pass, with all that happens meanwhile.
func (m *model) advance(d time.Duration) {
	end := m.now.Add(d)
	for {
		slices.SortStableFunc(m.events, func(a, b event) int { return a.at.Compare(b.at) })
		if len(m.events) == 0 || m.events[0].at.After(end) {
			break
		}
		next := m.events[0]
		m.events = m.events[1:]
		m.now = next.at
		next.what()
	}
	m.now = end
}

// snapshot is what a read that begins now will see of an interface: it is called when the read ends.
func (m *model) snapshot(t *rapid.T, id string) func() *eni.Interface {
	switch rapid.SampledFrom([]string{"fresh", "late", "lags"}).Draw(t, id) {
	case "late":
		return func() *eni.Interface { return m.truth(id) }
	case "lags":
		iface := m.at(id, m.now.Add(-duration(t, "by", 0, int(testHorizon/time.Millisecond))))
		return func() *eni.Interface { return iface }
	}
	iface := m.truth(id)
	return func() *eni.Interface { return iface }
}

// beginRead begins a read of the given interfaces and returns what ends it.
func (m *model) beginRead(t *rapid.T, ids []string) (finish func() (read, []eni.Interface)) {
	began := m.now
	var snapshots []func() *eni.Interface
	for _, id := range ids {
		snapshots = append(snapshots, m.snapshot(t, id))
	}
	return func() (read, []eni.Interface) {
		var found []eni.Interface
		for _, snapshot := range snapshots {
			if iface := snapshot(); iface != nil {
				found = append(found, *iface)
			}
		}
		return read{began, m.now}, found
	}
}

func (m *model) ids() []string { return slices.Sorted(maps.Keys(m.history)) }

// beginList begins a complete list, narrowed unless scope is nil.
func (m *model) beginList(t *rapid.T, scope map[string]bool) (finish func(*rapid.T)) {
	end := m.beginRead(t, m.ids())
	return func(*rapid.T) {
		rd, found := end()
		found = slices.DeleteFunc(found, func(iface eni.Interface) bool {
			if scope != nil {
				return !scope[iface.Tags[eni.TagNodeENIUID]]
			}
			return iface.Tags[eni.TagClusterID] != testCluster
		})
		m.store.applyList(rd, found, scope)
	}
}

// beginDescribe begins a read by ID.
func (m *model) beginDescribe(t *rapid.T, ids []string) (finish func(*rapid.T)) {
	end := m.beginRead(t, ids)
	return func(*rapid.T) {
		rd, found := end()
		m.store.applyByID(rd, ids, found)
	}
}

// call has a call of ours on an interface answered later.
func (m *model) call(id string, answered func()) {
	m.busy[id] = true
	m.answers = append(m.answers, func(*rapid.T) {
		m.busy[id] = false
		answered()
	})
}

// idleRecord draws an interface that the store holds and that no call of ours is about; nil when there is none.
func (m *model) idleRecord(t *rapid.T) *record {
	if r := m.anyRecord(t); r != nil && !m.busy[r.ID] {
		return r
	}
	return nil
}

// anyRecord draws an interface that the store holds; nil when it holds none.
func (m *model) anyRecord(t *rapid.T) *record {
	ids := slices.Sorted(maps.Keys(m.store.records))
	if len(ids) == 0 {
		return nil
	}
	return m.store.records[rapid.SampledFrom(ids).Draw(t, "record")]
}

// anyInterface draws an interface that exists; nil when there is none.
func (m *model) anyInterface(t *rapid.T) *eni.Interface {
	ids := slices.DeleteFunc(m.ids(), func(id string) bool { return m.truth(id) == nil })
	if len(ids) == 0 {
		return nil
	}
	return m.truth(rapid.SampledFrom(ids).Draw(t, "interface"))
}

// lags reports whether a call may not know the interface yet, although it exists.
func (m *model) lags(id string) bool { return m.now.Before(m.history[id][0].at.Add(testHorizon)) }

// attachmentMoved forgets what we wrote when EC2 takes the attachment away from it.
func (m *model) attachmentMoved(id string) {
	own := m.own[id]
	own.attachment = nil
	m.own[id] = own
}

// progress lets EC2 finish attaching or detaching, unless something else happened to the attachment meanwhile.
func (m *model) progress(id string, attachment eni.Attachment, delay time.Duration) {
	m.after(delay, func() {
		iface := m.truth(id)
		if iface == nil || iface.Attachment == nil || *iface.Attachment != attachment {
			return
		}
		m.change(id, func(i *eni.Interface) {
			if attachment.Status == eni.Detaching {
				i.Attachment = nil
				return
			}
			i.Attachment.Status = eni.Attached
		})
	})
}

// attach attaches an interface in EC2 and returns its attachment; nil when EC2 refuses.
func (m *model) attach(id string, delay time.Duration) *eni.Attachment {
	if iface := m.truth(id); iface == nil || iface.Attachment != nil {
		return nil
	}
	m.serial++
	a := eni.Attachment{ID: fmt.Sprintf("attach-%03d", m.serial), InstanceID: "i-a", Slot: eni.Slot{Index: 1}, Status: eni.Attaching}
	m.change(id, func(i *eni.Interface) { copied := a; i.Attachment = &copied })
	m.attached[id] = a.ID
	m.progress(id, a, delay)
	return &a
}

// detach detaches an interface in EC2 and returns its attachment; nil when EC2 refuses.
func (m *model) detach(id string, delay time.Duration) *eni.Attachment {
	iface := m.truth(id)
	if iface == nil || iface.Attachment == nil || iface.Attachment.Status != eni.Attached {
		return nil
	}
	a := *iface.Attachment
	a.Status = eni.Detaching
	m.change(id, func(i *eni.Interface) { copied := a; i.Attachment = &copied })
	m.progress(id, a, delay)
	return &a
}
