package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// DescribeSubnets describes subnets by ID. Those that EC2 does not know are left out.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeSubnets.html
func (c *Client) DescribeSubnets(ctx context.Context, ids []string) ([]eni.Subnet, error) {
	var all []eni.Subnet
	for _, chunk := range chunks(filterable(ids), filterValues) {
		some, err := c.subnets(ctx, chunk)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (c *Client) subnets(ctx context.Context, ids []string) ([]eni.Subnet, error) {
	var all []eni.Subnet
	r := request{action: describeSubnets, subject: several("subnets", ids)}
	err := allPages(r, func(token *string) (*string, error) {
		out, err := call(ctx, c, r, c.ec2.DescribeSubnets, &ec2.DescribeSubnetsInput{
			Filters: []types.Filter{filter("subnet-id", ids...)}, MaxResults: aws.Int32(pageSize), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, in := range out.Subnets {
			all = append(all, subnetFrom(in))
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
