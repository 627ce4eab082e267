package app

import (
	"unique"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// trimNode keeps of a Node what the controller reads, before an informer stores it: who it is, its labels, which
// instance, its taints and address, and what is ours on it. A Node of some 10 KB comes to about 2.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	trimmed := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion,
			CreationTimestamp: node.CreationTimestamp, Labels: sharedLabels(node),
		},
		Spec: corev1.NodeSpec{ProviderID: node.Spec.ProviderID, Taints: node.Spec.Taints},
	}
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			trimmed.Status.Addresses = append(trimmed.Status.Addresses, address)
		}
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == v1alpha1.NodeConditionENIsReady {
			trimmed.Status.Conditions = append(trimmed.Status.Conditions, condition)
		}
	}
	if value, ok := node.Annotations[v1alpha1.AnnotationENIs]; ok {
		trimmed.Annotations = map[string]string{v1alpha1.AnnotationENIs: value}
	}
	return trimmed, nil
}

// sharedLabels are the labels of a Node with one copy of each text for all Nodes: of some twenty labels all but one or
// two are the same on hundreds of them.
func sharedLabels(node *corev1.Node) map[string]string {
	if node.Labels == nil {
		return nil
	}
	labels := make(map[string]string, len(node.Labels))
	for key, value := range node.Labels {
		if value == node.Name {
			value = node.Name // the hostname, which no other Node has
		} else {
			value = unique.Make(value).Value()
		}
		labels[unique.Make(key).Value()] = value
	}
	return labels
}

// trimNodeENI drops the managedFields, which are as large as the rest. Who else writes a NodeENI is read live.
func trimNodeENI(object any) (any, error) {
	if n, ok := object.(*v1alpha1.NodeENI); ok {
		n.ManagedFields = nil
	}
	return object, nil
}
