package plan

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// report is that of one interface on node "a".
func report(name string, index int32, state v1alpha1.AttachmentState, changes ...func(*AttachmentReport)) AttachmentReport {
	r := AttachmentReport{NodeENIName: name, Attachment: v1alpha1.Attachment{
		NodeName: "a", NetworkCardIndex: new(int32(0)), DeviceIndex: index, State: state, ENIID: "eni-" + name,
		MACAddress: "02:00:00:00:00:0" + fmt.Sprint(index), PrivateIP: "10.0.1.1" + fmt.Sprint(index), SubnetID: subnetA, SubnetCIDR: "10.0.1.0/24",
	}}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func tainted(keys ...string) func(*corev1.Node) {
	return func(n *corev1.Node) {
		for _, key := range keys {
			n.Spec.Taints = append(n.Spec.Taints, corev1.Taint{Key: key, Effect: corev1.TaintEffectNoExecute})
		}
	}
}

// unseen is an interface that EC2 does not show at the moment.
func unseen(r *AttachmentReport) { r.Missing = true }

func providedBy(id string) func(*corev1.Node) {
	return func(n *corev1.Node) { n.Spec.ProviderID = id }
}

func TestTheReadinessTaintGoesWithTheLastAttach(t *testing.T) {
	const ours, others = v1alpha1.TaintNotReady, "somebody.example.com/else"
	attached, attaching := report("x", 1, v1alpha1.AttachmentAttached), report("y", 2, v1alpha1.AttachmentAttaching)
	noInstance := report("x", 1, v1alpha1.AttachmentBlocked, func(r *AttachmentReport) { r.Attachment.Reason = v1alpha1.ReasonNoAWSProviderID })
	elsewhere := report("x", 1, v1alpha1.AttachmentBlocked, func(r *AttachmentReport) { r.Attachment.NodeName = "b" })
	for _, test := range []struct {
		name    string
		node    *corev1.Node
		reports []AttachmentReport
		retaint bool
		// want are the keys of the taints to write; nil for no edit.
		want []string
	}{
		{name: "all attached", node: node("a", tainted(others, ours)), reports: []AttachmentReport{attached}, want: []string{others}},
		{name: "the only taint", node: node("a", tainted(ours)), reports: []AttachmentReport{attached}, want: []string{}},
		{name: "twice, with two effects", node: node("a", tainted(ours, others, ours)), reports: []AttachmentReport{attached}, want: []string{others}},
		{name: "nothing wanted", node: node("a", tainted(ours)), want: []string{}},
		{name: "nothing wanted, the cloud provider is at it", node: node("a", tainted("node.cloudprovider.kubernetes.io/uninitialized", ours))},
		{name: "all attached that is wanted so far, Karpenter is at it", node: node("a", tainted(ours, "karpenter.sh/unregistered")), reports: []AttachmentReport{attached}},
		{name: "another node's is wanting", node: node("a", tainted(ours)), reports: []AttachmentReport{elsewhere, attached}, want: []string{}},
		{name: "one is wanting", node: node("a", tainted(ours)), reports: []AttachmentReport{attached, attaching}},
		{name: "untainted and ready", node: node("a", tainted(others)), reports: []AttachmentReport{attached}},
		{name: "one is wanting later", node: node("a", tainted(others)), reports: []AttachmentReport{attached, attaching}},
		{name: "one is wanting later, retaint", node: node("a", tainted(others)), reports: []AttachmentReport{attached, attaching}, retaint: true, want: []string{others, ours}},
		{name: "retaint of a tainted node", node: node("a", tainted(ours)), reports: []AttachmentReport{attaching}, retaint: true},
		{name: "one is not shown", node: node("a", tainted(ours)), reports: []AttachmentReport{attached, report("y", 2, v1alpha1.AttachmentAttached, unseen)}},
		{name: "one is not shown later, retaint", node: node("a"), reports: []AttachmentReport{report("x", 1, v1alpha1.AttachmentAttached, unseen)}, retaint: true, want: []string{ours}},
		{name: "Fargate, retaint", node: node("a", providedBy("aws:///us-east-1a/0123abc/fargate-ip-10-0-1-1")), reports: []AttachmentReport{noInstance}, retaint: true},
		{name: "a hybrid node, retaint", node: node("a", providedBy("eks-hybrid:///us-east-1/prod/mi-0123456789abcdef0")), reports: []AttachmentReport{noInstance}, retaint: true},
		{name: "a hybrid node that started with the taint", node: node("a", tainted(others, ours), providedBy("eks-hybrid:///us-east-1/prod/mi-0123456789abcdef0")), reports: []AttachmentReport{noInstance}, retaint: true, want: []string{others}},
		{name: "a hybrid node whose labels are yet to come", node: node("a", tainted("node.cloudprovider.kubernetes.io/uninitialized", ours), providedBy("eks-hybrid:///us-east-1/prod/mi-0123456789abcdef0")), reports: []AttachmentReport{noInstance}},
		{name: "no provider ID yet", node: node("a", tainted(ours), providedBy("")), reports: []AttachmentReport{noInstance}, retaint: true},
		{name: "no provider ID yet, retaint", node: node("a", providedBy("")), reports: []AttachmentReport{noInstance}, retaint: true},
	} {
		edit := Node(test.node, test.reports, NodeOptions{Taint: ours, Retaint: test.retaint})
		var got []string
		if edit.Taints != nil {
			got = []string{}
			for _, taint := range *edit.Taints {
				got = append(got, taint.Key)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: taints (-want +got):\n%s", test.name, diff)
		}
		if edit.Condition != nil || edit.Annotation != nil || edit.RemoveAnnotation {
			t.Errorf("%s: more than the taint is edited: %+v", test.name, edit)
		}
		if edit.Taints != nil {
			test.node.Spec.Taints = *edit.Taints
			if again := Node(test.node, test.reports, NodeOptions{Taint: ours, Retaint: test.retaint}); !again.Empty() {
				t.Errorf("%s: after the edit another one is wanted: %+v", test.name, again)
			}
		}
	}
}

func TestTheConditionOfANodeSaysWhatItWaitsFor(t *testing.T) {
	attached := report("x", 1, v1alpha1.AttachmentAttached)
	full := report("y", 2, v1alpha1.AttachmentBlocked, func(r *AttachmentReport) { r.Attachment.Reason = v1alpha1.ReasonSubnetFull })
	var many []AttachmentReport
	for i := range 7 {
		many = append(many, report(fmt.Sprintf("z%d", i), int32(i+1), v1alpha1.AttachmentCreating))
	}
	bearing := func(status corev1.ConditionStatus, reason, message string) func(*corev1.Node) {
		return func(n *corev1.Node) {
			n.Status.Conditions = []corev1.NodeCondition{
				{Type: corev1.NodeReady, Status: corev1.ConditionTrue},
				{Type: v1alpha1.NodeConditionENIsReady, Status: status, Reason: reason, Message: message},
			}
		}
	}
	for _, test := range []struct {
		name    string
		node    *corev1.Node
		reports []AttachmentReport
		// want is status, reason and message; empty for no edit.
		want string
	}{
		{name: "nothing wanted, nothing said", node: node("a")},
		{name: "nothing wanted any more", node: node("a", bearing(corev1.ConditionTrue, v1alpha1.ReasonAllAttached, "")), want: "True NoneWanted no NodeENI selects this node"},
		{name: "all attached", node: node("a"), reports: []AttachmentReport{attached}, want: "True AllAttached 1 of 1 wanted interfaces are attached"},
		{
			name: "as it is said", node: node("a", bearing(corev1.ConditionTrue, v1alpha1.ReasonAllAttached, "1 of 1 wanted interfaces are attached")),
			reports: []AttachmentReport{attached},
		},
		{
			name: "one blocked", node: node("a"), reports: []AttachmentReport{attached, full},
			want: "False NotAttached 1 of 2 wanted interfaces are attached; waiting for NodeENI y (SubnetFull); look at these with kubectl describe nodeeni",
		},
		{
			name: "one that EC2 does not show", node: node("a"), reports: []AttachmentReport{attached, report("y", 2, v1alpha1.AttachmentAttached, unseen)},
			want: "False NotAttached 1 of 2 wanted interfaces are attached; waiting for NodeENI y (EC2 does not show the interface); look at these with kubectl describe nodeeni",
		},
		{
			name: "one that never can", node: node("a", providedBy("eks-hybrid:///us-east-1/prod/mi-0123456789abcdef0")),
			reports: []AttachmentReport{report("y", 2, v1alpha1.AttachmentBlocked, func(r *AttachmentReport) { r.Attachment.Reason = v1alpha1.ReasonNoAWSProviderID })},
			want:    "False NotAttached 0 of 1 wanted interfaces are attached; waiting for NodeENI y (NoAWSProviderID); look at these with kubectl describe nodeeni",
		},
		{
			name: "many", node: node("a"), reports: many,
			want: "False NotAttached 0 of 7 wanted interfaces are attached; waiting for NodeENI z0 (Creating), NodeENI z1 (Creating), " +
				"NodeENI z2 (Creating), NodeENI z3 (Creating), NodeENI z4 (Creating) and 2 more; look at these with kubectl describe nodeeni",
		},
	} {
		edit := Node(test.node, test.reports, NodeOptions{Condition: true})
		var got string
		if c := edit.Condition; c != nil {
			got = fmt.Sprintf("%s %s %s", c.Status, c.Reason, c.Message)
		}
		if got != test.want {
			t.Errorf("%s: condition %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTheAnnotationOfANodeListsItsInterfaces(t *testing.T) {
	first, second := report("x", 1, v1alpha1.AttachmentAttached), report("y", 2, v1alpha1.AttachmentAttached)
	waiting := report("z", 3, v1alpha1.AttachmentAttaching)
	edit := Node(node("a"), []AttachmentReport{second, waiting, first}, NodeOptions{Annotation: true})
	if edit.Annotation == nil {
		t.Fatal("no annotation is wanted")
	}
	var got []NodeInterface
	if err := json.Unmarshal([]byte(*edit.Annotation), &got); err != nil {
		t.Fatal(err)
	}
	want := []NodeInterface{
		{NodeENI: "x", ENIID: "eni-x", MACAddress: "02:00:00:00:00:01", PrivateIP: "10.0.1.11", SubnetID: subnetA, SubnetCIDR: "10.0.1.0/24", DeviceIndex: 1},
		{NodeENI: "y", ENIID: "eni-y", MACAddress: "02:00:00:00:00:02", PrivateIP: "10.0.1.12", SubnetID: subnetA, SubnetCIDR: "10.0.1.0/24", DeviceIndex: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("annotation (-want +got):\n%s", diff)
	}
	bearer := node("a", func(n *corev1.Node) { n.Annotations = map[string]string{v1alpha1.AnnotationENIs: *edit.Annotation} })
	if again := Node(bearer, []AttachmentReport{first, second}, NodeOptions{Annotation: true}); !again.Empty() {
		t.Errorf("the same interfaces are written again: %+v", again)
	}
	if gone := Node(bearer, []AttachmentReport{waiting}, NodeOptions{Annotation: true}); gone.Annotation == nil || *gone.Annotation != "[]" {
		t.Errorf("without an attached interface the annotation is %v, want an empty list", gone.Annotation)
	}
	missing := report("y", 2, v1alpha1.AttachmentAttached, unseen)
	if again := Node(bearer, []AttachmentReport{first, missing}, NodeOptions{Annotation: true}); !again.Empty() {
		t.Errorf("an interface that is not known to be gone leaves the annotation: %+v", again)
	}
	subnetless := report("y", 2, v1alpha1.AttachmentAttached, func(r *AttachmentReport) { r.Attachment.SubnetCIDR, r.SubnetGone = "", true })
	if edit := Node(node("a"), []AttachmentReport{first, subnetless}, NodeOptions{Annotation: true}); edit.Annotation == nil || !strings.Contains(*edit.Annotation, "eni-x") || strings.Contains(*edit.Annotation, "eni-y") {
		t.Errorf("one whose subnet EC2 does not know keeps the others from being written: %+v", edit)
	}
	if !Node(bearer, nil, NodeOptions{Annotation: true}).RemoveAnnotation {
		t.Error("the annotation of a Node on which nothing is wanted stays")
	}
	unknown := report("x", 1, v1alpha1.AttachmentAttached, func(r *AttachmentReport) { r.Attachment.SubnetCIDR = "" })
	if edit := Node(node("a"), []AttachmentReport{unknown}, NodeOptions{Annotation: true}); !edit.Empty() {
		t.Errorf("half an entry is written: %s", strings.TrimSpace(*edit.Annotation))
	}
}
