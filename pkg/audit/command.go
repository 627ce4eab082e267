package audit

import (
	"regexp"
	"strings"
)

var plainWord = regexp.MustCompile(`^[0-9A-Za-z@%+=:,./_-]+$`)

// command is a line for a shell. Its words may come from tags and descriptions, which anybody edits: what is no plain
// word is quoted.
func command(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = quote(word)
	}
	return strings.Join(quoted, " ")
}

func quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// remove is the first step by which a person removes an interface.
func remove(d Finding) string {
	if d.AttachmentID != "" {
		return command("aws", "ec2", "detach-network-interface", "--attachment-id", d.AttachmentID)
	}
	return command("aws", "ec2", "delete-network-interface", "--network-interface-id", d.InterfaceID)
}

// showInstance and showInterface say more than is known here.
func showInstance(d Finding) string {
	return command("aws", "ec2", "describe-instances", "--instance-ids", d.InstanceID)
}

func showInterface(d Finding) string {
	return command("aws", "ec2", "describe-network-interfaces", "--include-managed-resources", "--network-interface-ids", d.InterfaceID)
}

func describeNodeENI(name string) string { return command("kubectl", "describe", "nodeeni", name) }

// askCluster is the same audit with the cluster's word.
func askCluster(s Subject) string {
	return command("multi-eni-controller", "audit", s.flag(), "--kubeconfig=KUBECONFIG")
}

// flag is how the subject is asked about.
func (s Subject) flag() string {
	return map[SubjectKind]string{
		SecurityGroup: "--security-group=", Subnet: "--subnet=", VPC: "--vpc=", ClusterName: "--cluster-name=",
	}[s.Kind] + s.ID
}
