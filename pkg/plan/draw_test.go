package plan

import (
	"fmt"
	"slices"
	"time"

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
