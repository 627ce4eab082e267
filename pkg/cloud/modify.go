package cloud

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// SetDeleteOnTermination says whether EC2 deletes the interface with the instance that it is attached to.
// The flag belongs to the attachment and starts at false with each attach.
func (c *Client) SetDeleteOnTermination(ctx context.Context, iface eni.Interface, attachmentID string, value bool) error {
	if attachmentID == "" {
		return refused(modifyInterfaceAttribute, iface.ID, errNoAttachment)
	}
	return c.modify(ctx, urgent, iface, ec2.ModifyNetworkInterfaceAttributeInput{Attachment: &types.NetworkInterfaceAttachmentChanges{
		AttachmentId:        aws.String(attachmentID),
		DeleteOnTermination: aws.Bool(value),
	}})
}

// SetSecurityGroups replaces all security groups of the interface.
func (c *Client) SetSecurityGroups(ctx context.Context, iface eni.Interface, groups []string) error {
	if len(groups) == 0 {
		return refused(modifyInterfaceAttribute, iface.ID, errNoGroups)
	}
	return c.modify(ctx, urgencyOf(ctx), iface, ec2.ModifyNetworkInterfaceAttributeInput{Groups: slices.Sorted(slices.Values(groups))})
}

// SetDescription changes the description of the interface.
func (c *Client) SetDescription(ctx context.Context, iface eni.Interface, description string) error {
	return c.modify(ctx, urgencyOf(ctx), iface, ec2.ModifyNetworkInterfaceAttributeInput{
		Description: &types.AttributeValue{Value: aws.String(description)},
	})
}

// urgencyOf serves what something else has changed before what a person has edited: of the latter there is one for each
// node at once, and nothing is wrong meanwhile.
func urgencyOf(ctx context.Context) urgency {
	if eni.IsEdit(ctx) {
		return patient
	}
	return usual
}

// modify changes one attribute: EC2 takes one a call.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html
func (c *Client) modify(ctx context.Context, how urgency, iface eni.Interface, input ec2.ModifyNetworkInterfaceAttributeInput) error {
	if err := c.ours(modifyInterfaceAttribute, iface); err != nil {
		return err
	}
	input.NetworkInterfaceId = aws.String(iface.ID)
	_, err := call(ctx, c, request{action: modifyInterfaceAttribute, subject: iface.ID, owned: true, how: how},
		c.ec2.ModifyNetworkInterfaceAttribute, &input)
	return err
}
