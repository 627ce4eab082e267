package plan

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// maxFormerSelectors is how many former selectors are recorded: each may be large, and the oldest matter least.
const maxFormerSelectors = 4

// FormerSelectors are the recorded selectors that are not the spec's: who finds one knows that the selector was edited,
// and that what it selects and the spec's does not was let go by order.
func FormerSelectors(n *v1alpha1.NodeENI) []map[string]string {
	return slices.DeleteFunc(recordedSelectors(n), func(s map[string]string) bool { return maps.Equal(s, n.Spec.NodeSelector) })
}

// recordedSelectors reads the annotation. What is malformed counts as empty; Metadata writes it anew.
func recordedSelectors(n *v1alpha1.NodeENI) []map[string]string {
	var recorded []map[string]string
	if err := json.Unmarshal([]byte(n.Annotations[v1alpha1.AnnotationSelectors]), &recorded); err != nil {
		return nil
	}
	return slices.DeleteFunc(recorded, func(s map[string]string) bool { return len(s) == 0 })
}

// selectors is what the annotation is to be: the former selectors that still stand, and the spec's.
func selectors(n *v1alpha1.NodeENI, standing []map[string]string) string {
	list := append([]map[string]string{}, standing[max(0, len(standing)-maxFormerSelectors):]...)
	if len(n.Spec.NodeSelector) > 0 {
		list = append(list, n.Spec.NodeSelector)
	}
	// Maps of strings have no way to fail, and are encoded in the order of their keys.
	data, _ := json.Marshal(list)
	return string(data)
}
