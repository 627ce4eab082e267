package ec2sim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// query posts a form; {eni} and {att} in it are those of the row's setting.
func query(body string) func(*lab) error {
	return func(l *lab) error {
		return l.form(strings.NewReplacer("{eni}", l.eni, "{att}", l.att).Replace(body))
	}
}

// launchForm is a launch with interfaces of its own, whose parameters follow.
const launchForm = "Action=RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&InstanceType=m5.xlarge&NetworkInterface.1.DeviceIndex=0&NetworkInterface.1."

// wholeRows are about calls that must do all that they are asked for, or nothing at all.
func wholeRows() []row {
	const create, assign = "Action=CreateNetworkInterface&SubnetId=" + subnetA, "Action=AssignPrivateIpAddresses&NetworkInterfaceId={eni}&AllowReassignment=true"
	// The first interface has an address that the second wants.
	wanted := given(created(subnetA), func(l *lab) {
		l.must(query("Action=AssignPrivateIpAddresses&NetworkInterfaceId={eni}&PrivateIpAddress.1=10.0.4.4")(l))
		l.att = l.eni
	}, created(subnetA))
	owns := func(address string) func(*lab) {
		return func(l *lab) {
			l.Helper()
			if a := l.describe(l.att).PrivateIpAddresses; len(a) != 2 || *a[1].PrivateIpAddress != address {
				l.Errorf("the owner of %s has %+v", address, a)
			}
		}
	}
	return []row{
		{action: "RunInstances", situation: "one interface in two slots", source: docAPI, given: created(subnetA), when: query(launchForm + "NetworkInterfaceId={eni}&NetworkInterface.2.DeviceIndex=1&NetworkInterface.2.NetworkInterfaceId={eni}"), code: "InvalidParameterValue", then: stateIs("available")},
		{action: "RunInstances", situation: "more addresses than there is memory for", source: docErrors, when: query(launchForm + "SubnetId=" + subnetA + "&NetworkInterface.1.SecondaryPrivateIpAddressCount=2147483647"), code: "PrivateIpAddressLimitExceeded"},
		{action: "AssignPrivateIpAddresses", situation: "reassignment beside a reserved address", source: docAPI, given: wanted, when: query(assign + "&PrivateIpAddress.1=10.0.4.4&PrivateIpAddress.2=10.0.0.1"), code: "InvalidParameterValue", then: owns("10.0.4.4")},
		{action: "AssignPrivateIpAddresses", situation: "reassignment of one address twice", source: docAPI, given: wanted, when: query(assign + "&PrivateIpAddress.1=10.0.4.4&PrivateIpAddress.2=10.0.4.4"), code: "InvalidIPAddress.InUse", then: owns("10.0.4.4")},
		{action: "AssignPrivateIpAddresses", situation: "reassignment beside a free address", source: docAPI, given: wanted, when: query(assign + "&PrivateIpAddress.1=10.0.4.4&PrivateIpAddress.2=10.0.4.5"), code: "OK", then: func(l *lab) {
			if mine, theirs := l.describe(l.eni).PrivateIpAddresses, l.describe(l.att).PrivateIpAddresses; len(mine) != 3 || len(theirs) != 1 {
				l.Errorf("they have %d and %d addresses, want 3 and 1", len(mine), len(theirs))
			}
		}},
		{action: "CreateNetworkInterface", situation: "more IPv6 addresses than any type takes", source: docErrors, world: dual, when: query(create + "&Ipv6AddressCount=2147483647"), code: "PrivateIpAddressLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "more IPv6 prefixes than any type takes", source: docErrors, world: dual, when: query(create + "&Ipv6PrefixCount=65"), code: "PrivateIpAddressLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "as many IPv6 addresses as some type takes", source: docAPI, world: dual, when: query(create + "&Ipv6AddressCount=64"), code: "OK"},
		{action: "AssignIpv6Addresses", situation: "more than any type takes, not attached", source: docErrors, world: dual, given: func(l *lab) {
			l.must(doCreate(subnetA, func(in *createInput) { in.Ipv6AddressCount = aws.Int32(60) })(l))
		}, when: query("Action=AssignIpv6Addresses&NetworkInterfaceId={eni}&Ipv6AddressCount=5"), code: "PrivateIpAddressLimitExceeded"},
		{action: "RunInstances", situation: "prefixes for some of the instances only", source: docErrors, world: func(w *World) { w.Subnets[4].CIDR = "10.0.48.0/26" }, when: query(strings.Replace(launchForm, "MinCount=1&MaxCount=1", "MinCount=3&MaxCount=3", 1) + "SubnetId=" + tiny + "&NetworkInterface.1.Ipv4PrefixCount=1"), code: "InsufficientFreeAddressesInSubnet", then: func(l *lab) {
			if n := l.sim.subnets.byID[tiny].pool.available(); n != 64-reservedFirst-reservedLast {
				l.Errorf("%d addresses are free", n)
			}
		}},
	}
}

// wantReservations counts what a describe of instances shows.
func (l *lab) wantReservations(what, body string, want int) {
	l.Helper()
	if n := strings.Count(ask(l.T, l.sim, body), "<reservationId>"); n != want {
		l.Errorf("%s: %d reservations are shown, want %d", what, n, want)
	}
}
