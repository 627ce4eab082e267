package cloud

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// DescribeInstances describes instances by ID, with the limits of their types. Those that EC2 does not
// know are left out.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
func (c *Client) DescribeInstances(ctx context.Context, ids []string) ([]eni.Instance, error) {
	var all []eni.Instance
	for _, chunk := range chunks(ids, idsPerCall) {
		some, err := c.instancesByID(ctx, chunk)
		if unknownInstance(err) {
			some, err = c.instancesByFilter(ctx, chunk)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	if err := c.setLimits(ctx, all); err != nil {
		return nil, err
	}
	return all, nil
}

// unknownInstance reports whether EC2 refused a list of IDs because of one of them.
func unknownInstance(err error) bool {
	var e *eni.Error
	return errors.As(err, &e) &&
		(strings.EqualFold(e.Code, "InvalidInstanceID.NotFound") || strings.EqualFold(e.Code, "InvalidInstanceID.Malformed"))
}

// instancesByID asks with a list of IDs, the form that costs EC2 least; it allows no MaxResults.
func (c *Client) instancesByID(ctx context.Context, ids []string) ([]eni.Instance, error) {
	return c.instances(ctx, several("instances", ids), ec2.DescribeInstancesInput{InstanceIds: ids})
}

// instancesByFilter asks with filters, which pass over IDs that do not exist.
func (c *Client) instancesByFilter(ctx context.Context, ids []string) ([]eni.Instance, error) {
	var all []eni.Instance
	for _, chunk := range chunks(filterable(ids), filterValues) {
		input := ec2.DescribeInstancesInput{MaxResults: aws.Int32(pageSize)}
		input.Filters = append(input.Filters, filter("instance-id", chunk...))
		some, err := c.instances(ctx, several("instances", chunk), input)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

func (c *Client) instances(ctx context.Context, subject string, input ec2.DescribeInstancesInput) ([]eni.Instance, error) {
	var all []eni.Instance
	r := request{action: describeInstances, subject: subject}
	err := allPages(r, func(token *string) (*string, error) {
		input.NextToken = token
		out, err := call(ctx, c, r, c.ec2.DescribeInstances, &input)
		if err != nil {
			return nil, err
		}
		for _, reservation := range out.Reservations {
			for _, in := range reservation.Instances {
				all = append(all, instanceFrom(in))
			}
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}
