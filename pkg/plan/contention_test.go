package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// decided writes a result as prose.
type decided struct {
	Attach, Release, Reports, Leaving []string
}

func decidedOf(r Result) decided {
	return decided{Attach: steps(r.Attach), Release: steps(r.Release), Reports: standing(r.Attachments), Leaving: leaving(r.Releases)}
}

func younger(n *v1alpha1.NodeENI) { n.CreationTimestamp = metav1.NewTime(now) }

func older(n *v1alpha1.NodeENI) { n.CreationTimestamp = metav1.NewTime(now.Add(-9 * time.Hour)) }

func atIndex(index int32) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = index }
}

func inSubnet(id string) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = id }
}

func attachedAt(instanceID string, index int32) func(*eni.ObservedInterface) {
	return func(i *eni.ObservedInterface) {
		attached(i)
		i.Attachment.InstanceID, i.Attachment.Slot = instanceID, eni.Slot{Index: index}
	}
}

func missing(i *eni.ObservedInterface) { i.Missing = true }

// full takes every place that an m5.xlarge has beside the primary interface.
func full(s *Snapshot) {
	foreign("eni-cni1", 7)(s)
	foreign("eni-cni2", 8)(s)
	foreign("eni-cni3", 9)(s)
}

func TestWhoGetsThePlace(t *testing.T) {
	a, second := nodeENI("a"), nodeENI("b", younger)
	for _, test := range []struct {
		name    string
		world   Snapshot
		want    decided
		message string
	}{
		{
			name:  "attaching keeps the slot",
			world: world(with(a, second), having(interfaceOf(second, "eni-b", attachment(eni.Attaching)))),
			want:  decided{Reports: []string{"a Blocked SlotTaken", "b Attaching"}},
		},
		{
			name:  "unknown keeps the slot",
			world: world(with(a, second), having(interfaceOf(second, "eni-b", attachment(eni.UnknownAttachment)))),
			want:  decided{Reports: []string{"a Blocked SlotTaken", "b Attaching"}},
		},
		{
			name:  "missing keeps the slot",
			world: world(with(a, second), having(interfaceOf(second, "eni-b", attached, missing))),
			want:  decided{Reports: []string{"a Blocked SlotTaken", "b Attached"}},
		},
		{
			name:  "who is detached loses the slot to the older, which waits for it",
			world: world(with(a, second), having(interfaceOf(second, "eni-b", attachment(eni.Detaching)))),
			want:  decided{Reports: []string{"a Creating", "b Blocked SlotTaken"}}, message: "waits for eni-b to leave device index 1",
		},
		{
			name:  "equally old: the lesser UID",
			world: world(with(nodeENI("z"), a)),
			want:  decided{Attach: []string{"Create"}, Reports: []string{"a Creating", "z Blocked SlotTaken"}},
		},
		{
			name:  "who loses keeps an interface for a while",
			world: world(with(a, second), having(interfaceOf(second, "eni-b"))),
			want:  decided{Attach: []string{"Create"}, Reports: []string{"a Creating", "b Blocked SlotTaken"}},
		},
		{
			name:  "and then no longer",
			world: world(with(a, second), having(interfaceOf(second, "eni-b", since(keepUnattached)))),
			want: decided{
				Attach: []string{"Create"}, Release: []string{"Delete eni-b"},
				Reports: []string{"a Creating", "b Blocked SlotTaken"}, Leaving: []string{"eni-b Deleting SlotTaken"},
			},
		},
		{
			name:  "a full card takes the place of an interface too",
			world: world(with(a), full, having(interfaceOf(a, "eni-a", since(keepUnattached)))),
			want: decided{
				Release: []string{"Delete eni-a"},
				Reports: []string{"a Blocked InterfaceLimitReached"}, Leaving: []string{"eni-a Deleting InterfaceLimitReached"},
			},
		},
		{
			name:  "a full card that one of ours is leaving is no obstacle, but a wait",
			world: world(with(a, nodeENI("b", beingDeleted)), foreign("eni-cni1", 7), foreign("eni-cni2", 8), having(interfaceOf(nodeENI("b", atIndex(2)), "eni-b", attached))),
			want: decided{
				Release: []string{"Detach eni-b"},
				Reports: []string{"a Creating"}, Leaving: []string{"eni-b Detaching NodeENIDeleted"},
			}, message: "waits for eni-b to leave the network card",
		},
		{
			name:  "an interface waits for one of ours to leave, however long that takes",
			world: world(with(nodeENI("a", inSubnet(subnetB))), having(interfaceOf(a, "eni-a", attachment(eni.Detaching)), interfaceOf(nodeENI("a", inSubnet(subnetB)), "eni-new", since(time.Hour)))),
			want:  decided{Reports: []string{"a Attaching"}, Leaving: []string{"eni-a Detaching SpecChanged"}}, message: "waits for eni-a",
		},
		{
			name:  "a replacement whose predecessor does not go is blocked like it",
			world: world(with(nodeENI("a", inSubnet(subnetB))), having(interfaceOf(a, "eni-a", attachment(eni.Detaching), since(detachStuckAfter)))),
			want:  decided{Reports: []string{"a Blocked DetachStuck"}, Leaving: []string{"eni-a Detaching DetachStuck held"}}, message: "by force",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.want, decidedOf(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if !messageIn(got.Attachments, test.message) {
				t.Errorf("no message has %q: %+v", test.message, got.Attachments)
			}
		})
	}
}

// An interface that is attached where it should not be comes home: none is created beside it.
func TestMisplacedInterfacesReturn(t *testing.T) {
	a := nodeENI("a")
	for _, test := range []struct {
		name string
		i    eni.ObservedInterface
		want decided
	}{
		{
			"at another index", interfaceOf(a, "eni-a", attachedAt(instanceA, 3)),
			decided{Release: []string{"Detach eni-a"}, Reports: []string{"a Attaching"}, Leaving: []string{"eni-a Detaching Misplaced"}},
		},
		{
			"on another instance, whose workers detach it", interfaceOf(a, "eni-a", attachedAt("i-other", 1)),
			decided{Reports: []string{"a Attaching"}},
		},
		{
			"in another subnet, and so of no use", interfaceOf(nodeENI("a", inSubnet(subnetB)), "eni-a", attachedAt(instanceA, 3)),
			decided{Attach: []string{"Create"}, Release: []string{"Detach eni-a"}, Reports: []string{"a Creating"}, Leaving: []string{"eni-a Detaching Misplaced"}},
		},
		{
			"detached, and back", interfaceOf(a, "eni-a"),
			decided{Attach: []string{"Attach eni-a"}, Reports: []string{"a Attaching"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, decidedOf(Instance(world(with(a), having(test.i))))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A spec that is invalid says nothing: nothing is created and nothing released by it, and it takes no slot
// from anybody but where its interface is.
func TestInvalidSpecsAreFrozen(t *testing.T) {
	once := nodeENI("bad")
	noSubnet, noIndex := nodeENI("bad", older, inSubnet("x")), nodeENI("bad", older, atIndex(0))
	for _, test := range []struct {
		name  string
		world Snapshot
		want  decided
	}{
		{"nothing is created", world(with(noSubnet)), decided{Reports: []string{"bad Blocked InvalidSpec"}}},
		{"what is attached stays", world(with(noSubnet), having(interfaceOf(once, "eni-1", attached))), decided{Reports: []string{"bad Attached InvalidSpec"}}},
		{"what is attached nowhere stays", world(with(noIndex), having(interfaceOf(once, "eni-1", since(time.Hour)))), decided{Reports: []string{"bad Blocked InvalidSpec"}}},
		{"surplus stays", world(with(noIndex), having(interfaceOf(once, "eni-1", attached), interfaceOf(once, "eni-2"))), decided{Reports: []string{"bad Attached InvalidSpec"}}},
		{"what is misplaced stays", world(with(noIndex), having(interfaceOf(once, "eni-1", attachedAt(instanceA, 3)))), decided{Reports: []string{"bad Blocked InvalidSpec"}}},
		{"the Node's label does not count", world(with(noIndex), having(interfaceOf(once, "eni-1", attached)), func(s *Snapshot) { s.Node = node("a", unlabelled) }), decided{}},
		{
			"it goes when it is deleted", world(with(nodeENI("bad", atIndex(0), beingDeleted)), having(interfaceOf(once, "eni-1", attached))),
			decided{Release: []string{"Detach eni-1"}, Leaving: []string{"eni-1 Detaching NodeENIDeleted"}},
		},
		{"an older one takes no free slot", world(with(noSubnet, nodeENI("a"))), decided{Attach: []string{"Create"}, Reports: []string{"a Creating", "bad Blocked InvalidSpec"}}},
		{
			"its interface keeps its slot", world(with(noIndex, nodeENI("a")), having(interfaceOf(once, "eni-1", attached))),
			decided{Reports: []string{"a Blocked SlotTaken", "bad Attached InvalidSpec"}},
		},
		{
			"and outlasts one that waits for it", world(with(noIndex, nodeENI("a")), having(interfaceOf(once, "eni-1", attached), interfaceOf(nodeENI("a"), "eni-2", since(time.Hour)))),
			decided{Release: []string{"Delete eni-2"}, Reports: []string{"a Blocked SlotTaken", "bad Attached InvalidSpec"}, Leaving: []string{"eni-2 Deleting SlotTaken"}},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.want, decidedOf(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, r := range got.Attachments {
				if r.Attachment.DeviceIndex < 1 {
					t.Errorf("the API takes no device index %d in a status", r.Attachment.DeviceIndex)
				}
			}
		})
	}
}

// What is drifting is put right whether or not the interface can be attached at the moment.
func TestSettingsArePutRightWhileBlocked(t *testing.T) {
	a := nodeENI("a")
	edited := func(i *eni.ObservedInterface) { i.Description = "edited" }
	for _, test := range []struct {
		name string
		i    eni.ObservedInterface
		want []string
	}{
		{"waiting for its slot", interfaceOf(a, "eni-1", edited), []string{"SetDescription eni-1"}},
		{"about to go", interfaceOf(a, "eni-1", edited, since(time.Hour)), nil},
		{"missing", interfaceOf(a, "eni-1", edited, missing), nil},
	} {
		if diff := cmp.Diff(test.want, steps(Instance(world(with(a), foreign("eni-cni", 1), having(test.i))).Attach)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestReportSaysWhatIsKnownOfTheInterface(t *testing.T) {
	a := nodeENI("a")
	card := int32(0)
	want := []AttachmentReport{{
		NodeENI: "uid-a", NodeENIName: "a", Settled: true,
		Attachment: v1alpha1.Attachment{
			NodeName: "a", NetworkCardIndex: &card, DeviceIndex: 1, State: v1alpha1.AttachmentAttached, InstanceID: instanceA,
			ENIID: "eni-1", AttachmentID: "eni-attach-eni-1", SubnetID: subnetA, SubnetCIDR: "10.0.1.0/24", AvailabilityZone: "us-east-1a",
			PrivateIP: "10.0.1.10", MACAddress: "02:00:00:00:00:01",
		},
	}}
	if diff := cmp.Diff(want, Instance(world(with(a), having(interfaceOf(a, "eni-1", attached)))).Attachments); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSameActions(t *testing.T) {
	detach := Action{Kind: Detach, NodeENI: "uid-a", InstanceID: instanceA, Slot: eni.Slot{Index: 1}, InterfaceID: "eni-1", AttachmentID: "eni-attach-1"}
	for name, test := range map[string]struct {
		change func(*Action)
		want   bool
	}{
		"for another reason": {func(a *Action) { a.Reason = v1alpha1.ReasonNodeGone }, true},
		"another kind":       {func(a *Action) { a.Kind = Delete }, false},
		"another owner":      {func(a *Action) { a.NodeENI = "uid-b" }, false},
		"another attachment": {func(a *Action) { a.AttachmentID = "eni-attach-2" }, false},
		"another interface":  {func(a *Action) { a.InterfaceID = "eni-2" }, false},
		"another instance":   {func(a *Action) { a.InstanceID = "i-other" }, false},
		"another slot":       {func(a *Action) { a.Slot.Index = 2 }, false},
	} {
		other := detach
		test.change(&other)
		if got := detach.Same(other); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestWhatNeverLeavesALostSlotIsToldOf(t *testing.T) {
	a, younger := nodeENI("a"), nodeENI("b", func(n *v1alpha1.NodeENI) { n.CreationTimestamp = metav1.NewTime(now) })
	for age, want := range map[time.Duration]string{time.Minute: v1alpha1.ReasonSlotTaken, 11 * time.Minute: v1alpha1.ReasonDetachStuck} {
		result := Instance(world(with(a, younger), having(interfaceOf(younger, "eni-1", attachment(eni.Detaching), since(age)))))
		if got := result.Attachments[1].Attachment; got.ENIID != "eni-1" || got.Reason != want {
			t.Errorf("detaching for %v: %s %s, want %s", age, got.ENIID, got.Reason, want)
		}
	}
}
