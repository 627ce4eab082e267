package v1alpha1

// Finalizer holds a deleted NodeENI until none of its interfaces exists.
const Finalizer = GroupName + "/eni-cleanup"

// AnnotationManagedTagKeys lists, as a JSON array in sorted order, the keys of spec.tags that
// interfaces of this NodeENI may bear, so that a key which leaves the spec can leave the interfaces.
const AnnotationManagedTagKeys = GroupName + "/managed-tag-keys"

// AnnotationAllowReleaseUntil lets a halted cleanup go on until the time that it gives in RFC 3339. It is set on the
// NodeENI, or on the controller's Lease for interfaces whose NodeENI is gone.
const AnnotationAllowReleaseUntil = GroupName + "/allow-release-until"

// AnnotationForceDetachUntil lets interfaces that EC2 does not end to detach from a running instance be
// detached by force until the time that it gives in RFC 3339, at most a day ahead. It is set on the NodeENI.
const AnnotationForceDetachUntil = GroupName + "/force-detach-until"

// AnnotationAdopt has interfaces taken over that were made by other means and are attached where the NodeENI wants
// one: their IDs, or tags that they must all bear, as tag:KEY=VALUE, separated by commas. Followed with
// --allow-adoption only.
const AnnotationAdopt = GroupName + "/adopt"

// AnnotationENIs tells, on a Node, the interfaces that are attached to it for NodeENIs, as a JSON array in the order
// of network card and device index. It is for node agents and for those who write network configurations; the
// controller writes it with --node-annotation, and never reads it.
const AnnotationENIs = GroupName + "/enis"

// TaintNotReady is the taint that the manifests' examples have new nodes start with, for --node-readiness-taint.
const TaintNotReady = GroupName + "/eni-not-ready"

// NodeConditionENIsReady is the type of the condition on a Node that says whether every interface that NodeENIs
// want on it is attached; the controller writes it with --node-condition.
const NodeConditionENIsReady = GroupName + "/ENIsReady"

// Types of the conditions in NodeENIStatus.
const (
	ConditionReady       = "Ready"
	ConditionReconciling = "Reconciling"
	ConditionStalled     = "Stalled"
	// ConditionPermissionsMissing is there only while it is true.
	ConditionPermissionsMissing = "PermissionsMissing"
)

// Reasons of conditions.
const (
	ReasonAllAttached     = "AllAttached"
	ReasonNoMatchingNodes = "NoMatchingNodes"
	ReasonProgressing     = "Progressing"
	ReasonReleasing       = "Releasing"
	ReasonTerminating     = "Terminating"
	ReasonStable          = "Stable"
	ReasonNotStalled      = "NotStalled"
	ReasonInvalidSpec     = "InvalidSpec"
	ReasonObjectContested = "ObjectContested"
)

// Reasons of the condition on a Node.
const (
	ReasonNoneWanted  = "NoneWanted"
	ReasonNotAttached = "NotAttached"
)

// Reasons why an attachment is blocked.
const (
	ReasonAdoptionRefused       = "AdoptionRefused"
	ReasonAttachFailed          = "AttachFailed"
	ReasonAttachmentContested   = "AttachmentContested"
	ReasonAttachStuck           = "AttachStuck"
	ReasonCredentialsRejected   = "CredentialsRejected"
	ReasonDeviceIndexInUse      = "DeviceIndexInUse"
	ReasonDuplicateInstance     = "DuplicateInstance"
	ReasonInstanceNotFound      = "InstanceNotFound"
	ReasonInstanceNotRunning    = "InstanceNotRunning"
	ReasonInterfaceLimitReached = "InterfaceLimitReached"
	ReasonInterfaceQuotaReached = "InterfaceQuotaReached"
	ReasonNoAWSProviderID       = "NoAWSProviderID"
	ReasonPermissionDenied      = "PermissionDenied"
	ReasonSecurityGroupNotFound = "SecurityGroupNotFound"
	ReasonSettingsContested     = "SettingsContested"
	ReasonSlotTaken             = "SlotTaken"
	ReasonSubnetFull            = "SubnetFull"
	ReasonSubnetInOtherZone     = "SubnetInOtherZone"
	ReasonSubnetNotFound        = "SubnetNotFound"
)

// Reasons why a release is held.
const (
	ReasonCleanupDryRun = "CleanupDryRun"
	ReasonCleanupHalted = "CleanupHalted"
	ReasonDetachStuck   = "DetachStuck"
	ReasonReleaseFailed = "ReleaseFailed"
	ReasonTagsLost      = "TagsLost"
)

// Reasons why an interface is released.
const (
	ReasonInstanceGone    = "InstanceGone"
	ReasonNodeENIDeleted  = "NodeENIDeleted"
	ReasonNodeENIGone     = "NodeENIGone"
	ReasonNodeGone        = "NodeGone"
	ReasonNodeNotSelected = "NodeNotSelected"
	ReasonSpecChanged     = "SpecChanged"
	ReasonSurplus         = "Surplus"
	ReasonMisplaced       = "Misplaced"
)
