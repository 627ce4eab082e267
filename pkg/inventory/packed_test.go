package inventory

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// Tags that are packed are the same afterwards, and are equal to those only.
func TestPackedTagsAreTheSame(t *testing.T) {
	tags := rapid.MapOf(rapid.SampledFrom([]string{"", "a", "b", "a\x00b", "c"}), rapid.SampledFrom([]string{"", "x", "y"}))
	rapid.Check(t, func(t *rapid.T) {
		sets, one, other := &keySets{}, tags.Draw(t, "one"), tags.Draw(t, "other")
		sets.pack(other)
		p := sets.pack(one)
		if got := p.unpack(); !maps.Equal(got, one) || !p.are(one) {
			t.Fatalf("%q became %q", one, got)
		}
		if p.are(other) != maps.Equal(one, other) {
			t.Fatalf("%q are said to be %q: %v", one, other, p.are(other))
		}
		for _, key := range []string{"", "a", "b", "a\x00b", "c"} {
			if p.value(key) != one[key] {
				t.Fatalf("%q of %q is %q", key, one, p.value(key))
			}
		}
	})
}

func TestKeySetsAreBounded(t *testing.T) {
	var sets keySets
	for i := range 3 * mostKeySets {
		sets.pack(map[string]string{fmt.Sprint(i): "x"})
	}
	if len(sets.byName) > mostKeySets {
		t.Errorf("%d sets of keys are remembered", len(sets.byName))
	}
}
