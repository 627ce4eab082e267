package ec2sim

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

type assignInput = ec2.AssignPrivateIpAddressesInput

func doAssign(change func(*assignInput)) func(*lab) error {
	return func(l *lab) error {
		in := &assignInput{NetworkInterfaceId: &l.eni}
		change(in)
		out, err := l.ec2.AssignPrivateIpAddresses(l.Context(), in)
		l.said = out
		return err
	}
}

func doUnassign(addresses ...string) func(*lab) error {
	return func(l *lab) error {
		_, err := l.ec2.UnassignPrivateIpAddresses(l.Context(), &ec2.UnassignPrivateIpAddressesInput{NetworkInterfaceId: &l.eni, PrivateIpAddresses: addresses})
		return err
	}
}

func TestAssign(t *testing.T) {
	t.Parallel()
	count := func(n int32) func(*assignInput) {
		return func(in *assignInput) { in.SecondaryPrivateIpAddressCount = &n }
	}
	named := func(ips ...string) func(*assignInput) { return func(in *assignInput) { in.PrivateIpAddresses = ips } }
	has := func(want int) func(*lab) {
		return func(l *lab) {
			l.Helper()
			if n := len(l.describe(l.eni).PrivateIpAddresses); n != want {
				l.Errorf("it has %d addresses, want %d", n, want)
			}
		}
	}
	runRows(t, []row{
		{situation: "a number", given: created(subnetA), when: doAssign(count(3)), code: "OK", then: func(l *lab) {
			has(4)(l)
			if n := len(l.said.(*ec2.AssignPrivateIpAddressesOutput).AssignedPrivateIpAddresses); n != 3 {
				l.Errorf("the answer names %d addresses", n)
			}
		}},
		{situation: "by name", given: created(subnetA), when: doAssign(named("10.0.4.4", "10.0.4.5")), code: "OK", then: has(3)},
		{situation: "one of them taken", given: given(created(subnetA, ip("10.0.4.5")), created(subnetA)), when: doAssign(named("10.0.4.4", "10.0.4.5")), code: "InvalidIPAddress.InUse", then: has(1)},
		{situation: "prefixes", given: created(subnetA), when: doAssign(func(in *assignInput) { in.Ipv4PrefixCount = new(int32(2)) }), code: "OK"},
		{situation: "two kinds", given: created(subnetA), when: doAssign(func(in *assignInput) { count(1)(in); named("10.0.4.4")(in) }), code: "InvalidParameterCombination"},
		{situation: "above the type's limit", given: func(l *lab) { l.attached(small, 1) }, when: doAssign(count(2)), code: "PrivateIpAddressLimitExceeded", then: has(1)},
		{situation: "subnet full", given: created(tiny), when: doAssign(count(11)), code: "InsufficientFreeAddressesInSubnet", then: has(1)},
		{situation: "nothing", given: created(subnetA), when: doAssign(func(*assignInput) {}), code: "MissingParameter"},
		{situation: "none", given: created(subnetA), when: doAssign(count(0)), code: "InvalidParameterValue"},
		{situation: "AWS's own", world: foreignInterfaces, given: func(l *lab) { l.eni = balancer }, when: doAssign(count(1)), code: "AuthFailure", status: 401},
		{situation: "reassignment allowed, and not needed", given: created(subnetA), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(true) }), code: "OK", then: has(2)},
		{situation: "reassignment refused", given: given(created(subnetA), func(l *lab) { l.must(doAssign(named("10.0.4.4"))(l)) }, created(subnetA)), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(false) }), code: "InvalidIPAddress.InUse"},
		{situation: "reassignment allowed", given: given(created(subnetA), func(l *lab) { l.must(doAssign(named("10.0.4.4"))(l)); l.att = l.eni }, created(subnetA)), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(true) }), code: "OK", then: func(l *lab) {
			has(2)(l)
			if n := len(l.describe(l.att).PrivateIpAddresses); n != 1 {
				l.Errorf("the one that had it has %d addresses", n)
			}
		}},
		{situation: "reassignment of a primary address", given: given(created(subnetA, ip("10.0.4.4")), created(subnetA)), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(true) }), code: "InvalidIPAddress.InUse"},
		{situation: "unknown interface", given: func(l *lab) { l.eni = nobody }, when: doAssign(count(1)), code: "InvalidNetworkInterfaceID.NotFound"},
		{situation: "take one away", given: given(created(subnetA), func(l *lab) { l.must(doAssign(named("10.0.4.4", "10.0.4.5"))(l)) }), when: doUnassign("10.0.4.4"), code: "OK", then: has(2)},
		{situation: "take away what is not there", given: created(subnetA), when: doUnassign("10.0.4.4"), code: "InvalidParameterValue"},
		{situation: "take the primary away", given: created(subnetA, ip("10.0.4.4")), when: doUnassign("10.0.4.4"), code: "InvalidParameterValue"},
	})
}
