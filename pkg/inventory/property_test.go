package inventory

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

var testUIDs = []string{"a", "b"}

// TestStoreUnderEveryInterleaving lets reads that lag, our own calls with and without answers, and other people
// interleave, and holds the store to what it promises. At the end everybody is quiet, and it must converge.
func TestStoreUnderEveryInterleaving(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel()
		for range rapid.IntRange(0, 3).Draw(t, "predecessor's") {
			m.make(rapid.SampledFrom(testUIDs).Draw(t, "uid"))
			m.advance(duration(t, "then", 0, 5000))
		}
		m.store.absence.start = m.now
		for range rapid.IntRange(0, 2).Draw(t, "predecessor's on their way") {
			m.strayCreate(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"":                    m.check,
			"time passes":         func(t *rapid.T) { m.advance(duration(t, "for", 0, 15000)) },
			"an answer arrives":   m.answer,
			"list":                func(t *rapid.T) { m.answers = append(m.answers, m.beginList(t, nil)) },
			"narrowed list":       m.listOne,
			"describe":            m.describe,
			"ask for absence":     func(t *rapid.T) { m.store.absent(rapid.SampledFrom(testUIDs).Draw(t, "uid"), m.now) },
			"create":              m.ownCreate,
			"create, answer lost": m.lostCreate,
			"attach":              m.ownAttach,
			"detach":              m.ownDetach,
			"set groups":          m.ownGroups,
			"delete":              m.ownDelete,
			"a person interferes": m.interfere,
		})
		m.converge(t)
	})
}

func duration(t *rapid.T, label string, low, high int) time.Duration {
	return time.Duration(rapid.IntRange(low, high).Draw(t, label)) * time.Millisecond
}

// answer ends one of the calls in progress, in any order.
func (m *model) answer(t *rapid.T) {
	if len(m.answers) == 0 {
		return
	}
	n := rapid.IntRange(0, len(m.answers)-1).Draw(t, "answer")
	finish := m.answers[n]
	m.answers = slices.Delete(m.answers, n, n+1)
	finish(t)
}

func (m *model) listOne(t *rapid.T) {
	uid := rapid.SampledFrom(testUIDs).Draw(t, "uid")
	m.answers = append(m.answers, m.beginList(t, map[string]bool{uid: true}))
}

func (m *model) describe(t *rapid.T) {
	if r := m.anyRecord(t); r != nil {
		m.answers = append(m.answers, m.beginDescribe(t, []string{r.ID}))
	}
}

func (m *model) ownCreate(t *rapid.T) {
	uid := rapid.SampledFrom(testUIDs).Draw(t, "uid")
	m.store.absence.beginCreate(uid)
	m.creating[uid]++
	m.after(duration(t, "takes effect after", 0, 2000), func() {
		iface := m.make(uid)
		m.answers = append(m.answers, func(*rapid.T) {
			m.creating[uid]--
			m.store.endCreate(uid, iface, m.now, m.now)
		})
	})
}

// strayCreate is one that a predecessor has sent, and which takes effect within its deadline.
func (m *model) strayCreate(t *rapid.T) {
	uid := rapid.SampledFrom(testUIDs).Draw(t, "uid")
	m.creating[uid]++
	m.after(duration(t, "takes effect after", 0, int(CreateDeadline/time.Millisecond)), func() {
		m.creating[uid]--
		m.make(uid)
	})
}

// lostCreate is a create whose answer is lost, and which takes effect within its deadline or never.
func (m *model) lostCreate(t *rapid.T) {
	uid := rapid.SampledFrom(testUIDs).Draw(t, "uid")
	m.store.absence.beginCreate(uid)
	m.creating[uid]++
	effective := rapid.Bool().Draw(t, "effective")
	began := m.now
	m.after(duration(t, "takes effect after", 0, int(CreateDeadline/time.Millisecond)), func() {
		m.creating[uid]--
		if effective {
			m.make(uid)
		}
	})
	m.after(duration(t, "fails after", 0, int(CreateDeadline/time.Millisecond)), func() {
		m.store.endCreate(uid, nil, later(m.now, began.Add(CreateDeadline+testHorizon)), m.now)
	})
}

// ownAttach attaches what the store says is available; the answer may be lost.
func (m *model) ownAttach(t *rapid.T) {
	r := m.idleRecord(t)
	if r == nil || r.Missing || r.Attachment != nil {
		return
	}
	if m.lags(r.ID) && rapid.Bool().Draw(t, "not found") {
		m.store.notSeen(r.ID, m.now)
		return
	}
	m.ownAttachment(t, r.ID, m.attach(r.ID, duration(t, "attaches within", 0, 20000)))
}

func (m *model) ownDetach(t *rapid.T) {
	r := m.idleRecord(t)
	if r == nil || r.Missing || r.Attachment == nil || r.Attachment.Status != eni.Attached {
		return
	}
	m.ownAttachment(t, r.ID, m.detach(r.ID, duration(t, "detaches within", 0, 20000)))
}

// ownAttachment tells the store, in its time, what an attach or detach led to.
func (m *model) ownAttachment(t *rapid.T, id string, a *eni.Attachment) {
	if a == nil {
		return
	}
	m.attachmentMoved(id)
	lost := rapid.IntRange(0, 9).Draw(t, "lost") > 6
	m.call(id, func() {
		told := *a
		if lost {
			told.Status = eni.UnknownAttachment
			if a.Status == eni.Attaching {
				told.ID = ""
			}
		}
		m.store.setAttachment(id, &told, m.now)
		if !lost && m.truth(id) != nil && m.attached[id] == a.ID {
			own := m.own[id]
			own.attachment = a
			m.own[id] = own
		}
	})
}

func (m *model) ownGroups(t *rapid.T) {
	r := m.idleRecord(t)
	if r == nil || m.truth(r.ID) == nil {
		return
	}
	m.serial++
	id, groups := r.ID, []string{fmt.Sprintf("sg-%d", m.serial)}
	m.change(id, func(i *eni.Interface) { i.SecurityGroupIDs = groups })
	m.ownGroupsChanged(id, nil)
	m.call(id, func() {
		m.store.modified(id, func(i *eni.Interface) { i.SecurityGroupIDs = groups }, m.now)
		if iface := m.truth(id); iface != nil && slices.Equal(iface.SecurityGroupIDs, groups) {
			m.ownGroupsChanged(id, groups)
		}
	})
}

func (m *model) ownGroupsChanged(id string, groups []string) {
	own := m.own[id]
	own.groups = groups
	m.own[id] = own
}

func (m *model) ownDelete(t *rapid.T) {
	r := m.idleRecord(t)
	if r == nil || r.Attachment != nil || r.Missing {
		return
	}
	id, iface := r.ID, m.truth(r.ID)
	switch {
	case iface == nil || (m.lags(id) && rapid.Bool().Draw(t, "not found")):
		m.store.deleteNotFound(id, m.now)
	case iface.Attachment == nil:
		m.set(id, nil)
		m.call(id, func() { m.store.deleted(id, m.now) })
	}
}

// interfere does by hand what a person, or EC2 itself, may do to any interface.
func (m *model) interfere(t *rapid.T) {
	iface := m.anyInterface(t)
	if iface == nil {
		return
	}
	id := iface.ID
	switch rapid.SampledFrom([]string{"delete", "attach", "detach", "groups", "untag", "tag"}).Draw(t, "what") {
	case "delete":
		if iface.Attachment == nil {
			m.set(id, nil)
		}
	case "attach":
		if m.attach(id, duration(t, "attaches within", 0, 20000)) != nil {
			m.attachmentMoved(id)
		}
	case "detach":
		if m.detach(id, duration(t, "detaches within", 0, 20000)) != nil {
			m.attachmentMoved(id)
		}
	case "groups":
		m.serial++
		m.change(id, func(i *eni.Interface) { i.SecurityGroupIDs = []string{fmt.Sprintf("sg-%d", m.serial)} })
		m.ownGroupsChanged(id, nil)
	case "untag":
		if m.known[id] { // of one that was never seen nobody can know that it was ours
			m.change(id, func(i *eni.Interface) { i.Tags = nil })
		}
	case "tag":
		m.change(id, func(i *eni.Interface) { i.Tags = m.history[id][0].iface.Tags })
	}
}

// check holds the store to what it promises at any time.
func (m *model) check(t *rapid.T) {
	attached := 0
	for id, r := range m.store.records {
		m.known[id] = true
		if r.staysAttached() {
			attached++
		}
	}
	if m.store.attached != attached {
		t.Fatalf("%d interfaces are counted as attached, %d are", m.store.attached, attached)
	}
	for _, id := range slices.Sorted(maps.Keys(m.known)) {
		iface, r := m.truth(id), m.store.records[id]
		if iface == nil {
			continue
		}
		if r == nil {
			t.Fatalf("%s exists, and was reported gone", id)
		}
		m.checkOwn(t, r, iface)
	}
	m.checkAbsence(t)
}

// checkOwn: what we wrote, and nobody changed, is what the store shows.
func (m *model) checkOwn(t *rapid.T, r *record, iface *eni.Interface) {
	own := m.own[r.ID]
	if own.groups != nil && !slices.Equal(r.SecurityGroupIDs, own.groups) {
		t.Fatalf("%s has groups %v, which we wrote, and shows %v", r.ID, own.groups, r.SecurityGroupIDs)
	}
	switch {
	case own.attachment == nil:
	case iface.Attachment == nil && r.Attachment == nil: // EC2 has finished detaching, and the store knows
	case r.Attachment == nil || r.Attachment.ID != own.attachment.ID:
		t.Fatalf("%s has attachment %v, which we wrote, and shows %v", r.ID, own.attachment, r.Attachment)
	case rank(r.Attachment.Status) < rank(own.attachment.Status):
		t.Fatalf("%s has attachment %v, which we wrote, and went back to %v", r.ID, own.attachment, r.Attachment)
	}
}

// checkAbsence: nothing is called absent that exists or can still come.
func (m *model) checkAbsence(t *rapid.T) {
	for _, uid := range testUIDs {
		if w := m.store.absence.waiting[uid]; w == nil || !w.confirmed || !m.store.absent(uid, m.now) {
			continue
		}
		if m.creating[uid] > 0 {
			t.Fatalf("%s is called absent, and a create is in flight", uid)
		}
		for _, id := range m.ids() {
			first := m.history[id][0].iface
			if m.truth(id) != nil && first.Tags[eni.TagNodeENIUID] == uid {
				t.Fatalf("%s is called absent, and %s exists", uid, id)
			}
		}
	}
}

// converge lets everybody finish and be quiet, runs the reads that the loops would make, and compares.
func (m *model) converge(t *rapid.T) {
	m.advance(2 * time.Minute) // every call takes effect
	for len(m.answers) > 0 {
		m.answer(t)
		m.check(t)
	}
	for second := range 11 * 60 {
		if second%300 == 0 {
			m.beginList(t, nil)(t)
			m.beginDescribe(t, m.store.allTagsLost())(t)
		}
		if ids := m.store.poll(m.now, pollWorth, pollMost); len(ids) > 0 {
			m.beginDescribe(t, ids)(t)
		}
		m.narrowedLists(t)
		m.check(t)
		m.advance(time.Second)
	}
	m.compare(t)
}

// narrowedLists asks for the absence of every NodeENI, and makes the lists that are due.
func (m *model) narrowedLists(t *rapid.T) {
	for _, uid := range testUIDs {
		m.store.absent(uid, m.now)
	}
	scope := m.store.unlistedUIDs()
	uids, whole, _ := m.store.absence.due(m.now)
	for _, uid := range uids {
		include(&scope, uid)
	}
	if len(scope) > 0 {
		m.beginList(t, scope)(t)
	}
	if whole {
		m.beginList(t, nil)(t)
	}
}

// compare: the store shows what there is, wants no more reads, and knows whose interfaces are all gone.
func (m *model) compare(t *rapid.T) {
	exists, shown := map[string]eni.Interface{}, map[string]eni.Interface{}
	left := map[string]bool{}
	for _, id := range m.ids() {
		if iface := m.truth(id); iface != nil && (m.known[id] || iface.Tags[eni.TagClusterID] == testCluster) {
			exists[id] = *iface
			left[m.history[id][0].iface.Tags[eni.TagNodeENIUID]] = true
		}
	}
	for id, r := range m.store.records {
		if r.Missing {
			t.Fatalf("%s is still missing", id)
		}
		shown[id] = r.observed().Interface
	}
	if diff := cmp.Diff(exists, shown, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("the store does not converge (-EC2 +store):\n%s", diff)
	}
	if next, ok := m.store.nextPoll(); ok {
		t.Fatalf("still polled at %v: %v", next, slices.Sorted(maps.Keys(m.store.restless)))
	}
	for _, uid := range testUIDs {
		if absent := m.store.absent(uid, m.now); absent == left[uid] {
			t.Fatalf("%s: absent is %v, and has interfaces is %v", uid, absent, left[uid])
		}
	}
}
