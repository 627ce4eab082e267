package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const instanceB = "i-0000000000000000b"

func without(keys ...string) func(*eni.ObservedInterface) {
	return func(i *eni.ObservedInterface) {
		for _, key := range keys {
			delete(i.Tags, key)
		}
	}
}

// What a tag says of the place is somebody's to edit. An interface that is attached where it is wanted stays, and one
// that is not goes for the reason for which it would go with its tags.
func TestDamagedTagsReplaceNothing(t *testing.T) {
	a := nodeENI("a")
	stays := decided{Reports: []string{"a Attached TagsDamaged settled"}}
	label := func(s *Snapshot) { s.Node = node("a", unlabelled) }
	one := func(changes ...func(*eni.ObservedInterface)) func(*Snapshot) {
		return having(interfaceOf(a, "eni-1", append([]func(*eni.ObservedInterface){attached}, changes...)...))
	}
	for _, test := range []struct {
		name     string
		world    Snapshot
		want     decided
		vanished []string
	}{
		{"no instance", world(with(a), one(without(eni.TagInstanceID))), stays, nil},
		{"an empty instance", world(with(a), one(tagged(eni.TagInstanceID, ""))), stays, nil},
		{"no instance's ID", world(with(a), one(tagged(eni.TagInstanceID, "governed"))), stays, nil},
		{"another instance", world(with(a), one(tagged(eni.TagInstanceID, instanceB))), stays, nil},
		{"no slot", world(with(a), one(without(eni.TagSlot))), stays, nil},
		{"a slot that is none", world(with(a), one(tagged(eni.TagSlot, "governed"))), stays, nil},
		{"another slot", world(with(a), one(tagged(eni.TagSlot, "0-3"))), stays, nil},
		{"neither", world(with(a), one(without(eni.TagInstanceID, eni.TagSlot))), stays, nil},
		{"beside one of its own that is attached nowhere", world(with(a), one(without(eni.TagSlot)), having(interfaceOf(a, "eni-0"))), decided{Release: []string{"Delete eni-0"}, Reports: stays.Reports, Leaving: []string{"eni-0 Deleting Surplus"}}, nil},

		{"attached to nothing that is wanted", world(with(a), having(interfaceOf(a, "eni-1", attachedAt(instanceA, 3), tagged(eni.TagInstanceID, instanceB)))), decided{Attach: []string{"Create"}, Release: []string{"Detach eni-1"}, Reports: []string{"a Creating"}, Leaving: []string{"eni-1 Detaching Misplaced"}}, nil},
		{"in another subnet", world(with(nodeENI("a", inSubnet(subnetB))), one(without(eni.TagInstanceID, eni.TagSlot))), decided{Release: []string{"Detach eni-1"}, Reports: []string{"a Creating"}, Leaving: []string{"eni-1 Detaching SpecChanged"}}, nil},
		{"another index is wanted", world(with(nodeENI("a", atIndex(2))), one(without(eni.TagSlot))), decided{Release: []string{"Detach eni-1"}, Reports: []string{"a Creating"}, Leaving: []string{"eni-1 Detaching SpecChanged"}}, nil},
		{"the NodeENI is deleted", world(with(nodeENI("a", beingDeleted)), one(without(eni.TagInstanceID))), decided{Release: []string{"Detach eni-1"}, Leaving: []string{"eni-1 Detaching NodeENIDeleted"}}, nil},
		{"the label is gone: the guard counts it", world(with(a), one(without(eni.TagInstanceID)), label), decided{Release: []string{"Detach eni-1"}, Leaving: []string{"eni-1 Detaching NodeNotSelected"}}, []string{"eni-1"}},
		{"the label is gone, and the slot edited: the guard counts it", world(with(a), one(tagged(eni.TagSlot, "0-3")), label), decided{Release: []string{"Detach eni-1"}, Leaving: []string{"eni-1 Detaching NodeNotSelected"}}, []string{"eni-1"}},
		{"the Node is gone: the guard counts it", world(with(a), one(without(eni.TagInstanceID, eni.TagSlot)), nodeGone), decided{Release: []string{"Detach eni-1"}, Leaving: []string{"eni-1 Detaching NodeGone"}}, []string{"eni-1"}},
		{"of a NodeENI that was restored", world(with(nodeENI("a", again)), one(without(eni.TagInstanceID))), decided{Attach: []string{"Adopt eni-1"}, Reports: []string{"a Attached"}}, nil},
		{"the spec is invalid", world(with(nodeENI("a", inSubnet("x"))), one(without(eni.TagInstanceID, eni.TagSlot))), decided{Reports: []string{"a Attached InvalidSpec"}}, nil},
		{"attached to another instance, where it is wanted too", world(with(a), having(interfaceOf(a, "eni-1", attachedAt(instanceB, 1))), func(s *Snapshot) { s.Elsewhere = map[string]bool{"eni-1": true} }), decided{Attach: []string{"Create"}, Reports: []string{"a Creating"}}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.want, decidedOf(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.vanished, got.Vanished); diff != "" {
				t.Errorf("vanished (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDamageIsToldWithItsCure(t *testing.T) {
	a := nodeENI("a")
	got := Instance(world(with(a), having(interfaceOf(a, "eni-1", attached, without(eni.TagInstanceID), tagged(eni.TagSlot, "x")))))
	message := got.Attachments[0].Attachment.Message
	for _, want := range []string{
		"networking.k8s.aws/instance-id (found none)", `networking.k8s.aws/slot (found "x")`,
		"aws ec2 create-tags --resources eni-1 --tags Key=networking.k8s.aws/instance-id,Value=" + instanceA + " Key=networking.k8s.aws/slot,Value=0-1",
	} {
		if !strings.Contains(message, want) {
			t.Errorf("the message lacks %q: %s", want, message)
		}
	}
	status := Status(StatusInput{NodeENI: a, Now: now, Attachments: got.Attachments})
	ready := status.Conditions[0]
	if ready.Status != "True" || !strings.Contains(ready.Message, "1 TagsDamaged: "+message) || *status.AttachedNodes != 1 || *status.BlockedNodes != 0 {
		t.Errorf("condition %+v, attached %d, blocked %d", ready, *status.AttachedNodes, *status.BlockedNodes)
	}
	if got := (History{}).next(&status); got.nodes["a"].BlockedFor != v1alpha1.ReasonTagsDamaged {
		t.Errorf("nobody is told that it is over: %+v", got)
	}
}

func TestWantedThere(t *testing.T) {
	a := nodeENI("a")
	at := func(index int32) *eni.Interface {
		i := interfaceOf(a, "eni-1", attachedAt(instanceB, index))
		return &i.Interface
	}
	for _, test := range []struct {
		name  string
		n     *v1alpha1.NodeENI
		node  *corev1.Node
		iface *eni.Interface
		want  bool
	}{
		{"there", a, node("b"), at(1), true},
		{"at another index", a, node("b"), at(2), false},
		{"not selected", a, node("b", unlabelled), at(1), false},
		{"in another subnet", nodeENI("a", inSubnet(subnetB)), node("b"), at(1), false},
		{"deleted", nodeENI("a", beingDeleted), node("b"), at(1), false},
		{"invalid", nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = nil }), node("b"), at(1), false},
	} {
		if got := WantedThere(test.n, test.node, test.iface); got != test.want {
			t.Errorf("%s: %v", test.name, got)
		}
	}
}

// What is wanted elsewhere may be so only since it was last asked for.
func TestAnInterfaceElsewhereIsLookedAtAgain(t *testing.T) {
	a := nodeENI("a")
	got := Instance(world(with(a), having(interfaceOf(a, "eni-1", attachedAt(instanceB, 1)))))
	if want := now.Add(30 * time.Second); !got.Again.Equal(want) {
		t.Errorf("again at %v, want %v", got.Again, want)
	}
}

// What has lost its tags is known where it is, however old the description of the instance.
func TestNothingIsMadeWhereAnInterfaceHasLostItsTags(t *testing.T) {
	a := nodeENI("a")
	for _, described := range []time.Duration{time.Second, 4 * time.Minute} {
		got := Instance(world(with(a), having(interfaceOf(a, "eni-1", attached, lost)), describedAgo(described)))
		want := decided{Reports: []string{"a Blocked TagsLost"}, Leaving: []string{"eni-1 Detaching TagsLost held"}}
		if diff := cmp.Diff(want, decidedOf(got)); diff != "" {
			t.Errorf("described %v ago (-want +got):\n%s", described, diff)
		}
	}
}
