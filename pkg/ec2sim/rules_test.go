package ec2sim

import (
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// creator may create interfaces; what it may tag is for the policy's last statement to say.
func creator(tagging string) func(*World) {
	return func(w *World) {
		w.Principals = []Principal{{Name: "p", AccessKey: "AKIDTEST", Documents: []string{`{"Statement": [
			{"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": "*"}` + tagging + `]}`}}}
	}
}

// tagger is a statement that allows to tag what some action makes.
func tagger(action string) string {
	return `, {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:network-interface/*", "Condition": {"StringEquals": {"ec2:CreateAction": "` + action + `"}}}`
}

// rulesRows are single rules that other rows pass by.
func rulesRows() []row {
	tagged := tagSpec(types.ResourceTypeNetworkInterface, "a", "1")
	prefixes6 := func(n int32) func(*createInput) {
		return func(in *createInput) { in.Ipv6PrefixCount = &n }
	}
	onTheWay := func(l *lab) {
		l.attached(node, 1)
		l.must(doModify(dot(true))(l))
		l.must(doDetach(nil, false)(l))
	}
	// A service takes an interface over that has an address beside its primary one.
	taken := given(created(subnetA), func(l *lab) {
		l.must(query("Action=AssignPrivateIpAddresses&NetworkInterfaceId={eni}&PrivateIpAddress.1=10.0.4.4")(l))
		l.sim.locked(func(time.Time) {
			e := l.sim.interfaces.byID[l.eni]
			l.sim.change(e, func() { e.operator = "eks.amazonaws.com" })
		})
	}, created(subnetA))
	only := func(in *createInput) { in.InterfaceType = efaOnly }
	bare := func(l *lab) {
		l.Helper()
		if e := l.describe(l.eni); e.PrivateIpAddress != nil || e.PrivateDnsName != nil || len(e.PrivateIpAddresses) > 0 {
			l.Errorf("it looks like %+v", e)
		}
		if n := l.sim.subnets.byID[tiny].pool.available(); n != 11 {
			l.Errorf("%d addresses of its subnet are free, want 11", n)
		}
		for _, body := range []string{"addresses.primary&Filter.1.Value.1=true", "private-dns-name&Filter.1.Value.1=*", "private-ip-address&Filter.1.Value.1=*"} {
			answer := ask(l.T, l.sim, "Action=DescribeNetworkInterfaces&Filter.2.Name=network-interface-id&Filter.2.Value.1="+l.eni+"&Filter.1.Name="+body)
			if !strings.Contains(answer, "<networkInterfaceSet") || strings.Contains(answer, l.eni) {
				l.Errorf("filter %s: %s", body, answer)
			}
		}
		if err := l.sim.Restore(l.sim.Save()); err != nil {
			l.Errorf("restore: %v", err)
		}
	}
	efaLaunch := strings.Replace(launchForm, "m5.xlarge", "c6in.32xlarge", 1)
	return []row{
		{action: "CreateNetworkInterface", situation: "EFA-only has no address", source: docEFA, when: doCreate(tiny, only), code: "OK", then: bare},
		{action: "CreateNetworkInterface", situation: "EFA-only with secondary addresses", source: docEFA, when: doCreate(subnetA, only, more(2)), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "EFA-only with IPv6 prefixes", source: docEFA, world: dual, when: doCreate(subnetA, only, prefixes6(1)), code: "InvalidParameterCombination"},
		{action: "AssignIpv6Addresses", situation: "to an EFA-only one", source: assumedCode(docEFA), world: dual, given: created(subnetA, only), when: query("Action=AssignIpv6Addresses&NetworkInterfaceId={eni}&Ipv6AddressCount=1"), code: "UnsupportedOperation"},
		{action: "RunInstances", situation: "EFA-only as the primary", source: docEFA, when: query(efaLaunch + "SubnetId=" + subnetA + "&NetworkInterface.1.InterfaceType=efa-only"), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "EFA-only that is there already as the primary", source: docEFA, given: created(subnetA, only), when: query(efaLaunch + "NetworkInterfaceId={eni}"), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "EFA-only beside the primary, which gets the last address", source: docEFA, given: func(l *lab) {
			for range 10 {
				l.create(tiny)
			}
		}, when: query(efaLaunch + "SubnetId=" + tiny + "&NetworkInterface.2.DeviceIndex=1&NetworkInterface.2.NetworkCardIndex=1&NetworkInterface.2.InterfaceType=efa-only&NetworkInterface.2.SubnetId=" + tiny), code: "OK", then: func(l *lab) {
			l.settle()
			if n := l.sim.subnets.byID[tiny].pool.available(); n != 0 {
				l.Errorf("%d addresses are free, want none", n)
			}
			if answer := ask(l.T, l.sim, "Action=DescribeInstances&Filter.1.Name=subnet-id&Filter.1.Value.1="+tiny); strings.Count(answer, "<interfaceType>efa-only") != 1 {
				l.Errorf("the instance is shown as %s", answer)
			}
		}},
		{action: "CreateNetworkInterface", situation: "tags without leave to tag", source: docIAM, world: creator(""), when: doCreate(subnetA, tagged), code: "UnauthorizedOperation", status: 403},
		{action: "CreateNetworkInterface", situation: "tags with leave for what another action makes", source: docIAM, world: creator(tagger("RunInstances")), when: doCreate(subnetA, tagged), code: "UnauthorizedOperation", status: 403},
		{action: "CreateNetworkInterface", situation: "tags with leave for what it makes", source: docIAM, world: creator(tagger("CreateNetworkInterface")), when: doCreate(subnetA, tagged), code: "OK"},
		{action: "CreateNetworkInterface", situation: "no tags, and no leave to tag", source: docIAM, world: creator(""), when: doCreate(subnetA), code: "OK"},
		{action: "CreateNetworkInterface", situation: "one group twice", source: docAPI, world: func(w *World) { w.Quotas.SecurityGroupsPerInterface = 1 }, when: doCreate(subnetA, groups(workers, workers)), code: "OK", then: func(l *lab) {
			if g := l.describe(l.eni).Groups; len(g) != 1 || *g[0].GroupId != workers {
				l.Errorf("it has groups %+v", g)
			}
		}},
		{action: "AttachNetworkInterface", situation: "more prefixes than the type takes addresses", source: docErrors, given: created(subnetA, prefixes(2)), when: doAttach(nil, small, 0, 1), code: "PrivateIpAddressLimitExceeded"},
		{action: "AttachNetworkInterface", situation: "as many prefixes as the type takes", source: docErrors, given: created(subnetA, prefixes(1)), when: doAttach(nil, small, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "more IPv6 prefixes than the type takes addresses", source: docErrors, world: dual, given: created(subnetA, prefixes6(3)), when: doAttach(nil, small, 0, 1), code: "PrivateIpAddressLimitExceeded"},
		{action: "AttachNetworkInterface", situation: "as many IPv6 prefixes as the type takes", source: docErrors, world: dual, given: created(subnetA, prefixes6(2)), when: doAttach(nil, small, 0, 1), code: "OK"},
		{action: "DetachNetworkInterface", situation: "EFA of a running instance", source: docEFA, given: given(func(l *lab) { l.stop(big) }, created(subnetA, efa), func(l *lab) { l.attach(l.eni, big, 0, 1); l.start(big) }), when: doDetach(nil, false), code: "IncorrectState", then: stateIs("in-use/attached")},
		{action: "DetachNetworkInterface", situation: "EFA of a stopped instance", source: docEFA, given: given(func(l *lab) { l.stop(big) }, created(subnetA, efa), func(l *lab) { l.attach(l.eni, big, 0, 1) }, settled), when: doDetach(nil, false), code: "OK"},
		{action: "TerminateInstances", situation: "terminate spares what was on its way out, whatever its flag", source: assumed, world: func(w *World) { w.Latency.Detach = Exactly(time.Hour) }, given: onTheWay, when: doLife("terminate", node), code: "OK", then: given(stateIs("in-use/detaching"), after(6*time.Second), stateIs("available"))},
		{action: "AssignPrivateIpAddresses", situation: "reassignment of what a service has", source: assumed, given: taken, when: doAssign(func(in *assignInput) {
			in.PrivateIpAddresses, in.AllowReassignment = []string{"10.0.4.4"}, aws.Bool(true)
		}), code: "InvalidIPAddress.InUse"},
	}
}
