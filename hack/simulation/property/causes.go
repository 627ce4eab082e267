package property

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Causes returns what, as the world is, stands in the way of some wanted interface or setting and can only be found
// out to have gone by calling: full subnets, missing subnets and security groups, the account's quota. However many
// interfaces wait for one of them, it is one.
func Causes(nodeENIs []v1alpha1.NodeENI, nodes []corev1.Node, world World) map[string]bool {
	j := judge(nodeENIs, nodes, world)
	causes := map[string]bool{}
	for _, c := range j.claims {
		if c.has == nil {
			j.createCauses(c, causes)
			if c.against[v1alpha1.ReasonAttachFailed] {
				causes[fmt.Sprintf("device index %d of %s", c.n.Spec.DeviceIndex, c.id)] = true
			}
		}
		if missing := j.missingGroup(c); missing != "" {
			causes["security group "+missing+" of NodeENI "+c.n.Name] = true // which is what it is refused for
		}
	}
	return causes
}

// Waits reports whether some wanted interface is not there, or lacks a setting: its place is looked at again and again.
// So is what EC2 does not end to attach or to detach, whatever has become of its NodeENI's spec.
func Waits(nodeENIs []v1alpha1.NodeENI, nodes []corev1.Node, world World) bool {
	for _, e := range world.Snapshot.Interfaces {
		if slices.Contains(world.ClusterIDs, e.Tags[eni.TagClusterID]) && e.Attachment != nil && e.Attachment.Status != string(eni.Attached) {
			return true
		}
	}
	j := judge(nodeENIs, nodes, world)
	return slices.ContainsFunc(j.claims, func(c *claim) bool { return c.has == nil || j.missingGroup(c) != "" })
}

// createCauses are those for which an interface cannot be made.
func (j *judgement) createCauses(c *claim, causes map[string]bool) {
	for reason, cause := range map[string]string{
		v1alpha1.ReasonSubnetFull:            "addresses of " + c.n.Spec.SubnetID,
		v1alpha1.ReasonSubnetNotFound:        "subnet " + c.n.Spec.SubnetID,
		v1alpha1.ReasonInterfaceQuotaReached: "the quota of interfaces",
	} {
		if c.against[reason] {
			causes[cause] = true
		}
	}
}

// missingGroup is the first security group of a claim that does not exist.
func (j *judgement) missingGroup(c *claim) string {
	for _, id := range c.n.Spec.SecurityGroupIDs {
		if !j.groupExists(c, id) {
			return id
		}
	}
	return ""
}
