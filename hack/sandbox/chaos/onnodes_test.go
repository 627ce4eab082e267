package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// onNodes has a replica write to Nodes all that it can.
var onNodes = append([]string{
	"--node-readiness-taint=" + v1alpha1.TaintNotReady, "--retaint", "--node-condition", "--node-annotation",
}, quickLease...)

// shown is the property, and that the Nodes show it.
func (l *lab) shown(ctx context.Context) error {
	if err := l.holds(ctx); err != nil {
		return err
	}
	world, err := l.sim.World(ctx)
	if err != nil {
		return err
	}
	nodes, err := l.cluster.Kube.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	attached := map[string][]string{} // to which instance
	for _, iface := range ours(world, l.id).Interfaces {
		if iface.Attachment != nil {
			attached[iface.Attachment.Instance] = append(attached[iface.Attachment.Instance], iface.ID)
		}
	}
	var errs []error
	for i, machine := range machines() {
		node := nodes.Items[slices.IndexFunc(nodes.Items, func(n corev1.Node) bool { return n.Name == machine.Name })]
		if err := shownOn(&node, attached[machine.InstanceID]); err != nil {
			errs = append(errs, fmt.Errorf("node %d, %s: %w", i, node.Name, err))
		}
	}
	return errors.Join(errs...)
}

// shownOn demands that a Node whose interfaces are all there says so, and names them.
func shownOn(node *corev1.Node, attached []string) error {
	if slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return t.Key == v1alpha1.TaintNotReady }) {
		return errors.New("it bears the taint")
	}
	i := slices.IndexFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == v1alpha1.NodeConditionENIsReady })
	switch {
	case i < 0 && len(attached) > 0:
		return errors.New("it has no condition")
	case i >= 0 && node.Status.Conditions[i].Status != corev1.ConditionTrue:
		return fmt.Errorf("its condition is %+v", node.Status.Conditions[i])
	}
	var listed []plan.NodeInterface
	if text := node.Annotations[v1alpha1.AnnotationENIs]; text != "" {
		if err := json.Unmarshal([]byte(text), &listed); err != nil {
			return fmt.Errorf("annotation %q: %w", text, err)
		}
	}
	var ids []string
	for _, iface := range listed {
		ids = append(ids, iface.ENIID)
	}
	slices.Sort(ids)
	slices.Sort(attached)
	if !slices.Equal(ids, attached) {
		return fmt.Errorf("its annotation lists %q, attached are %q", ids, attached)
	}
	return nil
}
