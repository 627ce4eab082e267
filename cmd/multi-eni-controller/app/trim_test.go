package app

import (
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/randfill"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// full fills an object with something in every field.
func full(object any) {
	randfill.NewWithSeed(1).NilChance(0).NumElements(1, 3).MaxDepth(12).Fill(object)
}

func TestNodesAreTrimmed(t *testing.T) {
	var node corev1.Node
	full(&node)
	address := corev1.NodeAddress{Type: corev1.NodeInternalIP, Address: "10.0.0.1"}
	ready := corev1.NodeCondition{Type: v1alpha1.NodeConditionENIsReady, Status: corev1.ConditionTrue}
	node.Status.Addresses, node.Status.Conditions = append(node.Status.Addresses, address), append(node.Status.Conditions, ready)
	node.Annotations[v1alpha1.AnnotationENIs] = "[]"
	trimmed, err := trimNode(node.DeepCopy())
	if err != nil {
		t.Fatal(err)
	}
	want := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion, CreationTimestamp: node.CreationTimestamp, Labels: node.Labels,
			Annotations: map[string]string{v1alpha1.AnnotationENIs: "[]"},
		},
		Spec:   corev1.NodeSpec{ProviderID: node.Spec.ProviderID, Taints: node.Spec.Taints},
		Status: corev1.NodeStatus{Addresses: []corev1.NodeAddress{address}, Conditions: []corev1.NodeCondition{ready}},
	}
	if diff := cmp.Diff(want, trimmed); diff != "" {
		t.Errorf("trimmed (-want +got):\n%s", diff)
	}
	if len(want.Labels) == 0 || want.Spec.ProviderID == "" || len(node.Status.Images) == 0 {
		t.Error("the Node was not full, so nothing has been shown")
	}
}

func TestNodeENIsLoseTheirManagedFields(t *testing.T) {
	var n v1alpha1.NodeENI
	full(&n)
	if len(n.ManagedFields) == 0 || len(n.Status.Attachments) == 0 {
		t.Fatal("the NodeENI was not full")
	}
	want := n.DeepCopy()
	want.ManagedFields = nil
	trimmed, err := trimNodeENI(&n)
	if err != nil || !reflect.DeepEqual(trimmed, want) {
		t.Errorf("trimmed, %v (-want +got):\n%s", err, cmp.Diff(want, trimmed))
	}
}

func TestTrimmingLeavesOthersAlone(t *testing.T) {
	lease := &corev1.Service{ObjectMeta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "somebody"}}}}
	for _, trim := range []func(any) (any, error){trimNode, trimNodeENI} {
		if got, err := trim(lease); err != nil || got != any(lease) || len(lease.ManagedFields) != 1 {
			t.Errorf("another object became %v, %v", got, err)
		}
	}
}

// Nodes that bear equal labels share their texts, and so cost little more than what tells them apart.
func TestNodesShareTheirLabels(t *testing.T) {
	trimmed := func(name string) *corev1.Node {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			strings.Clone("zone"): strings.Clone("us-east-1a"), "kubernetes.io/hostname": strings.Clone(name),
		}}}
		object, err := trimNode(node)
		if err != nil {
			t.Fatal(err)
		}
		return object.(*corev1.Node)
	}
	a, b := trimmed("node-a"), trimmed("node-b")
	if unsafe.StringData(a.Labels["zone"]) != unsafe.StringData(b.Labels["zone"]) {
		t.Error("two Nodes have copies of one value each")
	}
	if unsafe.StringData(a.Labels["kubernetes.io/hostname"]) != unsafe.StringData(a.Name) {
		t.Error("a Node has its name twice")
	}
	for i, want := range []map[string]string{{"zone": "us-east-1a", "kubernetes.io/hostname": "node-a"}, {"zone": "us-east-1a", "kubernetes.io/hostname": "node-b"}} {
		if diff := cmp.Diff(want, []*corev1.Node{a, b}[i].Labels); diff != "" {
			t.Errorf("labels (-want +got):\n%s", diff)
		}
	}
	if object, err := trimNode(&corev1.Node{}); err != nil || object.(*corev1.Node).Labels != nil {
		t.Errorf("a Node without labels has %v, %v", object, err)
	}
}
