package plan

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// drawSnapshot draws an instance in any state, with interfaces of ours and of others in any state.
func drawSnapshot(t *rapid.T) Snapshot {
	s := world()
	s.Instance.State = rapid.SampledFrom([]eni.InstanceState{
		eni.InstanceRunning, eni.InstanceRunning, eni.InstanceRunning, eni.InstanceStopped, eni.InstanceStopping, eni.InstancePending, eni.InstanceShuttingDown, eni.InstanceTerminated,
	}).Draw(t, "state")
	s.Instance.StateSince = now.Add(-rapid.SampledFrom([]time.Duration{time.Minute, time.Hour}).Draw(t, "stateAge"))
	s.Instance.NotFound = oneIn(t, 10, "notFound")
	switch rapid.IntRange(0, 5).Draw(t, "node") {
	case 0:
		nodeGone(&s)
	case 1:
		s.Node = node("a", unlabelled)
	case 2:
		s.Duplicates = []*corev1.Node{node("b")}
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "nodeENIs") {
		s.NodeENIs = append(s.NodeENIs, drawNodeENI(t, fmt.Sprint("n", i)))
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "foreign") {
		foreign(fmt.Sprint("eni-foreign", i), rapid.Int32Range(1, 3).Draw(t, "foreignIndex"))(&s)
	}
	for i := range rapid.IntRange(0, 5).Draw(t, "interfaces") {
		s.Interfaces = append(s.Interfaces, drawInterface(t, fmt.Sprint("eni-", i)))
	}
	dropImpossible(&s)
	drawPast(t, &s)
	return s
}

// drawPast draws what this process remembers: since when interfaces have had no NodeENI, and which calls failed.
func drawPast(t *rapid.T, s *Snapshot) {
	s.Ownerless, s.Setbacks, s.ReleaseSetbacks = map[string]Sighting{}, map[SlotKey]Setback{}, map[string]Setback{}
	s.CreateSetbacks = map[SlotKey]Setback{}
	s.ChangeSetbacks, s.ReleaseCauses = map[SlotKey]map[ActionKind]Setback{}, map[string]Setback{}
	failure := func() Setback {
		return Setback{
			Reason: rapid.SampledFrom([]string{"", v1alpha1.ReasonPermissionDenied}).Draw(t, "reason"), Message: "failed",
			Until: now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, "until")) * time.Minute),
		}
	}
	if oneIn(t, 8, "halted") {
		s.Halt = &Halt{Exodus: Exodus{Threshold: 0.5, Attached: 40, Pending: 30}}
	}
	for _, i := range s.Interfaces {
		s.Ownerless[i.ID] = Sighting{At: now.Add(-time.Duration(rapid.IntRange(0, 8).Draw(t, "ownerless")) * time.Minute), Epochs: rapid.IntRange(0, i.Epochs).Draw(t, "by")}
		if oneIn(t, 6, "refused") {
			s.ReleaseSetbacks[i.ID] = failure()
		}
		if oneIn(t, 6, "refused for all") {
			s.ReleaseCauses[i.ID] = failure()
		}
	}
	s.StuckAttaches = map[SlotKey]int{}
	for _, n := range s.NodeENIs {
		key := SlotKey{n.UID, s.InstanceID, SlotOf(n)}
		if oneIn(t, 6, "refused") {
			s.Setbacks[key] = failure()
			s.CreateSetbacks[key] = s.Setbacks[key]
		}
		if oneIn(t, 6, "create refused") {
			s.CreateSetbacks[key] = failure()
		}
		if oneIn(t, 6, "stuck") {
			s.StuckAttaches[key] = rapid.IntRange(1, 4).Draw(t, "attempts")
		}
		if oneIn(t, 6, "change refused") {
			kind := rapid.SampledFrom([]ActionKind{SetDeleteOnTermination, SetSecurityGroups, SetDescription, PutTags, RemoveTags}).Draw(t, "change")
			s.ChangeSetbacks[SlotKey{n.UID, s.InstanceID, SlotOf(n)}] = map[ActionKind]Setback{kind: failure()}
		}
	}
	drawFights(t, s)
}

// drawFights draws which fields are fought over.
func drawFights(t *rapid.T, s *Snapshot) {
	s.Contests = map[SlotKey]map[Field]Contest{}
	minutes := func(what string) time.Time {
		return now.Add(time.Duration(rapid.IntRange(-1, 5).Draw(t, what)) * time.Minute)
	}
	for _, n := range s.NodeENIs {
		if !oneIn(t, 4, "fought over") {
			continue
		}
		key := SlotKey{n.UID, s.InstanceID, SlotOf(n)}
		s.Contests[key] = map[Field]Contest{}
		for field, wanted := range map[Field]string{
			FieldExistence: ExistenceOf(n.Spec.SubnetID), FieldAttachment: AttachmentOf(SlotOf(n)), FieldSecurityGroups: groupA,
			FieldDescription: `""`, tagField + eni.TagNoManage: `"true"`,
		} {
			s.Contests[key][field] = Contest{Wanted: wanted, Next: minutes("next"), Over: minutes("over")}
		}
	}
}

// oneIn is true once in so many times.
func oneIn(t *rapid.T, times int, what string) bool {
	return rapid.IntRange(1, times).Draw(t, what) == 1
}

func drawNodeENI(t *rapid.T, name string) *v1alpha1.NodeENI {
	return nodeENI(name, func(n *v1alpha1.NodeENI) {
		n.Spec.DeviceIndex = rapid.Int32Range(1, 3).Draw(t, "index")
		if oneIn(t, 8, "invalid") {
			n.Spec.DeviceIndex = 0
		}
		if oneIn(t, 8, "unready") {
			n.Finalizers = nil
		}
		n.Spec.SubnetID = rapid.SampledFrom([]string{subnetA, subnetA, subnetB}).Draw(t, "subnet")
		n.CreationTimestamp = metav1.NewTime(now.Add(-time.Duration(rapid.IntRange(1, 3).Draw(t, "age")) * time.Hour))
		if rapid.IntRange(0, 3).Draw(t, "deleting") == 0 {
			beingDeleted(n)
		}
		if oneIn(t, 4, "by force") {
			metav1.SetMetaDataAnnotation(&n.ObjectMeta, v1alpha1.AnnotationForceDetachUntil,
				rapid.SampledFrom([]string{"2026-03-01T13:00:00Z", "2026-03-01T11:00:00Z", "2026-03-09T12:00:00Z", "soon"}).Draw(t, "until"))
		}
	})
}

func drawInterface(t *rapid.T, id string) eni.ObservedInterface {
	owner := nodeENI(fmt.Sprint("n", rapid.IntRange(0, 4).Draw(t, "owner")), func(n *v1alpha1.NodeENI) {
		n.Spec.DeviceIndex = rapid.Int32Range(1, 3).Draw(t, "slot")
		n.Spec.SubnetID = rapid.SampledFrom([]string{subnetA, subnetA, subnetB}).Draw(t, "in")
	})
	i := interfaceOf(owner, id)
	if rapid.IntRange(0, 2).Draw(t, "attached") > 0 {
		attachment(rapid.SampledFrom([]eni.AttachmentStatus{eni.Attached, eni.Attached, eni.Attaching, eni.Detaching, eni.UnknownAttachment}).Draw(t, "status"))(&i)
	}
	if oneIn(t, 8, "theirs") {
		i.Tags[eni.TagClusterID] = "cluster-2"
	}
	if oneIn(t, 8, "of before") {
		i.Tags[eni.TagClusterID] = "cluster-0"
	}
	if oneIn(t, 8, "drifted") {
		i.Description = "edited"
		delete(i.Tags, eni.TagNoManage)
	}
	if i.Attachment != nil && oneIn(t, 8, "misplaced") {
		i.Attachment.Slot.Index = rapid.Int32Range(1, 4).Draw(t, "at")
	}
	if oneIn(t, 4, "of an earlier NodeENI") {
		i.Tags[eni.TagNodeENIUID] = "uid-former"
	}
	i.Missing = oneIn(t, 8, "missing")
	i.Epochs = rapid.IntRange(1, 3).Draw(t, "epochs")
	if oneIn(t, 16, "lost") {
		lost(&i)
	}
	i.AttachmentSince = now.Add(-time.Duration(rapid.IntRange(0, 12).Draw(t, "since")) * time.Minute)
	return i
}

// dropImpossible detaches what EC2 would never show together: two interfaces in one slot.
func dropImpossible(s *Snapshot) {
	taken := map[eni.Slot]bool{}
	s.Instance.Interfaces = slices.DeleteFunc(s.Instance.Interfaces, func(i eni.InstanceInterface) bool {
		twice := taken[i.Slot]
		taken[i.Slot] = true
		return twice
	})
	for i := range s.Interfaces {
		a := s.Interfaces[i].Attachment
		if a != nil && taken[a.Slot] {
			s.Interfaces[i].Attachment = nil
		} else if a != nil {
			taken[a.Slot] = true
		}
	}
}

// clone copies everything that a plan could change by mistake.
func clone(s Snapshot) Snapshot {
	s.NodeENIs = slices.Clone(s.NodeENIs)
	for i := range s.NodeENIs {
		s.NodeENIs[i] = s.NodeENIs[i].DeepCopy()
	}
	instance := *s.Instance
	instance.Interfaces = slices.Clone(instance.Interfaces)
	s.Instance = &instance
	s.Interfaces = slices.Clone(s.Interfaces)
	for i := range s.Interfaces {
		iface := &s.Interfaces[i]
		iface.Tags, iface.SecurityGroupIDs = maps.Clone(iface.Tags), slices.Clone(iface.SecurityGroupIDs)
		if iface.Attachment != nil {
			a := *iface.Attachment
			iface.Attachment = &a
		}
	}
	s.Setbacks, s.ReleaseSetbacks = maps.Clone(s.Setbacks), maps.Clone(s.ReleaseSetbacks)
	s.CreateSetbacks = maps.Clone(s.CreateSetbacks)
	s.ChangeSetbacks, s.ReleaseCauses = maps.Clone(s.ChangeSetbacks), maps.Clone(s.ReleaseCauses)
	return s
}

// apply does to the snapshot what EC2 would do on the actions.
func apply(s *Snapshot, actions []Action) {
	for _, a := range actions {
		if a.Kind == Create {
			delete(s.Setbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
			delete(s.CreateSetbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
			s.Interfaces = append(s.Interfaces, eni.ObservedInterface{Interface: eni.Interface{
				ID: freshID(s), SubnetID: a.SubnetID, Zone: "us-east-1a",
				SecurityGroupIDs: a.SecurityGroupIDs, Description: a.Description, Tags: maps.Clone(a.Tags),
			}, Epochs: 1, AttachmentSince: s.Now})
			continue
		}
		delete(s.ReleaseSetbacks, a.InterfaceID)
		delete(s.ReleaseCauses, a.InterfaceID)
		delete(s.ChangeSetbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
		delete(s.Setbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
		delete(s.CreateSetbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
		i := slices.IndexFunc(s.Interfaces, func(i eni.ObservedInterface) bool { return i.ID == a.InterfaceID })
		iface := &s.Interfaces[i]
		switch a.Kind {
		case Attach:
			iface.Attachment = &eni.Attachment{ID: "eni-attach-" + a.InterfaceID, InstanceID: a.InstanceID, Slot: a.Slot, Status: eni.Attaching}
			iface.AttachmentSince = s.Now
		case SetDeleteOnTermination:
			iface.Attachment.DeleteOnTermination = a.DeleteOnTermination
		case SetSecurityGroups:
			iface.SecurityGroupIDs = a.SecurityGroupIDs
		case SetDescription:
			iface.Description = a.Description
		case PutTags, Adopt:
			maps.Copy(iface.Tags, a.Tags)
		case RemoveTags:
			maps.DeleteFunc(iface.Tags, func(key, _ string) bool { return slices.Contains(a.TagKeys, key) })
		case Detach:
			iface.Attachment.Status, iface.AttachmentSince = eni.Detaching, s.Now
		case Delete:
			s.Interfaces = slices.Delete(s.Interfaces, i, i+1)
		}
	}
}

func freshID(s *Snapshot) string {
	for n := 0; ; n++ {
		id := fmt.Sprint("eni-new-", n)
		if !slices.ContainsFunc(s.Interfaces, func(i eni.ObservedInterface) bool { return i.ID == id }) {
			return id
		}
	}
}

// settle lets two minutes pass, in which EC2 finishes what it is at and everything is described anew.
func settle(s *Snapshot) {
	s.Now = s.Now.Add(2 * time.Minute)
	s.Instance.ObservedAt = s.Now.Add(-time.Second)
	for i := range s.Interfaces {
		iface := &s.Interfaces[i]
		iface.Missing, iface.ShownAt = false, s.Now.Add(-time.Second)
		iface.Epochs++
		if iface.Attachment == nil {
			continue
		}
		switch iface.Attachment.Status {
		case eni.Attaching, eni.UnknownAttachment:
			iface.Attachment.ID, iface.Attachment.Status, iface.AttachmentSince = "eni-attach-"+iface.ID, eni.Attached, s.Now
		case eni.Detaching:
			iface.Attachment, iface.AttachmentSince = nil, s.Now
		}
	}
}

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
