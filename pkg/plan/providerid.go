package plan

import (
	"regexp"
	"strings"
)

var instanceIDPattern = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

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
	if !instanceIDPattern.MatchString(id) {
		return "", false
	}
	return id, true
}
