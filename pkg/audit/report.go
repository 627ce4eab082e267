package audit

import (
	"cmp"
	"slices"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// SubjectKind is what an audit asks about.
type SubjectKind string

// The kinds of subjects.
const (
	SecurityGroup SubjectKind = "SecurityGroup"
	Subnet        SubjectKind = "Subnet"
	VPC           SubjectKind = "VPC"
	ClusterName   SubjectKind = "Cluster"
)

// Subject is what interfaces may hold.
type Subject struct {
	Kind SubjectKind `json:"kind"`
	ID   string      `json:"id"`
}

// Whose says to whom an interface belongs.
type Whose string

// The owners, in the order in which they are reported.
const (
	// OursLeaked bears our cluster's tags, and its NodeENI exists no more.
	OursLeaked Whose = "OursLeaked"
	// OursReleasing is not wanted any more, and its NodeENI still answers for it.
	OursReleasing Whose = "OursReleasing"
	// OursTagsLost bears some of our tags, not those that make an interface ours.
	OursTagsLost Whose = "OursTagsLost"
	// Ours bears our cluster's tags, and nobody was asked whether it is wanted.
	Ours Whose = "Ours"
	// OursWanted is where a NodeENI wants it.
	OursWanted Whose = "OursWanted"
	// OtherCluster is of this controller in another cluster, or in one that nobody named.
	OtherCluster Whose = "OtherCluster"
	// CommunityController was made by the community's NodeENI controller.
	CommunityController Whose = "CommunityController"
	// VPCCNI is of the Amazon VPC CNI or the VPC resource controller: addresses of pods.
	VPCCNI Whose = "VPCCNI"
	// Instance is the primary interface of an instance.
	Instance Whose = "Instance"
	// AWS is managed by a service of AWS.
	AWS Whose = "AWS"
	// Nobody bears no mark that tells whose it is.
	Nobody Whose = "Nobody"
)

var order = []Whose{OursLeaked, OursReleasing, OursTagsLost, Ours, OursWanted, OtherCluster, CommunityController, VPCCNI, Instance, AWS, Nobody}

// Finding is what is to be said of one interface.
type Finding struct {
	InterfaceID string `json:"interfaceID"`
	Whose       Whose  `json:"whose"`
	// Status is EC2's of the attachment, or "available".
	Status           string   `json:"status"`
	InstanceID       string   `json:"instanceID,omitempty"`
	Slot             string   `json:"slot,omitempty"`
	AttachmentID     string   `json:"attachmentID,omitempty"`
	SubnetID         string   `json:"subnetID"`
	VPCID            string   `json:"vpcID"`
	SecurityGroupIDs []string `json:"securityGroupIDs,omitempty"`
	Description      string   `json:"description,omitempty"`
	// ClusterID to NodeName are what the tags say.
	ClusterID   string `json:"clusterID,omitempty"`
	ClusterName string `json:"clusterName,omitempty"`
	NodeENI     string `json:"nodeENI,omitempty"`
	NodeName    string `json:"nodeName,omitempty"`
	// Reason is one of the API's, for what is not wanted.
	Reason string `json:"reason,omitempty"`
	// Why says why the interface stays, Next which command to run next; Next is empty when there is nothing to do.
	Why  string `json:"why"`
	Next string `json:"next,omitempty"`
}

// Report is the answer to an audit.
type Report struct {
	Subject Subject `json:"subject"`
	// JudgedBy is "cluster" when the cluster was asked what it wants, else "tags".
	JudgedBy    string    `json:"judgedBy"`
	ClusterID   string    `json:"clusterID,omitempty"`
	ClusterName string    `json:"clusterName,omitempty"`
	Interfaces  []Finding `json:"interfaces"`
	// Clean is true when nothing stands against what was asked about: no interface holds the group, the subnet or the
	// VPC; of the cluster, no interface is left but those that are wanted.
	Clean bool `json:"clean"`
}

// Judge answers an audit.
func Judge(f Facts) Report {
	r := Report{Subject: f.Subject, JudgedBy: "tags", ClusterID: f.Identity.ID, ClusterName: f.Identity.Name, Interfaces: []Finding{}, Clean: true}
	if f.Cluster != nil {
		r.JudgedBy = "cluster"
	}
	for _, found := range f.Interfaces {
		finding := f.judge(found)
		if f.Subject.Kind != ClusterName || finding.Whose != OursWanted {
			r.Clean = false
		}
		r.Interfaces = append(r.Interfaces, finding)
	}
	slices.SortFunc(r.Interfaces, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Whose), slices.Index(order, b.Whose)), cmp.Compare(a.InterfaceID, b.InterfaceID))
	})
	return r
}

// describe is what is known of an interface before it is judged.
func describe(found eni.FoundInterface) Finding {
	d := Finding{
		InterfaceID: found.ID, Status: "available", SubnetID: found.SubnetID, VPCID: found.VPCID,
		SecurityGroupIDs: found.SecurityGroupIDs, Description: found.Description,
	}
	owner, _ := eni.OwnerOf(found.Tags)
	d.ClusterID, d.ClusterName, d.NodeENI, d.NodeName = owner.ClusterID, owner.ClusterName, owner.NodeENIName, owner.NodeName
	if a := found.Attachment; a != nil {
		d.Status, d.AttachmentID = string(a.Status), a.ID
		if a.InstanceID != "" {
			d.InstanceID, d.Slot = a.InstanceID, a.Slot.String()
		}
	}
	return d
}
