package eni

import (
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var owner = Owner{
	ClusterID: "cluster-1", ClusterName: "prod", NodeENIUID: "uid-1", NodeENIName: "a", NodeName: "node1",
	InstanceID: "i-1", Slot: Slot{Card: 1, Index: 12},
}

func TestTagsOfAnOwner(t *testing.T) {
	want := map[string]string{
		"networking.k8s.aws/cluster-id":    "cluster-1",
		"networking.k8s.aws/cluster-name":  "prod",
		"networking.k8s.aws/nodeeni-uid":   "uid-1",
		"networking.k8s.aws/nodeeni-name":  "a",
		"networking.k8s.aws/node-name":     "node1",
		"networking.k8s.aws/instance-id":   "i-1",
		"networking.k8s.aws/slot":          "1-12",
		"node.k8s.amazonaws.com/no_manage": "true",
		"Name":                             "a/node1",
	}
	if diff := cmp.Diff(want, owner.Tags()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, ok := OwnerOf(owner.Tags())
	if diff := cmp.Diff(owner, got); !ok || diff != "" {
		t.Errorf("read back: %v (-want +got):\n%s", ok, diff)
	}
}

// Without a cluster ID or without a NodeENI UID an interface is nobody's of ours; other tags may be lost.
func TestOwnerOfWhatWasEdited(t *testing.T) {
	for _, test := range []struct {
		key, value string
		ours       bool
		slot       Slot
	}{
		{TagClusterID, "", false, owner.Slot},
		{TagNodeENIUID, "", false, owner.Slot},
		{TagNodeName, "", true, owner.Slot},
		{TagInstanceID, "", true, owner.Slot},
		{TagSlot, "", true, Slot{}},
		{TagSlot, "1", true, Slot{}},
		{TagSlot, "1-x", true, Slot{}},
		{TagSlot, "x-1", true, Slot{}},
		{TagSlot, "-1-1", true, Slot{}},
		{TagSlot, "1--1", true, Slot{}},
		{TagSlot, "0-99999999999", true, Slot{}},
		{TagSlot, "0-2", true, Slot{Index: 2}},
	} {
		tags := maps.Clone(owner.Tags())
		tags[test.key] = test.value
		got, ours := OwnerOf(tags)
		if ours != test.ours || got.Slot != test.slot {
			t.Errorf("%s=%q: ours %v in slot %v, want %v in %v", test.key, test.value, ours, got.Slot, test.ours, test.slot)
		}
	}
	if _, ours := OwnerOf(nil); ours {
		t.Error("an interface without tags is ours")
	}
}

// EC2 takes 256 characters, not bytes, and refuses half ones.
func TestNameIsCut(t *testing.T) {
	long := Owner{NodeENIName: strings.Repeat("ä", 200), NodeName: strings.Repeat("n", 253)}.Tags()[TagName]
	if utf8.RuneCountInString(long) != 256 || !utf8.ValidString(long) {
		t.Errorf("%d characters, valid: %v", utf8.RuneCountInString(long), utf8.ValidString(long))
	}
}

// Whatever an owner is called, its tags are such as EC2 takes, and say who it is.
func FuzzOwnerTags(f *testing.F) {
	f.Add("cluster-1", "prod", "uid-1", "a", "node-1", "i-1", int32(0), int32(1))
	f.Add("c", strings.Repeat("p", 256), "u", strings.Repeat("a", 253), strings.Repeat("n", 253), "", int32(7), int32(99))
	f.Add("c", "é\u0301", "u", strings.Repeat("ä", 253), strings.Repeat("🦊", 253), "i", int32(0), int32(0))
	f.Fuzz(func(t *testing.T, cluster, clusterName, uid, name, nodeName, instance string, card, index int32) {
		o := Owner{ClusterID: cluster, ClusterName: clusterName, NodeENIUID: uid, NodeENIName: name, NodeName: nodeName, InstanceID: instance, Slot: Slot{Card: card, Index: index}}
		valid := card >= 0 && index >= 0
		for _, part := range []string{cluster, clusterName, uid, name, nodeName, instance} {
			valid = valid && utf8.ValidString(part) && utf8.RuneCountInString(part) <= 256
		}
		if !valid {
			t.Skip("nothing that an API server or EC2 would have named so")
		}
		tags := o.Tags()
		for key, value := range tags {
			if utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(value) > 256 || !utf8.ValidString(value) {
				t.Errorf("tag %q=%q", key, value)
			}
		}
		if got, ours := OwnerOf(tags); got != o || ours != (cluster != "" && uid != "") {
			t.Errorf("%+v reads as %+v, %v", o, got, ours)
		}
	})
}

func FuzzOwnerOf(f *testing.F) {
	f.Add("cluster-1", "uid-1", "0-1")
	f.Add("", "", "-")
	f.Fuzz(func(t *testing.T, cluster, uid, slot string) {
		got, ours := OwnerOf(map[string]string{TagClusterID: cluster, TagNodeENIUID: uid, TagSlot: slot})
		if ours != (cluster != "" && uid != "") {
			t.Errorf("cluster %q, UID %q: ours %v", cluster, uid, ours)
		}
		if got.Slot.Card < 0 || got.Slot.Index < 0 {
			t.Errorf("slot tag %q reads as %v", slot, got.Slot)
		}
		if again, _ := OwnerOf(got.Tags()); again != got {
			t.Errorf("%+v, written and read again, is %+v", got, again)
		}
	})
}
