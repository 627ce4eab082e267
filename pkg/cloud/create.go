package cloud

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

var errNoID = errors.New("EC2's answer bears no ID")

// CreateInterface creates an interface with its tags in the same call, so that there is no moment in which
// it exists and nobody could find it. Without ownership tags of ours, or without a client token, the call
// is not made.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkInterface.html
func (c *Client) CreateInterface(ctx context.Context, req eni.CreateRequest) (eni.Interface, error) {
	r := request{action: createNetworkInterface, subject: req.SubnetID}
	switch {
	case !c.owns(req.Tags):
		return eni.Interface{}, notOurs(r.action, r.subject)
	case req.ClientToken == "":
		return eni.Interface{}, refused(r.action, r.subject, errNoToken)
	case len(req.SecurityGroupIDs) == 0:
		return eni.Interface{}, refused(r.action, r.subject, errNoGroups)
	}
	began := time.Now()
	out, err := call(ctx, c, r, c.ec2.CreateNetworkInterface, createInput(req))
	if err != nil {
		return eni.Interface{}, err
	}
	if out.NetworkInterface == nil || aws.ToString(out.NetworkInterface.NetworkInterfaceId) == "" {
		return eni.Interface{}, withoutID(r)
	}
	created := interfaceFrom(*out.NetworkInterface)
	if !c.owns(created.Tags) {
		// Interface and tags are made together or not at all, so an answer without them is just short.
		created.Tags = req.Tags
	}
	c.described.made(began, created.ID)
	return created, nil
}

// createInput is the same to the last byte for the same request, as the client token demands.
func createInput(req eni.CreateRequest) *ec2.CreateNetworkInterfaceInput {
	input := &ec2.CreateNetworkInterfaceInput{
		SubnetId:    aws.String(req.SubnetID),
		Groups:      slices.Sorted(slices.Values(req.SecurityGroupIDs)),
		ClientToken: aws.String(req.ClientToken),
		TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeNetworkInterface,
			Tags:         tagList(req.Tags),
		}},
	}
	if req.Description != "" {
		input.Description = aws.String(req.Description)
	}
	return input
}

// AttachInterface attaches an interface of ours at a slot. The network card is always sent, also card 0:
// without it EC2 has looked for the device index on all cards.
// Sources: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachNetworkInterface.html,
// https://github.com/cilium/cilium/issues/42512
func (c *Client) AttachInterface(ctx context.Context, iface eni.Interface, instanceID string, slot eni.Slot) (attachmentID string, err error) {
	r := request{action: attachNetworkInterface, subject: iface.ID, owned: true}
	if err := c.ours(r.action, iface); err != nil {
		return "", err
	}
	out, err := call(ctx, c, r, c.ec2.AttachNetworkInterface, &ec2.AttachNetworkInterfaceInput{
		NetworkInterfaceId: aws.String(iface.ID),
		InstanceId:         aws.String(instanceID),
		NetworkCardIndex:   aws.Int32(slot.Card),
		DeviceIndex:        aws.Int32(slot.Index),
	})
	if err != nil {
		return "", err
	}
	if aws.ToString(out.AttachmentId) == "" {
		return "", withoutID(r)
	}
	return *out.AttachmentId, nil
}

// withoutID is the error for a success that does not say what came of it.
func withoutID(r request) error {
	return &eni.Error{Kind: eni.KindUnknownOutcome, Operation: r.action, Subject: r.subject, Err: errNoID}
}
