package cloud

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// PutTags adds tags to the interface, or changes their values. Ownership tags may change hands within our
// clusters, but not so that the interface would be ours no longer.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
func (c *Client) PutTags(ctx context.Context, iface eni.Interface, tags map[string]string) error {
	if err := c.ours(createTags, iface); err != nil {
		return err
	}
	after := maps.Clone(iface.Tags)
	maps.Copy(after, tags)
	switch {
	case len(tags) == 0:
		return nil
	case !c.owns(after):
		return refused(createTags, iface.ID, errOwnershipTag)
	}
	_, err := call(ctx, c, request{action: createTags, subject: iface.ID, owned: true}, c.ec2.CreateTags,
		&ec2.CreateTagsInput{Resources: []string{iface.ID}, Tags: tagList(tags)})
	return err
}

// RemoveTags removes tags from the interface, whatever their values. Those by which it is found, and the one
// that keeps the VPC CNI away, cannot be removed.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func (c *Client) RemoveTags(ctx context.Context, iface eni.Interface, keys []string) error {
	if err := c.ours(deleteTags, iface); err != nil {
		return err
	}
	// EC2 takes a call without tags for one that removes them all.
	if len(keys) == 0 {
		return nil
	}
	input := &ec2.DeleteTagsInput{Resources: []string{iface.ID}}
	for _, key := range slices.Sorted(slices.Values(keys)) {
		if strings.HasPrefix(key, eni.TagPrefix) || key == eni.TagNoManage {
			return refused(deleteTags, iface.ID, errOwnershipTag)
		}
		input.Tags = append(input.Tags, types.Tag{Key: aws.String(key)})
	}
	_, err := call(ctx, c, request{action: deleteTags, subject: iface.ID, owned: true}, c.ec2.DeleteTags, input)
	return err
}
