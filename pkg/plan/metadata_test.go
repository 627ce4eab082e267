package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestMetadata(t *testing.T) {
	annotated := func(value string, tags ...string) func(*v1alpha1.NodeENI) {
		return func(n *v1alpha1.NodeENI) {
			n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: value}
			n.Spec.Tags = map[string]string{}
			for _, key := range tags {
				n.Spec.Tags[key] = "x"
			}
		}
	}
	bare := func(n *v1alpha1.NodeENI) { n.Finalizers = nil }
	for _, test := range []struct {
		name  string
		n     *v1alpha1.NodeENI
		borne []string
		want  MetadataPatch
	}{
		{"nothing to do", nodeENI("a"), nil, MetadataPatch{}},
		{"no finalizer", nodeENI("a", bare), nil, MetadataPatch{AddFinalizer: true}},
		{"somebody else's finalizer", nodeENI("a", func(n *v1alpha1.NodeENI) { n.Finalizers = []string{"other"} }), nil, MetadataPatch{AddFinalizer: true}},
		{"being deleted", nodeENI("a", bare, beingDeleted), nil, MetadataPatch{}},
		{"first key", nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "x"} }), nil, MetadataPatch{SetManagedTagKeys: true, ManagedTagKeys: `["team"]`}},
		{"recorded", nodeENI("a", annotated(`["team"]`, "team")), nil, MetadataPatch{}},
		{"key left the spec, still borne", nodeENI("a", annotated(`["old","team"]`, "team")), []string{"old"}, MetadataPatch{}},
		{"key left the spec and the interfaces", nodeENI("a", annotated(`["old","team"]`, "team")), nil, MetadataPatch{SetManagedTagKeys: true, ManagedTagKeys: `["team"]`}},
		{"last key left", nodeENI("a", annotated(`["old"]`)), nil, MetadataPatch{SetManagedTagKeys: true, ManagedTagKeys: `[]`}},
		{"malformed", nodeENI("a", annotated(`old`, "team")), []string{"old"}, MetadataPatch{SetManagedTagKeys: true, ManagedTagKeys: `["team"]`}},
		{"a key of ours in the annotation", nodeENI("a", annotated(`["networking.k8s.aws/slot"]`)), []string{"networking.k8s.aws/slot"}, MetadataPatch{SetManagedTagKeys: true, ManagedTagKeys: `[]`}},
	} {
		borne := map[string]bool{}
		for _, key := range test.borne {
			borne[key] = true
		}
		got := Metadata(test.n, borne, nil)
		got.SetSelectors, got.Selectors = false, "" // which TestSelectorsAreRecorded is about
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestSelectorsAreRecorded(t *testing.T) {
	recorded := func(value string) func(*v1alpha1.NodeENI) {
		return func(n *v1alpha1.NodeENI) { n.Annotations = map[string]string{v1alpha1.AnnotationSelectors: value} }
	}
	is := func(value string) map[string]string { return map[string]string{"ng": value} }
	for _, test := range []struct {
		name     string
		n        *v1alpha1.NodeENI
		standing []map[string]string
		former   []map[string]string
		want     MetadataPatch
	}{
		{"nothing recorded", nodeENI("a"), nil, nil, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"multi"}]`}},
		{"recorded", nodeENI("a", recorded(`[{"ng":"multi"}]`)), nil, nil, MetadataPatch{}},
		{"edited", nodeENI("a", recorded(`[{"ng":"old"}]`)), []map[string]string{is("old")}, []map[string]string{is("old")}, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"old"},{"ng":"multi"}]`}},
		{"edited and recorded", nodeENI("a", recorded(`[{"ng":"old"},{"ng":"multi"}]`)), []map[string]string{is("old")}, []map[string]string{is("old")}, MetadataPatch{}},
		{"carried out", nodeENI("a", recorded(`[{"ng":"old"},{"ng":"multi"}]`)), nil, []map[string]string{is("old")}, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"multi"}]`}},
		{"edited back", nodeENI("a", recorded(`[{"ng":"multi"},{"ng":"other"}]`)), nil, []map[string]string{is("other")}, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"multi"}]`}},
		{"malformed", nodeENI("a", recorded(`{"ng":"old"}`)), nil, nil, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"multi"}]`}},
		{"an empty one, which selects nothing", nodeENI("a", recorded(`[{},null]`)), nil, nil, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"multi"}]`}},
		{"too many", nodeENI("a"), []map[string]string{is("1"), is("2"), is("3"), is("4"), is("5")}, nil, MetadataPatch{SetSelectors: true, Selectors: `[{"ng":"2"},{"ng":"3"},{"ng":"4"},{"ng":"5"},{"ng":"multi"}]`}},
		{"being deleted", nodeENI("a", beingDeleted), nil, nil, MetadataPatch{}},
	} {
		if diff := cmp.Diff(test.want, Metadata(test.n, nil, test.standing)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.former, FormerSelectors(test.n), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: former selectors (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestValidateNamesFieldValueAndCure(t *testing.T) {
	long := strings.Repeat("ä", 256)
	for _, test := range []struct {
		name string
		edit func(*v1alpha1.NodeENISpec)
		want []string
	}{
		{"valid", func(*v1alpha1.NodeENISpec) {}, nil},
		{"longest description", func(s *v1alpha1.NodeENISpec) { d := long[:2*255]; s.Description = &d }, nil},
		{"no selector", func(s *v1alpha1.NodeENISpec) { s.NodeSelector = nil }, []string{"spec.nodeSelector: Required value: give at least one label"}},
		{"label key that no Node can bear", selecting("a/b/c", "x"), []string{`spec.nodeSelector[a/b/c]: Invalid value: "a/b/c": must be a label key`}},
		{"empty label key", selecting("", "x"), []string{`spec.nodeSelector[]`}},
		{"label value that no Node can bear", selecting("ng", "a,b"), []string{`spec.nodeSelector[ng]: Invalid value: "a,b"`}},
		{"label value too long", selecting("ng", strings.Repeat("v", 64)), []string{"spec.nodeSelector[ng]"}},
		{"longest label, empty value", selecting(strings.Repeat("p", 63)+".io/"+strings.Repeat("k", 63), ""), nil},
		{"too many labels", func(s *v1alpha1.NodeENISpec) { s.NodeSelector = tagsNamed(65) }, []string{"spec.nodeSelector: Too many"}},
		{"malformed subnet", func(s *v1alpha1.NodeENISpec) { s.SubnetID = "subnet-ABC" }, []string{`spec.subnetID: Invalid value: "subnet-ABC"`}},
		{"no groups", func(s *v1alpha1.NodeENISpec) { s.SecurityGroupIDs = nil }, []string{"spec.securityGroupIDs"}},
		{"malformed group", func(s *v1alpha1.NodeENISpec) { s.SecurityGroupIDs = []string{"default"} }, []string{`spec.securityGroupIDs[0]: Invalid value: "default"`}},
		{"group twice", func(s *v1alpha1.NodeENISpec) { s.SecurityGroupIDs = []string{groupA, groupA} }, []string{"spec.securityGroupIDs[1]: Duplicate"}},
		{"too many groups", func(s *v1alpha1.NodeENISpec) { s.SecurityGroupIDs = groups(17) }, []string{"spec.securityGroupIDs: Too many"}},
		{"index 0", func(s *v1alpha1.NodeENISpec) { s.DeviceIndex = 0 }, []string{"spec.deviceIndex: Invalid value: 0: must be 1 to 99"}},
		{"index 100", func(s *v1alpha1.NodeENISpec) { s.DeviceIndex = 100 }, []string{"spec.deviceIndex: Invalid value: 100"}},
		{"long description", func(s *v1alpha1.NodeENISpec) { s.Description = &long }, []string{"spec.description: Too long"}},
		{"reserved key", func(s *v1alpha1.NodeENISpec) { s.Tags = map[string]string{"aws:x": ""} }, []string{`spec.tags[aws:x]`}},
		{"empty key", func(s *v1alpha1.NodeENISpec) { s.Tags = map[string]string{"": "x"} }, []string{`spec.tags[]`}},
		{"long value", func(s *v1alpha1.NodeENISpec) { s.Tags = map[string]string{"k": strings.Repeat("v", 257)} }, []string{`spec.tags[k]: Too long`}},
		{"too many tags", func(s *v1alpha1.NodeENISpec) { s.Tags = tagsNamed(36) }, []string{"spec.tags: Too many"}},
	} {
		n := nodeENI("a", func(n *v1alpha1.NodeENI) { test.edit(&n.Spec) })
		errs := Validate(n)
		if len(errs) != len(test.want) {
			t.Errorf("%s: %v, want %d errors", test.name, errs, len(test.want))
			continue
		}
		for i, want := range test.want {
			if !strings.Contains(errs[i].Error(), want) {
				t.Errorf("%s: %q, want %q in it", test.name, errs[i], want)
			}
		}
	}
}

func selecting(key, value string) func(*v1alpha1.NodeENISpec) {
	return func(s *v1alpha1.NodeENISpec) { s.NodeSelector = map[string]string{key: value} }
}

func groups(count int) []string {
	var list []string
	for i := range count {
		list = append(list, "sg-0000000"+string(rune('a'+i%6))+string(rune('0'+i/6)))
	}
	return list
}

func tagsNamed(count int) map[string]string {
	tags := map[string]string{}
	for i := range count {
		tags[fmt.Sprint("key", i)] = "x"
	}
	return tags
}

func TestClientTokensAreOneForEachCreate(t *testing.T) {
	seen := map[string]string{}
	for _, cluster := range []string{"c1", "c2"} {
		for _, uid := range []string{"u1", "u2"} {
			for _, instance := range []string{"i-1", "i-2"} {
				for _, slot := range []eni.Slot{{Index: 1}, {Index: 2}, {Card: 1, Index: 1}} {
					for i := range 3 * 2 {
						term, n := int64(i/3), i%3
						token := ClientToken(cluster, uid, instance, slot, term, n)
						if len(token) != 64 || token != ClientToken(cluster, uid, instance, slot, term, n) {
							t.Fatalf("token %q is not 64 characters, or not the same twice", token)
						}
						seen[token] = token
					}
				}
			}
		}
	}
	if want := 2 * 2 * 2 * 3 * 2 * 3; len(slices.Collect(maps.Keys(seen))) != want {
		t.Errorf("%d different tokens, want %d", len(seen), want)
	}
}
