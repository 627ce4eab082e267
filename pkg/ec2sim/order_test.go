package ec2sim

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// full8 is a card of eight that holds a ninth interface, because the first that was
// attached, which is the lab's, gives queues away.
func full8(l *lab) {
	l.Helper()
	first := ""
	for i := 1; i <= 8; i++ {
		l.create(subnetA)
		give := map[bool]string{true: "&EnaQueueCount=2"}[i == 1]
		l.must(query(fmt.Sprintf("Action=AttachNetworkInterface&NetworkInterfaceId={eni}&InstanceId=%s&DeviceIndex=%d%s", node, i, give))(l))
		if i == 1 {
			first = l.eni
		}
	}
	l.settle()
	l.eni, l.att = first, *l.describe(first).Attachment.AttachmentId
}

// roomy makes the node a type with eight interfaces, and four more with queues.
func roomy(w *World) { w.Instances[0].Type = "c6in.12xlarge" }

// locked is a principal who may do all but use the default group of vpc-1, named or not.
func locked(w *World) {
	w.SecurityGroups = append(w.SecurityGroups, SecurityGroup{ID: "sg-0ddddddddddddddd1", VPC: "vpc-1", Name: "default", Tags: map[string]string{"locked": "yes"}})
	w.Principals = []Principal{{Name: "p", AccessKey: "AKIDTEST", Documents: []string{`{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
		{"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ec2:*:*:security-group/*", "Condition": {"StringEquals": {"aws:ResourceTag/locked": "yes"}}}]}`}}}
}

// orderRows are about which of several reasons a call is refused for, and about the rules
// that no single call shows.
func orderRows() []row {
	const gone, lacking = "sg-0fffffffffffffff0", "subnet-0fffffffffffffff0"
	groupsOf := func(subnet, before string) string {
		return "Action=" + before + "SubnetId=" + subnet + "&SecurityGroupId.1=" + foreign + "&SecurityGroupId.2=" + gone
	}
	modify, existing := "Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId={eni}&", launchForm+"NetworkInterfaceId={eni}&NetworkInterface.1."
	launch := "Action=RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=1&InstanceType=m5.xlarge&SubnetId=" + subnetA
	rows := []row{
		{action: "CreateNetworkInterface", situation: "a group that is not there comes before one of another VPC", source: docErrors, when: query(groupsOf(subnetA, "CreateNetworkInterface&")), code: "InvalidGroup.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "a group that is not there comes before one of another VPC", source: docErrors, given: created(subnetA), when: query(modify + "SecurityGroupId.1=" + foreign + "&SecurityGroupId.2=" + gone), code: "InvalidGroup.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "a subnet that is not there comes before one of another VPC", source: docErrors, given: created(subnetA), when: query(modify + "AssociatedSubnetId.1=" + subnetX + "&AssociatedSubnetId.2=" + lacking), code: "InvalidSubnetID.NotFound"},
		{action: "RunInstances", situation: "a subnet that is not there comes before a group of another VPC", source: docErrors, when: query(launchForm + "SubnetId=" + subnetA + "&NetworkInterface.1.SecurityGroupId.1=" + foreign + "&NetworkInterface.2.DeviceIndex=1&NetworkInterface.2.SubnetId=" + lacking), code: "InvalidSubnetID.NotFound"},
		{action: "RunInstances", situation: "an interface that is not there comes before AWS's own", source: docErrors, world: foreignInterfaces, when: query(launchForm + "NetworkInterfaceId=" + operated + "&NetworkInterface.2.DeviceIndex=1&NetworkInterface.2.NetworkInterfaceId=" + nobody), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "CreateNetworkInterface", situation: "default group denied, none named", source: docIAM, world: locked, when: doCreate(subnetA), code: "UnauthorizedOperation", status: 403},
		{action: "CreateNetworkInterface", situation: "default group denied, another named", source: docIAM, world: locked, when: doCreate(subnetA, groups(workers)), code: "OK"},
		{action: "RunInstances", situation: "default group denied, none named", source: docIAM, world: locked, when: query(launch), code: "UnauthorizedOperation", status: 403},
		{action: "RunInstances", situation: "default group denied, an interface without groups", source: docIAM, world: locked, when: query(launchForm + "SubnetId=" + subnetA), code: "UnauthorizedOperation", status: 403},
		{action: "RunInstances", situation: "default group denied, another named", source: docIAM, world: locked, when: query(launch + "&SecurityGroupId.1=" + workers), code: "OK"},
		{action: "RunInstances", situation: "an interface that is there already, with ENA options and a flag", source: docAPI, given: created(subnetA), when: query(existing + "DeleteOnTermination=true&NetworkInterface.1.EnaSrdSpecification.EnaSrdEnabled=false"), code: "OK"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA queues that the card's interfaces need", source: seenLimit, world: roomy, given: full8, when: query(modify + "Attachment.AttachmentId={att}&Attachment.DefaultEnaQueueCount=true"), code: "AttachmentLimitExceeded"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA queues that somebody else makes room with too", source: docAPI, world: roomy, given: given(full8, func(l *lab) {
			first := *l
			l.create(subnetA)
			l.must(query("Action=AttachNetworkInterface&NetworkInterfaceId={eni}&InstanceId=" + node + "&DeviceIndex=9&EnaQueueCount=2")(l))
			l.eni, l.att = first.eni, first.att
		}), when: query(modify + "Attachment.AttachmentId={att}&Attachment.DefaultEnaQueueCount=true"), code: "OK"},
		{action: "AttachNetworkInterface", situation: "no room once the queues have gone", source: seenLimit, world: roomy, given: given(full8, func(l *lab) { l.must(doDetach(nil, false)(l)) }, settled), when: doAttach(nil, node, 0, 1), code: "AttachmentLimitExceeded"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "groups of a primary are the instance's", source: docENI, given: func(l *lab) { l.eni = l.primaryOf(node) }, when: doModify(setGroups(workers, other)), code: "OK", then: func(l *lab) {
			for _, in := range l.sim.Snapshot().Instances {
				if in.ID == node {
					l.want("the groups", strings.Join(in.SecurityGroups, " "), workers+" "+other)
				}
			}
		}},
		{action: "RunInstances", situation: "a running instance has no reason to be so", source: docAPI, when: query(launch + "&KeyName=kk"), code: "OK", then: func(l *lab) {
			find := "Action=DescribeInstances&Filter.1.Name=key-name&Filter.1.Value.1=kk&Filter.2.Name=state-reason-code&Filter.2.Value.1=pending"
			l.wantReservations("a pending instance", find, 1)
			l.settle()
			l.wantReservations("a running instance", find, 0)
		}},
	}
	for _, param := range []string{
		"SecondaryPrivateIpAddressCount=0", "ConnectionTrackingSpecification.UdpTimeout=40", "Ipv4PrefixCount=1", "Ipv6AddressCount=1", "AssociatePublicIpAddress=false",
		"PrimaryIpv6=false", "PrivateIpAddresses.1.PrivateIpAddress=10.0.4.4", "InterfaceType=interface", "SubnetId=" + subnetA,
	} {
		rows = append(rows, row{action: "RunInstances", situation: "an interface that is there already, with " + param, source: docAPI, given: created(subnetA), when: query(existing + param), code: "InvalidParameterCombination", then: stateIs("available")})
	}
	return rows
}

// TestConsistencyKeepsItsEnd: a lag that does not vary below its end is saved with it.
func TestConsistencyKeepsItsEnd(t *testing.T) {
	t.Parallel()
	w, err := ParseWorld("world", []byte("consistency: {p50: 1s, p99: 1s, max: 5s}\n"))
	if err != nil {
		t.Fatal(err)
	}
	sim, err := New(w, Options{Clock: NewVirtualClock(time.Unix(0, 0))})
	if err != nil {
		t.Fatal(err)
	}
	saved, err := json.Marshal(sim.Save())
	if err != nil {
		t.Fatal(err)
	}
	var read Snapshot
	if err := json.Unmarshal(saved, &read); err != nil {
		t.Fatal(err)
	}
	if got, want := read.State.Lag.Lag, Spread(time.Second, time.Second, 5*time.Second); got != want {
		t.Errorf("the lag is %+v, want %+v", got, want)
	}
	if err := sim.Restore(read); err != nil {
		t.Error(err)
	}
}
