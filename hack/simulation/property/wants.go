package property

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// Wants reports whether a NodeENI that is not being deleted wants an interface on the Node, and says what kind.
func Wants(n *v1alpha1.NodeENI, node *corev1.Node) bool { return !invalid(n) && selects(n, node) }

// InstanceOf is the instance that the Node names; empty when it names none.
func InstanceOf(node *corev1.Node) string { return instanceOf(node) }
