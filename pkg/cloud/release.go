package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// DetachInterface begins to detach an interface of ours, not by force. confirm is called with the
// rate-limit token in hand, right before the call; if it returns an error, the call is not made.
func (c *Client) DetachInterface(ctx context.Context, iface eni.Interface, confirm func(context.Context) error) error {
	return c.detach(ctx, iface, false, confirm)
}

// ForceDetachInterface is DetachInterface by force, also of what is being detached already.
func (c *Client) ForceDetachInterface(ctx context.Context, iface eni.Interface, confirm func(context.Context) error) error {
	return c.detach(ctx, iface, true, confirm)
}

// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachNetworkInterface.html
func (c *Client) detach(ctx context.Context, iface eni.Interface, force bool, confirm func(context.Context) error) error {
	r := request{action: detachNetworkInterface, subject: iface.ID, owned: true, confirm: confirm}
	if err := c.mayTake(r, iface); err != nil {
		return err
	}
	if iface.Attachment == nil || iface.Attachment.ID == "" {
		return refused(r.action, r.subject, errNoAttachment)
	}
	input := &ec2.DetachNetworkInterfaceInput{AttachmentId: aws.String(iface.Attachment.ID)}
	if force {
		input.Force = aws.Bool(true)
	}
	_, err := call(ctx, c, r, c.ec2.DetachNetworkInterface, input)
	return err
}

// DeleteInterface deletes an interface of ours, which must be available. confirm is as for DetachInterface.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteNetworkInterface.html
func (c *Client) DeleteInterface(ctx context.Context, iface eni.Interface, confirm func(context.Context) error) error {
	r := request{action: deleteNetworkInterface, subject: iface.ID, owned: true, confirm: confirm}
	if err := c.mayTake(r, iface); err != nil {
		return err
	}
	_, err := call(ctx, c, r, c.ec2.DeleteNetworkInterface, &ec2.DeleteNetworkInterfaceInput{
		NetworkInterfaceId: aws.String(iface.ID),
	})
	return err
}

// mayTake is for the calls that take an interface from somebody.
func (c *Client) mayTake(r request, iface eni.Interface) error {
	if r.confirm == nil {
		return refused(r.action, r.subject, errNoConfirm)
	}
	return c.ours(r.action, iface)
}
