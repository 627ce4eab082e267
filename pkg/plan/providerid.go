package plan

import "strings"

// isID reports whether a text is an ID of EC2's with that prefix, by the rules of the CRD. Every plan asks for several,
// and a regular expression would be most of what it costs.
func isID(text, prefix string) bool {
	digits, ok := strings.CutPrefix(text, prefix)
	if !ok || len(digits) < 8 || len(digits) > 17 {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

// InstanceID reads the EC2 instance ID from a Node's spec.providerID: "aws:///us-east-1a/i-0abc…",
// "aws:////i-0abc…" or the bare ID. It reports false for anything else: other clouds, Fargate, hybrid nodes.
// Source: https://github.com/kubernetes/cloud-provider-aws (the forms that its nodes bear)
func InstanceID(providerID string) (string, bool) {
	id := providerID
	if rest, ok := strings.CutPrefix(providerID, "aws://"); ok {
		parts := strings.Split(rest, "/")
		if len(parts) != 3 || parts[0] != "" {
			return "", false
		}
		id = parts[2]
	}
	if !isID(id, "i-") {
		return "", false
	}
	return id, true
}
