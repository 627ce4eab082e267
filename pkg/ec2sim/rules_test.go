package ec2sim

import (
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
	return []row{
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
