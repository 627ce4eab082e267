package controller

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	listers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/listers/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// says is a plan that reports an attachment of each NodeENI, in the given state.
func says(states map[types.UID]v1alpha1.AttachmentState) (result plan.Result) {
	for _, uid := range slices.Sorted(maps.Keys(states)) {
		result.Attachments = append(result.Attachments, plan.AttachmentReport{
			NodeENI: uid, Attachment: v1alpha1.Attachment{NodeName: "node", NetworkCardIndex: new(int32(0)), State: states[uid]},
		})
	}
	return result
}

// toldLab is a memory in which a status was made of each of two NodeENIs.
type toldLab struct {
	told
	both []*v1alpha1.NodeENI
}

func newToldLab() *toldLab {
	l := &toldLab{both: []*v1alpha1.NodeENI{{}, {}}}
	l.both[0].UID, l.both[1].UID = "a", "b"
	return l
}

func (l *toldLab) plan(instanceID string, of []*v1alpha1.NodeENI, result plan.Result) []types.UID {
	return l.record(instanceID, l.begin(), of, result)
}

// make makes the status of both, of instance i-1.
func (l *toldLab) make(result plan.Result) {
	for _, n := range l.both {
		l.stale(n, map[string]bool{"i-1": true})
		l.plan("i-1", l.both, result)
		l.collect(n.UID, nil)
	}
}

func TestNewsIsWhatNoStatusWasMadeOf(t *testing.T) {
	type states = map[types.UID]v1alpha1.AttachmentState
	const pending, attached = v1alpha1.AttachmentAttaching, v1alpha1.AttachmentAttached
	first := says(states{"a": attached, "b": attached})
	for _, test := range []struct {
		name   string
		before func(*toldLab)
		// concerned is how many of the two the next plan of instance i-1 is about, result is what it says.
		concerned int
		result    plan.Result
		want      []types.UID
	}{
		{"the same again", func(*toldLab) {}, 2, first, nil},
		{"of one something else", func(*toldLab) {}, 2, says(states{"a": pending, "b": attached}), []types.UID{"a"}},
		{"nothing more", func(*toldLab) {}, 2, says(states{"a": attached}), []types.UID{"b"}},
		{"an interface that leaves", func(*toldLab) {}, 2, plan.Result{
			Attachments: first.Attachments, Releases: []plan.ReleaseReport{{NodeENI: "b", Held: true}},
		}, []types.UID{"b"}},
		{"something to do", func(*toldLab) {}, 2, plan.Result{
			Attachments: first.Attachments, Attach: []plan.Action{{Kind: plan.PutTags, NodeENI: "a"}},
		}, []types.UID{"a"}},
		{"a status that could not be made", func(l *toldLab) { l.forget("b") }, 2, first, []types.UID{"b"}},
		{"one that was made of other instances", func(l *toldLab) { l.stale(l.both[1], map[string]bool{"i-2": true}) }, 2, first, []types.UID{"b"}},
		{"an instance that has nothing of it", func(l *toldLab) { l.stale(l.both[1], map[string]bool{}) }, 2, says(states{"a": attached}), nil},
		{"what changes while the status is made", func(l *toldLab) {
			l.stale(l.both[0], map[string]bool{"i-1": true})
			l.collect("a", nil)
			l.plan("i-1", l.both, says(states{"a": pending, "b": attached}))
		}, 2, first, []types.UID{"a"}},
	} {
		l := newToldLab()
		if news := l.plan("i-1", l.both, first); !slices.Equal(news, []types.UID{"a", "b"}) {
			t.Errorf("%s: news of %v at first", test.name, news)
		}
		l.make(first)
		test.before(l)
		for range 2 { // asking changes nothing
			if got := l.plan("i-1", l.both[:test.concerned], test.result); !slices.Equal(got, test.want) {
				t.Errorf("%s: news of %v, want %v", test.name, got, test.want)
			}
		}
	}

	l := newToldLab()
	l.make(first)
	if got := l.plan("i-1", l.both[:1], first); !slices.Equal(got, []types.UID{"b"}) {
		t.Errorf("news of %v when a plan does not concern b any more, want b", got)
	}
	if attachments, _ := l.collect("b", nil); len(attachments) > 0 {
		t.Errorf("b's status is still made of %v", attachments)
	}
}

// A status plans those instances only of which something may have changed.
func TestStatusPlansWhatIsStale(t *testing.T) {
	type states = map[types.UID]v1alpha1.AttachmentState
	result := says(states{"a": v1alpha1.AttachmentAttached, "b": v1alpha1.AttachmentAttached})
	for _, test := range []struct {
		name   string
		before func(l *toldLab, of map[string]bool)
		want   []string
	}{
		{"nothing", func(*toldLab, map[string]bool) {}, nil},
		{"something happened to an instance", func(l *toldLab, _ map[string]bool) { l.changed("i-2") }, []string{"i-2"}},
		{"it has been planned since", func(l *toldLab, _ map[string]bool) { l.changed("i-2"); l.plan("i-2", l.both, result) }, nil},
		{"the plan had begun before", func(l *toldLab, _ map[string]bool) {
			planned := l.begin()
			l.changed("i-2")
			l.record("i-2", planned, l.both, result)
		}, []string{"i-2"}},
		{"the spec was edited", func(l *toldLab, _ map[string]bool) { l.both[0].Generation++ }, []string{"i-1", "i-2"}},
		{"it is being deleted", func(l *toldLab, _ map[string]bool) { l.both[0].DeletionTimestamp = new(metav1.Now()) }, []string{"i-1", "i-2"}},
		{"something happened to an instance while it was planned for the first time", func(l *toldLab, of map[string]bool) {
			planned := l.begin()
			l.changed("i-3")
			of["i-3"] = true
			l.record("i-3", planned, l.both, result)
		}, []string{"i-3"}},
		{"an instance has come", func(_ *toldLab, of map[string]bool) { of["i-3"] = true }, []string{"i-3"}},
	} {
		l, of := newToldLab(), map[string]bool{"i-1": true, "i-2": true}
		for _, n := range l.both {
			l.stale(n, of)
		}
		for _, id := range []string{"i-1", "i-2"} {
			l.plan(id, l.both, result)
		}
		test.before(l, of)
		if got := l.stale(l.both[0], of); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v is planned, want %v", test.name, got, test.want)
		}
	}
}

// A worker plans again when something has happened, when its time has come, and when something was left to do.
func TestIdleInstancesAreNotPlannedAgain(t *testing.T) {
	type states = map[types.UID]v1alpha1.AttachmentState
	settled := says(states{"a": v1alpha1.AttachmentAttached})
	now := time.Now()
	with := func(change func(*plan.Result)) plan.Result {
		result := settled
		change(&result)
		return result
	}
	for _, test := range []struct {
		name   string
		result plan.Result
		after  func(*toldLab)
		want   bool
	}{
		{"nothing to do", settled, func(*toldLab) {}, true},
		{"later", with(func(r *plan.Result) { r.Again = now.Add(time.Second) }), func(*toldLab) {}, true},
		{"now", with(func(r *plan.Result) { r.Again = now }), func(*toldLab) {}, false},
		{"something to attach", with(func(r *plan.Result) { r.Attach = make([]plan.Action, 1) }), func(*toldLab) {}, false},
		{"something to release", with(func(r *plan.Result) { r.Release = make([]plan.Action, 1) }), func(*toldLab) {}, false},
		{"something withheld", with(func(r *plan.Result) { r.Withheld = make([]plan.Action, 1) }), func(*toldLab) {}, false},
		{"something held", with(func(r *plan.Result) { r.Releases = make([]plan.ReleaseReport, 1) }), func(*toldLab) {}, false},
		{"something happened", settled, func(l *toldLab) { l.changed("i-1") }, false},
		{"something happened, and only a status was made", settled, func(l *toldLab) { l.changed("i-1"); l.plan("i-1", l.both, settled) }, false},
		{"it went", settled, func(l *toldLab) { l.stale(l.both[0], nil); l.stale(l.both[1], nil) }, false},
	} {
		l := newToldLab()
		l.make(settled)
		planned := l.begin()
		l.record("i-1", planned, l.both, test.result)
		l.rest("i-1", planned, test.result)
		test.after(l)
		if again, got := l.idle("i-1", now); got != test.want || (got && !again.Equal(test.result.Again)) {
			t.Errorf("%s: idle is %v until %v, want %v", test.name, got, again, test.want)
		}
	}
	l := newToldLab()
	l.make(settled)
	planned := l.begin()
	l.changed("i-1") // while the worker gathers
	l.record("i-1", planned, l.both, settled)
	l.rest("i-1", planned, settled)
	if _, got := l.idle("i-1", now); got {
		t.Error("idle, although something happened while it was planned")
	}
}

// Of two plans of one instance that are made at a time, the one that was begun later counts.
func TestOlderPlansDoNotCount(t *testing.T) {
	type states = map[types.UID]v1alpha1.AttachmentState
	l := newToldLab()
	l.make(says(states{"a": v1alpha1.AttachmentAttaching}))
	older, newer := l.begin(), l.begin()
	l.record("i-1", newer, l.both, says(states{"a": v1alpha1.AttachmentAttached}))
	l.record("i-1", older, l.both, says(states{"a": v1alpha1.AttachmentAttaching}))
	l.record("i-1", older, nil, plan.Result{})
	if got, _ := l.collect("a", nil); len(got) != 1 || got[0].Attachment.State != v1alpha1.AttachmentAttached {
		t.Errorf("the status is made of %v, want what the plan says that was begun later", got)
	}
}

// What is remembered of a NodeENI goes with it, and what is remembered of an instance with the last NodeENI.
func TestToldForgets(t *testing.T) {
	type states = map[types.UID]v1alpha1.AttachmentState
	l := newToldLab()
	l.make(says(states{"a": v1alpha1.AttachmentAttached, "b": v1alpha1.AttachmentAttached}))
	l.forget("a")
	l.stale(l.both[1], nil)
	if len(l.instances) > 0 || len(l.byUID) != 1 {
		t.Errorf("remembered: %v, %v", l.instances, l.byUID)
	}
}

// countingLister counts how often a NodeENI is looked up by its name, which is what a status sync begins with.
type countingLister struct {
	listers.NodeENILister
	gets atomic.Int64
}

func (c *countingLister) Get(name string) (*v1alpha1.NodeENI, error) {
	c.gets.Add(1)
	return c.NodeENILister.Get(name)
}

// statusSyncs counts the status syncs that a story's part takes.
func (l *lab) statusSyncs(part func()) int {
	before := l.lookups.gets.Load()
	part()
	return int(l.lookups.gets.Load() - before)
}

func TestStatusIsMadeWhenPlansSaySomethingElse(t *testing.T) {
	const nodes = 30
	inLab(t, nodes, nil, func(l *lab) {
		began, writes := time.Now(), l.writes()
		syncs := l.statusSyncs(func() {
			l.ask("a", 1)
			l.ask("b", 2)
			l.pass(15 * time.Minute)
		})
		if status := l.nodeENI("a").Status; *status.AttachedNodes != nodes {
			t.Fatalf("%d attached after %v", *status.AttachedNodes, time.Since(began))
		}
		// Some find that the cache does not show the last write yet, or that what they were to tell was told.
		if wrote := l.writes() - writes; syncs > 2*wrote+10 {
			t.Errorf("%d status syncs for %d writes while %d nodes got two interfaces each", syncs, wrote, nodes)
		}
		if syncs := l.statusSyncs(func() { l.pass(time.Hour) }); syncs > 0 {
			t.Errorf("%d status syncs in an hour in which nothing happened", syncs)
		}
	})
}

// What was told is held against what the status is made of, not against what was planned last: a write that fails, and
// one that somebody else undoes, are made again.
func TestStatusIsMadeAgainWhenItWasNotWritten(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Status = v1alpha1.NodeENIStatus{} })
		l.pass(time.Minute)
		if got := l.nodeENI("a").Status.AttachedNodes; got == nil || *got != 2 {
			t.Errorf("attached: %v, after the status was wiped", got)
		}
		l.refuseWrites.Store(true)
		l.control("POST", "/_sim/instances/"+instanceID(0)+"/terminate")
		l.pass(5 * time.Minute)
		if got := l.nodeENI("a").Status.AttachedNodes; *got != 2 {
			t.Errorf("attached: %d, although no write is taken", *got)
		}
		l.refuseWrites.Store(false)
		l.pass(5 * time.Minute)
		if got := l.nodeENI("a").Status.AttachedNodes; *got != 1 {
			t.Errorf("attached: %d, after an instance was terminated while writes failed", *got)
		}
	})
}
