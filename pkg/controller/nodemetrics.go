package controller

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/component-base/metrics"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// nodeWrites counts what is written on Nodes. Its time series are there from the start, so that the first denial is an
// increase.
var nodeWrites = metrics.NewCounterVec(&metrics.CounterOpts{
	Namespace:      "multi_eni",
	Subsystem:      "controller",
	Name:           "node_writes_total",
	Help:           "What was written on Nodes of how their interfaces stand: the taint (removed, added), the condition (true, false), the annotation (written, removed); denied: the API server did not allow it.",
	StabilityLevel: metrics.ALPHA,
}, []string{"shown", "change"})

// The values of its labels.
const (
	shownTaint      = "taint"
	shownCondition  = "condition"
	shownAnnotation = "annotation"

	changeRemoved = "removed"
	changeAdded   = "added"
	changeTrue    = "true"
	changeFalse   = "false"
	changeWritten = "written"
	changeDenied  = "denied"
)

// nodeChanges are what can be counted.
var nodeChanges = map[string][]string{
	shownTaint:      {changeRemoved, changeAdded, changeDenied},
	shownCondition:  {changeTrue, changeFalse, changeDenied},
	shownAnnotation: {changeWritten, changeRemoved, changeDenied},
}

func initNodeWrites() {
	for shown, changes := range nodeChanges {
		for _, change := range changes {
			nodeWrites.WithLabelValues(shown, change).Add(0)
		}
	}
}

// countNodeWrite counts an edit that the API server has taken, or denied.
func countNodeWrite(node *corev1.Node, edit plan.NodeEdit, denied bool) {
	count := func(shown, change string) {
		if denied {
			change = changeDenied
		}
		nodeWrites.WithLabelValues(shown, change).Inc()
	}
	switch taints := edit.Taints; {
	case taints == nil:
	case len(*taints) < len(node.Spec.Taints):
		count(shownTaint, changeRemoved)
	default:
		count(shownTaint, changeAdded)
	}
	switch {
	case edit.RemoveAnnotation:
		count(shownAnnotation, changeRemoved)
	case edit.Annotation != nil:
		count(shownAnnotation, changeWritten)
	}
	switch {
	case edit.Condition == nil:
	case edit.Condition.Status == corev1.ConditionTrue:
		count(shownCondition, changeTrue)
	default:
		count(shownCondition, changeFalse)
	}
}
