package ec2sim

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestDescribeInstances(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.attach(l.create(subnetA, more(1), about("second")), node, 0, 3)
	l.settle()
	get := func(in *ec2.DescribeInstancesInput) []types.Instance {
		t.Helper()
		out, err := l.ec2.DescribeInstances(t.Context(), in)
		l.must(err)
		var list []types.Instance
		for _, r := range out.Reservations {
			list = append(list, r.Instances...)
		}
		return list
	}
	one := get(&ec2.DescribeInstancesInput{InstanceIds: []string{node}})[0]
	l.want("the type and zone", string(one.InstanceType)+" "+*one.Placement.AvailabilityZone, "m5.xlarge us-east-1a")
	if len(one.NetworkInterfaces) != 2 || *one.NetworkInterfaces[1].Attachment.DeviceIndex != 3 || *one.NetworkInterfaces[0].PrivateIpAddress != *one.PrivateIpAddress {
		t.Errorf("interfaces are %+v", one.NetworkInterfaces)
	}
	if !*one.NetworkInterfaces[0].Attachment.DeleteOnTermination || *one.NetworkInterfaces[1].Attachment.DeleteOnTermination {
		t.Error("delete-on-termination is wrong: true for a primary, false for the rest")
	}
	for _, f := range []struct {
		name, value string
		want        int
	}{
		{"instance-id", node + "," + nobody, 1},
		{"instance-state-name", "running", 4},
		{"instance-state-code", "80", 1},
		{"instance-type", "m5.*", 3},
		{"private-dns-name", *one.PrivateDnsName, 1},
		{"vpc-id", "vpc-1", 5},
		{"private-ip-address", *one.PrivateIpAddress, 1},
		{"network-interface.network-interface-id", l.eni, 1},
		{"network-interface.attachment.device-index", "3", 1},
		{"availability-zone", "us-east-1b", 0},
		{"instance.group-name", "default", 5},
		{"tag-key", "x", 0},
		{"architecture", "x86_64", 5},
		{"key-name", "k", 0},
		{"tenancy", "default", 5},
		{"hypervisor", "xen", 5},
		{"root-device-type", "ebs", 5},
		{"virtualization-type", "hvm", 5},
		{"launch-time", "2026-01-02T03:04:05.000Z", 5},
		{"reason", "*", 0},
		{"platform", "windows", 0},
		{"network-interface.vpc-id", "vpc-1", 5},
		{"network-interface.status", "in-use", 5},
		{"network-interface.group-id", *one.SecurityGroups[0].GroupId, 5},
		{"network-interface.mac-address", *one.NetworkInterfaces[1].MacAddress, 1},
		{"network-interface.addresses.private-ip-address", *one.NetworkInterfaces[1].PrivateIpAddresses[1].PrivateIpAddress, 1},
		{"network-interface.addresses.primary", "false", 1},
		{"network-interface.description", "second", 1},
		{"network-interface.attachment.instance-id", node, 1},
		{"network-interface.attachment.delete-on-termination", "false", 1},
		{"network-interface.attachment.network-card-index", "0", 5},
	} {
		if got := len(get(&ec2.DescribeInstancesInput{Filters: filtered(f.name, f.value)})); got != f.want {
			t.Errorf("filter %s=%s finds %d instances, want %d", f.name, f.value, got, f.want)
		}
	}
	_, err := l.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{node, "i-0fffffffffffffff0"}})
	if code, _ := outcome(err); code != "InvalidInstanceID.NotFound" {
		t.Errorf("an unknown ID gives %v", err)
	}
}

func describeInstancesRows() []row {
	in := func(in ec2.DescribeInstancesInput) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeInstances(l.Context(), &in)
			n := 0
			if err == nil {
				for _, r := range out.Reservations {
					n += len(r.Instances)
				}
			}
			l.said = n
			return err
		}
	}
	found := func(want int) func(*lab) {
		return func(l *lab) {
			l.Helper()
			if l.said.(int) != want {
				l.Errorf("%d instances, want %d", l.said, want)
			}
		}
	}
	attached := func(l *lab) { l.attached(node, 3) }
	return []row{
		{action: "DescribeInstances", situation: "all", source: docAPI, when: in(ec2.DescribeInstancesInput{}), code: "OK", then: found(5)},
		{action: "DescribeInstances", situation: "by ID", source: docAPI, when: in(ec2.DescribeInstancesInput{InstanceIds: []string{node, small}}), code: "OK", then: found(2)},
		{action: "DescribeInstances", situation: "unknown ID fails all", source: docErrors, when: in(ec2.DescribeInstancesInput{InstanceIds: []string{node, "i-0fffffffffffffff0"}}), code: "InvalidInstanceID.NotFound"},
		{action: "DescribeInstances", situation: "unknown ID in a filter", source: docFilters, when: in(ec2.DescribeInstancesInput{Filters: filtered("instance-id", node+",i-0fffffffffffffff0")}), code: "OK", then: found(1)},
		{action: "DescribeInstances", situation: "malformed ID", source: docErrors, when: in(ec2.DescribeInstancesInput{InstanceIds: []string{"i-xyz"}}), code: "InvalidInstanceID.Malformed"},
		{action: "DescribeInstances", situation: "by slot", source: docAPI, given: attached, when: in(ec2.DescribeInstancesInput{Filters: filtered("network-interface.attachment.device-index", "3")}), code: "OK", then: found(1)},
		{action: "DescribeInstances", situation: "by state", source: docAPI, when: in(ec2.DescribeInstancesInput{Filters: filtered("instance-state-name", "pending,stopped")}), code: "OK", then: found(2)},
		{action: "DescribeInstances", situation: "by a filter of what there is none of", source: ours, when: in(ec2.DescribeInstancesInput{Filters: filtered("host-id", "*")}), code: "OK", then: found(0)},
		{action: "DescribeInstances", situation: "unknown filter", source: seenFilter, when: in(ec2.DescribeInstancesInput{Filters: filtered("colour", "red")}), code: "InvalidParameterValue"},
		{action: "DescribeInstances", situation: "in pages", source: docPages, when: in(ec2.DescribeInstancesInput{MaxResults: aws.Int32(5)}), code: "OK", then: found(5)},
		{action: "DescribeInstances", situation: "MaxResults with IDs", source: docPages, when: in(ec2.DescribeInstancesInput{MaxResults: aws.Int32(5), InstanceIds: []string{node}}), code: "InvalidParameterCombination"},
		{action: "DescribeInstances", situation: "terminated is shown for a while", source: docLife, given: given(terminating(node), settled), when: in(ec2.DescribeInstancesInput{InstanceIds: []string{node}}), code: "OK", then: found(1)},
		{action: "DescribeInstances", situation: "terminated is forgotten", source: docLife, given: given(terminating(node), after(2*time.Hour)), when: in(ec2.DescribeInstancesInput{InstanceIds: []string{node}}), code: "InvalidInstanceID.NotFound"},
	}
}

func describeRestRows() []row {
	describeTypes := func(in ec2.DescribeInstanceTypesInput) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeInstanceTypes(l.Context(), &in)
			l.said = out
			return err
		}
	}
	subnets := func(in ec2.DescribeSubnetsInput) func(*lab) error {
		return func(l *lab) error { out, err := l.ec2.DescribeSubnets(l.Context(), &in); l.said = out; return err }
	}
	sgs := func(in ec2.DescribeSecurityGroupsInput) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeSecurityGroups(l.Context(), &in)
			l.said = out
			return err
		}
	}
	return []row{
		{action: "DescribeInstanceTypes", situation: "type with several cards", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"p4d.24xlarge"}}), code: "OK", then: func(l *lab) {
			n := l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes[0].NetworkInfo
			if *n.MaximumNetworkInterfaces != 60 || len(n.NetworkCards) != 4 || *n.NetworkCards[3].NetworkCardIndex != 3 || *n.NetworkCards[3].MaximumNetworkInterfaces != 15 || *n.EfaInfo.MaximumEfaInterfaces != 4 {
				l.Errorf("network info is %+v", n)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "type with ENA Express and EFAs", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"p5en.48xlarge"}}), code: "OK", then: func(l *lab) {
			i := l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes[0]
			if n := i.NetworkInfo; *n.EfaInfo.MaximumEfaInterfaces != 16 || !*n.EnaSrdSupported || *i.VCpuInfo.DefaultVCpus != 192 || *i.MemoryInfo.SizeInMiB != 2097152 {
				l.Errorf("it is %+v", i)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "type with flexible ENA queues", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m6in.24xlarge"}}), code: "OK", then: func(l *lab) {
			n := l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes[0].NetworkInfo
			if n.FlexibleEnaQueuesSupport != "supported" || *n.NetworkCards[0].AdditionalFlexibleNetworkInterfaces != 9 {
				l.Errorf("network info is %+v", n)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "type without IPv6", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"m3.large"}}), code: "OK", then: func(l *lab) {
			if n := l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes[0].NetworkInfo; *n.Ipv6Supported || n.EnaSupport != "unsupported" {
				l.Errorf("network info is %+v", n)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "types by virtual CPUs and memory", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{Filters: filtered("vcpu-info.default-vcpus", "4", "memory-info.size-in-mib", "16384", "instance-type", "m5.*")}), code: "OK", then: func(l *lab) {
			if n := len(l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes); n != 1 {
				l.Errorf("%d types, want m5.xlarge", n)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "types by filter", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{Filters: filtered("instance-type", "m5.*", "network-info.maximum-network-interfaces", "4")}), code: "OK", then: func(l *lab) {
			if n := len(l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes); n != 2 {
				l.Errorf("%d types, want m5.xlarge and m5.2xlarge", n)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "types come in pages of 100 by themselves", source: assumed, when: describeTypes(ec2.DescribeInstanceTypesInput{}), code: "OK", then: func(l *lab) {
			if out := l.said.(*ec2.DescribeInstanceTypesOutput); len(out.InstanceTypes) != 100 || out.NextToken == nil {
				l.Errorf("%d types", len(out.InstanceTypes))
			}
		}},
		{action: "DescribeInstanceTypes", situation: "types, page too large", source: assumedCode(docAPI), when: describeTypes(ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(101)}), code: "InvalidParameterValue"},
		{action: "DescribeInstanceTypes", situation: "type unknown", source: seenType, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"z9.huge"}}), code: "InvalidInstanceType"},
		{action: "DescribeInstanceTypes", situation: "types have no tags", source: seenFilter, when: describeTypes(ec2.DescribeInstanceTypesInput{Filters: filtered("tag:a", "b")}), code: "InvalidParameterValue"},
		{action: "DescribeSubnets", situation: "subnet's free addresses", source: docAPI, given: created(tiny), when: subnets(ec2.DescribeSubnetsInput{SubnetIds: []string{tiny}}), code: "OK", then: func(l *lab) {
			if n := *l.said.(*ec2.DescribeSubnetsOutput).Subnets[0].AvailableIpAddressCount; n != 10 {
				l.Errorf("%d addresses, want 10", n)
			}
		}},
		{action: "DescribeSubnets", situation: "subnets by zone and tag", source: docAPI, when: subnets(ec2.DescribeSubnetsInput{Filters: filtered("availability-zone", "us-east-1a", "tag:Name", "a")}), code: "OK", then: func(l *lab) {
			if n := len(l.said.(*ec2.DescribeSubnetsOutput).Subnets); n != 1 {
				l.Errorf("%d subnets", n)
			}
		}},
		{action: "DescribeSubnets", situation: "subnet unknown", source: docErrors, when: subnets(ec2.DescribeSubnetsInput{SubnetIds: []string{"subnet-0fffffffffffffff0"}}), code: "InvalidSubnetID.NotFound"},
		{action: "DescribeSecurityGroups", situation: "groups by VPC and name", source: docAPI, when: sgs(ec2.DescribeSecurityGroupsInput{Filters: filtered("vpc-id", "vpc-1", "group-name", "default")}), code: "OK", then: func(l *lab) {
			if n := len(l.said.(*ec2.DescribeSecurityGroupsOutput).SecurityGroups); n != 1 {
				l.Errorf("%d groups", n)
			}
		}},
		{action: "DescribeSecurityGroups", situation: "group unknown", source: docErrors, when: sgs(ec2.DescribeSecurityGroupsInput{GroupIds: []string{"sg-0fffffffffffffff0"}}), code: "InvalidGroup.NotFound"},
		{action: "DescribeSecurityGroups", situation: "groups by name are not implemented", source: ours, when: sgs(ec2.DescribeSecurityGroupsInput{GroupNames: []string{"workers"}}), code: "UnsupportedOperation"},
		{action: "DescribeVpcs", situation: "VPC unknown", source: docErrors, when: func(l *lab) error {
			_, err := l.ec2.DescribeVpcs(l.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-0fffffffffffffff0"}})
			return err
		}, code: "InvalidVpcID.NotFound"},
		{action: "DescribeVpcs", situation: "VPC malformed", source: docErrors, when: func(l *lab) error {
			_, err := l.ec2.DescribeVpcs(l.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-NOT!hex"}})
			return err
		}, code: "InvalidVpcID.Malformed"},
		{action: "DescribeVpcs", situation: "VPC that a world has named freely", source: ours, when: func(l *lab) error {
			_, err := l.ec2.DescribeVpcs(l.Context(), &ec2.DescribeVpcsInput{VpcIds: []string{"vpc-1"}})
			return err
		}, code: "OK"},
		{action: "DescribeVpcs", situation: "VPC's own facts", source: docAPI, when: func(l *lab) error {
			out, err := l.ec2.DescribeVpcs(l.Context(), &ec2.DescribeVpcsInput{Filters: filtered("is-default", "false", "cidr", "10.0.0.0/18")})
			l.said = out
			return err
		}, code: "OK", then: func(l *lab) {
			if v := l.said.(*ec2.DescribeVpcsOutput).Vpcs; len(v) != 1 || *v[0].VpcId != "vpc-1" || *v[0].CidrBlock != "10.0.0.0/18" {
				l.Errorf("VPCs are %+v", v)
			}
		}},
		{action: "DescribeVolumes", situation: "action not implemented", source: seenAction, when: func(l *lab) error {
			_, err := l.ec2.DescribeVolumes(l.Context(), &ec2.DescribeVolumesInput{})
			return err
		}, code: "InvalidAction"},
	}
}
