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

// Reasons why an attachment is blocked.
const (
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
