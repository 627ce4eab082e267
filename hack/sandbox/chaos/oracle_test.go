package chaos

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// check compares a world of which all interfaces are ours with what is wanted: each wanted slot is filled once and
// as wanted, there is no other interface, no NodeENI is about to go, and every status tells the truth. It shares
// nothing with the controller but the names of tags and conditions. Nothing in the worlds of this package blocks an
// attachment.
func check(nodeENIs []v1alpha1.NodeENI, nodes []corev1.Node, world ec2sim.Snapshot) error {
	var errs []error
	left := slices.Clone(world.Interfaces)
	for i := range nodeENIs {
		object := &nodeENIs[i]
		if object.DeletionTimestamp != nil {
			errs = append(errs, fmt.Errorf("%s is being deleted, finalizers %v", object.Name, object.Finalizers))
			continue
		}
		var held []v1alpha1.Attachment
		for j := range nodes {
			if !labels.SelectorFromSet(object.Spec.NodeSelector).Matches(labels.Set(nodes[j].Labels)) {
				continue
			}
			iface, err := take(&left, object, &nodes[j])
			errs = append(errs, err)
			if iface != nil {
				held = append(held, attachmentOf(iface, nodes[j].Name, world))
			}
		}
		errs = append(errs, checkStatus(object, held))
	}
	for _, iface := range left {
		errs = append(errs, fmt.Errorf("%s is one too many: %+v tags %v", iface.ID, iface.Attachment, iface.Tags))
	}
	return errors.Join(errs...)
}

// take finds the interface that a NodeENI has on a node, and takes it out of the list.
func take(left *[]ec2sim.InterfaceNow, object *v1alpha1.NodeENI, node *corev1.Node) (*ec2sim.InterfaceNow, error) {
	instance := node.Spec.ProviderID[len(node.Spec.ProviderID)-len("i-0123456789abcdef0"):]
	slot := func(iface ec2sim.InterfaceNow) bool {
		a := iface.Attachment
		return a != nil && a.Instance == instance && a.CardIndex == 0 && a.DeviceIndex == int(object.Spec.DeviceIndex) && iface.Tags[ownership.TagNodeENIUID] == string(object.UID)
	}
	i := slices.IndexFunc(*left, slot)
	if i < 0 {
		return nil, fmt.Errorf("%s has no interface on %s", object.Name, node.Name)
	}
	iface := (*left)[i]
	*left = slices.Delete(*left, i, i+1)
	if diff := gocmp.Diff(wanted(object, node, instance), found(&iface)); diff != "" {
		return &iface, fmt.Errorf("%s of %s on %s (-wanted +in EC2):\n%s", iface.ID, object.Name, node.Name, diff)
	}
	return &iface, nil
}

// settings are what a NodeENI decides about an interface.
type settings struct {
	Subnet, Description, State string
	Groups                     []string
	DeleteOnTermination        bool
	Tags                       map[string]string
}

func wanted(object *v1alpha1.NodeENI, node *corev1.Node, instance string) settings {
	tags := map[string]string{
		ownership.TagNodeENIName: object.Name, ownership.TagNodeName: node.Name, ownership.TagInstanceID: instance,
		ownership.TagSlot: fmt.Sprintf("0-%d", object.Spec.DeviceIndex), "Name": object.Name + "/" + node.Name,
		"node.k8s.amazonaws.com/no_manage": "true",
	}
	maps.Copy(tags, object.Spec.Tags)
	description := "" // what one that the spec does not name is like, is the controller's affair
	if object.Spec.Description != nil {
		description = *object.Spec.Description
	}
	return settings{
		Subnet: object.Spec.SubnetID, Description: description, State: "attached",
		Groups:              slices.Sorted(slices.Values(object.Spec.SecurityGroupIDs)),
		DeleteOnTermination: object.Spec.DeleteOnTermination == nil || *object.Spec.DeleteOnTermination, Tags: tags,
	}
}

func found(iface *ec2sim.InterfaceNow) settings {
	tags := maps.Clone(iface.Tags)
	for _, key := range []string{ownership.TagClusterID, ownership.TagClusterName, ownership.TagNodeENIUID} {
		delete(tags, key) // by these it was found
	}
	return settings{
		Subnet: iface.Subnet, Description: iface.Description, State: iface.Attachment.Status,
		Groups: slices.Sorted(slices.Values(iface.SecurityGroups)), DeleteOnTermination: iface.Attachment.DeleteOnTermination, Tags: tags,
	}
}

// checkStatus demands that all is well, in the words of the API, and that the report is what EC2 has.
func checkStatus(object *v1alpha1.NodeENI, held []v1alpha1.Attachment) error {
	var errs []error
	status := object.Status
	for name, want := range map[string]metav1.ConditionStatus{
		v1alpha1.ConditionReady: metav1.ConditionTrue, v1alpha1.ConditionReconciling: metav1.ConditionFalse, v1alpha1.ConditionStalled: metav1.ConditionFalse,
	} {
		got := meta.FindStatusCondition(status.Conditions, name)
		if got == nil || got.Status != want || got.ObservedGeneration != object.Generation {
			errs = append(errs, fmt.Errorf("status of %s, generation %d: %s is %+v, want %s", object.Name, object.Generation, name, got, want))
		}
	}
	got := slices.Clone(status.Attachments)
	for i := range got {
		got[i].LastTransitionTime, got[i].Message = metav1.Time{}, ""
	}
	byNode := func(a, b v1alpha1.Attachment) int { return cmp.Compare(a.NodeName, b.NodeName) }
	slices.SortFunc(got, byNode)
	slices.SortFunc(held, byNode)
	if diff := gocmp.Diff(held, got); diff != "" {
		errs = append(errs, fmt.Errorf("status of %s (-in EC2 +in status):\n%s", object.Name, diff))
	}
	n := int32(len(held))
	want := v1alpha1.NodeENIStatus{MatchingNodes: &n, AttachedNodes: &n, PendingNodes: new(int32), BlockedNodes: new(int32), ReleasingInterfaces: new(int32), ObservedGeneration: object.Generation}
	counts := v1alpha1.NodeENIStatus{
		MatchingNodes: status.MatchingNodes, AttachedNodes: status.AttachedNodes, PendingNodes: status.PendingNodes, BlockedNodes: status.BlockedNodes,
		ReleasingInterfaces: status.ReleasingInterfaces, ObservedGeneration: status.ObservedGeneration, Releasing: status.Releasing,
	}
	if diff := gocmp.Diff(want, counts); diff != "" {
		errs = append(errs, fmt.Errorf("counts of %s (-want +got):\n%s", object.Name, diff))
	}
	return errors.Join(errs...)
}

// attachmentOf is what a status must say about an attached interface.
func attachmentOf(iface *ec2sim.InterfaceNow, node string, world ec2sim.Snapshot) v1alpha1.Attachment {
	attachment := v1alpha1.Attachment{
		NodeName: node, NetworkCardIndex: new(int32), DeviceIndex: int32(iface.Attachment.DeviceIndex), State: v1alpha1.AttachmentAttached,
		ENIID: iface.ID, AttachmentID: iface.Attachment.ID, InstanceID: iface.Attachment.Instance, SubnetID: iface.Subnet,
		AvailabilityZone: iface.Zone, PrivateIP: iface.PrivateIP, MACAddress: iface.MAC,
	}
	for _, subnet := range world.Subnets {
		if subnet.ID == iface.Subnet {
			attachment.SubnetCIDR = subnet.CIDR
		}
	}
	return attachment
}
