package ec2sim

import (
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

func assignRows() []row {
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
	return []row{
		{action: "AssignPrivateIpAddresses", situation: "a number", source: docAPI, given: created(subnetA), when: doAssign(count(3)), code: "OK", then: func(l *lab) {
			has(4)(l)
			if n := len(l.said.(*ec2.AssignPrivateIpAddressesOutput).AssignedPrivateIpAddresses); n != 3 {
				l.Errorf("the answer names %d addresses", n)
			}
		}},
		{action: "AssignPrivateIpAddresses", situation: "by name", source: docAPI, given: created(subnetA), when: doAssign(named("10.0.4.4", "10.0.4.5")), code: "OK", then: has(3)},
		{action: "AssignPrivateIpAddresses", situation: "one of them taken", source: docErrors, given: given(created(subnetA, ip("10.0.4.5")), created(subnetA)), when: doAssign(named("10.0.4.4", "10.0.4.5")), code: "InvalidIPAddress.InUse", then: has(1)},
		{action: "AssignPrivateIpAddresses", situation: "prefixes", source: docAPI, given: created(subnetA), when: doAssign(func(in *assignInput) { in.Ipv4PrefixCount = new(int32(2)) }), code: "OK"},
		{action: "AssignPrivateIpAddresses", situation: "two kinds", source: docAPI, given: created(subnetA), when: doAssign(func(in *assignInput) { count(1)(in); named("10.0.4.4")(in) }), code: "InvalidParameterCombination"},
		{action: "AssignPrivateIpAddresses", situation: "above the type's limit", source: docErrors, given: func(l *lab) { l.attached(small, 1) }, when: doAssign(count(2)), code: "PrivateIpAddressLimitExceeded", then: has(1)},
		{action: "AssignPrivateIpAddresses", situation: "subnet full", source: docErrors, given: created(tiny), when: doAssign(count(11)), code: "InsufficientFreeAddressesInSubnet", then: has(1)},
		{action: "AssignPrivateIpAddresses", situation: "nothing", source: docErrors, given: created(subnetA), when: doAssign(func(*assignInput) {}), code: "MissingParameter"},
		{action: "AssignPrivateIpAddresses", situation: "none", source: assumed, given: created(subnetA), when: doAssign(count(0)), code: "InvalidParameterValue"},
		{action: "AssignPrivateIpAddresses", situation: "AWS's own", source: assumed, world: foreignInterfaces, given: func(l *lab) { l.eni = balancer }, when: doAssign(count(1)), code: "AuthFailure", status: 401},
		{action: "AssignPrivateIpAddresses", situation: "reassignment allowed, and not needed", source: docAPI, given: created(subnetA), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(true) }), code: "OK", then: has(2)},
		{action: "AssignPrivateIpAddresses", situation: "reassignment refused", source: docErrors, given: given(created(subnetA), func(l *lab) { l.must(doAssign(named("10.0.4.4"))(l)) }, created(subnetA)), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(false) }), code: "InvalidIPAddress.InUse"},
		{action: "AssignPrivateIpAddresses", situation: "reassignment allowed", source: docAPI, given: given(created(subnetA), func(l *lab) { l.must(doAssign(named("10.0.4.4"))(l)); l.att = l.eni }, created(subnetA)), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(true) }), code: "OK", then: func(l *lab) {
			has(2)(l)
			if n := len(l.describe(l.att).PrivateIpAddresses); n != 1 {
				l.Errorf("the one that had it has %d addresses", n)
			}
		}},
		{action: "AssignPrivateIpAddresses", situation: "reassignment of a primary address", source: assumed, given: given(created(subnetA, ip("10.0.4.4")), created(subnetA)), when: doAssign(func(in *assignInput) { named("10.0.4.4")(in); in.AllowReassignment = aws.Bool(true) }), code: "InvalidIPAddress.InUse"},
		{action: "AssignPrivateIpAddresses", situation: "to an EFA-only interface", source: assumedCode(docEFA), given: created(subnetA, efaOnlyKind), when: doAssign(func(in *assignInput) { in.SecondaryPrivateIpAddressCount = aws.Int32(1) }), code: "UnsupportedOperation"},
		{action: "AssignPrivateIpAddresses", situation: "more than any type takes", source: assumed, given: created(subnetA), when: doAssign(func(in *assignInput) { in.SecondaryPrivateIpAddressCount = aws.Int32(1000) }), code: "PrivateIpAddressLimitExceeded"},
		{action: "UnassignPrivateIpAddresses", situation: "from an EFA-only interface", source: assumed, given: created(subnetA, efaOnlyKind), when: doUnassign("10.0.3.7"), code: "InvalidParameterValue"},
		{action: "AssignPrivateIpAddresses", situation: "prefixes on a type without Nitro", source: assumedCode(seenPrefixes), world: xen, given: func(l *lab) { l.attached(node, 1) }, when: doAssign(func(in *assignInput) { in.Ipv4PrefixCount = aws.Int32(1) }), code: "InvalidParameterCombination"},
		{action: "AssignPrivateIpAddresses", situation: "unknown interface", source: docErrors, given: func(l *lab) { l.eni = nobody }, when: doAssign(count(1)), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "UnassignPrivateIpAddresses", situation: "take one away", source: docAPI, given: given(created(subnetA), func(l *lab) { l.must(doAssign(named("10.0.4.4", "10.0.4.5"))(l)) }), when: doUnassign("10.0.4.4"), code: "OK", then: has(2)},
		{action: "UnassignPrivateIpAddresses", situation: "take away what is not there", source: assumed, given: created(subnetA), when: doUnassign("10.0.4.4"), code: "InvalidParameterValue"},
		{action: "UnassignPrivateIpAddresses", situation: "take the primary away", source: assumed, given: created(subnetA, ip("10.0.4.4")), when: doUnassign("10.0.4.4"), code: "InvalidParameterValue"},
	}
}
