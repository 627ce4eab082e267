package plan

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// again is a NodeENI that was made again under its name.
func again(n *v1alpha1.NodeENI) { n.UID = types.UID("uid-again-" + n.Name) }

func TestWhatIsAdopted(t *testing.T) {
	former, heir := nodeENI("a"), nodeENI("a", again)
	elder := nodeENI("elder", func(n *v1alpha1.NodeENI) { n.CreationTimestamp = metav1.NewTime(now.Add(-2 * time.Hour)) })
	old := func(id string, changes ...func(*eni.ObservedInterface)) func(*Snapshot) {
		return having(interfaceOf(former, id, changes...))
	}
	drifted := func(i *eni.ObservedInterface) { i.SecurityGroupIDs, i.Description = []string{groupB}, "older" }
	adopts := []string{"Adopt eni-1"}
	for _, test := range []struct {
		name            string
		world           Snapshot
		attach, release []string
		reports         []string
		vanished        []string
	}{
		{name: "attached", world: world(with(heir), old("eni-1", attached)), attach: adopts, reports: []string{"a Attached"}},
		{name: "settings put right later", world: world(with(heir), old("eni-1", attached, drifted)), attach: adopts, reports: []string{"a Attached"}},
		{name: "attached nowhere", world: world(with(heir), old("eni-1")), attach: adopts, reports: []string{"a Attaching"}},
		{name: "attaching", world: world(with(heir), old("eni-1", attachment(eni.Attaching))), attach: adopts, reports: []string{"a Attaching"}},
		{name: "of an earlier cluster ID", world: world(with(heir), old("eni-1", attached, tagged(eni.TagClusterID, "cluster-0"))), attach: adopts, reports: []string{"a Attached"}},
		{name: "instance not described yet", world: world(with(heir), old("eni-1", attached), func(s *Snapshot) { s.Instance = nil }), attach: adopts, reports: []string{"a Attached"}},
		{name: "cleanup halted", world: world(with(heir), old("eni-1", attached), func(s *Snapshot) { s.Halt = &Halt{} }), attach: adopts, reports: []string{"a Attached"}},
		{name: "an older NodeENI wants the slot too", world: world(with(heir, elder), old("eni-1", attached)), attach: adopts, reports: []string{"a Attached", "elder Blocked SlotTaken"}},
		{
			name: "two for one slot", world: world(with(heir), old("eni-1"), old("eni-2", attached), ownerless(time.Hour, 1)),
			attach: []string{"Adopt eni-2"}, release: []string{"Delete eni-1"}, reports: []string{"a Attached"},
		},
		{name: "two for one slot, none attached", world: world(with(heir), old("eni-2"), old("eni-1")), attach: adopts, reports: []string{"a Attaching"}},

		{name: "missing: nothing is created beside it", world: world(with(heir), old("eni-1", attached, missing)), reports: []string{"a Attached"}},
		{name: "no finalizer yet", world: world(with(nodeENI("a", again, func(n *v1alpha1.NodeENI) { n.Finalizers = nil })), old("eni-1", attached)), reports: []string{"a Attached"}},
		{
			name: "refused lately", world: world(with(heir), old("eni-1", attached), func(s *Snapshot) {
				s.ChangeSetbacks = map[SlotKey]map[ActionKind]Setback{{heir.UID, instanceA, eni.Slot{Index: 1}}: {Adopt: {Reason: v1alpha1.ReasonPermissionDenied, Message: "denied", Until: now.Add(time.Minute)}}}
			}),
			reports: []string{"a Attached PermissionDenied"},
		},
		{name: "another NodeENI has the slot", world: world(with(heir, nodeENI("b")), old("eni-1"), having(interfaceOf(nodeENI("b"), "eni-b", attached)), ownerless(time.Hour, 1)), release: []string{"Delete eni-1"}, reports: []string{"a Blocked SlotTaken", "b Attached settled"}},
		{name: "has its own attached", world: world(with(heir), old("eni-1"), having(interfaceOf(heir, "eni-own", attached)), ownerless(time.Hour, 1)), release: []string{"Delete eni-1"}, reports: []string{"a Attached settled"}},
		{name: "has its own unattached, in doubt", world: world(with(heir), old("eni-1", attached), having(interfaceOf(heir, "eni-own")), ownerless(time.Minute, 1)), reports: []string{"a Attached"}},
		{name: "has its own unattached, without doubt", world: world(with(heir), old("eni-1", attached), having(interfaceOf(heir, "eni-own")), ownerless(time.Hour, 1)), attach: adopts, reports: []string{"a Attached"}},

		{name: "the former lives, under another name", world: world(with(heir, nodeENI("b", func(n *v1alpha1.NodeENI) { n.UID, n.Spec.DeviceIndex = former.UID, 2 })), old("eni-1", attached)), release: []string{"Detach eni-1"}, reports: []string{"a Creating", "b Creating"}},
		{name: "another name", world: world(with(heir), old("eni-1", attached, tagged(eni.TagNodeENIName, "b")), ownerless(time.Hour, 1)), release: []string{"Detach eni-1"}, reports: []string{"a Creating"}, vanished: []string{"eni-1"}},
		{name: "another subnet", world: world(with(nodeENI("a", again, inSubnet(subnetB))), old("eni-1", attached), ownerless(time.Hour, 1)), release: []string{"Detach eni-1"}, reports: []string{"a Creating"}, vanished: []string{"eni-1"}},
		{name: "another slot", world: world(with(nodeENI("a", again, func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 2 })), old("eni-1", attached), ownerless(time.Hour, 1)), attach: []string{"Create"}, release: []string{"Detach eni-1"}, reports: []string{"a Creating"}, vanished: []string{"eni-1"}},
		{name: "another card", world: world(with(heir), old("eni-1", tagged(eni.TagSlot, "1-1")), ownerless(time.Hour, 1)), attach: []string{"Create"}, release: []string{"Delete eni-1"}, reports: []string{"a Creating"}},
		{name: "attached at another index than its tags say", world: world(with(heir), old("eni-1", attached, func(i *eni.ObservedInterface) { i.Attachment.Slot.Index = 2 }), ownerless(time.Hour, 1)), attach: []string{"Create"}, release: []string{"Detach eni-1"}, reports: []string{"a Creating"}, vanished: []string{"eni-1"}},
		{name: "Node not selected", world: world(with(nodeENI("a", again, reselecting("ng", "other"))), old("eni-1", attached), ownerless(time.Hour, 1)), release: []string{"Detach eni-1"}, vanished: []string{"eni-1"}},
		{name: "heir being deleted", world: world(with(nodeENI("a", again, beingDeleted)), old("eni-1", attached), ownerless(time.Hour, 1)), release: []string{"Detach eni-1"}, vanished: []string{"eni-1"}},
		{name: "Node gone", world: world(with(heir), old("eni-1", attached), ownerless(time.Hour, 1), func(s *Snapshot) { s.Node = (*corev1.Node)(nil) }), release: []string{"Detach eni-1"}, vanished: []string{"eni-1"}},
		{name: "another cluster's", world: world(with(heir), old("eni-1", tagged(eni.TagClusterID, "cluster-2"))), attach: []string{"Create"}, reports: []string{"a Creating"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			for what, pair := range map[string][2][]string{
				"attach": {test.attach, steps(got.Attach)}, "release": {test.release, steps(got.Release)},
				"reports": {test.reports, standing(got.Attachments)}, "vanished": {test.vanished, got.Vanished},
			} {
				if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
					t.Errorf("%s (-want +got):\n%s", what, diff)
				}
			}
			for _, a := range got.Attach {
				if a.Kind == Adopt {
					want := map[string]string{eni.TagNodeENIUID: string(heir.UID)}
					if diff := cmp.Diff(want, a.Tags); diff != "" || a.NodeENI != heir.UID {
						t.Errorf("adopted for %s by these tags (-want +got):\n%s", a.NodeENI, diff)
					}
				}
			}
		})
	}
}
