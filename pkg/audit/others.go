package audit

import (
	"fmt"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Marks of others.
const (
	// The community's NodeENI controller puts these on what it makes.
	// Source: https://github.com/johnlam90/aws-multi-eni-controller
	tagCommunity        = "kubernetes.io/cluster/managed-by"
	communityValue      = "nodeeni-controller"
	tagCommunityNodeENI = "NodeENI"
	tagCommunityNode    = "Node"

	// The VPC CNI puts this beside eni.TagCNIInstance on newer interfaces of its own; its value tells it from the VPC
	// resource controller.
	// Source: https://github.com/aws/amazon-vpc-cni-k8s
	tagEKSOwner = "eks:eni:owner"
)

// judge says whose an interface is. The order matters: what AWS manages nobody else may touch, and tags of ours speak
// before anybody's.
func (f *Facts) judge(found eni.FoundInterface) Finding {
	d := describe(found)
	_, owned := eni.OwnerOf(found.Tags)
	switch {
	case found.RequesterManaged || found.Operator != "":
		return judgeAWS(d, found)
	case f.ours(found.Tags):
		return f.judgeOurs(d, found)
	case owned:
		return f.judgeOtherCluster(d)
	case marked(found.Tags):
		return judgeTagsLost(d)
	case found.Tags[tagCommunity] == communityValue:
		return judgeCommunity(d, found.Tags)
	case found.Attachment != nil && found.Attachment.InstanceID != "" && found.Attachment.Slot == eni.Slot{}:
		d.Whose = Instance
		d.Why = "it is the primary interface of instance " + d.InstanceID + ", and goes with it"
		d.Next = showInstance(d)
		return d
	case found.Tags[eni.TagCNIInstance] != "" || found.Tags[tagEKSOwner] != "":
		return judgeCNI(d, found.Tags)
	}
	return judgeNobody(d)
}

// marked reports whether there is any tag of ours.
func marked(tags map[string]string) bool {
	for key := range tags {
		if strings.HasPrefix(key, eni.TagPrefix) {
			return true
		}
	}
	return false
}

func (f *Facts) judgeOtherCluster(d Finding) Finding {
	d.Whose = OtherCluster
	d.Why = fmt.Sprintf("made in cluster %s (ID %s) for NodeENI %s on Node %s", d.ClusterName, d.ClusterID, d.NodeENI, d.NodeName)
	if f.Identity.ID == "" && f.Identity.Name == "" {
		d.Why += "; nobody said which cluster is ours"
	}
	d.Next = askCluster(Subject{ClusterName, d.ClusterName})
	return d
}

func judgeTagsLost(d Finding) Finding {
	d.Whose = OursTagsLost
	d.Why = "it lost " + eni.TagClusterID + " or " + eni.TagNodeENIUID + ", without which no controller touches it; tag it again, or remove it"
	d.Next = remove(d)
	return d
}

func judgeCommunity(d Finding, tags map[string]string) Finding {
	d.Whose, d.NodeENI, d.NodeName = CommunityController, tags[tagCommunityNodeENI], tags[tagCommunityNode]
	d.Why = fmt.Sprintf("made by the community controller for NodeENI %s on Node %s; this controller never touches it, and once that one is gone a person has to", d.NodeENI, d.NodeName)
	d.Next = remove(d)
	return d
}

func judgeCNI(d Finding, tags map[string]string) Finding {
	d.Whose = VPCCNI
	name := "the VPC CNI"
	if tags[tagEKSOwner] == "eks-vpc-resource-controller" {
		name = "the VPC resource controller"
	}
	if d.InstanceID == "" && d.Status == "available" {
		d.Why = name + " made it for pods and left it behind"
		d.Next = remove(d)
		return d
	}
	d.Why = fmt.Sprintf("%s holds it for pods on instance %s, and it goes with that", name, d.InstanceID)
	d.Next = showInstance(d)
	if d.InstanceID == "" {
		d.Next = showInterface(d)
	}
	return d
}

func judgeNobody(d Finding) Finding {
	d.Whose = Nobody
	if d.Status == "available" {
		d.Why = "it is attached to nothing, and no tag that is known here tells whose it is: ask around before you delete it"
		d.Next = remove(d)
		return d
	}
	d.Why = "no tag that is known here tells whose it is; it is attached"
	if d.InstanceID != "" {
		d.Why += " to instance " + d.InstanceID
	}
	d.Next = showInterface(d)
	return d
}
