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
//	             Unknown  PermissionDenied: EC2 may not be read, and was not since the controller started
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
// # Reasons
//
// Each of the constants below whose name begins with Reason says its cause and its cure. status.attachments has the
// reason why an interface is blocked, or what an attached one lacks; status.releasing why an interface goes, or why its
// release is held. A person can let a halted cleanup go on, by the annotation networking.k8s.aws/allow-release-until, and
// have an interface that EC2 does not end to detach detached by force, by networking.k8s.aws/force-detach-until.
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
// With --node-condition a Node that a NodeENI selects bears the condition networking.k8s.aws/ENIsReady: True for the
// reason AllAttached, or NoneWanted when no NodeENI selects it any more, else False for the reason NotAttached. With
// --node-annotation it bears the annotation networking.k8s.aws/enis.
//
// +k8s:deepcopy-gen=package
// +groupName=networking.k8s.aws
package v1alpha1
