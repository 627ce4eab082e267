package cloud

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// PutTags adds tags to the interface, or changes their values. The ownership tags stay as they are.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateTags.html
func (c *Client) PutTags(ctx context.Context, iface eni.Interface, tags map[string]string) error {
	if err := c.ours(createTags, iface); err != nil {
		return err
	}
	if len(tags) == 0 {
		return nil
	}
	for key := range tags {
		if strings.HasPrefix(key, eni.TagPrefix) {
			return refused(createTags, iface.ID, errOwnershipTag)
		}
	}
	return c.createTags(ctx, request{action: createTags, subject: iface.ID, owned: true}, tags)
}

// AdoptInterface gives an interface of ours to another NodeENI: the only change of an ownership tag that there is,
// and made by itself. confirm is as for DetachInterface.
func (c *Client) AdoptInterface(ctx context.Context, iface eni.Interface, nodeENIUID string, confirm func(context.Context) error) error {
	r := request{action: createTags, subject: iface.ID, owned: true, confirm: confirm}
	if err := c.mayTake(r, iface); err != nil {
		return err
	}
	if nodeENIUID == "" {
		return refused(r.action, r.subject, errNoOwner)
	}
	return c.createTags(ctx, r, map[string]string{eni.TagNodeENIUID: nodeENIUID})
}

// ClaimInterface makes an interface ours that is nobody's, by its tags in one call: the only write to such an interface
// that there is. confirm is called when there is room for the call: it describes the interface then, and has the last word;
// what belongs to a cluster or to an AWS service is refused, whatever it says.
func (c *Client) ClaimInterface(ctx context.Context, id string, tags map[string]string, confirm func(context.Context) (eni.Interface, error)) (eni.Interface, error) {
	r := request{action: createTags, subject: id}
	switch {
	case !c.owns(tags):
		return eni.Interface{}, notOurs(r.action, id)
	case confirm == nil:
		return eni.Interface{}, refused(r.action, id, errNoConfirm)
	}
	var iface eni.Interface
	var refusal error
	var began time.Time
	r.confirm = func(ctx context.Context) error {
		if iface, refusal = confirm(ctx); refusal == nil {
			refusal = unclaimed(r, iface)
		}
		began = time.Now()
		return refusal
	}
	if err := c.createTags(ctx, r, tags); err != nil {
		return eni.Interface{}, cmp.Or(refusal, err)
	}
	all := maps.Clone(tags)
	for key, value := range iface.Tags {
		if _, changed := tags[key]; !changed {
			all[key] = value
		}
	}
	iface.Tags = all
	c.described.show(began, id, true)
	return iface, nil
}

// unclaimed refuses an interface that is somebody's, or another one.
func unclaimed(r request, iface eni.Interface) error {
	if _, owned := eni.OwnerOf(iface.Tags); owned || iface.ID != r.subject || iface.RequesterManaged || iface.Tags[eni.TagCNIInstance] != "" {
		return &eni.Error{Kind: eni.KindNotClaimable, Operation: r.action, Subject: r.subject, Err: errNotUnclaimed}
	}
	return nil
}

func (c *Client) createTags(ctx context.Context, r request, tags map[string]string) error {
	_, err := call(ctx, c, r, c.ec2.CreateTags, &ec2.CreateTagsInput{Resources: []string{r.subject}, Tags: tagList(tags)})
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
