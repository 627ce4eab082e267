package cloud

import (
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// statusPending is what EC2 may answer to a create. It is not in the SDK's list of values.
const statusPending types.NetworkInterfaceStatus = "pending"

// interfaceFrom translates an interface as EC2 describes it.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html
func interfaceFrom(in types.NetworkInterface) eni.Interface {
	return eni.Interface{
		ID:               aws.ToString(in.NetworkInterfaceId),
		SubnetID:         word(in.SubnetId),
		VPCID:            word(in.VpcId),
		Zone:             word(in.AvailabilityZone),
		Description:      word(in.Description),
		MAC:              aws.ToString(in.MacAddress),
		PrivateIP:        aws.ToString(in.PrivateIpAddress),
		SecurityGroupIDs: groupsFrom(in.Groups),
		Tags:             tagsFrom(in.TagSet),
		RequesterManaged: aws.ToBool(in.RequesterManaged),
		Attachment:       attachmentFrom(in.Status, in.Attachment),
	}
}

// attachmentFrom is nil only for an interface that is attached to nothing. EC2 may show one in use and
// leave its attachment out for a moment: that is unknown, not free.
// Source: https://github.com/aws/amazon-vpc-cni-k8s/issues/914
func attachmentFrom(status types.NetworkInterfaceStatus, in *types.NetworkInterfaceAttachment) *eni.Attachment {
	if in == nil || in.Status == types.AttachmentStatusDetached {
		if status == types.NetworkInterfaceStatusAvailable || status == statusPending || in != nil {
			return nil
		}
		return &eni.Attachment{Status: eni.UnknownAttachment}
	}
	return &eni.Attachment{
		ID:                  aws.ToString(in.AttachmentId),
		InstanceID:          word(in.InstanceId),
		Slot:                eni.Slot{Card: aws.ToInt32(in.NetworkCardIndex), Index: aws.ToInt32(in.DeviceIndex)},
		Status:              statusFrom(in.Status),
		DeleteOnTermination: aws.ToBool(in.DeleteOnTermination),
	}
}

// statusFrom takes a status that we do not know for one of transition.
func statusFrom(status types.AttachmentStatus) eni.AttachmentStatus {
	switch status {
	case types.AttachmentStatusAttaching, types.AttachmentStatusAttached, types.AttachmentStatusDetaching:
		return eni.AttachmentStatus(status)
	}
	return eni.UnknownAttachment
}

func groupsFrom(in []types.GroupIdentifier) []string {
	out := make([]string, 0, len(in))
	for _, g := range in {
		out = append(out, word(g.GroupId))
	}
	slices.Sort(out)
	return out
}

func tagsFrom(in []types.Tag) map[string]string {
	out := make(map[string]string, len(in))
	for _, t := range in {
		if key := word(t.Key); key == eni.TagName {
			out[key] = aws.ToString(t.Value) // which no other interface bears
		} else {
			out[key] = word(t.Value)
		}
	}
	return out
}

// tagList is sorted, so that one create repeated is the same request to the last byte.
func tagList(tags map[string]string) []types.Tag {
	out := make([]types.Tag, 0, len(tags))
	keys := slices.AppendSeq(make([]string, 0, len(tags)), maps.Keys(tags))
	slices.Sort(keys)
	for _, key := range keys {
		out = append(out, types.Tag{Key: aws.String(key), Value: aws.String(tags[key])})
	}
	return out
}

// instanceFrom translates an instance; limits come from its type.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
func instanceFrom(in types.Instance) eni.Instance {
	out := eni.Instance{
		ID:             word(in.InstanceId),
		Type:           shared.same(string(in.InstanceType)),
		VPCID:          word(in.VpcId),
		SubnetID:       word(in.SubnetId),
		PrivateIP:      aws.ToString(in.PrivateIpAddress),
		PrivateDNSName: aws.ToString(in.PrivateDnsName),
	}
	if in.Placement != nil {
		out.Zone = word(in.Placement.AvailabilityZone)
	}
	if in.State != nil {
		out.State = eni.InstanceState(in.State.Name)
	}
	for _, nested := range in.NetworkInterfaces {
		if i, ok := nestedFrom(nested); ok {
			out.Interfaces = append(out.Interfaces, i)
		}
	}
	return out
}

// nestedFrom translates an interface as DescribeInstances nests it; false for one that is detached.
func nestedFrom(in types.InstanceNetworkInterface) (eni.InstanceInterface, bool) {
	out := eni.InstanceInterface{
		ID:          aws.ToString(in.NetworkInterfaceId),
		Description: word(in.Description),
		OwnerID:     word(in.OwnerId),
		Status:      eni.UnknownAttachment,
	}
	if at := in.Attachment; at != nil {
		out.Slot = eni.Slot{Card: aws.ToInt32(at.NetworkCardIndex), Index: aws.ToInt32(at.DeviceIndex)}
		out.Status = statusFrom(at.Status)
		return out, at.Status != types.AttachmentStatusDetached
	}
	return out, true
}

// subnetFrom translates a subnet.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Subnet.html
func subnetFrom(in types.Subnet) eni.Subnet {
	return eni.Subnet{
		ID:            word(in.SubnetId),
		VPCID:         word(in.VpcId),
		Zone:          word(in.AvailabilityZone),
		CIDR:          aws.ToString(in.CidrBlock),
		FreeAddresses: aws.ToInt32(in.AvailableIpAddressCount),
	}
}
