package app

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// trimNode keeps of a Node what the controller reads, before an informer stores it: who it is, its labels, and which
// instance. A Node of some 10 KB comes to less than 1.
func trimNode(object any) (any, error) {
	node, ok := object.(*corev1.Node)
	if !ok {
		return object, nil
	}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: node.Name, UID: node.UID, ResourceVersion: node.ResourceVersion,
			CreationTimestamp: node.CreationTimestamp, Labels: node.Labels,
		},
		Spec: corev1.NodeSpec{ProviderID: node.Spec.ProviderID},
	}, nil
}

// trimNodeENI drops the managedFields, which are as large as the rest. Who else writes a NodeENI is read live.
func trimNodeENI(object any) (any, error) {
	if n, ok := object.(*v1alpha1.NodeENI); ok {
		n.ManagedFields = nil
	}
	return object, nil
}
