package migrate

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	subnet1 = "subnet-0aaaaaaaaaaaaaaa1"
	subnet2 = "subnet-0aaaaaaaaaaaaaaa2"
	subnet3 = "subnet-0aaaaaaaaaaaaaaa3"
	group1  = "sg-0aaaaaaaaaaaaaaa1"
	group2  = "sg-0aaaaaaaaaaaaaaa2"
)

// object is one with the given spec and metadata, both in YAML.
func object(t *testing.T, spec string, rest ...string) *unstructured.Unstructured {
	t.Helper()
	text := "apiVersion: networking.k8s.aws/v1alpha1\nkind: NodeENI\nmetadata: {name: old, labels: {team: net}}\nspec: " + spec + "\n" + strings.Join(rest, "\n")
	u := &unstructured.Unstructured{}
	if err := yaml.Unmarshal([]byte(text), &u.Object); err != nil {
		t.Fatal(err)
	}
	return u
}

// want is a new object.
func want(name, subnet string, index int32, change ...func(*v1alpha1.NodeENI)) *v1alpha1.NodeENI {
	n := &v1alpha1.NodeENI{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.aws/v1alpha1", Kind: "NodeENI"},
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"team": "net"}},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector: map[string]string{"ng": "x"}, SubnetID: subnet, SecurityGroupIDs: []string{group1}, DeviceIndex: index, DeleteOnTermination: new(true),
		},
	}
	for _, c := range change {
		c(n)
	}
	return n
}

func TestTranslate(t *testing.T) {
	const least = "nodeSelector: {ng: x}, securityGroupIDs: [" + group1 + "]"
	names := Names{Subnets: map[string]string{"one": subnet1, "two": subnet2}, SecurityGroups: map[string]string{"web": group1, "db": group2}}
	for name, test := range map[string]struct {
		spec string
		want []*v1alpha1.NodeENI
		lost []string
	}{
		"the least": {least + ", subnetID: " + subnet1, []*v1alpha1.NodeENI{want("old", subnet1, 1)}, nil},
		"all that is the same": {
			least + ", subnetID: " + subnet1 + ", deviceIndex: 3, deleteOnTermination: false, description: text",
			[]*v1alpha1.NodeENI{want("old", subnet1, 3, func(n *v1alpha1.NodeENI) {
				n.Spec.DeleteOnTermination, n.Spec.Description = new(false), new("text")
			})},
			nil,
		},
		"an index of nothing": {least + ", subnetID: " + subnet1 + ", deviceIndex: 0, description: ''", []*v1alpha1.NodeENI{want("old", subnet1, 1)}, nil},
		"several subnets": {
			least + ", deviceIndex: 2, subnetIDs: [" + subnet2 + ", " + subnet1 + "]",
			[]*v1alpha1.NodeENI{want("old", subnet2, 2), want("old-2", subnet1, 3)},
			nil,
		},
		"subnets of every kind, some twice": {
			least + ", subnetID: " + subnet3 + ", subnetIDs: [" + subnet1 + ", " + subnet3 + "], subnetName: one, subnetNames: [two, one]",
			[]*v1alpha1.NodeENI{want("old", subnet3, 1), want("old-2", subnet1, 2), want("old-3", subnet2, 3)},
			nil,
		},
		"groups by name": {
			"nodeSelector: {ng: x}, subnetID: " + subnet1 + ", securityGroupIDs: [" + group1 + "], securityGroupNames: [db, web]",
			[]*v1alpha1.NodeENI{want("old", subnet1, 1, func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{group1, group2} })},
			nil,
		},
		"what is lost": {
			least + ", subnetID: " + subnet1 + ", mtu: 9001, enableDPDK: true, dpdkDriver: vfio-pci, dpdkResourceName: a/b, dpdkPCIAddress: '0000:00:07.0', other: [1]",
			[]*v1alpha1.NodeENI{want("old", subnet1, 1)},
			[]string{`dpdkDriver="vfio-pci"`, `dpdkPCIAddress="0000:00:07.0"`, `dpdkResourceName="a/b"`, "enableDPDK=true", "mtu=9001", "other=[1]"},
		},
		"fields that say nothing": {least + ", subnetID: " + subnet1 + ", mtu: 0, enableDPDK: false, dpdkDriver: '', subnetIDs: []", []*v1alpha1.NodeENI{want("old", subnet1, 1)}, nil},
		"one of ours": {
			least + ", subnetID: " + subnet1 + ", tags: {team: net}",
			[]*v1alpha1.NodeENI{want("old", subnet1, 1, func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "net"} })},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Translate(object(t, "{"+test.spec+"}"), names)
			if len(got.Missing) > 0 {
				t.Fatal(got.Missing)
			}
			if diff := cmp.Diff(test.want, got.New); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var lost []string
			for _, l := range got.Lost {
				if l.Advice == "" {
					t.Errorf("no advice for %s", l.Field)
				}
				lost = append(lost, l.Field+"="+l.Value)
			}
			if diff := cmp.Diff(test.lost, lost); diff != "" {
				t.Errorf("lost (-want +got):\n%s", diff)
			}
			if (len(test.want) > 1) != (len(got.Notes) == 1) {
				t.Errorf("notes: %q", got.Notes)
			}
			for _, n := range got.New {
				if faults := plan.Validate(n); len(faults) > 0 {
					t.Error(faults)
				}
			}
		})
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	for name, test := range map[string]struct {
		spec string
		want []string
	}{
		"a subnet's ID":  {"{nodeSelector: {ng: x}, securityGroupIDs: [" + group1 + "], subnetName: a b}", []string{`give '--subnet-id=a b=subnet-ID'`, "'Name=tag:Name,Values=a b'"}},
		"both IDs":       {"{nodeSelector: {ng: x}, securityGroupNames: [web], subnetNames: [one]}", []string{"--security-group-id=web=sg-", "--subnet-id=one=subnet-"}},
		"any subnet":     {"{nodeSelector: {ng: x}, securityGroupIDs: [" + group1 + "]}", []string{"names no subnet"}},
		"any group":      {"{nodeSelector: {ng: x}, subnetID: " + subnet1 + "}", []string{"spec.securityGroupIDs"}},
		"a selector":     {"{nodeSelector: {}, subnetID: " + subnet1 + ", securityGroupIDs: [" + group1 + "]}", []string{"spec.nodeSelector"}},
		"a number":       {"{nodeSelector: {ng: x}, subnetID: " + subnet1 + ", securityGroupIDs: [" + group1 + "], deviceIndex: one}", []string{`spec.deviceIndex is "one"`}},
		"room for all":   {"{nodeSelector: {ng: x}, subnetIDs: [" + subnet1 + ", " + subnet2 + "], securityGroupIDs: [" + group1 + "], deviceIndex: 99}", []string{"spec.deviceIndex"}},
		"a good ID":      {"{nodeSelector: {ng: x}, subnetID: my-subnet, securityGroupIDs: [" + group1 + "]}", []string{"spec.subnetID"}},
		"a spec":         {"{}", []string{"names no subnet"}},
		"a spec at all":  {"text", []string{"names no subnet"}},
		"quoted as such": {"{nodeSelector: {ng: x}, securityGroupNames: [\"it's\"], subnetID: " + subnet1 + "}", []string{`'Name=group-name,Values=it'\''s'`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := Translate(object(t, test.spec), Names{})
			if got.New != nil {
				t.Errorf("translated all the same: %+v", got.New)
			}
			for _, word := range test.want {
				if !strings.Contains(strings.Join(got.Missing, "\n"), word) {
					t.Errorf("nothing says %q: %q", word, got.Missing)
				}
			}
		})
	}
}

// What our CustomResourceDefinition has hidden is noticed, so that it is not lost unseen.
func TestHiddenFieldsAreNoticed(t *testing.T) {
	old := object(t, "{nodeSelector: {ng: x}, subnetID: "+subnet1+", securityGroupIDs: ["+group1+"], mtu: 9001}")
	old.SetManagedFields([]metav1.ManagedFieldsEntry{
		{Manager: "kubectl", FieldsV1: metav1.NewFieldsV1(`{"f:spec":{".":{},"f:subnetID":{},"f:subnetIDs":{},"f:mtu":{},"f:description":{}}}`)},
		{Manager: "none"},
		{Manager: "odd", FieldsV1: metav1.NewFieldsV1(`[]`)},
	})
	got := Translate(old, Names{})
	if len(got.Missing) != 1 || !strings.Contains(got.Missing[0], "spec.subnetIDs was set, and can not be seen any more") || got.New != nil {
		t.Errorf("missing %q, new %v", got.Missing, got.New)
	}
}

// Metadata that means something goes along; what the other controller and kubectl keep there does not.
func TestMetadata(t *testing.T) {
	old := object(t, "{nodeSelector: {ng: x}, subnetID: "+subnet1+", securityGroupIDs: ["+group1+"]}", "status: {attachments: [{nodeID: n, instanceID: i-1, eniID: eni-1, attachmentID: eni-attach-1, subnetID: "+subnet1+", status: attached}, {nodeName: n, state: Attached, eniID: eni-2}, {}, 5]}")
	old.SetAnnotations(map[string]string{annotationCleanupStart: "x", annotationLastApplied: "x", "note": "kept"})
	old.SetFinalizers([]string{"a", Finalizer})
	old.SetUID("uid")
	old.SetResourceVersion("7")
	now := metav1.Now()
	old.SetDeletionTimestamp(&now)
	got := Translate(old, Names{})
	if diff := cmp.Diff(metav1.ObjectMeta{Name: "old", Labels: map[string]string{"team": "net"}, Annotations: map[string]string{"note": "kept"}}, got.New[0].ObjectMeta); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]Interface{{"eni-1", "eni-attach-1", "i-1", subnet1}}, got.Interfaces); diff != "" || !got.Held || !got.Deleting {
		t.Errorf("held %v, deleting %v, interfaces: %s", got.Held, got.Deleting, diff)
	}
	if old.GetAnnotations()["note"] != "kept" || len(old.GetAnnotations()) != 3 {
		t.Errorf("the old object was changed: %v", old.GetAnnotations())
	}
}

// Translated twice, an object is as it was after the first time.
func TestTranslateIsIdempotent(t *testing.T) {
	old := object(t, "{nodeSelector: {ng: x}, subnetIDs: ["+subnet1+", "+subnet2+"], securityGroupIDs: ["+group1+"], description: text}")
	for _, n := range Translate(old, Names{}).New {
		data, err := Unstructured(n)
		if err != nil {
			t.Fatal(err)
		}
		again := Translate(data, Names{})
		if diff := cmp.Diff([]*v1alpha1.NodeENI{n}, again.New); diff != "" || len(again.Lost) > 0 {
			t.Errorf("%s, lost %v", diff, again.Lost)
		}
	}
}

// The list of fields is the other controller's, and each is dealt with once.
func TestFields(t *testing.T) {
	want := []string{"dpdkDriver", "dpdkPCIAddress", "dpdkResourceName", "enableDPDK", "mtu", "securityGroupNames", "subnetIDs", "subnetName", "subnetNames"}
	if got := Fields(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, field := range kept {
		if slices.Contains(Fields(), field) {
			t.Errorf("%s is both kept and not", field)
		}
	}
}
