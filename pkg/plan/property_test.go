package plan

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestPlanComesToRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := clone(drawSnapshot(t))
		for range 12 {
			result := Instance(s)
			checkSafe(t, s, result)
			apply(&s, result.Attach)
			apply(&s, result.Release)
			settle(&s)
		}
		result := Instance(s)
		if len(result.Attach)+len(result.Release) > 0 {
			t.Fatalf("still acting: attach %v, release %v", steps(result.Attach), steps(result.Release))
		}
		checkRest(t, s, result)
	})
}

// checkSafe checks what must never be planned.
func checkSafe(t *rapid.T, s Snapshot, result Result) {
	checkSlots(t, s, result)
	for _, a := range append(slices.Clone(result.Attach), result.Release...) {
		i := slices.IndexFunc(s.Interfaces, func(i eni.ObservedInterface) bool { return i.ID == a.InterfaceID })
		if a.Kind == Create {
			continue
		}
		iface := s.Interfaces[i]
		if _, ours := s.Cluster.Ours(iface.Tags); !ours || iface.Missing {
			t.Fatalf("%s of %s, which is not ours or missing", a.Kind, iface.ID)
		}
		if a.Kind == Detach {
			if s.Halt != nil && slices.Contains(result.Vanished, a.InterfaceID) {
				t.Fatalf("detach of %s, although cleanup is halted", a.InterfaceID)
			}
			outlived := s.Instance.State == eni.InstanceTerminated && s.Now.Sub(s.Instance.StateSince) >= terminatedFor
			if s.Instance.NotFound || (s.Instance.State.Dying() && !outlived) {
				t.Fatalf("detach from an instance that is %s (not found: %v)", s.Instance.State, s.Instance.NotFound)
			}
		}
		if a.Force && s.Instance.State == eni.InstanceRunning && !s.Now.Before(forceUntil(s, a)) {
			t.Fatalf("%s is detached by force from a running instance, and nobody has said so", iface.ID)
		}
		if stuck := iface.Attachment != nil && stuckFor(s, iface) >= attachStuckAfter; a.Kind == Detach && stuck {
			continue // from where it may be wanted
		}
		if _, wanted := Wanted(iface, s); wanted != (a.Kind != Detach && a.Kind != Delete) {
			t.Fatalf("%s of %s, wanted: %v", a.Kind, iface.ID, wanted)
		}
	}
}

// checkSlots checks that no slot is given away twice, none that somebody has, and none beside an interface
// that would do.
func checkSlots(t *rapid.T, s Snapshot, result Result) {
	given := map[eni.Slot]bool{}
	for _, i := range s.Instance.Interfaces {
		given[i.Slot] = true
	}
	for _, i := range s.Interfaces {
		_, ours := s.Cluster.Ours(i.Tags)
		if ours && i.Attachment != nil && i.Attachment.InstanceID == s.InstanceID {
			given[i.Attachment.Slot] = true
		}
	}
	for _, a := range result.Attach {
		if a.Kind != Create && a.Kind != Attach {
			continue
		}
		if given[a.Slot] {
			t.Fatalf("%s for slot %s, which somebody has", a.Kind, a.Slot)
		}
		given[a.Slot] = true
		for _, i := range s.Interfaces {
			owner, ours := s.Cluster.Ours(i.Tags)
			if a.Kind == Create && ours && owner.NodeENIUID == string(a.NodeENI) && owner.Slot == a.Slot && owner.InstanceID == a.InstanceID && i.SubnetID == a.SubnetID {
				t.Fatalf("Create beside %s, which would do", i.ID)
			}
			if a.Kind == Create && ours && owner.NodeENIUID == "uid-former" && owner.NodeENIName == a.NodeENIName && owner.Slot == a.Slot &&
				i.SubnetID == a.SubnetID && (i.Attachment == nil || i.AttachedTo(a.InstanceID, a.Slot)) {
				t.Fatalf("Create beside %s, which could be adopted", i.ID)
			}
		}
	}
}

// checkRest checks, when nothing is left to do, that every wanted slot is filled once and nothing unwanted
// is left but what has to wait.
func checkRest(t *rapid.T, s Snapshot, result Result) {
	for _, r := range result.Attachments {
		if !r.Settled && !blocked(&r) && !waitsForSomebody(s, r) && len(result.Releases) == 0 {
			t.Fatalf("at rest, but %s is %s (%s)", r.NodeENIName, r.Attachment.State, r.Attachment.Message)
		}
		takenAway := []string{v1alpha1.ReasonSlotTaken, v1alpha1.ReasonDeviceIndexInUse, v1alpha1.ReasonInterfaceLimitReached}
		if r.Attachment.ENIID != "" && slices.Contains(takenAway, r.Attachment.Reason) {
			t.Fatalf("at rest, but %s is blocked (%s) and has %s", r.NodeENIName, r.Attachment.Reason, r.Attachment.ENIID)
		}
	}
	for _, r := range result.Releases {
		if r.Release.Reason == v1alpha1.ReasonTagsLost || (r.Release.Reason == v1alpha1.ReasonCleanupHalted && s.Halt != nil) {
			continue // waits for a person
		}
		if waits := s.Instance.NotFound || s.Instance.State.Dying() || s.Instance.State == eni.InstanceStopping; !waits {
			t.Fatalf("at rest, but %s is %s (%s)", r.Release.ENIID, r.Release.State, r.Release.Message)
		}
	}
}

// waitsForSomebody reports whether something has to happen to the instance or to the NodeENI's metadata first.
func waitsForSomebody(s Snapshot, r AttachmentReport) bool {
	unready := slices.ContainsFunc(s.NodeENIs, func(n *v1alpha1.NodeENI) bool { return n.UID == r.NodeENI && !ready(n) })
	return unready || s.Instance.State == eni.InstancePending || s.Instance.State == eni.InstanceStopping
}

func TestPlanDependsOnNoOrderAndChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSnapshot(t)
		before := clone(s)
		want := Instance(s)
		if diff := cmp.Diff(before, s, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the plan changed its snapshot (-before +after):\n%s", diff)
		}
		s.NodeENIs = rapid.Permutation(s.NodeENIs).Draw(t, "nodeENIs")
		s.Interfaces = rapid.Permutation(s.Interfaces).Draw(t, "interfaces")
		if diff := cmp.Diff(want, Instance(s)); diff != "" {
			t.Fatalf("another order gives another plan (-want +got):\n%s", diff)
		}
	})
}

// stuckFor is for how long EC2 has been attaching or detaching the interface.
func stuckFor(s Snapshot, i eni.ObservedInterface) time.Duration {
	if i.Attachment.Status != eni.Attaching && i.Attachment.Status != eni.Detaching {
		return 0
	}
	return s.Now.Sub(i.AttachmentSince)
}

// forceUntil is until when the action's NodeENI lets interfaces be detached by force.
func forceUntil(s Snapshot, a Action) time.Time {
	for _, n := range s.NodeENIs {
		if n.UID == a.NodeENI {
			until, _ := ForceDetachUntil(n.Annotations, s.Now)
			return until
		}
	}
	return time.Time{}
}
