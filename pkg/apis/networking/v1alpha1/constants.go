package v1alpha1

// Finalizer holds a deleted NodeENI until none of its interfaces exists.
const Finalizer = GroupName + "/eni-cleanup"

// AnnotationManagedTagKeys lists, as a JSON array in sorted order, the keys of spec.tags that
// interfaces of this NodeENI may bear, so that a key which leaves the spec can leave the interfaces.
const AnnotationManagedTagKeys = GroupName + "/managed-tag-keys"

// AnnotationSelectors lists, as a JSON array, the selector by which Nodes are given interfaces of this NodeENI, and
// before it former ones until what was attached by them alone has gone: an edit of the selector is an order, which a
// leader that has not seen it made must not take for the loss of Nodes' labels.
const AnnotationSelectors = GroupName + "/selectors"

// AnnotationAllowReleaseUntil lets a halted cleanup go on until the time that it gives in RFC 3339. It is set on the
// NodeENI, or on the controller's Lease for interfaces whose NodeENI is gone.
const AnnotationAllowReleaseUntil = GroupName + "/allow-release-until"

// AnnotationReleasedLately says, on the controller's Lease, how many interfaces at most went lately because their
// NodeENI, their Node or its labels vanished: whoever leads next counts on from there.
const AnnotationReleasedLately = GroupName + "/released-lately"

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

// Every reason says its cause, and its cure; the tables of the README are made of them.

// Reasons of conditions. Beside these, a condition has the most frequent reason for which an attachment is blocked or
// a release is held.
const (
	// ReasonAllAttached: Every selected Node has its interface, with the wanted settings.
	// Cure: none is needed.
	ReasonAllAttached = "AllAttached"
	// ReasonNoMatchingNodes: No Node bears the labels of spec.nodeSelector.
	// Cure: label Nodes, or correct spec.nodeSelector, unless that is as you want it.
	ReasonNoMatchingNodes = "NoMatchingNodes"
	// ReasonProgressing: Interfaces are being created, attached or changed.
	// Cure: wait; where it stays so, look for the Nodes that are pending in status.attachments, and for throttled
	// calls in the metrics.
	ReasonProgressing = "Progressing"
	// ReasonReleasing: Interfaces that nobody wants are being detached and deleted.
	// Cure: wait; status.releasing has them, each with its reason.
	ReasonReleasing = "Releasing"
	// ReasonTerminating: The NodeENI is being deleted, and its interfaces are released first.
	// Cure: wait; it goes when EC2 has shown, twice, that none of them is left.
	ReasonTerminating = "Terminating"
	// ReasonStable: Nothing is to be done.
	// Cure: none is needed.
	ReasonStable = "Stable"
	// ReasonNotStalled: Nothing waits for help.
	// Cure: none is needed.
	ReasonNotStalled = "NotStalled"
	// ReasonInvalidSpec: A stored object fails the validation of today, for example one of another controller. Nothing
	// is created for it, and nothing released but by its deletion.
	// Cure: correct the spec as the message says; for objects of the community controller run multi-eni-controller
	// migrate --dry-run.
	ReasonInvalidSpec = "InvalidSpec"
	// ReasonObjectContested: Something else keeps changing the finalizer, the annotation or the status of the NodeENI
	// back.
	// Cure: stop it; the message names who writes, according to metadata.managedFields. It ends by itself then.
	ReasonObjectContested = "ObjectContested"
)

// Reasons of the condition on a Node.
const (
	// ReasonNoneWanted: No NodeENI selects the Node any more.
	// Cure: none is needed.
	ReasonNoneWanted = "NoneWanted"
	// ReasonNotAttached: An interface that a NodeENI wants on the Node is not attached.
	// Cure: look at the NodeENIs that the message names.
	ReasonNotAttached = "NotAttached"
)

// Reasons why an attachment is blocked. An attached interface that can not be given a wanted setting has one of these
// too, and so has one that waits for a predecessor whose release is held.
const (
	// ReasonAdoptionRefused: The annotation networking.k8s.aws/adopt names the interface that has the device index,
	// and it may not be taken over.
	// Cure: do what the message says: it names what stands against it, be it no more than the flag --allow-adoption.
	ReasonAdoptionRefused = "AdoptionRefused"
	// ReasonAttachFailed: EC2 refused the create, the attach or the change for a reason of its own, or one that
	// neither its code nor the state of things tells; or it has failed for minutes.
	// Cure: do what EC2's answer in the message asks for; it is tried again all the while. After a detach by force,
	// stop the instance and start it.
	ReasonAttachFailed = "AttachFailed"
	// ReasonAttachmentContested: Something else keeps detaching or deleting the interface.
	// Cure: stop it; the message has the call to look for in CloudTrail. It ends by itself then.
	ReasonAttachmentContested = "AttachmentContested"
	// ReasonAttachStuck: The attachment stays in "attaching" for over 5 minutes, and did so three times, between which
	// the interface was detached; or it stays so for over 15 minutes and can not be detached.
	// Cure: stop the instance and start it, or replace the Node. It is tried again every hour, and anew after a
	// restart of the controller.
	ReasonAttachStuck = "AttachStuck"
	// ReasonCredentialsRejected: EC2 does not accept the controller's credentials, or another service manages the
	// interface.
	// Cure: look at the association of the service account with the role, at the role's trust policy, and at the
	// node's clock; an interface that another service manages is that service's to release.
	ReasonCredentialsRejected = "CredentialsRejected"
	// ReasonDeviceIndexInUse: An interface that is not ours holds the device index; on EKS mostly one of the VPC CNI.
	// Cure: on EKS set the VPC CNI's MAX_ENI, or WARM_IP_TARGET in place of WARM_ENI_TARGET, so that it leaves room;
	// or use a higher deviceIndex; or remove the interface that the message names.
	ReasonDeviceIndexInUse = "DeviceIndexInUse"
	// ReasonDuplicateInstance: Another, newer Node names the same instance.
	// Cure: delete the older Node.
	ReasonDuplicateInstance = "DuplicateInstance"
	// ReasonInstanceNotFound: EC2 does not know the instance that the Node names.
	// Cure: delete the Node if its instance is gone; else compare the controller's Region and account with the
	// instance's.
	ReasonInstanceNotFound = "InstanceNotFound"
	// ReasonInstanceNotRunning: The instance ends, or is in another state in which nothing can be attached.
	// Cure: delete its Node if the instance ends; else none is needed: it is tried again.
	ReasonInstanceNotRunning = "InstanceNotRunning"
	// ReasonInterfaceLimitReached: The instance type takes no more interfaces on that network card.
	// Cure: use a larger instance type; on EKS set the VPC CNI's MAX_ENI or WARM_ENI_TARGET lower; or want fewer
	// interfaces.
	ReasonInterfaceLimitReached = "InterfaceLimitReached"
	// ReasonInterfaceQuotaReached: The account's quota of interfaces in the Region is used up.
	// Cure: delete interfaces that nobody needs, or ask AWS for a higher quota.
	ReasonInterfaceQuotaReached = "InterfaceQuotaReached"
	// ReasonNoAWSProviderID: The Node's spec.providerID names no EC2 instance.
	// Cure: select EC2 Nodes only; on a cluster of your own, run the AWS cloud provider, or start the kubelet with
	// --provider-id.
	ReasonNoAWSProviderID = "NoAWSProviderID"
	// ReasonPermissionDenied: IAM denies a call that the controller makes.
	// Cure: compare the role's policy with manifests/iam/policy.json, the cluster's name in it with --cluster-name,
	// and look for a permissions boundary or a service control policy.
	ReasonPermissionDenied = "PermissionDenied"
	// ReasonSecurityGroupNotFound: A security group does not exist, or belongs to another VPC than the subnet.
	// Cure: correct spec.securityGroupIDs.
	ReasonSecurityGroupNotFound = "SecurityGroupNotFound"
	// ReasonSettingsContested: Something else keeps changing a setting back.
	// Cure: stop it, or write into the spec what it wants; the message has the call to look for in CloudTrail. It ends
	// by itself then.
	ReasonSettingsContested = "SettingsContested"
	// ReasonSlotTaken: Another NodeENI has, or has a better right to, the device index: who is attached keeps it, and
	// a free one goes to the older NodeENI.
	// Cure: give one of the two another deviceIndex or another selector.
	ReasonSlotTaken = "SlotTaken"
	// ReasonSubnetFull: The subnet has no free address.
	// Cure: free addresses of the subnet, or use a larger one.
	ReasonSubnetFull = "SubnetFull"
	// ReasonSubnetInOtherZone: The subnet is not in the availability zone of the instance.
	// Cure: make one NodeENI for each zone, and select by topology.kubernetes.io/zone too.
	ReasonSubnetInOtherZone = "SubnetInOtherZone"
	// ReasonSubnetNotFound: The subnet does not exist.
	// Cure: correct spec.subnetID, or the controller's Region and account.
	ReasonSubnetNotFound = "SubnetNotFound"
	// ReasonTagsDamaged: Somebody took away or edited the tags that say where an interface is to be. It is attached with
	// all that is wanted, counts as attached, and stays; but once it is attached nowhere it is replaced.
	// Cure: stop whoever edits the tags, and run the command of the message, which writes them anew.
	ReasonTagsDamaged = "TagsDamaged"
)

// Reasons why a release is held. PermissionDenied and CredentialsRejected hold one too.
const (
	// ReasonCleanupDryRun: The interface would be detached or deleted, were it not for --cleanup-dry-run.
	// Cure: take the flag away.
	ReasonCleanupDryRun = "CleanupDryRun"
	// ReasonCleanupHalted: Most interfaces would go at once because their NodeENI, their Node or its labels vanished,
	// which looks more like an accident than like a wish.
	// Cure: put back what vanished, and it ends by itself. If they are to go, say so with the annotation
	// networking.k8s.aws/allow-release-until on the NodeENI, or on the controller's Lease where the NodeENI is gone.
	ReasonCleanupHalted = "CleanupHalted"
	// ReasonDetachStuck: The attachment stays in "detaching" for over 10 minutes.
	// Cure: stop the instance: from one that is stopped the interface is detached by force. From one that runs only if
	// you allow it with the annotation networking.k8s.aws/force-detach-until.
	ReasonDetachStuck = "DetachStuck"
	// ReasonReleaseFailed: EC2 refused the detach or the delete for a reason of its own, or it has failed for minutes.
	// Cure: remove what keeps the interface, as EC2's answer in the message says, or release it by hand.
	ReasonReleaseFailed = "ReleaseFailed"
	// ReasonTagsLost: An interface of ours lost its ownership tags, so that it may not be touched any more.
	// Cure: put the tags that the message names back on the interface, or detach and delete it by hand.
	ReasonTagsLost = "TagsLost"
)

// Reasons why an interface is released. One that waited in vain for its place has SlotTaken, DeviceIndexInUse or
// InterfaceLimitReached.
const (
	// ReasonInstanceGone: Its instance is shutting down or terminated, or EC2 has not known it for long.
	// Cure: none is needed.
	ReasonInstanceGone = "InstanceGone"
	// ReasonNodeENIDeleted: Its NodeENI is being deleted.
	// Cure: none is needed.
	ReasonNodeENIDeleted = "NodeENIDeleted"
	// ReasonNodeENIGone: Its NodeENI exists no more.
	// Cure: none is needed.
	ReasonNodeENIGone = "NodeENIGone"
	// ReasonNodeGone: Its Node exists no more, or is another instance now.
	// Cure: none is needed.
	ReasonNodeGone = "NodeGone"
	// ReasonNodeNotSelected: Its NodeENI does not select its Node any more.
	// Cure: none is needed; label the Node again if that was a mistake.
	ReasonNodeNotSelected = "NodeNotSelected"
	// ReasonSpecChanged: spec.subnetID or spec.deviceIndex changed: it is replaced.
	// Cure: none is needed.
	ReasonSpecChanged = "SpecChanged"
	// ReasonSurplus: Another interface serves the same slot.
	// Cure: none is needed.
	ReasonSurplus = "Surplus"
	// ReasonMisplaced: It is attached to another instance or at another index than its tags say.
	// Cure: none is needed; find who attached it there.
	ReasonMisplaced = "Misplaced"
)
