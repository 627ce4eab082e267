// Package v1alpha1 is the API that users write: the cluster-scoped kind NodeENI of group
// networking.k8s.aws.
//
// A NodeENI asks that every Node which its nodeSelector selects has one Elastic Network Interface
// (ENI) in a subnet, with security groups, at a device index. Several NodeENIs may select one Node,
// and one NodeENI many Nodes. The controller creates, attaches, keeps and removes the interfaces and
// reports them in status. The finalizer "networking.k8s.aws/eni-cleanup" holds a deleted NodeENI
// until none of its interfaces exists in EC2.
//
// # Conditions
//
// Conditions have the shape that kstatus, Argo CD and Flux read: Ready is a summary, Reconciling and
// Stalled are "abnormal-true".
//
//	Ready        True   AllAttached, NoMatchingNodes
//	             False  Progressing, Terminating, or the reason of Stalled
//	Reconciling  True   Progressing, Releasing, Terminating
//	             False  Stable, or the reason of Stalled
//	Stalled      True   the most frequent reason for which an attachment is blocked or a release is
//	                    held, InvalidSpec or ObjectContested; the message counts every reason and says
//	                    what to do
//	             False  NotStalled
//
// PermissionsMissing is there, and True for the reason PermissionDenied, only while IAM is known to deny a call that the
// controller makes, whether this NodeENI needs it now or not: EC2 is asked about each of them by a dry run. Its message
// has the actions and the statements of the policy.
//
// # Reasons of a blocked attachment
//
// An attached interface that cannot be given a wanted setting has one of these too, and so has one that waits for
// a predecessor whose release is held.
//
//	AdoptionRefused         the annotation networking.k8s.aws/adopt names the interface that has the device index,
//	                        and it may not be taken over; the message says why
//	AttachFailed            EC2 refused the create, the attach or the change for a reason of its own, or one that
//	                        neither its code nor the state of things tells; the message has it
//	AttachmentContested     something else keeps detaching or deleting the interface
//	AttachStuck             the attachment stays in "attaching" for over 5 minutes, and did so three times, between
//	                        which the interface was detached; tried again every hour. A restart of the
//	                        controller counts anew. Or it stays so for over 15 minutes and can not be detached
//	CredentialsRejected     EC2 does not accept the controller's credentials, or does not let it at the interface
//	DeviceIndexInUse        an interface that is not ours holds the device index
//	DuplicateInstance       another, newer Node names the same instance
//	InstanceNotFound        EC2 does not know the instance that the Node names
//	InstanceNotRunning      the instance is in a state in which nothing can be attached
//	InterfaceLimitReached   the instance type takes no more interfaces on that network card
//	InterfaceQuotaReached   the account's quota of interfaces in the Region is used up
//	NoAWSProviderID         the Node's spec.providerID names no EC2 instance
//	PermissionDenied        IAM denies a call that is needed
//	SecurityGroupNotFound   a security group does not exist, or belongs to another VPC
//	SettingsContested       something else keeps changing a setting back; see below
//	SlotTaken               another NodeENI has, or has a better right to, the device index
//	SubnetFull              the subnet has no free address
//	SubnetInOtherZone       the subnet is not in the availability zone of the instance
//	SubnetNotFound          the subnet does not exist
//
// # Reasons of a held release
//
//	CleanupDryRun           the interface would be detached or deleted, were it not for --cleanup-dry-run
//	CleanupHalted           most interfaces would go at once because their NodeENI, their Node or its labels
//	                        vanished; a person must approve, by the annotation
//	                        networking.k8s.aws/allow-release-until
//	CredentialsRejected     EC2 does not accept the controller's credentials, or does not let it at the interface
//	DetachStuck             the attachment stays in "detaching" for over 10 minutes; it is detached by force from an
//	                        instance that is stopped, and from one that runs only when a person allows it, by
//	                        the annotation networking.k8s.aws/force-detach-until
//	PermissionDenied        IAM denies the detach or the delete
//	ReleaseFailed           EC2 refused the detach or the delete for a reason of its own, or it has failed for
//	                        minutes; the message has it
//	TagsLost                an interface of ours lost its ownership tags
//
// # Reasons of a release
//
// An entry of status.releasing that is not held says why the interface goes. One that waited in vain for its
// place says what has taken it: SlotTaken, DeviceIndexInUse or InterfaceLimitReached.
//
//	InstanceGone            its instance is shutting down or terminated, or EC2 has not known it for long
//	Misplaced               it is attached to another instance or at another index than its tags say
//	NodeENIDeleted          its NodeENI is being deleted
//	NodeENIGone             its NodeENI exists no more
//	NodeGone                its Node exists no more, or is another instance now
//	NodeNotSelected         its NodeENI does not select its Node any more
//	SpecChanged             subnetID or deviceIndex changed: it is replaced
//	Surplus                 another interface serves the same slot
//
// # Fights
//
// What was put right three times to the same value, each time within an hour of the last, is fought over: another
// controller, a script or a person changes it back. It is put right again after one minute, two, four, and so on up to
// an hour, so that no write war comes of it, and AttachmentContested or SettingsContested names the interface, what was
// found, what is wanted and the call to look for in CloudTrail. It ends by itself when the value has stood for two
// refreshes, and with an edit of the spec. The same goes for the finalizer, the annotation and the status of the NodeENI
// itself (ObjectContested, which names who writes according to metadata.managedFields).
//
// # A NodeENI made again
//
// The owner of an interface is the UID of its NodeENI. A NodeENI that was restored from a backup, or deleted with its
// finalizer forced off and made again, has another UID. The interfaces of the former NodeENI of the same name that fit
// it - instance, device index, network card and subnet - are adopted: they get the new UID as a tag, stay attached, and
// their settings are put right. The event Adopted on the NodeENI counts them. What fits no NodeENI is released as
// NodeENIGone.
//
// # Interfaces that were made by other means
//
// The annotation networking.k8s.aws/adopt on a NodeENI names interfaces by ID, or by tags that they must all bear
// (tag:KEY=VALUE), separated by commas. One that is attached at the very slot which the NodeENI wants on a Node, in the
// wanted subnet, and that belongs to nobody - no cluster's tags, not the VPC CNI's, no AWS service's - is taken over: all
// ownership tags are put on it in one call, and from then on it is like any other, so its settings are put right and it
// is deleted when nobody wants it any more. Nothing is adopted without the flag --allow-adoption; the reason
// AdoptionRefused says then what would be.
//
// # On Nodes
//
// With --node-condition a Node that a NodeENI selects bears the condition networking.k8s.aws/ENIsReady. With
// --node-annotation it bears the annotation networking.k8s.aws/enis.
//
//	AllAttached             True: every wanted interface is attached
//	NoneWanted              True: no NodeENI selects the Node any more
//	NotAttached             False: the message names the NodeENIs that are waited for
//
// +k8s:deepcopy-gen=package
// +groupName=networking.k8s.aws
package v1alpha1
