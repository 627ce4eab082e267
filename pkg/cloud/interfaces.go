package cloud

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

var errNoCluster = errors.New("no cluster ID: the list would be of everybody's interfaces")

// ListInterfaces lists the interfaces with one of the cluster IDs in their tags, or, unless nodeENIUIDs is nil, those with
// one of the NodeENI UIDs, whatever their cluster: that tag may be lost. When a UID is too long to ask for, it is the
// cluster's interfaces after all. The list is complete, or there is an error.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func (c *Client) ListInterfaces(ctx context.Context, clusterIDs, nodeENIUIDs []string) ([]eni.Interface, error) {
	if len(clusterIDs) == 0 {
		return nil, refused(describeNetworkInterfaces, "", errNoCluster)
	}
	byCluster := filter("tag:"+eni.TagClusterID, clusterIDs...)
	if nodeENIUIDs == nil || len(filterable(nodeENIUIDs)) < len(nodeENIUIDs) {
		all, err := c.interfaces(ctx, several("clusters", clusterIDs), byCluster)
		if err == nil {
			c.described.prune(time.Now())
			c.handover.listed(c.limiter)
		}
		return all, err
	}
	var all []eni.Interface
	for _, uids := range chunks(nodeENIUIDs, filterValues) {
		some, err := c.interfaces(ctx, several("NodeENIs", uids), filter("tag:"+eni.TagNodeENIUID, uids...))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// DescribeInterfaces describes interfaces by ID. Those that EC2 does not know are left out. It filters, as
// a list of IDs fails altogether when one is unknown.
func (c *Client) DescribeInterfaces(ctx context.Context, ids []string) ([]eni.Interface, error) {
	var all []eni.Interface
	for _, chunk := range chunks(filterable(ids), filterValues) {
		some, err := c.interfaces(ctx, several("interfaces", chunk), filter("network-interface-id", chunk...))
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// interfaces describes all interfaces that the filters let through.
func (c *Client) interfaces(ctx context.Context, subject string, filters ...types.Filter) ([]eni.Interface, error) {
	var all []eni.Interface
	err := c.eachInterface(ctx, subject, ec2.DescribeNetworkInterfacesInput{Filters: filters}, func(_ types.NetworkInterface, iface eni.Interface) {
		all = append(all, iface)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// eachInterface visits all interfaces that the input asks for, as EC2 describes them and translated.
func (c *Client) eachInterface(ctx context.Context, subject string, input ec2.DescribeNetworkInterfacesInput, visit func(types.NetworkInterface, eni.Interface)) error {
	r := request{action: describeNetworkInterfaces, subject: subject}
	input.MaxResults = aws.Int32(pageSize)
	return allPages(r, func(token *string) (*string, error) {
		began := time.Now()
		input.NextToken = token
		out, err := call(ctx, c, r, c.ec2.DescribeNetworkInterfaces, &input)
		if err != nil {
			return nil, err
		}
		for _, in := range out.NetworkInterfaces {
			iface := interfaceFrom(in)
			ours := c.owns(iface.Tags) && !iface.RequesterManaged
			c.described.show(began, iface.ID, ours)
			if ours {
				c.handover.shown(began, &in)
			}
			visit(in, iface)
		}
		return out.NextToken, nil
	})
}
