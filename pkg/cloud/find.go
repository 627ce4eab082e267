package cloud

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Property is what FindInterfaces finds interfaces by.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
type Property string

// The properties.
const (
	BySecurityGroup Property = "group-id"
	BySubnet        Property = "subnet-id"
	ByVPC           Property = "vpc-id"
	ByClusterName   Property = "tag:" + eni.TagClusterName
	ByClusterID     Property = "tag:" + eni.TagClusterID
)

// FindInterfaces lists everybody's interfaces that have the property, for reading: what it shows may be changed no
// more than before. The list is complete, or there is an error.
func (c *Client) FindInterfaces(ctx context.Context, by Property, value string) ([]eni.FoundInterface, error) {
	var all []eni.FoundInterface
	input := ec2.DescribeNetworkInterfacesInput{
		Filters: []types.Filter{filter(string(by), value)},
		// An account may hide what AWS operates in it; that holds a subnet or a security group all the same.
		IncludeManagedResources: aws.Bool(true),
	}
	err := c.eachInterface(ctx, value, input, func(in types.NetworkInterface, iface eni.Interface) {
		found := eni.FoundInterface{Interface: iface, Type: string(in.InterfaceType), Requester: aws.ToString(in.RequesterId)}
		if in.Operator != nil && aws.ToBool(in.Operator.Managed) {
			found.Operator = aws.ToString(in.Operator.Principal)
		}
		all = append(all, found)
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// Region is where the client looks.
func (c *Client) Region() string { return c.ec2.Options().Region }
