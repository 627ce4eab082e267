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

func TestIPv6(t *testing.T) {
	t.Parallel()
	rows := []row{
		{situation: "create with a number", when: doCreate(subnetA, more6(3)), code: "OK", then: has6(3, 0)},
		{situation: "create by name", when: doCreate(subnetA, ip6(host6)), code: "OK", then: func(l *lab) {
			e := l.describe(l.eni)
			l.want("the address", *e.Ipv6Address, host6)
			if *e.Ipv6Addresses[0].IsPrimaryIpv6 {
				l.Error("nobody asked for a primary address")
			}
		}},
		{situation: "create with prefixes", when: doCreate(subnetA, prefixes6(2)), code: "OK", then: has6(0, 2)},
		{situation: "create with a primary address", when: doCreate(subnetA, ip6(host6), primary6), code: "OK", then: func(l *lab) {
			if !*l.describe(l.eni).Ipv6Addresses[0].IsPrimaryIpv6 {
				l.Error("the address is not primary")
			}
		}},
		{situation: "primary without an address", when: doCreate(subnetA, primary6), code: "InvalidParameterCombination"},
		{situation: "names and a number", when: doCreate(subnetA, ip6(host6), more6(1)), code: "InvalidParameterCombination"},
		{situation: "addresses and prefixes", when: doCreate(subnetA, more6(1), prefixes6(1)), code: "InvalidParameterCombination"},
		{situation: "IPv4 prefixes and IPv6 addresses go together", when: doCreate(subnetA, prefixes(1), more6(1)), code: "OK", then: has6(1, 0)},
		{situation: "subnet without IPv6", when: doCreate(subnetA2, more6(1)), code: "InvalidParameterValue"},
		{situation: "address taken", given: created(subnetA, ip6(host6)), when: doCreate(subnetA, ip6(host6)), code: "InvalidIPAddress.InUse"},
		{situation: "address of another subnet", when: doCreate(subnetA, ip6("2001:db8:0:2::1234")), code: "InvalidParameterValue"},
		{situation: "reserved address", when: doCreate(subnetA, ip6("2001:db8:0:1::3")), code: "InvalidParameterValue"},
		{situation: "not an IPv6 address", when: doCreate(subnetA, ip6("10.0.0.9")), code: "InvalidParameterValue"},
		{situation: "prefix with a taken address", given: created(subnetA, ip6("2001:db8:0:1:7::5")), when: doCreate(subnetA, namedPrefix6(block6)), code: "InvalidIPAddress.InUse"},
		{situation: "prefix of another size", when: doCreate(subnetA, namedPrefix6("2001:db8:0:1:7::/96")), code: "InvalidParameterValue"},
		{situation: "address in a taken prefix", given: created(subnetA, namedPrefix6(block6)), when: doCreate(subnetA, ip6("2001:db8:0:1:7::5")), code: "InvalidIPAddress.InUse"},
		{situation: "address comes back", given: given(created(subnetA, ip6(host6)), func(l *lab) { l.must(doDelete(nil)(l)) }), when: doCreate(subnetA, ip6(host6)), code: "OK"},
		{situation: "assign a number", given: created(subnetA), when: doAssign6(count6(2)), code: "OK", then: func(l *lab) {
			has6(2, 0)(l)
			if n := len(l.said.(*ec2.AssignIpv6AddressesOutput).AssignedIpv6Addresses); n != 2 {
				l.Errorf("the answer names %d addresses", n)
			}
		}},
		{situation: "assign prefixes", given: created(subnetA), when: doAssign6(func(in *ec2.AssignIpv6AddressesInput) { in.Ipv6PrefixCount = aws.Int32(1) }), code: "OK", then: has6(0, 1)},
		{situation: "assign nothing", given: created(subnetA), when: doAssign6(func(*ec2.AssignIpv6AddressesInput) {}), code: "MissingParameter"},
		{situation: "assign none", given: created(subnetA), when: doAssign6(count6(0)), code: "InvalidParameterValue"},
		{situation: "assign above the type's limit", given: func(l *lab) { l.attached(small, 1) }, when: doAssign6(count6(3)), code: "PrivateIpAddressLimitExceeded", then: has6(0, 0)},
		{situation: "attach with more than the type takes", given: created(subnetA, more6(3)), when: doAttach(nil, small, 0, 1), code: "PrivateIpAddressLimitExceeded"},
		{situation: "assign to an unknown interface", given: func(l *lab) { l.eni = nobody }, when: doAssign6(count6(1)), code: "InvalidNetworkInterfaceID.NotFound"},
		{situation: "unassign", given: created(subnetA, ip6(host6)), when: doUnassign6("2001:0db8:0:1:0::1234"), code: "OK", then: has6(0, 0)},
		{situation: "unassign what is not there", given: created(subnetA), when: doUnassign6(host6), code: "InvalidParameterValue"},
		{situation: "unassign the primary", given: created(subnetA, ip6(host6), primary6), when: doUnassign6(host6), code: "InvalidParameterValue", then: has6(1, 0)},
		{situation: "make an address primary", given: created(subnetA, more6(1)), when: doModify(setPrimary6(true)), code: "OK", then: func(l *lab) {
			if !*l.describe(l.eni).Ipv6Addresses[0].IsPrimaryIpv6 {
				l.Error("the address is not primary")
			}
		}},
		{situation: "a primary address stays primary", given: created(subnetA, more6(1), primary6), when: doModify(setPrimary6(false)), code: "InvalidParameterValue"},
		{situation: "make no address primary", given: created(subnetA), when: doModify(setPrimary6(true)), code: "InvalidParameterCombination"},
		{situation: "filter", given: created(subnetA, ip6(host6)), when: list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("ipv6-addresses.ipv6-address", host6)}), code: "OK", then: func(l *lab) {
			if ids := l.said.([]string); len(ids) != 1 || ids[0] != l.eni {
				l.Errorf("found %v", ids)
			}
		}},
		{situation: "subnet shows its block", when: func(l *lab) error {
			out, err := l.ec2.DescribeSubnets(l.Context(), &ec2.DescribeSubnetsInput{Filters: filtered("ipv6-cidr-block-association.ipv6-cidr-block", cidr6)})
			l.said = out
			return err
		}, code: "OK", then: func(l *lab) {
			if n := l.said.(*ec2.DescribeSubnetsOutput).Subnets; len(n) != 1 || *n[0].Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock != cidr6 {
				l.Errorf("subnets are %+v", n)
			}
		}},
		{situation: "launch with an address", when: doRun(1, func(i *runInput) { i.Ipv6AddressCount = aws.Int32(1) }), code: "OK", then: func(l *lab) {
			if i := l.said.([]types.Instance)[0]; i.Ipv6Address == nil || len(i.NetworkInterfaces[0].Ipv6Addresses) != 1 {
				l.Errorf("the instance is %+v", i)
			}
		}},
	}
	for i := range rows {
		rows[i].world = dual
	}
	runRows(t, rows)
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
