package eni

import (
	"strconv"
	"strings"
)

// Ownership tags. All are in the CreateNetworkInterface call itself, and none of their values changes
// between two tries of one create.
const (
	TagPrefix      = "networking.k8s.aws/"
	TagClusterID   = TagPrefix + "cluster-id"
	TagClusterName = TagPrefix + "cluster-name"
	TagNodeENIUID  = TagPrefix + "nodeeni-uid"
	TagNodeENIName = TagPrefix + "nodeeni-name"
	TagNodeName    = TagPrefix + "node-name"
	TagInstanceID  = TagPrefix + "instance-id"
	TagSlot        = TagPrefix + "slot"

	// TagName is the tag that the EC2 console shows as the interface's name.
	TagName = "Name"
	// TagNoManage keeps the Amazon VPC CNI from adopting the interface. It must be there from the create
	// call on, with exactly the value "true".
	// Source: https://github.com/aws/amazon-vpc-cni-k8s (README, "ENI tags related to Allocation")
	TagNoManage = "node.k8s.amazonaws.com/no_manage"

	// TagCNIInstance is what the Amazon VPC CNI knows its own interfaces by.
	// Source: https://github.com/aws/amazon-vpc-cni-k8s (README, "ENI tags related to Allocation")
	TagCNIInstance = "node.k8s.amazonaws.com/instance_id"

	maxTagValue = 256
)

// Owner is what the ownership tags of an interface say.
type Owner struct {
	ClusterID   string
	ClusterName string
	NodeENIUID  string
	NodeENIName string
	NodeName    string
	InstanceID  string
	Slot        Slot
}

// Tags is the whole of what the controller puts on an interface for itself: the ownership tags, the
// Name and the mark that keeps the VPC CNI away.
func (o Owner) Tags() map[string]string {
	return map[string]string{
		TagClusterID:   o.ClusterID,
		TagClusterName: o.ClusterName,
		TagNodeENIUID:  o.NodeENIUID,
		TagNodeENIName: o.NodeENIName,
		TagNodeName:    o.NodeName,
		TagInstanceID:  o.InstanceID,
		TagSlot:        o.Slot.String(),
		TagName:        o.Name(),
		TagNoManage:    "true",
	}
}

// Name is the value of TagName.
func (o Owner) Name() string { return truncate(o.NodeENIName+"/"+o.NodeName, maxTagValue) }

// OwnerOf reads the ownership tags. It reports false unless there are both a cluster ID and a NodeENI
// UID: such an interface is nobody's business of ours. Other tags may be missing or malformed when
// somebody edited them; a malformed slot reads as the slot 0-0, which is never wanted.
func OwnerOf(tags map[string]string) (Owner, bool) {
	return OwnerFrom(func(key string) string { return tags[key] })
}

// OwnerFrom is OwnerOf for tags that are no map: tag returns the value of one, empty when there is none.
func OwnerFrom(tag func(key string) string) (Owner, bool) {
	owner := Owner{
		ClusterID:   tag(TagClusterID),
		ClusterName: tag(TagClusterName),
		NodeENIUID:  tag(TagNodeENIUID),
		NodeENIName: tag(TagNodeENIName),
		NodeName:    tag(TagNodeName),
		InstanceID:  tag(TagInstanceID),
		Slot:        parseSlot(tag(TagSlot)),
	}
	return owner, owner.ClusterID != "" && owner.NodeENIUID != ""
}

func parseSlot(value string) Slot {
	card, index, found := strings.Cut(value, "-")
	if !found {
		return Slot{}
	}
	c, errCard := strconv.ParseInt(card, 10, 32)
	i, errIndex := strconv.ParseInt(index, 10, 32)
	if errCard != nil || errIndex != nil || c < 0 || i < 0 {
		return Slot{}
	}
	return Slot{Card: int32(c), Index: int32(i)}
}

// truncate cuts s to at most limit characters, as EC2 counts them, never inside one.
func truncate(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit])
}
