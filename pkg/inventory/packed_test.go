package inventory

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Tags that are packed are the same afterwards, and are equal to those only.
func TestPackedTagsAreTheSame(t *testing.T) {
	keys := append([]string{"", "a", "b", "a\x00b", "c", eni.TagNodeENIName}, ownKeys...)
	tags := rapid.MapOf(rapid.SampledFrom(keys), rapid.SampledFrom([]string{"", "x", "y", "x/y", "/"}))
	rapid.Check(t, func(t *rapid.T) {
		sets, one, other := &tagSets{}, tags.Draw(t, "one"), tags.Draw(t, "other")
		sets.pack(other)
		p := sets.pack(one)
		if got := p.unpack(); !maps.Equal(got, one) || !p.are(one) {
			t.Fatalf("%q became %q", one, got)
		}
		if p.are(other) != maps.Equal(one, other) {
			t.Fatalf("%q are said to be %q: %v", one, other, p.are(other))
		}
		for _, key := range keys {
			if p.value(key) != one[key] {
				t.Fatalf("%q of %q is %q", key, one, p.value(key))
			}
		}
	})
}

// The name that an interface is given takes no room.
func TestTheGivenNameIsMadeAgain(t *testing.T) {
	var sets tagSets
	tags := eni.Owner{ClusterID: "c", NodeENIUID: "u", NodeENIName: "data", NodeName: "node-1", InstanceID: "i-1"}.Tags()
	if p := sets.pack(tags); p.own[0] != ownName || p.value(eni.TagName) != "data/node-1" || !maps.Equal(p.unpack(), tags) {
		t.Errorf("kept %q, which become %q", p.own, p.unpack())
	}
	tags[eni.TagName] = "another"
	if p := sets.pack(tags); p.value(eni.TagName) != "another" || !p.are(tags) {
		t.Errorf("the name has become %q", p.value(eni.TagName))
	}
}

func TestTagSetsAreBounded(t *testing.T) {
	var sets tagSets
	for i := range 3 * mostTagSets {
		sets.pack(map[string]string{fmt.Sprint(i): "x"})
	}
	if len(sets.byName) > mostTagSets {
		t.Errorf("%d sets of tags are remembered", len(sets.byName))
	}
}
