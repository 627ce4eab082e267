package cloud

import (
	"slices"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Everybody's interfaces are found, those of AWS services too, even where the account hides them.
func TestFindInterfaces(t *testing.T) {
	at := ec2sim.Exactly(0)
	sim, err := ec2sim.New(ec2sim.World{
		Subnets:        []ec2sim.Subnet{{ID: simSubnet, VPC: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/24"}},
		SecurityGroups: []ec2sim.SecurityGroup{{ID: simGroup, VPC: "vpc-1", Name: "one"}, {ID: simGroup2, VPC: "vpc-1", Name: "two"}},
		Interfaces: []ec2sim.Interface{
			{ID: "eni-0aaaaaaaaaaaaaaa1", Subnet: simSubnet, SecurityGroups: []string{simGroup, simGroup2}},
			{ID: "eni-0aaaaaaaaaaaaaaa2", Subnet: simSubnet, SecurityGroups: []string{simGroup2}, Tags: map[string]string{eni.TagClusterName: "prod*"}},
			{ID: "eni-0aaaaaaaaaaaaaaa3", Subnet: simSubnet, SecurityGroups: []string{simGroup}, Type: "natGateway", Requester: "amazon-nat"},
			{ID: "eni-0aaaaaaaaaaaaaaa4", Subnet: simSubnet, SecurityGroups: []string{simGroup}, Operator: "eks.amazonaws.com"},
		},
		Latency:  ec2sim.Latency{Call: at, Attach: at, Detach: at},
		Variants: ec2sim.Variants{ManagedResources: "hidden"},
	}, ec2sim.Options{Clock: ec2sim.NewVirtualClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	c := NewFromConfig(configFor(sim.Transport()), Options{})
	for _, test := range []struct {
		by    Property
		value string
		want  []string // the last digits
	}{
		{BySecurityGroup, simGroup, []string{"1", "3", "4"}},
		{BySecurityGroup, simGroup2, []string{"1", "2"}},
		{BySubnet, simSubnet, []string{"1", "2", "3", "4"}},
		{BySubnet, "subnet-0fffffffffffffff0", nil},
		{ByVPC, "vpc-1", []string{"1", "2", "3", "4"}},
		{ByClusterName, "prod*", []string{"2"}},
		{ByClusterName, "pro*", nil}, // it is a name, no pattern
	} {
		found, err := c.FindInterfaces(t.Context(), test.by, test.value)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range found {
			got = append(got, f.ID[len(f.ID)-1:])
			switch f.ID {
			case "eni-0aaaaaaaaaaaaaaa3":
				if f.Type != "natGateway" || f.Requester != "amazon-nat" || !f.RequesterManaged {
					t.Errorf("of a NAT gateway: %+v", f)
				}
			case "eni-0aaaaaaaaaaaaaaa4":
				if f.Operator != "eks.amazonaws.com" || f.RequesterManaged {
					t.Errorf("operated by EKS: %+v", f)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%s=%s: %v, want %v", test.by, test.value, got, test.want)
		}
	}
	if c.Region() != "us-east-1" {
		t.Errorf("region %q", c.Region())
	}
}
