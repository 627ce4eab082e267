package cloud

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// codeDryRun is EC2's answer to a dry run of what would be allowed.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
const codeDryRun = "DryRunOperation"

const (
	// probePage is the least that a page may be asked to hold.
	probePage = 5
	// probeTag is a tag that no interface bears, for the dry run of a removal.
	probeTag = "multi-eni-controller-preflight"
)

var errNoProbe = errors.New("no call that can be asked about")

// Probe asks EC2 whether it would allow a call, by a dry run of it: nil when it would. It waits for no token, so that
// it keeps nobody waiting who has to be served; if there is one it takes it, since EC2 counts dry runs as well. Only interfaces of ours are asked about, and what is asked for would, as
// far as possible, change nothing.
func (c *Client) Probe(ctx context.Context, p eni.Probe) error {
	switch p.Call {
	case eni.ProbeDescribeInterfaces:
		return probe(ctx, c, request{action: describeNetworkInterfaces}, c.ec2.DescribeNetworkInterfaces,
			&ec2.DescribeNetworkInterfacesInput{DryRun: aws.Bool(true), MaxResults: aws.Int32(probePage)})
	case eni.ProbeDescribeInstances:
		return probe(ctx, c, request{action: describeInstances}, c.ec2.DescribeInstances,
			&ec2.DescribeInstancesInput{DryRun: aws.Bool(true), MaxResults: aws.Int32(probePage)})
	case eni.ProbeDescribeInstanceTypes:
		return probe(ctx, c, request{action: describeInstanceTypes}, c.ec2.DescribeInstanceTypes,
			&ec2.DescribeInstanceTypesInput{DryRun: aws.Bool(true), MaxResults: aws.Int32(probePage)})
	case eni.ProbeDescribeSubnets:
		return probe(ctx, c, request{action: describeSubnets}, c.ec2.DescribeSubnets,
			&ec2.DescribeSubnetsInput{DryRun: aws.Bool(true), MaxResults: aws.Int32(probePage)})
	case eni.ProbeCreate:
		return c.probeCreate(ctx, p.Create)
	}
	return c.probeInterface(ctx, p)
}

func (c *Client) probeCreate(ctx context.Context, req eni.CreateRequest) error {
	r := request{action: createNetworkInterface, subject: req.SubnetID}
	if !c.owns(req.Tags) {
		return notOurs(r.action, r.subject)
	}
	input := createInput(req)
	input.DryRun = aws.Bool(true)
	return probe(ctx, c, r, c.ec2.CreateNetworkInterface, input)
}

// probeInterface asks about a call on an interface of ours.
func (c *Client) probeInterface(ctx context.Context, p eni.Probe) error {
	id, dry := aws.String(p.Interface.ID), aws.Bool(true)
	on := func(action string) request { return request{action: action, subject: p.Interface.ID, owned: true} }
	if err := c.ours(string(p.Call), p.Interface); err != nil {
		return err
	}
	attachment := p.Interface.Attachment
	switch p.Call {
	case eni.ProbeAttach:
		return probe(ctx, c, on(attachNetworkInterface), c.ec2.AttachNetworkInterface, &ec2.AttachNetworkInterfaceInput{
			DryRun: dry, NetworkInterfaceId: id, InstanceId: aws.String(p.InstanceID),
			NetworkCardIndex: aws.Int32(p.Slot.Card), DeviceIndex: aws.Int32(p.Slot.Index),
		})
	case eni.ProbeDelete:
		return probe(ctx, c, on(deleteNetworkInterface), c.ec2.DeleteNetworkInterface, &ec2.DeleteNetworkInterfaceInput{DryRun: dry, NetworkInterfaceId: id})
	case eni.ProbeSetGroups:
		return probe(ctx, c, on(modifyInterfaceAttribute), c.ec2.ModifyNetworkInterfaceAttribute, &ec2.ModifyNetworkInterfaceAttributeInput{
			DryRun: dry, NetworkInterfaceId: id, Groups: p.Interface.SecurityGroupIDs,
		})
	case eni.ProbePutTags, eni.ProbeAdopt, eni.ProbeRemoveTags:
		return c.probeTags(ctx, p)
	}
	if attachment == nil || attachment.ID == "" {
		return refused(string(p.Call), p.Interface.ID, errNoAttachment)
	}
	switch p.Call {
	case eni.ProbeSetFlag:
		return probe(ctx, c, on(modifyInterfaceAttribute), c.ec2.ModifyNetworkInterfaceAttribute, &ec2.ModifyNetworkInterfaceAttributeInput{
			DryRun: dry, NetworkInterfaceId: id, Attachment: &types.NetworkInterfaceAttachmentChanges{
				AttachmentId: aws.String(attachment.ID), DeleteOnTermination: aws.Bool(attachment.DeleteOnTermination),
			},
		})
	case eni.ProbeDetach:
		return probe(ctx, c, on(detachNetworkInterface), c.ec2.DetachNetworkInterface, &ec2.DetachNetworkInterfaceInput{DryRun: dry, AttachmentId: aws.String(attachment.ID)})
	}
	return refused(string(p.Call), p.Interface.ID, errNoProbe)
}

// probeTags asks about setting tags to what they are, and about removing one that is not there.
func (c *Client) probeTags(ctx context.Context, p eni.Probe) error {
	r, dry := request{action: createTags, subject: p.Interface.ID, owned: true}, aws.Bool(true)
	key := eni.TagName
	switch p.Call {
	case eni.ProbeRemoveTags:
		r.action = deleteTags
		return probe(ctx, c, r, c.ec2.DeleteTags, &ec2.DeleteTagsInput{
			DryRun: dry, Resources: []string{r.subject}, Tags: []types.Tag{{Key: aws.String(probeTag)}},
		})
	case eni.ProbeAdopt:
		key = eni.TagNodeENIUID
	}
	return probe(ctx, c, r, c.ec2.CreateTags, &ec2.CreateTagsInput{
		DryRun: dry, Resources: []string{r.subject}, Tags: tagList(map[string]string{key: p.Interface.Tags[key]}),
	})
}

// probe makes one attempt at a dry run, whose input says that it is one.
func probe[In, Out any](ctx context.Context, c *Client, r request, do operation[In, Out], input In) error {
	r.dry = true
	_, err := call(ctx, c, r, do, input)
	answer, failed := errors.AsType[*eni.Error](err)
	switch {
	case err == nil:
		return &eni.Error{Kind: eni.KindUnknownOutcome, Operation: r.action, Subject: r.subject, Err: eni.ErrCarriedOut}
	case failed && answer.Code == codeDryRun:
		return nil
	}
	return err
}
