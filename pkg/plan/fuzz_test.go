package plan

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Whatever stands in a NodeENI and a Node, what passes Validate makes a request that EC2 takes and whose answer XML can
// carry, and a status that JSON can.
func FuzzSpec(f *testing.F) {
	f.Add("a", "node-1", "text", "team", "net", "multi")
	f.Add("a", strings.Repeat("n", 253), strings.Repeat("ä", 255), strings.Repeat("k", 128), strings.Repeat("ü", 256), strings.Repeat("v", 63))
	f.Add("a", "n", "tab\tand\nline", "Name", "mine", "")
	f.Add("a", "n", "bell \a", "key\x00", "value\x1b", "x")
	f.Add("a", "n", "\r", "k\uffff", "\ufffe", "x")
	f.Add("a", "n", "", "AWS:x", "", "x")
	f.Add("a", "n", "<b>&\"'</b>", "aws:x", `\`, "{\"a\":1}")
	f.Add("a", "n", "🦊🦊", "🦊", "é\u0301", "*")
	f.Fuzz(func(t *testing.T, name, nodeName, description, key, value, label string) {
		n := nodeENI("a", func(n *v1alpha1.NodeENI) {
			n.Name, n.Spec.Description, n.Spec.Tags = name, &description, map[string]string{key: value}
			n.Spec.NodeSelector = map[string]string{"ng": label}
			n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: Metadata(nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{key: value} }), nil, nil).ManagedTagKeys}
		})
		machine := node("a", func(node *corev1.Node) { node.Name, node.Labels = nodeName, map[string]string{"ng": label} })
		if len(name) > 253 || len(nodeName) > 253 || !sendable(name, 253) || !sendable(nodeName, 253) {
			t.Skip("no name that the API server takes")
		}
		for _, text := range []string{description, key, value, label} {
			if !utf8.ValidString(text) {
				t.Skip("nothing that JSON carries")
			}
		}
		result := Instance(world(with(n), func(s *Snapshot) { s.Node = machine }))
		checkStatusJSON(t, n, result)
		if len(Validate(n)) > 0 {
			if len(result.Attach) > 0 {
				t.Fatalf("an invalid spec makes %v", steps(result.Attach))
			}
			return
		}
		if len(result.Attach) != 1 || result.Attach[0].Kind != Create {
			t.Fatalf("a valid spec makes %v, want one create", steps(result.Attach))
		}
		checkCreate(t, result.Attach[0])
	})
}

func checkCreate(t *testing.T, a Action) {
	t.Helper()
	if !sendable(a.Description, 255) {
		t.Errorf("description %q", a.Description)
	}
	if len(a.Tags) > 50 {
		t.Errorf("%d tags", len(a.Tags))
	}
	for key, value := range a.Tags {
		if key == "" || !sendable(key, 128) || !sendable(value, 256) || strings.HasPrefix(strings.ToLower(key), "aws:") {
			t.Errorf("tag %q=%q", key, value)
		}
	}
	if token := ClientToken("c", string(a.NodeENI), a.InstanceID, a.Slot, 0, 0); len(token) != 64 {
		t.Errorf("token %q", token)
	}
	owner, ok := cluster.Ours(a.Tags)
	if !ok || owner.NodeENIUID != string(a.NodeENI) || owner.Slot != a.Slot || owner.NodeName != a.NodeName {
		t.Errorf("the tags %v read as %+v", a.Tags, owner)
	}
	// What EC2 shows of it is what is wanted: nothing is put right for ever.
	made := eni.ObservedInterface{Epochs: 3, AttachmentSince: now, Interface: eni.Interface{
		ID: "eni-1", SubnetID: a.SubnetID, SecurityGroupIDs: a.SecurityGroupIDs, Description: a.Description, Tags: maps.Clone(a.Tags),
	}}
	if _, ours := cluster.Ours(made.Tags); !ours {
		t.Error("the interface is not ours")
	}
}

// sendable reports whether a text goes to EC2 and comes back in XML as it was.
// Source: https://www.w3.org/TR/xml/#charsets
func sendable(text string, limit int) bool {
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= limit &&
		!strings.ContainsFunc(text, func(r rune) bool {
			return strings.ContainsRune("\x00\x01\x02\x03\x04\x05\x06\a\b\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\ufffe\uffff", r)
		})
}

// checkStatusJSON checks that the status survives the way to the API server and back.
func checkStatusJSON(t *testing.T, n *v1alpha1.NodeENI, result Result) {
	t.Helper()
	status := Status(StatusInput{NodeENI: n, Now: now, Attachments: result.Attachments, Releases: result.Releases})
	data, err := json.Marshal(status)
	if err != nil {
		t.Fatal(err)
	}
	var back v1alpha1.NodeENIStatus
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(status, back) {
		t.Errorf("the status is another after its way through JSON: %s", data)
	}
}

// The annotation is read as it was written, and what anybody else writes there does no harm.
func FuzzManagedTagKeys(f *testing.F) {
	f.Add(`["a"]`, "b")
	f.Add(`null`, "")
	f.Add(`{"a":1}`, "networking.k8s.aws/slot")
	f.Add(`["aws:x","Name","a","a"]`, "é")
	f.Fuzz(func(t *testing.T, recorded, key string) {
		n := nodeENI("a", func(n *v1alpha1.NodeENI) {
			n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: recorded}
			n.Spec.Tags = map[string]string{key: "x"}
		})
		if !utf8.ValidString(key) {
			t.Skip("JSON holds no such key")
		}
		borne := map[string]bool{}
		for _, k := range managedTagKeys(n) {
			if k != eni.TagName && reservedTagKey(k) {
				t.Errorf("%q is managed", k)
			}
			borne[k] = true
		}
		if patch := Metadata(n, borne, nil); patch.SetManagedTagKeys {
			n.Annotations[v1alpha1.AnnotationManagedTagKeys] = patch.ManagedTagKeys
		}
		if again := Metadata(n, borne, nil); again.SetManagedTagKeys {
			t.Errorf("after %q is written, %q is wanted", n.Annotations[v1alpha1.AnnotationManagedTagKeys], again.ManagedTagKeys)
		}
		for k := range borne {
			if !strings.Contains(strings.Join(managedTagKeys(n), "\x00"), k) {
				t.Errorf("%q was lost", k)
			}
		}
	})
}
