package plan

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Cluster is the identity under which interfaces are ours.
type Cluster struct {
	// ID decides ownership; Name is for people and IAM conditions.
	ID   string
	Name string
	// AlsoOwned are earlier IDs of this cluster whose interfaces are ours too.
	AlsoOwned []string
}

// Snapshot is everything that the decisions about one instance are made from. Instance never modifies
// it, nor anything it points to.
type Snapshot struct {
	Now        time.Time
	Cluster    Cluster
	InstanceID string
	// Node is the newest Node that names the instance; nil when none does.
	Node *corev1.Node
	// Duplicates are the other, older Nodes that name the instance.
	Duplicates []*corev1.Node
	// NodeGoneSince is when this process first saw that no Node names the instance; zero when Node is
	// set.
	NodeGoneSince time.Time
	// Unplaced is the name of a Node that names no instance yet and may turn out to be this one's; empty when Node is set,
	// and when there is none.
	Unplaced string
	// NodeENIs holds at least every NodeENI that selects Node or one of Duplicates, and every one whose UID
	// an interface in Interfaces bears. Order does not matter.
	NodeENIs []*v1alpha1.NodeENI
	// Instance is nil while the instance has not been described.
	Instance *eni.ObservedInstance
	// Interfaces are the interfaces of ours that are tagged for the instance or attached to it.
	Interfaces []eni.ObservedInterface
	// Elsewhere are those of Interfaces that are tagged for the instance, and attached to another on which their NodeENI
	// wants them: either the tag or the attachment is somebody's doing, and they stay.
	Elsewhere map[string]bool
	// Departed are interfaces of ours that we have deleted lately: an older description of the instance may
	// still show them.
	Departed map[string]bool
	// Doubted are interfaces of ours that reads do not show any more, although nobody is known to have deleted them:
	// when the description of the instance shows them, either of the two is wrong.
	Doubted map[string]bool
	// Foreign are interfaces of others that were asked for in Result.Foreign, by ID, as they were last described.
	Foreign map[string]eni.ObservedForeign
	// AllowAdoption is true when interfaces of others may be taken over.
	AllowAdoption bool
	// Subnets holds at least what is known of the subnets that NodeENIs name and of those that interfaces are in, by ID.
	Subnets map[string]eni.ObservedSubnet
	// InstancesRefused and SubnetsRefused are why EC2 refuses to describe any of them; zero while it does not.
	InstancesRefused, SubnetsRefused Refusal
	// Ownerless has, for each interface whose NodeENI is not there, since when this process knows that.
	Ownerless map[string]Sighting
	// Deselected has the UIDs of the NodeENIs whose selector was edited so that it does not select Node any more, as
	// far as this process has seen that.
	Deselected map[types.UID]bool
	// Halt is set while too many interfaces would go at once.
	Halt *Halt
	// StuckAttaches counts, for each slot, the attaches in a row that were given up because EC2 did not end them.
	StuckAttaches map[SlotKey]int
	// DryRun is true when what would be taken away is only told.
	DryRun bool
	// Setbacks are EC2's refusals and failures that stand against attaching wanted interfaces, CreateSetbacks those
	// against creating them, ChangeSetbacks those against adopting them and changing their settings, by the action's
	// kind.
	Setbacks       map[SlotKey]Setback
	CreateSetbacks map[SlotKey]Setback
	ChangeSetbacks map[SlotKey]map[ActionKind]Setback
	// ReleaseSetbacks are those of the calls that take an interface away, by its ID; ReleaseCauses are refusals of
	// such calls for other interfaces, which stand against the next call for this one, if it needs one.
	ReleaseSetbacks map[string]Setback
	ReleaseCauses   map[string]Setback
	// Contests are the fields of wanted interfaces that something else keeps changing back.
	Contests map[SlotKey]map[Field]Contest
}

// Sighting is when something about an interface was first seen, and how many complete lists had shown the
// interface by then.
type Sighting struct {
	At     time.Time
	Epochs int
}

// SlotKey names one wanted interface.
type SlotKey struct {
	NodeENI  types.UID
	Instance string
	Slot     eni.Slot
}

// Setback is a call to EC2 that failed. Until Until it is not planned again; then it is, and is reported as
// it was before until it has succeeded, so that a try that fails again changes nothing.
type Setback struct {
	// Reason is empty when trying again may be all that it takes; else the interface is blocked, or its
	// release is held.
	Reason  string
	Message string
	Until   time.Time
}

// Refusal is why EC2 does not do what it was asked for.
type Refusal struct {
	// Reason is empty when nothing was refused.
	Reason, Message string
}

// ActionKind is what an action does.
type ActionKind string

// The kinds of actions. Detach and Delete are for the cleanup workers, the others for the attach workers.
const (
	Create                 ActionKind = "Create"
	Attach                 ActionKind = "Attach"
	SetDeleteOnTermination ActionKind = "SetDeleteOnTermination"
	SetSecurityGroups      ActionKind = "SetSecurityGroups"
	SetDescription         ActionKind = "SetDescription"
	PutTags                ActionKind = "PutTags"
	RemoveTags             ActionKind = "RemoveTags"
	Adopt                  ActionKind = "Adopt"
	Claim                  ActionKind = "Claim"
	Detach                 ActionKind = "Detach"
	Delete                 ActionKind = "Delete"
)

// Action is one call to EC2, as data. Only the fields that its kind needs are set.
type Action struct {
	Kind ActionKind
	// NodeENI, NodeENIName, NodeName, InstanceID and Slot say for whom; set for every kind, from the spec
	// for the attach side, from the interface's tags for Detach and Delete.
	NodeENI     types.UID
	NodeENIName string
	NodeName    string
	InstanceID  string
	Slot        eni.Slot
	// InterfaceID is set for every kind but Create.
	InterfaceID string
	// AttachmentID is set for Detach and SetDeleteOnTermination.
	AttachmentID string
	// SubnetID is set for Create.
	SubnetID string
	// SecurityGroupIDs is set, sorted, for Create and SetSecurityGroups.
	SecurityGroupIDs []string
	// Description is set for Create and SetDescription.
	Description string
	// Tags is set for Create (all of them), PutTags (those that are missing or differ) Adopt (the owner's UID)
	// and Claim (the controller's own).
	Tags map[string]string
	// TagKeys is set, sorted, for RemoveTags.
	TagKeys []string
	// DeleteOnTermination is set for SetDeleteOnTermination.
	DeleteOnTermination bool
	// Reason says why a Detach or Delete is made: one of the release reasons of v1alpha1, or AttachStuck.
	Reason string
	// Force is true for a Detach of what EC2 does not end to detach.
	Force bool
	// Approved is true for a Detach that a person has let pass although cleanup is halted.
	Approved bool
}

// Same reports whether two actions are the same call on the same subject; what it says beside does not
// count.
func (a Action) Same(b Action) bool {
	return a.Kind == b.Kind && a.NodeENI == b.NodeENI && a.Slot == b.Slot && a.InstanceID == b.InstanceID &&
		a.InterfaceID == b.InterfaceID && a.AttachmentID == b.AttachmentID && a.Force == b.Force
}

// AttachmentReport is how one wanted interface stands.
type AttachmentReport struct {
	NodeENI     types.UID
	NodeENIName string
	// Attachment has no LastTransitionTime: only the status writer knows what was there before.
	Attachment v1alpha1.Attachment
	// Settled is true when the interface is attached with every wanted setting.
	Settled bool
	// Missing is true when EC2 does not show the interface at the moment, SubnetGone when it does not know its subnet.
	Missing, SubnetGone bool
	// Refused is why the interface that is there may not be taken over, where the NodeENI asks for that.
	Refused AdoptionRefusal
}

// ReleaseReport is how one interface on its way out stands.
type ReleaseReport struct {
	NodeENI types.UID
	// Release has no LastTransitionTime.
	Release v1alpha1.Release
	// Held is true when nothing goes on without help.
	Held bool
}

// Refresh names what must be read anew before a decision can be made. The reads are shared: the one who
// asks is called again when the answer is there.
type Refresh struct {
	Instance   bool
	Interfaces []string
	Subnets    []string
}

// Result is what Instance decides.
type Result struct {
	// Attach are the attach workers' actions, in the order in which they are to be made.
	Attach []Action
	// Release are the cleanup workers' actions, likewise.
	Release []Action
	// Withheld are those that would be in Release, were it not for DryRun.
	Withheld []Action
	// Attachments has one report for each NodeENI that selects Node, and for each that selects one of
	// Duplicates; in the order of NodeENI name, node name.
	Attachments []AttachmentReport
	// Releases has one report for each interface in Interfaces that is unwanted, in the order of ID.
	Releases []ReleaseReport
	// Vanished are the attached interfaces, sorted, that would go because their NodeENI, their Node or its labels
	// vanished, whether they may or not: what Exodus counts. Undecided are those whose Node is gone and of which the
	// description of the instance does not tell yet whether they are among them.
	Vanished, Undecided []string
	Refresh             Refresh
	// Foreign are the interfaces of others that are to be kept described.
	Foreign []string
	// Again is when to look again although nothing changed; zero when only a change matters.
	Again time.Time
}
