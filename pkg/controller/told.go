package controller

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// told remembers, for each NodeENI, what the plans of its instances said last: its status is made of that, so that only
// the instances are planned for it of which something may have changed since. A plan that says the same again, as most
// do, has no status made. A write that fails is for the queue's back-off to make again.
//
//	plan:    begin ── gather, plan ── record: news?
//	status:  stale ── plan those ── collect ── write
type told struct {
	mu sync.Mutex
	// clock counts the plans: of two plans of one instance that are made at a time, what the one says counts that
	// was begun later.
	clock uint64
	// unknown is its time when something last happened to an instance of which there is no account.
	unknown   uint64
	instances map[string]*toldInstance
	byUID     map[types.UID]*toldNodeENI
}

// toldNodeENI is a NodeENI with the instances that have an account of it.
type toldNodeENI struct {
	instances map[string]struct{}
	// made is true when a status has been made of it: before, all is news.
	made bool
}

// toldInstance is what the plans of one instance said last.
type toldInstance struct {
	accounts []account
	// changed is the clock's time when something last happened to the instance, idle that of the workers' last plan, if
	// that found nothing to do or to tell before again.
	changed, idle uint64
	again         time.Time
}

// account is what the plan of one instance says of one NodeENI.
type account struct {
	uid         types.UID
	attachments []keptReport
	releases    []plan.ReleaseReport
	// generation and deleting are those of the NodeENI that was planned for, planned is when.
	generation int64
	planned    uint64
	deleting   bool
	// acts is true when something is to be done for it: once it is done, more may have changed than the reports.
	acts bool
	// news is true when no status has been made of it.
	news bool
}

func accountOf(result plan.Result, n *v1alpha1.NodeENI, planned uint64) account {
	a := account{uid: n.UID, generation: n.Generation, deleting: !n.DeletionTimestamp.IsZero(), planned: planned, acts: actsFor(result, n.UID)}
	for i := range result.Attachments {
		if result.Attachments[i].NodeENI == n.UID {
			a.attachments = append(a.attachments, keep(result.Attachments[i]))
		}
	}
	for _, report := range result.Releases {
		if report.NodeENI == n.UID {
			a.releases = append(a.releases, report)
		}
	}
	return a
}

func actsFor(result plan.Result, uid types.UID) bool {
	for _, actions := range [][]plan.Action{result.Attach, result.Release} {
		for i := range actions {
			if actions[i].NodeENI == uid {
				return true
			}
		}
	}
	return false
}

func (a *account) empty() bool { return len(a.attachments) == 0 && len(a.releases) == 0 && !a.acts }

// says reports whether the account says the same as a plan, as most plans do.
func (a *account) says(result plan.Result) bool {
	attachments, releases := a.attachments, a.releases
	for i := range result.Attachments {
		switch report := &result.Attachments[i]; {
		case report.NodeENI != a.uid:
		case len(attachments) == 0 || !attachments[0].says(report):
			return false
		default:
			attachments = attachments[1:]
		}
	}
	for _, report := range result.Releases {
		switch {
		case report.NodeENI != a.uid:
		case len(releases) == 0 || releases[0] != report:
			return false
		default:
			releases = releases[1:]
		}
	}
	return len(attachments)+len(releases) == 0 && a.acts == actsFor(result, a.uid)
}

// begin is called before a plan gathers. What it returns is for record.
func (t *told) begin() (planned uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock++
	return t.clock
}

// changed notes that something has happened to an instance: what was planned before is not worth a status any more.
func (t *told) changed(instanceID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clock++
	if i := t.instances[instanceID]; i != nil {
		i.changed = t.clock
	} else {
		t.unknown = t.clock
	}
}

// rest notes what a worker's plan left to do. A plan that is made for a status only does not count: what it asks for
// beside its actions is not done.
func (t *told) rest(instanceID string, planned uint64, result plan.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.instances[instanceID]
	if i == nil {
		return
	}
	if i.idle = 0; len(result.Attach)+len(result.Release)+len(result.Withheld)+len(result.Releases) == 0 {
		i.idle, i.again = planned, result.Again
	}
}

// idle reports whether another plan would say the same as the last one, that nothing is to be done, and until when.
// What wakes one of the workers of an instance wakes the other as well, and own writes wake those who made them.
func (t *told) idle(instanceID string, now time.Time) (again time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := t.instances[instanceID]
	if i == nil || i.idle == 0 || i.idle < i.changed || (!i.again.IsZero() && !now.Before(i.again)) {
		return time.Time{}, false
	}
	return i.again, true
}

// record takes in a plan of an instance. It returns the NodeENIs of which it says something else than their status was
// made of. nodeENIs are those that it concerns; one that it concerned before and does not any more is news as well.
func (t *told) record(instanceID string, planned uint64, nodeENIs []*v1alpha1.NodeENI, result plan.Result) (news []types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, n := range nodeENIs {
		if changed := t.put(instanceID, planned, n, result); changed || !t.of(n.UID).made {
			news = append(news, n.UID)
		}
	}
	i := t.instances[instanceID]
	if i == nil {
		return news
	}
	var gone []types.UID
	for at := range i.accounts {
		if a := &i.accounts[at]; a.planned < planned && !owns(nodeENIs, a.uid) {
			gone = append(gone, a.uid)
			if !a.empty() {
				news = append(news, a.uid)
			}
		}
	}
	for _, uid := range gone {
		t.drop(instanceID, uid)
	}
	return news
}

// put replaces the account of a NodeENI. It reports whether no status has been made of what it says.
func (t *told) put(instanceID string, planned uint64, n *v1alpha1.NodeENI, result plan.Result) (news bool) {
	before := t.find(instanceID, n.UID)
	switch {
	case before == nil:
		a := accountOf(result, n, planned)
		if a.empty() {
			return false
		}
		a.news = true
		t.insert(instanceID, a)
		return true
	case before.planned > planned:
		return before.news
	case before.says(result): // keep what is there
		before.generation, before.deleting, before.planned = n.Generation, !n.DeletionTimestamp.IsZero(), planned
		return before.news
	}
	*before = accountOf(result, n, planned)
	before.news = true
	return true
}

func (t *told) of(uid types.UID) *toldNodeENI {
	of := t.byUID[uid]
	if of == nil {
		if t.byUID == nil {
			t.byUID = map[types.UID]*toldNodeENI{}
		}
		of = &toldNodeENI{instances: map[string]struct{}{}}
		t.byUID[uid] = of
	}
	return of
}

func (t *told) find(instanceID string, uid types.UID) *account {
	i := t.instances[instanceID]
	if i == nil {
		return nil
	}
	at := slices.IndexFunc(i.accounts, func(a account) bool { return a.uid == uid })
	if at < 0 {
		return nil
	}
	return &i.accounts[at]
}

func (t *told) insert(instanceID string, a account) {
	i := t.instances[instanceID]
	if i == nil {
		if t.instances == nil {
			t.instances = map[string]*toldInstance{}
		}
		i = &toldInstance{changed: t.unknown} // it may have been this one, while it was planned
		t.instances[instanceID] = i
	}
	i.accounts = append(i.accounts, a)
	t.of(a.uid).instances[instanceID] = struct{}{}
}

func (t *told) drop(instanceID string, uid types.UID) {
	i := t.instances[instanceID]
	i.accounts = slices.DeleteFunc(i.accounts, func(a account) bool { return a.uid == uid })
	if len(i.accounts) == 0 {
		delete(t.instances, instanceID)
	}
	delete(t.of(uid).instances, instanceID)
}

// stale begins a status that is to be made of the given instances. It returns those that are to be planned first:
// nothing is known of them, or something has happened since. What was known of others is forgotten.
func (t *told) stale(n *v1alpha1.NodeENI, instances map[string]bool) (ids []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.of(n.UID).made = true
	for id := range t.of(n.UID).instances {
		if !instances[id] {
			t.drop(id, n.UID)
		}
	}
	for id := range instances {
		a := t.find(id, n.UID)
		if a == nil || a.planned < t.instances[id].changed || a.generation != n.Generation || a.deleting == n.DeletionTimestamp.IsZero() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// collect adds what is known of a NodeENI to the reports, and takes it for told: what a plan says from now on is held
// against it.
func (t *told) collect(uid types.UID, attachments []plan.AttachmentReport) (_ []plan.AttachmentReport, releases []plan.ReleaseReport) {
	t.mu.Lock()
	defer t.mu.Unlock()
	of := t.of(uid)
	attachments = slices.Grow(attachments, len(of.instances))
	for id := range of.instances {
		a := t.find(id, uid)
		a.news = false
		for i := range a.attachments {
			attachments = append(attachments, a.attachments[i].report())
		}
		releases = append(releases, a.releases...)
	}
	return attachments, releases
}

// forget drops a NodeENI that is gone, or whose status could not be made.
func (t *told) forget(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byUID[uid] != nil {
		for id := range t.byUID[uid].instances {
			t.drop(id, uid)
		}
	}
	delete(t.byUID, uid)
}
