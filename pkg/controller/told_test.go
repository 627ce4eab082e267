package controller

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

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

func TestNewsIsWhatNoStatusWasMadeOf(t *testing.T) {
	type states = map[types.UID]v1alpha1.AttachmentState
	const pending, attached = v1alpha1.AttachmentAttaching, v1alpha1.AttachmentAttached
	both := []*v1alpha1.NodeENI{{}, {}}
	both[0].UID, both[1].UID = "a", "b"
	for _, test := range []struct {
		name   string
		before func(*told)
		// concerned are the NodeENIs that the next plan of instance i-1 is about, result is what it says.
		concerned []*v1alpha1.NodeENI
		result    plan.Result
		want      []types.UID
	}{
		{"the same again", func(*told) {}, both, says(states{"a": attached, "b": attached}), nil},
		{"of one something else", func(*told) {}, both, says(states{"a": pending, "b": attached}), []types.UID{"a"}},
		{"nothing more", func(*told) {}, both, says(states{"a": attached}), []types.UID{"b"}},
		{"a NodeENI that it does not concern any more", func(*told) {}, both[:1], says(states{"a": attached}), []types.UID{"b"}},
		{"an interface that leaves", func(*told) {}, both, plan.Result{
			Attachments: says(states{"a": attached, "b": attached}).Attachments, Releases: []plan.ReleaseReport{{NodeENI: "b", Held: true}},
		}, []types.UID{"b"}},
		{"something to do", func(*told) {}, both, plan.Result{
			Attachments: says(states{"a": attached, "b": attached}).Attachments, Attach: []plan.Action{{Kind: plan.PutTags, NodeENI: "a"}},
		}, []types.UID{"a"}},
		{"a status in the making, or forgotten", func(t *told) { t.begin("b") }, both, says(states{"a": attached, "b": attached}), []types.UID{"b"}},
		{"one that was made of other instances", func(t *told) {
			t.record("b", map[string]account{"i-2": accountOf(says(states{"b": attached}), "b")})
		}, both, says(states{"a": attached, "b": attached}), []types.UID{"b"}},
		{"an instance that was never planned, and has nothing", func(t *told) { t.record("b", map[string]account{}) }, both, says(states{"a": attached}), nil},
	} {
		var memory told
		first := says(states{"a": attached, "b": attached})
		for _, uid := range []types.UID{"a", "b"} {
			if news := memory.news("i-1", both, first); !slices.Contains(news, uid) {
				t.Errorf("%s: no news of %s at first", test.name, uid)
			}
			memory.begin(uid)
			memory.record(uid, map[string]account{"i-1": accountOf(first, uid)})
		}
		test.before(&memory)
		for range 2 { // asking changes nothing
			if got := memory.news("i-1", test.concerned, test.result); !slices.Equal(got, test.want) {
				t.Errorf("%s: news of %v, want %v", test.name, got, test.want)
			}
		}
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
