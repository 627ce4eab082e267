package audit

import "github.com/multi-eni/aws-multi-eni-controller/pkg/shell"

// remove is the first step by which a person removes an interface.
func remove(d Finding) string {
	if d.AttachmentID != "" {
		return shell.Command("aws", "ec2", "detach-network-interface", "--attachment-id", d.AttachmentID)
	}
	return shell.Command("aws", "ec2", "delete-network-interface", "--network-interface-id", d.InterfaceID)
}

// showInstance and showInterface say more than is known here.
func showInstance(d Finding) string {
	return shell.Command("aws", "ec2", "describe-instances", "--instance-ids", d.InstanceID)
}

func showInterface(d Finding) string {
	return shell.Command("aws", "ec2", "describe-network-interfaces", "--include-managed-resources", "--network-interface-ids", d.InterfaceID)
}

func describeNodeENI(name string) string {
	return shell.Command("kubectl", "describe", "nodeeni", name)
}

// askCluster is the same audit with the cluster's word.
func askCluster(s Subject) string {
	return shell.Command("multi-eni-controller", "audit", s.flag(), "--kubeconfig=KUBECONFIG")
}

// flag is how the subject is asked about.
func (s Subject) flag() string {
	return map[SubjectKind]string{
		SecurityGroup: "--security-group=", Subnet: "--subnet=", VPC: "--vpc=", ClusterName: "--cluster-name=",
	}[s.Kind] + s.ID
}
