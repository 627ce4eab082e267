package controller

import (
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// elsewhere are the interfaces that are attached to another instance than the given one, on which their NodeENI wants
// them: nobody takes them from there.
func (c *Controller) elsewhere(instanceID string, nodeENIs []*v1alpha1.NodeENI, interfaces []eni.ObservedInterface) map[string]bool {
	var found map[string]bool
	for i := range interfaces {
		iface := &interfaces[i].Interface
		if iface.Attachment == nil || iface.Attachment.InstanceID == instanceID {
			continue // as nearly always
		}
		node := c.nodeOf(iface.Attachment.InstanceID)
		if node != nil && slices.ContainsFunc(nodeENIs, func(n *v1alpha1.NodeENI) bool {
			return string(n.UID) == iface.Tags[eni.TagNodeENIUID] && plan.WantedThere(n, node, iface)
		}) {
			if found == nil {
				found = map[string]bool{}
			}
			found[iface.ID] = true
		}
	}
	return found
}

// nodeOf is the Node that counts of those that name the instance, as the cache has it; nil when none does.
func (c *Controller) nodeOf(instanceID string) *corev1.Node {
	nodes, err := c.nodeIndex.ByTypedIndex(instanceIndex, instanceID)
	if err != nil || len(nodes) == 0 {
		return nil
	}
	return newestFirst(nodes)[0]
}
