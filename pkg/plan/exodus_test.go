package plan

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestExodusHalts(t *testing.T) {
	for _, test := range []struct {
		name string
		of   Exodus
		want bool
	}{
		{"few", Exodus{Threshold: 0.5, Attached: 9, Pending: 9}, false},
		{"the least that counts", Exodus{Threshold: 0.5, Attached: 10, Pending: 10}, true},
		{"just half", Exodus{Threshold: 0.5, Attached: 40, Pending: 20}, false},
		{"more than half", Exodus{Threshold: 0.5, Attached: 40, Pending: 21}, true},
		{"those that went count", Exodus{Threshold: 0.5, Attached: 30, Pending: 11, Released: 10}, true},
		{"and were attached once", Exodus{Threshold: 0.5, Attached: 30, Pending: 10, Released: 10}, false},
		{"turned off", Exodus{Attached: 100, Pending: 100}, false},
	} {
		if got := test.of.Halts(); got != test.want {
			t.Errorf("%s: halts %v, want %v", test.name, got, test.want)
		}
	}
}

func TestAHaltHoldsWhatVanished(t *testing.T) {
	halted := func(s *Snapshot) {
		s.Halt = &Halt{Exodus: Exodus{Threshold: 0.5, Attached: 40, Pending: 30}, Lease: types.NamespacedName{Namespace: "ns", Name: "ours"}}
	}
	leaseSays := func(until time.Duration) func(*Snapshot) {
		return func(s *Snapshot) { halted(s); s.Halt.ApprovedUntil = now.Add(until) }
	}
	approved := func(value string) func(*v1alpha1.NodeENI) {
		return func(n *v1alpha1.NodeENI) {
			n.Annotations = map[string]string{v1alpha1.AnnotationAllowReleaseUntil: value}
		}
	}
	a := nodeENI("a")
	theirs := having(interfaceOf(a, "eni-1", attached))
	labelsGone := func(s *Snapshot) { s.Node = node("a", unlabelled) }
	later, earlier := now.Add(time.Hour).Format(time.RFC3339), now.Add(-time.Hour).Format(time.RFC3339)
	goes, held := []string{"Detach eni-1"}, []string{"eni-1 Detaching CleanupHalted held"}
	for _, test := range []struct {
		name     string
		world    Snapshot
		vanished bool
		actions  []string
		leaving  []string
		message  string
	}{
		{"labels gone", world(with(a), theirs, labelsGone, halted), true, nil, held, "30 of 40 attached interfaces"},
		{"labels gone, not halted", world(with(a), theirs, labelsGone), true, goes, []string{"eni-1 Detaching NodeNotSelected"}, ""},
		{"labels gone, approved", world(with(nodeENI("a", approved(later))), theirs, labelsGone, halted), true, goes, []string{"eni-1 Detaching NodeNotSelected"}, ""},
		{"labels gone, approved until lately", world(with(nodeENI("a", approved(earlier))), theirs, labelsGone, halted), true, nil, held, "kubectl annotate --overwrite nodeeni a "},
		{"labels gone, approval not to be read", world(with(nodeENI("a", approved("yes"))), theirs, labelsGone, halted), true, nil, held, `"yes" is no RFC 3339 time`},
		{"labels gone, the Lease approves, which is not for it", world(with(a), theirs, labelsGone, leaseSays(time.Hour)), true, nil, held, ""},
		{"Node gone", world(with(a), theirs, nodeGone, halted), true, nil, held, ""},
		{"Node gone, instance described before", world(with(a), theirs, nodeGone, halted, func(s *Snapshot) { s.NodeGoneSince = now }), false, nil, []string{"eni-1 Detaching NodeGone"}, ""},
		{"Node gone, instance dying", world(with(a), theirs, nodeGone, halted, instanceState(eni.InstanceShuttingDown)), false, nil, []string{"eni-1 WaitingForTermination NodeGone"}, ""},
		{"Node gone, instance unknown", world(with(a), theirs, nodeGone, halted, func(s *Snapshot) {
			s.Instance.NotFound, s.Instance.NotFoundSince = true, s.Instance.ObservedAt
		}), true, nil, held, ""},
		{"Node gone, instance unknown for long", world(with(a), theirs, nodeGone, halted, func(s *Snapshot) { s.Instance.NotFound = true }), false, nil, []string{"eni-1 WaitingForTermination NodeGone"}, ""},
		{"owner gone", world(theirs, ownerless(time.Hour, 1), halted), true, nil, held, "kubectl annotate --overwrite -n ns lease ours "},
		{"owner gone lately", world(theirs, ownerless(time.Minute, 1), halted), true, nil, nil, ""},
		{"owner gone, approved", world(theirs, ownerless(time.Hour, 1), leaseSays(time.Hour)), true, goes, []string{"eni-1 Detaching NodeENIGone"}, ""},
		{"selector edited", world(with(nodeENI("a", reselecting("ng", "other"))), theirs, halted, deselected), false, goes, []string{"eni-1 Detaching NodeNotSelected"}, ""},
		{"selector edited, and the Node was out of it before", world(with(nodeENI("a", reselecting("ng", "other"))), theirs, halted), true, nil, held, ""},
		{"labels gone, missing", world(with(a), having(interfaceOf(a, "eni-1", attached, missing)), labelsGone, halted), true, nil, nil, ""},
		{"NodeENI deleted", world(with(nodeENI("a", beingDeleted)), theirs, halted), false, goes, []string{"eni-1 Detaching NodeENIDeleted"}, ""},
		{"subnet edited", world(with(nodeENI("a", inSubnet(subnetB))), theirs, halted), false, goes, []string{"eni-1 Detaching SpecChanged"}, ""},
		{"what is detached already goes", world(with(a), having(interfaceOf(a, "eni-1")), labelsGone, halted), false, []string{"Delete eni-1"}, []string{"eni-1 Deleting NodeNotSelected"}, ""},
	} {
		got := Instance(test.world)
		if counted := len(got.Vanished) == 1 && got.Vanished[0] == "eni-1"; counted != test.vanished {
			t.Errorf("%s: counted as vanished: %q, want %v", test.name, got.Vanished, test.vanished)
		}
		for _, action := range got.Release {
			if action.Approved != (test.vanished && test.world.Halt != nil) {
				t.Errorf("%s: the action is approved: %v", test.name, action.Approved)
			}
		}
		if diff := cmp.Diff(test.actions, steps(got.Release)); diff != "" {
			t.Errorf("%s: actions (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.leaving, leaving(got.Releases)); diff != "" {
			t.Errorf("%s: reports (-want +got):\n%s", test.name, diff)
		}
		if len(got.Releases) > 0 && !strings.Contains(got.Releases[0].Release.Message, test.message) {
			t.Errorf("%s: message %q lacks %q", test.name, got.Releases[0].Release.Message, test.message)
		}
	}
}

// deselected says that an edit took the Node out of the selector of the NodeENI a.
func deselected(s *Snapshot) { s.Deselected = map[types.UID]bool{"uid-a": true} }

func reselecting(key, value string) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{key: value} }
}

func TestASlotWhoseHolderAHaltKeepsIsBlocked(t *testing.T) {
	halted := func(s *Snapshot) {
		s.Halt = &Halt{Exodus: Exodus{Threshold: 0.5, Attached: 40, Pending: 30}, Lease: types.NamespacedName{Namespace: "ns", Name: "ours"}}
	}
	other, a := nodeENI("other", reselecting("ng", "other")), nodeENI("a")
	for _, test := range []struct {
		name    string
		world   Snapshot
		blocked bool
	}{
		{"its NodeENI no longer matches", world(with(other, a), having(interfaceOf(other, "eni-1", attached)), halted), true},
		{"nothing is halted", world(with(other, a), having(interfaceOf(other, "eni-1", attached))), false},
		{"its NodeENI is gone", world(with(a), having(interfaceOf(other, "eni-1", attached)), ownerless(time.Hour, 1), halted), true},
		{"its NodeENI is being deleted", world(with(nodeENI("other", beingDeleted), a), having(interfaceOf(other, "eni-1", attached)), halted), false},
	} {
		reports := Instance(test.world).Attachments
		i := slices.IndexFunc(reports, func(r AttachmentReport) bool { return r.NodeENI == "uid-a" })
		if i < 0 {
			t.Errorf("%s: nothing is said of the slot", test.name)
			continue
		}
		got := reports[i].Attachment
		if blocked := got.State == v1alpha1.AttachmentBlocked; blocked != test.blocked || blocked && got.Reason != v1alpha1.ReasonCleanupHalted {
			t.Errorf("%s: %s %s (%s), want it blocked: %v", test.name, got.State, got.Reason, got.Message, test.blocked)
		}
		for _, part := range []string{"eni-1 has to leave device index 1 first", "kubectl annotate --overwrite"} {
			if test.blocked && !strings.Contains(got.Message, part) {
				t.Errorf("%s: %q lacks %q", test.name, got.Message, part)
			}
		}
	}
}
