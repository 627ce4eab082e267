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

// ListInterfaces lists the interfaces with one of the cluster IDs and, unless nodeENIUIDs is nil, one of the
// NodeENI UIDs in their tags; it shows others too when a UID is too long to ask for. The list is complete, or there is
// an error.
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
	for _, uids := range chunks(nodeENIUIDs, max(1, filterValues-len(clusterIDs))) {
		some, err := c.interfaces(ctx, several("NodeENIs", uids), byCluster, filter("tag:"+eni.TagNodeENIUID, uids...))
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
	r := request{action: describeNetworkInterfaces, subject: subject}
	err := allPages(r, func(token *string) (*string, error) {
		began := time.Now()
		out, err := call(ctx, c, r, c.ec2.DescribeNetworkInterfaces, &ec2.DescribeNetworkInterfacesInput{
			Filters: filters, MaxResults: aws.Int32(pageSize), NextToken: token,
		})
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
			all = append(all, iface)
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
