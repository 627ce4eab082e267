package eni

import "fmt"

// Slot is a place on an instance where an interface can be attached. A device index is unique on its
// network card only, so a slot is always both.
type Slot struct {
	Card  int32
	Index int32
}

// String is the value of the slot tag: "<card>-<index>".
func (s Slot) String() string { return fmt.Sprintf("%d-%d", s.Card, s.Index) }

// AttachmentStatus is how EC2 describes an attachment.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterfaceAttachment.html
type AttachmentStatus string

// The states of an attachment.
const (
	Attaching AttachmentStatus = "attaching"
	Attached  AttachmentStatus = "attached"
	Detaching AttachmentStatus = "detaching"
	// UnknownAttachment is ours, not EC2's: a call was made and its answer was lost. The slot counts as
	// occupied, and neither attach nor detach is called until EC2 shows what is true.
	UnknownAttachment AttachmentStatus = "unknown"
)

// Attachment binds an interface to a slot of an instance.
type Attachment struct {
	// ID is EC2's name for the attachment; empty while Status is UnknownAttachment.
	ID                  string
	InstanceID          string
	Slot                Slot
	Status              AttachmentStatus
	DeleteOnTermination bool
}

// Interface is a network interface as EC2 described it, or as our own writes since then have made it.
// Values are shared between goroutines and never modified: whoever changes one makes a copy.
type Interface struct {
	ID          string
	SubnetID    string
	VPCID       string
	Zone        string
	Description string
	MAC         string
	PrivateIP   string
	// SecurityGroupIDs is sorted.
	SecurityGroupIDs []string
	Tags             map[string]string
	// RequesterManaged is true for an interface that an AWS service manages.
	RequesterManaged bool
	// Attachment is nil when the interface is available.
	Attachment *Attachment
}

// AttachedTo reports whether the interface holds, or may hold, the slot of the instance.
func (i *Interface) AttachedTo(instanceID string, slot Slot) bool {
	return i.Attachment != nil && i.Attachment.InstanceID == instanceID && i.Attachment.Slot == slot
}

// Subnet is what placing an interface needs to know of a subnet.
type Subnet struct {
	ID            string
	VPCID         string
	Zone          string
	CIDR          string
	FreeAddresses int32
}
