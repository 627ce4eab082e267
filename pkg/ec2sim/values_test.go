package ec2sim

import (
	"fmt"
	"strings"
)

// valueRows are about values that are wrong by themselves: no dry run promises that they
// would do, nothing of the world is looked at before, and no client token is used up.
func valueRows() []row {
	const lacking = "subnet-0fffffffffffffff0"
	create, launch := "Action=CreateNetworkInterface&SubnetId="+lacking+"&", strings.Replace(launchForm, "NetworkInterface.1.DeviceIndex=0&NetworkInterface.1.", "", 1)
	onThis := "NetworkInterfaceId=" + nobody + "&"
	var rows []row
	for _, c := range []struct{ action, body, code string }{
		{"CreateNetworkInterface", create + "InterfaceType=bogus", ""},
		{"CreateNetworkInterface", create + "Description=" + strings.Repeat("d", 256), ""},
		{"CreateNetworkInterface", create + "Ipv4Prefix.1.Ipv4Prefix=junk", ""},
		{"CreateNetworkInterface", create + "Ipv4Prefix.1.Ipv4Prefix=10.0.0.16/27", ""},
		{"CreateNetworkInterface", create + "Ipv6Prefix.1.Ipv6Prefix=2001:db8::/64", ""},
		{"CreateNetworkInterface", create + "ConnectionTrackingSpecification.UdpStreamTimeout=181", ""},
		{"CreateNetworkInterface", create + "ClientToken=" + strings.Repeat("x", 65), "InvalidClientToken"},
		{"CreateNetworkInterface", create + "PrivateIpAddresses.1.Primary=true", "MissingParameter"},
		{"CreateNetworkInterface", create + "TagSpecification.1.ResourceType=network-interface&TagSpecification.1.Tag.1.Value=x", "MissingParameter"},
		{"RunInstances", strings.Replace(launch, "m5.xlarge", "m5.tiny", 1) + "SubnetId=" + lacking, ""},
		{"RunInstances", strings.Replace(launch, "MinCount=1", "MinCount=0", 1) + "SubnetId=" + lacking, ""},
		{"RunInstances", strings.Replace(launch, "ImageId=ami-12345678&", "", 1) + "SubnetId=" + lacking, "MissingParameter"},
		{"RunInstances", launchForm + "SubnetId=" + lacking + "&NetworkInterface.1.InterfaceType=bogus", ""},
		{"RunInstances", launchForm + "InterfaceType=interface", "MissingParameter"},
		{"RunInstances", launch + "NetworkInterface.1.SubnetId=" + lacking, "MissingParameter"},
		{"RunInstances", launchForm + "SubnetId=" + lacking + "&NetworkInterface.1.PrivateIpAddresses.1.Primary=true", "MissingParameter"},
		{"RunInstances", launchForm + "SubnetId=" + lacking + "&NetworkInterface.1.ConnectionTrackingSpecification.TcpEstablishedTimeout=59", ""},
		{"ModifyNetworkInterfaceAttribute", "Action=ModifyNetworkInterfaceAttribute&" + onThis + "ConnectionTrackingSpecification.UdpTimeout=9999", ""},
		{"ModifyNetworkInterfaceAttribute", "Action=ModifyNetworkInterfaceAttribute&" + onThis + "Description.Value=" + strings.Repeat("d", 256), ""},
		{"ModifyNetworkInterfaceAttribute", "Action=ModifyNetworkInterfaceAttribute&" + onThis + "EnablePrimaryIpv6=false", ""},
		{"ModifyNetworkInterfaceAttribute", "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=" + nobody, "InvalidParameterCombination"},
		{"ModifyNetworkInterfaceAttribute", "Action=ModifyNetworkInterfaceAttribute&" + onThis + "Attachment.DeleteOnTermination=true", "MissingParameter"},
		{"ModifyNetworkInterfaceAttribute", "Action=ModifyNetworkInterfaceAttribute&" + onThis + "Attachment.AttachmentId=eni-attach-12345678", "MissingParameter"},
		{"AssignPrivateIpAddresses", "Action=AssignPrivateIpAddresses&" + onThis + "SecondaryPrivateIpAddressCount=0", ""},
		{"AssignPrivateIpAddresses", "Action=AssignPrivateIpAddresses&NetworkInterfaceId=" + nobody, "MissingParameter"},
		{"AssignIpv6Addresses", "Action=AssignIpv6Addresses&" + onThis + "Ipv6PrefixCount=0", ""},
		{"AssignIpv6Addresses", "Action=AssignIpv6Addresses&NetworkInterfaceId=" + nobody, "MissingParameter"},
		{"UnassignPrivateIpAddresses", "Action=UnassignPrivateIpAddresses&NetworkInterfaceId=" + nobody, "MissingParameter"},
		{"UnassignPrivateIpAddresses", "Action=UnassignPrivateIpAddresses&" + onThis + "Ipv4Prefix.1=junk", ""},
		{"UnassignIpv6Addresses", "Action=UnassignIpv6Addresses&NetworkInterfaceId=" + nobody, "MissingParameter"},
		{"CreateTags", "Action=CreateTags&ResourceId.1=" + nobody + "&Tag.1.Key=a&Tag.2.Value=b", "MissingParameter"},
		{"DescribeNetworkInterfaceAttribute", "Action=DescribeNetworkInterfaceAttribute&" + onThis + "Attribute=junk", ""},
		{"DescribeInstanceAttribute", "Action=DescribeInstanceAttribute&InstanceId=i-0fffffffffffffff0&Attribute=junk", ""},
		{"DescribeNetworkInterfaces", "Action=DescribeNetworkInterfaces&MaxResults=1", ""},
		{"DescribeInstances", "Action=DescribeInstances&MaxResults=1001", ""},
		{"DescribeInstanceTypes", "Action=DescribeInstanceTypes&MaxResults=101", ""},
		{"DescribeSubnets", "Action=DescribeSubnets&NextToken=junk", "InvalidNextToken"},
	} {
		rows = append(rows, row{
			action: c.action, situation: "dry run of " + strings.TrimPrefix(c.body, "Action="+c.action+"&"), source: docAPI,
			when: query(c.body + "&DryRun=true"), code: orDefault(c.code, "InvalidParameterValue"),
		})
	}
	for action, op := range operations {
		if op.reads != nil {
			rows = append(rows, row{action: action, situation: "dry run of a filter that there is not", source: docFilters, when: query("Action=" + action + "&DryRun=true&Filter.1.Name=bogus&Filter.1.Value.1=x"), code: "InvalidParameterValue"})
		}
	}
	return append(append(rows, filterRows()...), row{
		action: "CreateNetworkInterface", situation: "token of a call with a value that is wrong by itself is not used up", source: docTokens,
		given: func(l *lab) {
			l.refused("InvalidParameterValue", query("Action=CreateNetworkInterface&SubnetId="+subnetA+"&ClientToken=t&InterfaceType=bogus"))
		},
		when: doCreate(subnetA, token("t")), code: "OK",
	})
}

// filterRows are about how much of filters a call may have.
func filterRows() []row {
	long := func(n int) string { return strings.Repeat("a", n) }
	about := func(name, v string) func(*lab) error {
		return query("Action=DescribeNetworkInterfaces&Filter.1.Name=" + name + "&Filter.1.Value.1=" + v)
	}
	many := func(n int) func(*lab) error {
		body := "Action=DescribeNetworkInterfaces"
		for i := range n {
			body += fmt.Sprintf("&Filter.%d.Name=vpc-id&Filter.%d.Value.1=vpc-1", i+1, i+1)
		}
		return query(body)
	}
	const action = "DescribeNetworkInterfaces"
	return []row{
		{action: action, situation: "fifty filters", source: docFilters, when: many(50), code: "OK"},
		{action: action, situation: "fifty-one filters", source: docFilters, when: many(51), code: "FilterLimitExceeded"},
		{action: action, situation: "a value of 255 characters that are more bytes", source: docFilters, when: about("description", strings.Repeat("%C3%BC", 255)), code: "OK"},
		{action: action, situation: "a value of 256 characters", source: docFilters, when: about("description", long(256)), code: "InvalidParameterValue"},
		{action: action, situation: "a name of 256 characters", source: docFilters, when: about("tag:"+long(252), "x"), code: "InvalidParameterValue"},
		{action: action, situation: "a name of 255 characters", source: docFilters, when: about("tag:"+long(251), "x"), code: "OK"},
	}
}

// refused makes a call that must fail.
func (l *lab) refused(code string, call func(*lab) error) {
	l.Helper()
	if got, _ := outcome(call(l)); got != code {
		l.Fatalf("got %s, want %s", got, code)
	}
}
