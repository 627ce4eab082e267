package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// +genclient
// +genclient:nonNamespaced
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true
// +kubebuilder:resource:scope=Cluster,shortName=neni,categories=aws
// +kubebuilder:subresource:status
// +kubebuilder:printcolumn:name="Subnet",type=string,JSONPath=`.spec.subnetID`
// +kubebuilder:printcolumn:name="Index",type=integer,JSONPath=`.spec.deviceIndex`
// +kubebuilder:printcolumn:name="Nodes",type=integer,JSONPath=`.status.matchingNodes`
// +kubebuilder:printcolumn:name="Attached",type=integer,JSONPath=`.status.attachedNodes`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Pending",type=integer,priority=1,JSONPath=`.status.pendingNodes`
// +kubebuilder:printcolumn:name="Blocked",type=integer,priority=1,JSONPath=`.status.blockedNodes`
// +kubebuilder:printcolumn:name="Releasing",type=integer,priority=1,JSONPath=`.status.releasingInterfaces`
// +kubebuilder:printcolumn:name="Zone",type=string,priority=1,JSONPath=`.status.availabilityZone`
// +kubebuilder:printcolumn:name="Reason",type=string,priority=1,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`

// NodeENI asks for one Elastic Network Interface on every Node that its selector selects.
type NodeENI struct {
	metav1.TypeMeta `json:",inline"`
	// metadata is the standard object metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec says which Nodes get an interface, and what interface.
	// +required
	Spec NodeENISpec `json:"spec,omitzero"`

	// status reports what EC2 and the Nodes show. The controller never decides by it.
	// +optional
	Status NodeENIStatus `json:"status,omitzero"`
}

// NodeENISpec is what the user asks for.
type NodeENISpec struct {
	// A label that no Node can bear would select nothing, forever and without a word. The rule for the
	// values goes character by character, since the schema of a map of strings can not bound the length
	// of its values, and the API server takes a regular expression only where the length is bounded.

	// nodeSelector selects Nodes by their labels: a Node is selected when it bears every label of the
	// map. At least one entry is required, so that no NodeENI selects every Node by mistake.
	// +required
	// +kubebuilder:validation:MinProperties=1
	// +kubebuilder:validation:MaxProperties=64
	// +kubebuilder:validation:XValidation:rule="self.all(k, k.indexOf('/') <= 253 && k.matches('^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$'))",message="each key of nodeSelector must be a label key: 1 to 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends, where wanted after a DNS name and '/', for example ng or example.com/ng"
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(self[k]) <= 63 && [0, 16, 32, 48].all(a, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].all(b, a + b >= size(self[k]) || 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'.indexOf(self[k].charAt(a + b)) >= 0)) && (size(self[k]) == 0 || !(self[k].charAt(0) in ['-', '_', '.'] || self[k].charAt(size(self[k]) - 1) in ['-', '_', '.'])))",message="each value of nodeSelector must be a label value: at most 63 letters, digits, '-', '_' and '.', with a letter or digit at both ends; a key takes one value, no list and no pattern"
	NodeSelector map[string]string `json:"nodeSelector,omitempty"`

	// subnetID is the subnet in which the interfaces are created. It must lie in the availability zone
	// of the selected instances. A change replaces the interfaces: each is released, then made anew.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:XValidation:rule="self.matches('^subnet-[0-9a-f]{8,17}$')",message="subnetID must be 'subnet-' followed by 8 to 17 lower-case hex digits (at most 24 characters in all), for example subnet-0f59b4f14737be9ad"
	SubnetID string `json:"subnetID,omitempty"`

	// securityGroupIDs are the security groups of the interfaces, in the subnet's VPC. A change is
	// applied in place. EC2's default quota is 5 for each interface, and can be raised to 16.
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=64
	// +kubebuilder:validation:items:XValidation:rule="self.matches('^sg-[0-9a-f]{8,17}$')",message="each of securityGroupIDs must be 'sg-' followed by 8 to 17 lower-case hex digits (at most 20 characters in all), for example sg-05da196f3314d4af8"
	SecurityGroupIDs []string `json:"securityGroupIDs,omitempty"`

	// deviceIndex is the device index at which the interface is attached, on network card 0. Index 0
	// is the instance's primary interface. No other index than this one is ever used: where somebody
	// else holds it, the attachment is reported as blocked. A change replaces the interfaces.
	// +optional
	// +default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=99
	DeviceIndex int32 `json:"deviceIndex,omitempty"`

	// deleteOnTermination tells EC2 to delete the interface when its instance terminates. false only
	// means that EC2 leaves it: the controller then waits until it is available and deletes it. No
	// interface outlives its Node or its NodeENI. A change is applied in place.
	// +optional
	// +default=true
	DeleteOnTermination *bool `json:"deleteOnTermination,omitempty"`

	// description is the description of the interfaces in EC2. A change is applied in place.
	// +optional
	// +kubebuilder:validation:MinLength=0
	// +kubebuilder:validation:MaxLength=255
	Description *string `json:"description,omitempty"`

	// tags are put on the interfaces beside the controller's own. A key that leaves the map leaves the
	// interfaces; tags that were never named here are left alone. A change is applied in place.
	// +optional
	// +kubebuilder:validation:MaxProperties=35
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(k) >= 1 && size(k) <= 128)",message="each key of tags must have 1 to 128 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, size(self[k]) <= 256)",message="each value of tags must have at most 256 characters"
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('networking.k8s.aws/') && !k.startsWith('aws:') && !k.startsWith('eks:') && !k.startsWith('kubernetes.io/') && !k.startsWith('node.k8s.amazonaws.com/'))",message="tags must not use the reserved key prefixes networking.k8s.aws/, aws:, eks:, kubernetes.io/ and node.k8s.amazonaws.com/; choose another key"
	Tags map[string]string `json:"tags,omitempty"`
}

// NodeENIStatus is what the controller observes.
type NodeENIStatus struct {
	// conditions are Ready, Reconciling and Stalled, and PermissionsMissing while it is true.
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// observedGeneration is the metadata.generation that this status describes.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// availabilityZone is the zone of the subnet.
	// +optional
	// +kubebuilder:validation:MinLength=1
	AvailabilityZone string `json:"availabilityZone,omitempty"`

	// matchingNodes counts the Nodes that the selector selects. It is the sum of attachedNodes,
	// pendingNodes and blockedNodes.
	// +optional
	MatchingNodes *int32 `json:"matchingNodes,omitempty"`

	// attachedNodes counts the Nodes whose interface is attached with the wanted settings.
	// +optional
	AttachedNodes *int32 `json:"attachedNodes,omitempty"`

	// pendingNodes counts the Nodes that the controller is still working for.
	// +optional
	PendingNodes *int32 `json:"pendingNodes,omitempty"`

	// blockedNodes counts the Nodes that can not have their interface until something else changes.
	// +optional
	BlockedNodes *int32 `json:"blockedNodes,omitempty"`

	// releasingInterfaces counts the interfaces of this NodeENI that are on their way out.
	// +optional
	ReleasingInterfaces *int32 `json:"releasingInterfaces,omitempty"`

	// attachments lists what is wanted, at most 500 entries, those that need attention first.
	// +optional
	// +listType=map
	// +listMapKey=nodeName
	// +listMapKey=networkCardIndex
	// +listMapKey=deviceIndex
	// +kubebuilder:validation:MaxItems=500
	Attachments []Attachment `json:"attachments,omitempty"`

	// attachmentsOmitted counts the entries that attachments has no room for.
	// +optional
	// +kubebuilder:validation:Minimum=1
	AttachmentsOmitted int32 `json:"attachmentsOmitted,omitempty"`

	// releasing lists the interfaces on their way out, at most 500 entries, those that need attention
	// first.
	// +optional
	// +listType=map
	// +listMapKey=eniID
	// +kubebuilder:validation:MaxItems=500
	Releasing []Release `json:"releasing,omitempty"`

	// releasingOmitted counts the entries that releasing has no room for.
	// +optional
	// +kubebuilder:validation:Minimum=1
	ReleasingOmitted int32 `json:"releasingOmitted,omitempty"`
}

// AttachmentState is how far one wanted interface has come.
// +enum
type AttachmentState string

const (
	// AttachmentCreating means that the interface does not exist yet.
	AttachmentCreating AttachmentState = "Creating"
	// AttachmentAttaching means that the interface exists and EC2 has not shown it attached yet.
	AttachmentAttaching AttachmentState = "Attaching"
	// AttachmentAttached means that EC2 shows the interface attached at the wanted slot.
	AttachmentAttached AttachmentState = "Attached"
	// AttachmentBlocked means that nothing goes on until something else changes; reason says what.
	AttachmentBlocked AttachmentState = "Blocked"
)

// Attachment is one interface that a NodeENI wants on one Node.
type Attachment struct {
	// nodeName is the Node.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	NodeName string `json:"nodeName,omitempty"`

	// networkCardIndex is the network card of the slot.
	// +required
	// +kubebuilder:validation:Minimum=0
	NetworkCardIndex *int32 `json:"networkCardIndex,omitempty"`

	// deviceIndex is the device index of the slot, on its network card.
	// +required
	// +kubebuilder:validation:Minimum=1
	DeviceIndex int32 `json:"deviceIndex,omitempty"`

	// state is how far the interface has come.
	// +required
	// +kubebuilder:validation:Enum=Creating;Attaching;Attached;Blocked
	State AttachmentState `json:"state,omitempty"`

	// instanceID is the EC2 instance that the Node names.
	// +optional
	// +kubebuilder:validation:MinLength=1
	InstanceID string `json:"instanceID,omitempty"`

	// eniID is the interface, once it exists.
	// +optional
	// +kubebuilder:validation:MinLength=1
	ENIID string `json:"eniID,omitempty"`

	// attachmentID is EC2's name for the attachment, once it exists.
	// +optional
	// +kubebuilder:validation:MinLength=1
	AttachmentID string `json:"attachmentID,omitempty"`

	// subnetID is the subnet of the interface, or the wanted one while there is none.
	// +optional
	// +kubebuilder:validation:MinLength=1
	SubnetID string `json:"subnetID,omitempty"`

	// subnetCIDR is the IPv4 block of that subnet.
	// +optional
	// +kubebuilder:validation:MinLength=1
	SubnetCIDR string `json:"subnetCIDR,omitempty"`

	// availabilityZone is the zone of the interface.
	// +optional
	// +kubebuilder:validation:MinLength=1
	AvailabilityZone string `json:"availabilityZone,omitempty"`

	// privateIP is the interface's primary private IPv4 address.
	// +optional
	// +kubebuilder:validation:MinLength=1
	PrivateIP string `json:"privateIP,omitempty"`

	// macAddress is the interface's MAC address: the only stable name by which a host can find it.
	// +optional
	// +kubebuilder:validation:MinLength=1
	MACAddress string `json:"macAddress,omitempty"`

	// reason says in one word why the interface is blocked, or what an attached one still lacks.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Reason string `json:"reason,omitempty"`

	// message says the same to a person, and what to do.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Message string `json:"message,omitempty"`

	// lastTransitionTime is when state last changed.
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitzero"`
}

// ReleaseState is how far an interface has come on its way out.
// +enum
type ReleaseState string

const (
	// ReleaseDetaching means that the interface is, or is about to be, detached.
	ReleaseDetaching ReleaseState = "Detaching"
	// ReleaseDeleting means that the interface is about to be deleted.
	ReleaseDeleting ReleaseState = "Deleting"
	// ReleaseWaitingForTermination means that the instance is going down and EC2 has its turn first.
	ReleaseWaitingForTermination ReleaseState = "WaitingForTermination"
)

// Release is one interface of a NodeENI that nobody wants any more.
type Release struct {
	// eniID is the interface.
	// +required
	// +kubebuilder:validation:MinLength=1
	ENIID string `json:"eniID,omitempty"`

	// state is how far it has come.
	// +required
	// +kubebuilder:validation:Enum=Detaching;Deleting;WaitingForTermination
	State ReleaseState `json:"state,omitempty"`

	// nodeName is the Node for which the interface was made.
	// +optional
	// +kubebuilder:validation:MinLength=1
	NodeName string `json:"nodeName,omitempty"`

	// instanceID is the instance for which the interface was made.
	// +optional
	// +kubebuilder:validation:MinLength=1
	InstanceID string `json:"instanceID,omitempty"`

	// reason says in one word why the interface goes, or why its release is held.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Reason string `json:"reason,omitempty"`

	// message says the same to a person, and what to do.
	// +optional
	// +kubebuilder:validation:MinLength=1
	Message string `json:"message,omitempty"`

	// lastTransitionTime is when state last changed.
	// +optional
	LastTransitionTime metav1.Time `json:"lastTransitionTime,omitzero"`
}

// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
// +kubebuilder:object:root=true

// NodeENIList is a list of NodeENIs.
type NodeENIList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	// items are the NodeENIs.
	Items []NodeENI `json:"items"`
}
