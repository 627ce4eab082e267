package cloud

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Anybody may edit tags, and their values become filters: whatever they are, a narrowed list is no error, shows the
// interface that bears them, and nobody else's.
func FuzzListByOwner(f *testing.F) {
	f.Add("uid-1", "uid-2")
	f.Add("*", "uid-2")
	f.Add("u?d", "uid")
	f.Add(`back\slash`, `back\*`)
	f.Add(strings.Repeat("ä", 256), "x")
	f.Add(strings.Repeat("*", 200), "x")
	f.Add("<&>\"'", " ")
	f.Fuzz(func(t *testing.T, uid, other string) {
		if !bearable(uid) || !bearable(other) || uid == other {
			t.Skip("no tag")
		}
		client, sim := newSimulated(t)
		add := func(uid string) {
			owner := eni.Owner{ClusterID: cluster, ClusterName: "c", NodeENIUID: uid, NodeENIName: "a", NodeName: "n", InstanceID: instance1}
			if _, err := client.CreateInterface(t.Context(), eni.CreateRequest{
				SubnetID: simSubnet, SecurityGroupIDs: []string{simGroup}, Tags: owner.Tags(), ClientToken: strings.Repeat("x", len(sim.Snapshot().Interfaces)+1),
			}); err != nil {
				t.Fatal(err)
			}
		}
		add(uid)
		add(other)
		list, err := client.ListInterfaces(t.Context(), []string{cluster}, []string{uid})
		if err != nil {
			t.Fatalf("listing those of %q: %v", uid, err)
		}
		found := map[string]bool{}
		for _, i := range list {
			found[i.Tags[eni.TagNodeENIUID]] = true
		}
		if !found[uid] {
			t.Errorf("the list of those of %q does not show it", uid)
		}
		if found[other] && utf8.RuneCountInString(uid) < filterLength/2 {
			t.Errorf("the list of those of %q shows one of %q", uid, other)
		}
	})
}

// bearable reports whether EC2 takes a value as that of a tag, which XML must be able to carry.
func bearable(value string) bool {
	return value != "" && utf8.ValidString(value) && utf8.RuneCountInString(value) <= 256 &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0xFFFD || r == 0xFFFE || r == 0xFFFF })
}
