package controller

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// noticeMoved says on a Node that its internal address is another one although the instance is the same and has
// interfaces of ours: cloud providers and kubelets that pick the address among all interfaces may have picked one of
// them, and the API server does not reach the kubelet any more (kubectl logs, exec and port-forward).
func (c *Controller) noticeMoved(old, node *corev1.Node) {
	before, now := internalIP(old), internalIP(node)
	if before == now || before == "" || now == "" || old.UID != node.UID || old.Spec.ProviderID != node.Spec.ProviderID {
		return
	}
	id, ok := plan.InstanceID(node.Spec.ProviderID)
	if !ok {
		return
	}
	attached := slices.DeleteFunc(c.inventory.InterfacesOf(id), func(i eni.ObservedInterface) bool { return i.Attachment == nil })
	if len(attached) == 0 {
		return
	}
	c.recorder.Event(node, corev1.EventTypeWarning, eventNodeAddressChanged, movedMessage(before, now, attached))
}

func movedMessage(before, now string, attached []eni.ObservedInterface) string {
	return fmt.Sprintf("InternalIP was %s and is %s now, %s; if kubectl logs or exec fail, start the kubelet with --node-ip=%s", before, now, whose(now, attached), before)
}

// whose says whether an address is that of one of the interfaces.
func whose(address string, attached []eni.ObservedInterface) string {
	var ids []string
	for i := range attached {
		if attached[i].PrivateIP == address {
			return fmt.Sprintf("the address of interface %s, which is attached for NodeENI %s", attached[i].ID, attached[i].Tags[eni.TagNodeENIName])
		}
		ids = append(ids, attached[i].ID)
	}
	slices.Sort(ids)
	return "while these interfaces are attached for NodeENIs: " + strings.Join(ids, ", ")
}

// internalIP is the one by which the API server reaches the kubelet.
func internalIP(node *corev1.Node) string {
	for _, address := range node.Status.Addresses {
		if address.Type == corev1.NodeInternalIP {
			return address.Address
		}
	}
	return ""
}
