package simulation

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// told is what a write to a NodeENI says that was not said before, in a line.
func told(write strictapi.Write) string {
	if e, ok := write.New.(*corev1.Event); ok && e != nil {
		return fmt.Sprintf("%s of %s %s%s", e.Reason, e.InvolvedObject.Kind, e.InvolvedObject.Name, quoted(e.Message))
	}
	if node, ok := write.New.(*corev1.Node); ok && node != nil {
		return nodeLine(node)
	}
	before, _ := write.Old.(*v1alpha1.NodeENI)
	after, _ := write.New.(*v1alpha1.NodeENI)
	if before == nil || after == nil {
		return ""
	}
	var parts []string
	old := statusLines(&before.Status)
	for key, line := range statusLines(&after.Status) {
		if old[key] != line {
			parts = append(parts, key+" "+line)
		}
		delete(old, key)
	}
	for key := range old {
		parts = append(parts, key+" gone")
	}
	return strings.Join(slices.Sorted(slices.Values(parts)), ", ")
}

func statusLines(s *v1alpha1.NodeENIStatus) map[string]string {
	lines := map[string]string{}
	for _, a := range s.Attachments {
		lines[a.NodeName] = fmt.Sprintf("%s %s %s%s", a.State, a.ENIID, a.Reason, quoted(a.Message))
	}
	for _, r := range s.Releasing {
		lines[r.ENIID] = fmt.Sprintf("%s %s%s", r.State, r.Reason, quoted(r.Message))
	}
	for _, c := range s.Conditions {
		lines[c.Type] = fmt.Sprintf("%s %s", c.Status, c.Reason)
	}
	return lines
}

func quoted(message string) string {
	if message == "" {
		return ""
	}
	if len(message) > 60 {
		message = message[:60] + "…"
	}
	return " (" + message + ")"
}
