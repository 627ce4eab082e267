package ec2sim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"pgregory.net/rapid"
)

const (
	cidr6  = "2001:db8:0:1::/64"
	host6  = "2001:db8:0:1::1234"
	block6 = "2001:db8:0:1:7::/80"
)

func dual(w *World) { w.Subnets[0].IPv6CIDR = cidr6 }

func more6(n int32) func(*createInput) { return func(in *createInput) { in.Ipv6AddressCount = &n } }

func ip6(list ...string) func(*createInput) {
	return func(in *createInput) {
		for _, a := range list {
			in.Ipv6Addresses = append(in.Ipv6Addresses, types.InstanceIpv6Address{Ipv6Address: &a})
		}
	}
}

func prefixes6(n int32) func(*createInput) { return func(in *createInput) { in.Ipv6PrefixCount = &n } }

func primary6(in *createInput) { in.EnablePrimaryIpv6 = aws.Bool(true) }

func doAssign6(change func(*ec2.AssignIpv6AddressesInput)) func(*lab) error {
	return func(l *lab) error {
		in := &ec2.AssignIpv6AddressesInput{NetworkInterfaceId: &l.eni}
		change(in)
		out, err := l.ec2.AssignIpv6Addresses(l.Context(), in)
		l.said = out
		return err
	}
}

func count6(n int32) func(*ec2.AssignIpv6AddressesInput) {
	return func(in *ec2.AssignIpv6AddressesInput) { in.Ipv6AddressCount = &n }
}

func doUnassign6(addresses ...string) func(*lab) error {
	return func(l *lab) error {
		out, err := l.ec2.UnassignIpv6Addresses(l.Context(), &ec2.UnassignIpv6AddressesInput{NetworkInterfaceId: &l.eni, Ipv6Addresses: addresses})
		l.said = out
		return err
	}
}

func has6(addresses, prefixes int) func(*lab) {
	return func(l *lab) {
		l.Helper()
		e := l.describe(l.eni)
		if len(e.Ipv6Addresses) != addresses || len(e.Ipv6Prefixes) != prefixes {
			l.Errorf("it has %d IPv6 addresses and %d prefixes, want %d and %d", len(e.Ipv6Addresses), len(e.Ipv6Prefixes), addresses, prefixes)
		}
	}
}

func ipv6Rows() []row {
	rows := []row{
		{action: "CreateNetworkInterface", situation: "create with a number", source: docAPI, when: doCreate(subnetA, more6(3)), code: "OK", then: has6(3, 0)},
		{action: "CreateNetworkInterface", situation: "create by name", source: docAPI, when: doCreate(subnetA, ip6(host6)), code: "OK", then: func(l *lab) {
			e := l.describe(l.eni)
			l.want("the address", *e.Ipv6Address, host6)
			if *e.Ipv6Addresses[0].IsPrimaryIpv6 {
				l.Error("nobody asked for a primary address")
			}
		}},
		{action: "CreateNetworkInterface", situation: "create with prefixes", source: docAPI, when: doCreate(subnetA, prefixes6(2)), code: "OK", then: has6(0, 2)},
		{action: "CreateNetworkInterface", situation: "create with a primary address", source: docAPI, when: doCreate(subnetA, ip6(host6), primary6), code: "OK", then: func(l *lab) {
			if !*l.describe(l.eni).Ipv6Addresses[0].IsPrimaryIpv6 {
				l.Error("the address is not primary")
			}
		}},
		{action: "CreateNetworkInterface", situation: "create with the second address primary", source: assumed, when: func(l *lab) error {
			return doCreate(subnetA, func(in *createInput) {
				in.Ipv6Addresses = []types.InstanceIpv6Address{{Ipv6Address: aws.String("2001:db8:0:1::9")}, {Ipv6Address: aws.String(host6), IsPrimaryIpv6: aws.Bool(true)}}
			})(l)
		}, code: "OK", then: func(l *lab) {
			if e := l.describe(l.eni); *e.Ipv6Address != host6 || !*e.Ipv6Addresses[0].IsPrimaryIpv6 || *e.Ipv6Addresses[1].IsPrimaryIpv6 {
				l.Errorf("the addresses are %+v", e.Ipv6Addresses)
			}
		}},
		{action: "CreateNetworkInterface", situation: "IPv6, primary without an address", source: assumed, when: doCreate(subnetA, primary6), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "names and a number", source: docAPI, when: doCreate(subnetA, ip6(host6), more6(1)), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "IPv6, addresses and prefixes", source: docAPI, when: doCreate(subnetA, more6(1), prefixes6(1)), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "IPv4 prefixes and IPv6 addresses go together", source: assumed, when: doCreate(subnetA, prefixes(1), more6(1)), code: "OK", then: has6(1, 0)},
		{action: "CreateNetworkInterface", situation: "subnet without IPv6", source: assumedCode(docAPI), when: doCreate(subnetA2, more6(1)), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "address taken", source: docErrors, given: created(subnetA, ip6(host6)), when: doCreate(subnetA, ip6(host6)), code: "InvalidIPAddress.InUse"},
		{action: "CreateNetworkInterface", situation: "IPv6, address of another subnet", source: docAPI, when: doCreate(subnetA, ip6("2001:db8:0:2::1234")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "IPv6, reserved address", source: assumedCode(docSizing), when: doCreate(subnetA, ip6("2001:db8:0:1::3")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "not an IPv6 address", source: docAPI, when: doCreate(subnetA, ip6("10.0.0.9")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "prefix with a taken address", source: assumed, given: created(subnetA, ip6("2001:db8:0:1:7::5")), when: doCreate(subnetA, namedPrefix6(block6)), code: "InvalidIPAddress.InUse"},
		{action: "CreateNetworkInterface", situation: "prefix of another size", source: assumedCode(docAPI), when: doCreate(subnetA, namedPrefix6("2001:db8:0:1:7::/96")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "address in a taken prefix", source: assumed, given: created(subnetA, namedPrefix6(block6)), when: doCreate(subnetA, ip6("2001:db8:0:1:7::5")), code: "InvalidIPAddress.InUse"},
		{action: "CreateNetworkInterface", situation: "address comes back", source: docENI, given: given(created(subnetA, ip6(host6)), func(l *lab) { l.must(doDelete(nil)(l)) }), when: doCreate(subnetA, ip6(host6)), code: "OK"},
		{action: "AssignIpv6Addresses", situation: "assign a number", source: docAPI, given: created(subnetA), when: doAssign6(count6(2)), code: "OK", then: func(l *lab) {
			has6(2, 0)(l)
			if n := len(l.said.(*ec2.AssignIpv6AddressesOutput).AssignedIpv6Addresses); n != 2 {
				l.Errorf("the answer names %d addresses", n)
			}
		}},
		{action: "AssignIpv6Addresses", situation: "assign prefixes", source: docAPI, given: created(subnetA), when: doAssign6(func(in *ec2.AssignIpv6AddressesInput) { in.Ipv6PrefixCount = aws.Int32(1) }), code: "OK", then: has6(0, 1)},
		{action: "AssignIpv6Addresses", situation: "assign nothing", source: docErrors, given: created(subnetA), when: doAssign6(func(*ec2.AssignIpv6AddressesInput) {}), code: "MissingParameter"},
		{action: "AssignIpv6Addresses", situation: "assign none", source: assumed, given: created(subnetA), when: doAssign6(count6(0)), code: "InvalidParameterValue"},
		{action: "AssignIpv6Addresses", situation: "assign above the type's limit", source: assumed, given: func(l *lab) { l.attached(small, 1) }, when: doAssign6(count6(3)), code: "PrivateIpAddressLimitExceeded", then: has6(0, 0)},
		{action: "AttachNetworkInterface", situation: "attach with more than the type takes", source: assumed, given: created(subnetA, more6(3)), when: doAttach(nil, small, 0, 1), code: "PrivateIpAddressLimitExceeded"},
		{action: "AssignIpv6Addresses", situation: "assign to an unknown interface", source: docErrors, given: func(l *lab) { l.eni = nobody }, when: doAssign6(count6(1)), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "UnassignIpv6Addresses", situation: "unassign", source: docAPI, given: created(subnetA, ip6(host6)), when: doUnassign6("2001:0db8:0:1:0::1234"), code: "OK", then: has6(0, 0)},
		{action: "UnassignIpv6Addresses", situation: "unassign what is not there", source: assumed, given: created(subnetA), when: doUnassign6(host6), code: "InvalidParameterValue"},
		{action: "UnassignIpv6Addresses", situation: "unassign the primary", source: assumed, given: created(subnetA, ip6(host6), primary6), when: doUnassign6(host6), code: "InvalidParameterValue", then: has6(1, 0)},
		{action: "ModifyNetworkInterfaceAttribute", situation: "make an address primary", source: docAPI, given: created(subnetA, more6(1)), when: doModify(setPrimary6(true)), code: "OK", then: func(l *lab) {
			if !*l.describe(l.eni).Ipv6Addresses[0].IsPrimaryIpv6 {
				l.Error("the address is not primary")
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "a primary address stays primary", source: docAPI, given: created(subnetA, more6(1), primary6), when: doModify(setPrimary6(false)), code: "InvalidParameterValue"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "make no address primary", source: assumed, given: created(subnetA), when: doModify(setPrimary6(true)), code: "InvalidParameterCombination"},
		{action: "DescribeNetworkInterfaces", situation: "filter", source: docFilters, given: created(subnetA, ip6(host6)), when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("ipv6-addresses.ipv6-address", host6)}), code: "OK", then: func(l *lab) {
			if ids := l.said.([]string); len(ids) != 1 || ids[0] != l.eni {
				l.Errorf("found %v", ids)
			}
		}},
		{action: "DescribeSubnets", situation: "subnet shows its block", source: docAPI, when: func(l *lab) error {
			out, err := l.ec2.DescribeSubnets(l.Context(), &ec2.DescribeSubnetsInput{Filters: filtered("ipv6-cidr-block-association.ipv6-cidr-block", cidr6)})
			l.said = out
			return err
		}, code: "OK", then: func(l *lab) {
			if n := l.said.(*ec2.DescribeSubnetsOutput).Subnets; len(n) != 1 || *n[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock != cidr6 {
				l.Errorf("subnets are %+v", n)
			}
		}},
		{action: "RunInstances", situation: "launch with an address", source: docAPI, when: doRun(1, func(i *runInput) { i.Ipv6AddressCount = aws.Int32(1) }), code: "OK", then: func(l *lab) {
			if i := l.said.([]types.Instance)[0]; i.Ipv6Address == nil || len(i.NetworkInterfaces[0].Ipv6Addresses) != 1 {
				l.Errorf("the instance is %+v", i)
			}
		}},
	}
	for i := range rows {
		rows[i].world = dual
	}
	return rows
}

func namedPrefix6(p string) func(*createInput) {
	return func(in *createInput) { in.Ipv6Prefixes = []types.Ipv6PrefixSpecificationRequest{{Ipv6Prefix: &p}} }
}

func setPrimary6(on bool) func(*lab, *modifyInput) {
	return func(_ *lab, in *modifyInput) { in.EnablePrimaryIpv6 = &on }
}

// TestPool6 draws and gives back IPv6 addresses and prefixes at random.
func TestPool6(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(t, dual)
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			change := more6(rapid.Int32Range(0, 9).Draw(rt, "addresses"))
			if rapid.Bool().Draw(rt, "prefixes") {
				change = prefixes6(rapid.Int32Range(0, 9).Draw(rt, "blocks"))
			}
			l.must(doCreate(subnetA, change)(l))
			if rapid.Bool().Draw(rt, "delete") {
				l.must(doDelete(nil)(l))
			}
			checkInvariants(t, l.sim)
		}
	})
}
