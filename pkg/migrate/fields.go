package migrate

import (
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Marks of the community controller on its objects.
// Source: https://github.com/johnlam90/aws-multi-eni-controller
const (
	// Finalizer holds a deleted object until the community controller has removed its interfaces, or has given up.
	Finalizer = "nodeeni.networking.k8s.aws/finalizer"
	// LeaseName is the Lease that its replicas compete for, where they do.
	LeaseName = "nodeeni-controller-leader-election"
	// ImageName is the last part of its image's name.
	ImageName = "aws-multi-eni-controller"

	annotationCleanupStart = "aws-multi-eni-controller/cleanup-start-time"
	annotationLastApplied  = "kubectl.kubernetes.io/last-applied-configuration"
)

// kept are the fields that mean the same here.
var kept = []string{"nodeSelector", "subnetID", "securityGroupIDs", "deviceIndex", "deleteOnTermination", "description"}

// ownOnly are fields that this controller alone has.
var ownOnly = []string{"tags"}

// translated are the fields whose meaning is expressed otherwise here.
var translated = []string{"subnetIDs", "subnetName", "subnetNames", "securityGroupNames"}

// lost are the fields that have no counterpart here, with what is to be done about each.
var lost = map[string]string{
	"mtu":              "set it on the host, or where the interface is used (a NetworkAttachmentDefinition, say)",
	"enableDPDK":       "bind the device on the host; status.attachments has each interface's MAC address",
	"dpdkDriver":       "choose the driver where the device is bound, on the host",
	"dpdkResourceName": "name the resource in the configuration of the SR-IOV device plugin",
	"dpdkPCIAddress":   "find the device on the host by the interface's MAC address, in status.attachments",
}

// Kept are the fields of this controller's spec, all of which may be edited.
func Kept() []string { return slices.Concat(kept, ownOnly) }

// Fields are all fields of the other controller's spec that this one's lacks, sorted.
func Fields() []string {
	return slices.Sorted(slices.Values(slices.Concat(translated, slices.Collect(maps.Keys(lost)))))
}

// hidden are fields that somebody has set, as metadata.managedFields tell, and that are not to be seen: the API server
// cuts off what the CustomResourceDefinition does not know, which it does when ours has been applied already.
func hidden(old *unstructured.Unstructured) []string {
	spec, _, _ := unstructured.NestedMap(old.Object, "spec")
	found := map[string]bool{}
	for _, entry := range old.GetManagedFields() {
		if entry.FieldsV1 == nil {
			continue
		}
		for _, field := range managedSpecFields(entry.FieldsV1.GetRawBytes()) {
			if _, seen := spec[field]; !seen && slices.Contains(Fields(), field) {
				found[field] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}
