package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// With the flags and the role of the example, a node sheds its taint when the interface is there, says so in its
// condition and tells what it has in its annotation.
func TestANodeShowsItsInterfaces(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	roles := []string{"-f", example(filepath.Join("node-readiness", "rbac.yaml")), "-f", example(filepath.Join("node-readiness", "rbac-condition.yaml"))}
	l.kubectl(append([]string{"apply"}, roles...)...)
	t.Cleanup(func() {
		if _, err := l.cluster.Kubectl.Run(context.WithoutCancel(l.ctx), append([]string{"delete"}, roles...)...); err != nil {
			t.Error(err)
		}
	})
	l.kubectl("taint", "node", nodes[0].Name, v1alpha1.TaintNotReady+":NoSchedule", "others=kept:NoSchedule")
	l.startController("--node-readiness-taint="+v1alpha1.TaintNotReady, "--node-condition", "--node-annotation")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(on(nodes[0], "a", sandbox.SubnetA, 1))
	l.eventually("shown on the node", func(ctx context.Context) error {
		var node corev1.Node
		text, err := l.cluster.Kubectl.Run(ctx, "get", "node", nodes[0].Name, "-o", "json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(text), &node); err != nil {
			return err
		}
		return wantShown(node, l.the().ID)
	})
	l.kubectl("wait", "--timeout=30s", "--for=condition="+v1alpha1.NodeConditionENIsReady, "node/"+nodes[0].Name)
}

// wantShown demands that a node has no taint of ours but that of others, and the interface in its annotation.
func wantShown(node corev1.Node, eniID string) error {
	others := false
	for _, taint := range node.Spec.Taints {
		if taint.Key == v1alpha1.TaintNotReady {
			return fmt.Errorf("the node bears the taint %s", taint.ToString())
		}
		others = others || taint.Key == "others"
	}
	if !others {
		return fmt.Errorf("the taint of others is gone: %v", node.Spec.Taints)
	}
	var interfaces []plan.NodeInterface
	if err := json.Unmarshal([]byte(node.Annotations[v1alpha1.AnnotationENIs]), &interfaces); err != nil {
		return fmt.Errorf("annotation %q: %w", node.Annotations[v1alpha1.AnnotationENIs], err)
	}
	if len(interfaces) != 1 || interfaces[0].ENIID != eniID || !strings.Contains(interfaces[0].MACAddress, ":") {
		return fmt.Errorf("the annotation tells %+v, want interface %s", interfaces, eniID)
	}
	return nil
}
