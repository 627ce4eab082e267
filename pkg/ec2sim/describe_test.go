package ec2sim

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func filtered(pairs ...string) []types.Filter {
	var out []types.Filter
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, types.Filter{Name: &pairs[i], Values: strings.Split(pairs[i+1], ",")})
	}
	return out
}

// list describes interfaces and keeps their IDs.
func list(in ec2.DescribeNetworkInterfacesInput) func(*lab) error {
	return func(l *lab) error {
		out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &in)
		ids := []string{}
		if err == nil {
			for _, e := range out.NetworkInterfaces {
				ids = append(ids, *e.NetworkInterfaceId)
			}
		}
		l.said = ids
		return err
	}
}

// TestInterfaceFilters asks for one interface among many by each filter.
func TestInterfaceFilters(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 5 {
		l.create(subnetB, groups(other), about("other"))
	}
	l.create(subnetA2, groups(workers), about("wan*ted"), ip("10.0.16.77"), tagSpec(types.ResourceTypeNetworkInterface, "owner", "me", "empty", ""))
	l.attach(l.eni, node, 0, 2)
	l.settle()
	l.must(doModify(dot(true))(l))
	e := l.describe(l.eni)
	for _, f := range []struct{ name, hit, miss string }{
		{"network-interface-id", l.eni, nobody},
		{"subnet-id", subnetA2, subnetX},
		{"vpc-id", "vpc-1", "vpc-9"},
		{"availability-zone", "us-east-1a", "us-east-1c"},
		{"availability-zone-id", "use1-az1", "use1-az3"},
		{"description", `wan\*ted`, `wan\*`},
		{"description", "w?n*ed", "w?nted"},
		{"status", "in-use", "attaching"},
		{"group-id", workers, foreign},
		{"group-name", "workers", "Workers"},
		{"private-ip-address", "10.0.16.77", "10.0.16.7"},
		{"addresses.private-ip-address", "10.0.16.*", "10.1.*"},
		{"mac-address", *e.MacAddress, "0a:00:00:00:00:00"},
		{"interface-type", "interface", "efa"},
		{"owner-id", "123456789012", "210987654321"},
		{"requester-managed", "false", "true"},
		{"source-dest-check", "true", "false"},
		{"private-dns-name", "ip-10-0-16-77.ec2.internal", "ip-10-0-16-77"},
		{"attachment.attachment-id", l.att, "eni-attach-0fffffffffffffff0"},
		{"attachment.instance-id", node, small},
		{"attachment.instance-owner-id", "123456789012", "x"},
		{"attachment.device-index", "2", "3"},
		{"attachment.network-card-index", "0", "1"},
		{"attachment.status", "attached", "attaching"},
		{"attachment.delete-on-termination", "true", "maybe"},
		{"attachment.attach-time", "2026-01-02T03:04:05.000Z", "2026-01-02"},
		{"tag:owner", "me", "Me"},
		{"tag:owner", "m*", "x*"},
		{"tag:empty", "", "x"},
		{"tag-key", "owner", "own"},
		{"association.public-ip", "", "*"},
	} {
		got := func(value string) bool {
			l.must(list(ec2.DescribeNetworkInterfacesInput{Filters: filtered(f.name, value)})(l))
			return slices.Contains(l.said.([]string), l.eni)
		}
		if hit := got(f.hit); hit != (f.name != "association.public-ip") {
			t.Errorf("filter %s=%s: found is %v", f.name, f.hit, hit)
		}
		if got(f.miss) {
			t.Errorf("filter %s=%s finds what it should not", f.name, f.miss)
		}
	}
}

func describeInterfacesRows() []row {
	several := func(l *lab) {
		for range 12 {
			l.create(subnetA2, tagSpec(types.ResourceTypeNetworkInterface, "mine", "yes"))
		}
	}
	found := func(n int) func(*lab) {
		return func(l *lab) {
			l.Helper()
			if got := len(l.said.([]string)); got != n {
				l.Errorf("%d interfaces, want %d", got, n)
			}
		}
	}
	values := func(n int) []types.Filter {
		f := types.Filter{Name: aws.String("subnet-id")}
		for i := range n {
			f.Values = append(f.Values, fmt.Sprint("v", i))
		}
		return []types.Filter{f}
	}
	in := func(change func(*ec2.DescribeNetworkInterfacesInput)) func(*lab) error {
		var d ec2.DescribeNetworkInterfacesInput
		change(&d)
		return list(d)
	}
	return []row{
		{action: "DescribeNetworkInterfaces", situation: "all", source: docAPI, given: several, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK", then: found(17)},
		{action: "DescribeNetworkInterfaces", situation: "filters are ANDed", source: docFilters, given: several, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("tag:mine", "yes", "subnet-id", subnetA)}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "values are ORed", source: docFilters, given: several, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("subnet-id", subnetA+","+subnetA2)}), code: "OK", then: found(17)},
		{action: "DescribeNetworkInterfaces", situation: "IDs in a filter may be unknown", source: docFilters, given: several, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("network-interface-id", nobody)}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "IDs in the list may not", source: docErrors, when: func(l *lab) error {
			return list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{l.primaryOf(node), nobody}})(l)
		}, code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DescribeNetworkInterfaces", situation: "IDs and filters", source: docFilters, when: func(l *lab) error {
			return list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{l.primaryOf(node)}, Filters: filtered("status", "available")})(l)
		}, code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "malformed ID", source: docErrors, when: list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{"eni-1"}}), code: "InvalidNetworkInterfaceId.Malformed"},
		{action: "DescribeNetworkInterfaces", situation: "unknown filter", source: docFilters, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("colour", "red")}), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "filter of another action", source: docFilters, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("instance-type", "m5.xlarge")}), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "filter without a name", source: docFilters, when: func(l *lab) error { return l.form("Action=DescribeNetworkInterfaces&Filter.1.Value.1=x") }, code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "filter without a value", source: docFilters, when: func(l *lab) error { return l.form("Action=DescribeNetworkInterfaces&Filter.1.Name=vpc-id") }, code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "200 values", source: seenValues, when: list(ec2.DescribeNetworkInterfacesInput{Filters: values(200)}), code: "OK", then: found(0)},
		{action: "DescribeNetworkInterfaces", situation: "201 values", source: seenValues, when: list(ec2.DescribeNetworkInterfacesInput{Filters: values(201)}), code: "FilterLimitExceeded"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 4", source: docPages, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(4) }), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 5", source: docPages, given: several, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(5) }), code: "OK", then: found(5)},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 1000", source: docPages, given: several, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(1000) }), code: "OK", then: found(17)},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 1001", source: docPages, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(1001) }), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults with IDs", source: docPages, when: in(func(d *ec2.DescribeNetworkInterfacesInput) {
			d.MaxResults, d.NetworkInterfaceIds = aws.Int32(5), []string{nobody}
		}), code: "InvalidParameterCombination"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults is no number", source: docPages, when: func(l *lab) error { return l.form("Action=DescribeNetworkInterfaces&MaxResults=many") }, code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaces", situation: "MaxResults 4, variant", source: choice, world: func(w *World) { w.Variants.MaxResults = "InvalidMaxResults" }, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(4) }), code: "InvalidMaxResults"},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs is hidden", source: docAPI, world: foreignInterfaces, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK", then: found(6)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs, asked for", source: docAPI, world: foreignInterfaces, when: in(func(d *ec2.DescribeNetworkInterfacesInput) {
			d.IncludeManagedResources, d.Filters = aws.Bool(true), filtered("operator.managed", "true", "operator.principal", "eks.amazonaws.com")
		}), code: "OK", then: found(1)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs, variant", source: choice, world: func(w *World) { foreignInterfaces(w); w.Variants.ManagedResources = "shown" }, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK", then: found(7)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS has made", source: docAPI, world: foreignInterfaces, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("requester-id", "amazon-elb", "requester-managed", "true")}), code: "OK", then: found(1)},
		{action: "DescribeNetworkInterfaces", situation: "what AWS runs, by ID", source: docErrors, world: foreignInterfaces, when: list(ec2.DescribeNetworkInterfacesInput{NetworkInterfaceIds: []string{operated}}), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DescribeNetworkInterfaces", situation: "NextToken made up", source: docErrors, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.NextToken = aws.String("abc") }), code: "InvalidNextToken"},
		{action: "DescribeNetworkInterfaces", situation: "NextToken of another request", source: docErrors, given: several, when: func(l *lab) error {
			_, next := l.page(nil, "")
			_, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &ec2.DescribeNetworkInterfacesInput{NextToken: &next, Filters: filtered("tag:mine", "yes")})
			return err
		}, code: "InvalidNextToken"},
		{action: "DescribeNetworkInterfaces", situation: "NextToken expired", source: docErrors, given: several, when: func(l *lab) error {
			_, next := l.page(nil, "")
			l.clock.Advance(pageTokenLife + time.Second)
			return list(ec2.DescribeNetworkInterfacesInput{NextToken: &next})(l)
		}, code: "InvalidNextToken"},
		{action: "DescribeNetworkInterfaces", situation: "big account, unpaged", source: seenPages, world: func(w *World) { w.Quotas.UnpagedInterfaces = 4 }, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OperationNotPermitted"},
		{action: "DescribeNetworkInterfaces", situation: "big account, paged", source: seenPages, world: func(w *World) { w.Quotas.UnpagedInterfaces = 4 }, when: in(func(d *ec2.DescribeNetworkInterfacesInput) { d.MaxResults = aws.Int32(1000) }), code: "OK", then: found(5)},
		{action: "DescribeNetworkInterfaces", situation: "big account, filtered", source: seenPages, world: func(w *World) { w.Quotas.UnpagedInterfaces = 4 }, when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("vpc-id", "vpc-1")}), code: "OK", then: found(5)},
	}
}

func (l *lab) page(filters []types.Filter, next string) ([]string, string) {
	l.Helper()
	in := &ec2.DescribeNetworkInterfacesInput{Filters: filters, MaxResults: aws.Int32(5)}
	if next != "" {
		in.NextToken = &next
	}
	out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), in)
	l.must(err)
	var ids []string
	for _, e := range out.NetworkInterfaces {
		ids = append(ids, *e.NetworkInterfaceId)
	}
	return ids, aws.ToString(out.NextToken)
}

// TestPages walks pages while interfaces come and go: what stays all the time is seen
// exactly once.
func TestPages(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	stays := map[string]int{}
	for range 23 {
		stays[l.create(subnetA2)] = 0
	}
	only := filtered("subnet-id", subnetA2)
	for next, first := "", true; next != "" || first; first = false {
		doomed := l.create(subnetA2)
		var ids []string
		ids, next = l.page(only, next)
		for _, id := range ids {
			if _, ok := stays[id]; ok {
				stays[id]++
			}
		}
		l.eni = doomed
		l.must(doDelete(nil)(l))
	}
	for id, n := range stays {
		if n != 1 {
			t.Errorf("%s was seen %d times", id, n)
		}
	}
}

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
		{"hypervisor", "nitro", 5},
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
		{action: "DescribeInstances", situation: "by slot", source: docFilters, given: attached, when: in(ec2.DescribeInstancesInput{Filters: filtered("network-interface.attachment.device-index", "3")}), code: "OK", then: found(1)},
		{action: "DescribeInstances", situation: "by state", source: docFilters, when: in(ec2.DescribeInstancesInput{Filters: filtered("instance-state-name", "pending,stopped")}), code: "OK", then: found(2)},
		{action: "DescribeInstances", situation: "by a filter of what there is none of", source: docFilters, when: in(ec2.DescribeInstancesInput{Filters: filtered("host-id", "*")}), code: "OK", then: found(0)},
		{action: "DescribeInstances", situation: "unknown filter", source: docErrors, when: in(ec2.DescribeInstancesInput{Filters: filtered("colour", "red")}), code: "InvalidParameterValue"},
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
		{action: "DescribeInstanceTypes", situation: "type with ENA Express and EFAs", source: docEFA, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"p5en.48xlarge"}}), code: "OK", then: func(l *lab) {
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
		{action: "DescribeInstanceTypes", situation: "types by filter", source: docFilters, when: describeTypes(ec2.DescribeInstanceTypesInput{Filters: filtered("instance-type", "m5.*", "network-info.maximum-network-interfaces", "4")}), code: "OK", then: func(l *lab) {
			if n := len(l.said.(*ec2.DescribeInstanceTypesOutput).InstanceTypes); n != 2 {
				l.Errorf("%d types, want m5.xlarge and m5.2xlarge", n)
			}
		}},
		{action: "DescribeInstanceTypes", situation: "types come in pages of 100 by themselves", source: docPages, when: describeTypes(ec2.DescribeInstanceTypesInput{}), code: "OK", then: func(l *lab) {
			if out := l.said.(*ec2.DescribeInstanceTypesOutput); len(out.InstanceTypes) != 100 || out.NextToken == nil {
				l.Errorf("%d types", len(out.InstanceTypes))
			}
		}},
		{action: "DescribeInstanceTypes", situation: "types, page too large", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{MaxResults: aws.Int32(101)}), code: "InvalidParameterValue"},
		{action: "DescribeInstanceTypes", situation: "type unknown", source: docErrors, when: describeTypes(ec2.DescribeInstanceTypesInput{InstanceTypes: []types.InstanceType{"z9.huge"}}), code: "InvalidInstanceType"},
		{action: "DescribeInstanceTypes", situation: "types have no tags", source: docAPI, when: describeTypes(ec2.DescribeInstanceTypesInput{Filters: filtered("tag:a", "b")}), code: "InvalidParameterValue"},
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
		{action: "DescribeVpcs", situation: "VPC that a world has named freely", source: docAPI, when: func(l *lab) error {
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
		{action: "DescribeVolumes", situation: "action not implemented", source: ours, when: func(l *lab) error {
			_, err := l.ec2.DescribeVolumes(l.Context(), &ec2.DescribeVolumesInput{})
			return err
		}, code: "InvalidAction"},
	}
}
