package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type runInput = ec2.RunInstancesInput

func doRun(n int32, change ...func(*runInput)) func(*lab) error {
	return func(l *lab) error {
		in := &runInput{ImageId: aws.String("ami-12345678"), MinCount: &n, MaxCount: &n, InstanceType: "m5.xlarge", SubnetId: aws.String(subnetA)}
		for _, f := range change {
			f(in)
		}
		out, err := l.ec2.RunInstances(l.Context(), in)
		if err == nil {
			l.said = out.Instances
		}
		return err
	}
}

func (l *lab) instance(id string) types.Instance {
	l.Helper()
	out, err := l.ec2.DescribeInstances(l.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})
	l.must(err)
	return out.Reservations[0].Instances[0]
}

func doLife(action, id string) func(*lab) error {
	return func(l *lab) (err error) {
		ids := []string{id}
		switch action {
		case "start":
			_, err = l.ec2.StartInstances(l.Context(), &ec2.StartInstancesInput{InstanceIds: ids})
		case "stop":
			_, err = l.ec2.StopInstances(l.Context(), &ec2.StopInstancesInput{InstanceIds: ids})
		case "reboot":
			_, err = l.ec2.RebootInstances(l.Context(), &ec2.RebootInstancesInput{InstanceIds: ids})
		case "terminate":
			_, err = l.ec2.TerminateInstances(l.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids})
		}
		return err
	}
}

func nodeIs(id, want string) func(*lab) {
	return func(l *lab) { l.Helper(); l.want("the instance", l.instanceState(id), want) }
}

func after(d time.Duration) func(*lab) { return func(l *lab) { l.clock.Advance(d) } }

func lifeRows() []row {
	withENI := func(flag bool) func(*lab) {
		return func(l *lab) { l.attached(node, 1); l.must(doModify(dot(flag))(l)) }
	}
	const step = 5 * time.Second
	return []row{
		{action: "StartInstances", situation: "pending runs after a while", source: docLife, when: doLife("start", fresh), code: "OK", then: given(nodeIs(fresh, pending), after(step), nodeIs(fresh, running))},
		{action: "StopInstances", situation: "stop", source: docLife, when: doLife("stop", node), code: "OK", then: given(nodeIs(node, stopping), after(step), nodeIs(node, stopped))},
		{action: "StopInstances", situation: "stop twice", source: assumed, given: func(l *lab) { l.stop(node) }, when: doLife("stop", node), code: "OK", then: nodeIs(node, stopped)},
		{action: "StopInstances", situation: "stop leaves interfaces where they are", source: docENI, given: withENI(true), when: doLife("stop", node), code: "OK", then: given(settled, stateIs("in-use/attached"))},
		{action: "StopInstances", situation: "stop while pending", source: docErrors, when: doLife("stop", fresh), code: "IncorrectInstanceState"},
		{action: "StopInstances", situation: "stop says why", source: docInstance, when: doLife("stop", node), code: "OK", then: func(l *lab) {
			i := l.instance(node)
			l.want("the reason", *i.StateTransitionReason, "User initiated (2026-01-02 03:04:05 GMT)")
			l.want("the state's reason", *i.StateReason.Code, "Client.UserInitiatedShutdown")
		}},
		{action: "StartInstances", situation: "start renews the launch time", source: docInstance, given: after(time.Hour), when: doLife("start", halted), code: "OK", then: func(l *lab) {
			i := l.instance(halted)
			l.want("the launch time", i.LaunchTime.String(), "2026-01-02 04:04:05 +0000 UTC")
			l.want("the reason", *i.StateTransitionReason, "")
		}},
		{action: "StartInstances", situation: "start leaves other people's attaches alone", source: assumed, world: func(w *World) { w.Latency.Attach = Exactly(time.Minute) }, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, halted, 0, 1) }), when: doLife("start", halted), code: "OK", then: given(
			after(6*time.Second), nodeIs(halted, running), stateIs("in-use/attaching"), after(time.Minute), stateIs("in-use/attached"))},
		{action: "StartInstances", situation: "start heals no attach that is stuck", source: simulated, given: given(fault(`{"effect": "stuck-attaching"}`), created(subnetA), func(l *lab) { l.attach(l.eni, halted, 0, 1) }), when: doLife("start", halted), code: "OK", then: given(settled, stateIs("in-use/attaching"))},
		{action: "StartInstances", situation: "start stopped", source: docLife, when: doLife("start", halted), code: "OK", then: given(nodeIs(halted, pending), after(step), nodeIs(halted, running))},
		{action: "StartInstances", situation: "start running", source: assumed, when: doLife("start", node), code: "OK", then: nodeIs(node, running)},
		{action: "StartInstances", situation: "start stopping", source: docErrors, given: func(l *lab) { l.must(doLife("stop", node)(l)) }, when: doLife("start", node), code: "IncorrectInstanceState"},
		{action: "StartInstances", situation: "start terminated", source: docErrors, given: given(terminating(node), settled), when: doLife("start", node), code: "IncorrectInstanceState"},
		{action: "RebootInstances", situation: "reboot", source: docLife, when: doLife("reboot", node), code: "OK", then: nodeIs(node, running)},
		{action: "RebootInstances", situation: "reboot stopped", source: docErrors, when: doLife("reboot", halted), code: "IncorrectInstanceState"},
		{action: "TerminateInstances", situation: "terminate", source: docLife, when: doLife("terminate", node), code: "OK", then: given(nodeIs(node, shuttingDown), after(step), nodeIs(node, terminated))},
		{action: "TerminateInstances", situation: "terminate twice", source: docAPI, given: terminating(node), when: doLife("terminate", node), code: "OK", then: given(after(step), nodeIs(node, terminated))},
		{action: "TerminateInstances", situation: "terminate deletes the primary", source: docENI, given: func(l *lab) { l.eni = l.primaryOf(node) }, when: doLife("terminate", node), code: "OK", then: given(stateIs("in-use/attached"), after(step), stateIs("gone"))},
		{action: "TerminateInstances", situation: "terminate with delete-on-termination", source: docENI, given: withENI(true), when: doLife("terminate", node), code: "OK", then: given(stateIs("in-use/attached"), after(step), stateIs("gone"))},
		{action: "TerminateInstances", situation: "terminate without delete-on-termination", source: docENI, given: withENI(false), when: doLife("terminate", node), code: "OK", then: given(after(step), stateIs("available"))},
		{action: "TerminateInstances", situation: "terminated is forgotten after an hour", source: docLife, given: terminating(node), when: doLife("terminate", node), code: "OK", then: given(after(2*time.Hour), nodeIs(node, "gone"))},
		{action: "TerminateInstances", situation: "unknown instance", source: docErrors, when: doLife("terminate", "i-0fffffffffffffff0"), code: "InvalidInstanceID.NotFound"},
		{action: "StopInstances", situation: "malformed instance", source: docErrors, when: doLife("stop", "i-xyz"), code: "InvalidInstanceID.Malformed"},
		{action: "StopInstances", situation: "no instance", source: docErrors, when: func(l *lab) error { return l.form("Action=StopInstances") }, code: "MissingParameter"},
	}
}

// doRunWith launches with the interface that the row's setting has made.
func doRunWith(l *lab) error {
	return doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), NetworkInterfaceId: &l.eni}))(l)
}

type nicInput = types.InstanceNetworkInterfaceSpecification

func nicAt(index int32, subnet string) nicInput {
	return nicInput{DeviceIndex: &index, SubnetId: &subnet}
}

func nics(list ...nicInput) func(*runInput) {
	return func(in *runInput) { in.SubnetId, in.NetworkInterfaces = nil, list }
}

func ofType(t types.InstanceType) func(*runInput) {
	return func(in *runInput) { in.InstanceType = t }
}

// harmless are parameters that any launch may have.
func harmless(in *runInput) {
	in.KeyName, in.EbsOptimized, in.UserData = aws.String("k"), aws.Bool(false), aws.String("eA==")
	in.MetadataOptions = &types.InstanceMetadataOptionsRequest{HttpTokens: "required", HttpPutResponseHopLimit: aws.Int32(2)}
	in.BlockDeviceMappings = []types.BlockDeviceMapping{{DeviceName: aws.String("/dev/xvda"), Ebs: &types.EbsBlockDevice{VolumeSize: aws.Int32(20), DeleteOnTermination: aws.Bool(true)}}}
	in.DisableApiStop, in.CreditSpecification = aws.Bool(false), &types.CreditSpecificationRequest{CpuCredits: aws.String("standard")}
	in.CpuOptions = &types.CpuOptionsRequest{CoreCount: aws.Int32(2), ThreadsPerCore: aws.Int32(1)}
	in.PrivateDnsNameOptions = &types.PrivateDnsNameOptionsRequest{HostnameType: "ip-name", EnableResourceNameDnsARecord: aws.Bool(true)}
	in.Monitoring, in.IamInstanceProfile = &types.RunInstancesMonitoringEnabled{Enabled: aws.Bool(true)}, &types.IamInstanceProfileSpecification{Name: aws.String("p")}
	in.Placement = &types.Placement{AvailabilityZone: aws.String("us-east-1a"), Tenancy: "default"}
	in.HibernationOptions, in.EnclaveOptions = &types.HibernationOptionsRequest{Configured: aws.Bool(false)}, &types.EnclaveOptionsRequest{Enabled: aws.Bool(false)}
}

func runInstancesRows() []row {
	counts := func(least, most int32) func(*runInput) {
		return func(in *runInput) { in.MinCount, in.MaxCount = &least, &most }
	}
	in := func(subnet string) func(*runInput) { return func(i *runInput) { i.SubnetId = &subnet } }
	made := func(n int) func(*lab) {
		return func(l *lab) {
			l.Helper()
			if got := len(l.said.([]types.Instance)); got != n {
				l.Errorf("%d instances, want %d", got, n)
			}
		}
	}
	return []row{
		{action: "RunInstances", situation: "two", source: docAPI, when: doRun(2), code: "OK", then: func(l *lab) {
			made(2)(l)
			i := l.said.([]types.Instance)[1]
			l.want("the state", string(i.State.Name), pending)
			l.want("the primary", string(i.NetworkInterfaces[0].Attachment.Status), attaching)
			l.settle()
			l.want("the state later", l.instanceState(*i.InstanceId), running)
			l.want("the primary later", l.state(*i.NetworkInterfaces[0].NetworkInterfaceId), "in-use/attached")
		}},
		{action: "RunInstances", situation: "tags for both kinds", source: docTags, when: doRun(1, func(i *runInput) {
			i.TagSpecifications = []types.TagSpecification{
				{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}},
				{ResourceType: "network-interface", Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}},
			}
		}), code: "OK", then: func(l *lab) {
			i := l.said.([]types.Instance)[0]
			l.want("the instance's tag", *i.Tags[0].Key, "a")
			l.want("the interface's tag", *l.describe(*i.NetworkInterfaces[0].NetworkInterfaceId).TagSet[0].Key, "b")
		}},
		{action: "RunInstances", situation: "as many as there is room for", source: docAPI, when: doRun(1, counts(1, 50), in(tiny)), code: "OK", then: made(11)},
		{action: "RunInstances", situation: "no room for the least", source: docErrors, when: doRun(1, counts(12, 50), in(tiny)), code: "InsufficientFreeAddressesInSubnet"},
		{action: "RunInstances", situation: "least above most", source: docAPI, when: doRun(1, counts(2, 1)), code: "InvalidParameterValue"},
		{action: "RunInstances", situation: "Region's quota", source: docErrors, world: func(w *World) { w.Quotas.InterfacesPerRegion = 5 }, when: doRun(1), code: "NetworkInterfaceLimitExceeded"},
		{action: "RunInstances", situation: "no subnet", source: docErrors, when: doRun(1, func(i *runInput) { i.SubnetId = nil }), code: "VPCIdNotSpecified"},
		{action: "RunInstances", situation: "subnet unknown", source: docErrors, when: doRun(1, in("subnet-0fffffffffffffff0")), code: "InvalidSubnetID.NotFound"},
		{action: "RunInstances", situation: "group of another VPC", source: seenNetworks, when: doRun(1, func(i *runInput) { i.SecurityGroupIds = []string{foreign} }), code: "InvalidParameter"},
		{action: "RunInstances", situation: "type unknown", source: docErrors, when: doRun(1, func(i *runInput) { i.InstanceType = "z9.huge" }), code: "InvalidParameterValue"},
		{action: "RunInstances", situation: "image malformed", source: docErrors, when: doRun(1, func(i *runInput) { i.ImageId = aws.String("ubuntu") }), code: "InvalidAMIID.Malformed"},
		{action: "RunInstances", situation: "what has nothing to do with the network", source: ours, when: doRun(1, harmless), code: "OK", then: func(l *lab) {
			l.want("the key", *l.said.([]types.Instance)[0].KeyName, "k")
		}},
		{action: "RunInstances", situation: "protection from termination is not implemented", source: ours, when: doRun(1, func(i *runInput) { i.DisableApiTermination = aws.Bool(true) }), code: "UnsupportedOperation"},
		{action: "RunInstances", situation: "no protection is the default", source: docAPI, when: doRun(1, func(i *runInput) { i.DisableApiTermination = aws.Bool(false) }), code: "OK"},
		{action: "RunInstances", situation: "public address is not implemented", source: ours, when: doRun(1, func(i *runInput) {
			i.SubnetId = nil
			i.NetworkInterfaces = []types.InstanceNetworkInterfaceSpecification{{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA), AssociatePublicIpAddress: aws.Bool(true)}}
		}), code: "UnsupportedOperation"},
		{action: "RunInstances", situation: "launch template is not implemented", source: ours, when: doRun(1, func(i *runInput) {
			i.LaunchTemplate = &types.LaunchTemplateSpecification{LaunchTemplateName: aws.String("t")}
		}), code: "UnsupportedOperation"},
		{action: "RunInstances", situation: "placement elsewhere than the subnet", source: assumed, when: doRun(1, func(i *runInput) {
			i.Placement = &types.Placement{AvailabilityZone: aws.String("us-east-1b")}
		}), code: "InvalidParameterValue"},
		{action: "RunInstances", situation: "two interfaces of its own", source: docAPI, when: doRun(1, nics(nicAt(0, subnetA), nicAt(1, subnetA2))), code: "OK", then: func(l *lab) {
			i := l.said.([]types.Instance)[0]
			l.want("the primary's subnet", *i.SubnetId, subnetA)
			if n := i.NetworkInterfaces; len(n) != 2 || *n[1].SubnetId != subnetA2 || !*n[1].Attachment.DeleteOnTermination {
				l.Errorf("interfaces are %+v", n)
			}
			l.settle()
			l.want("the second", l.state(*i.NetworkInterfaces[1].NetworkInterfaceId), "in-use/attached")
		}},
		{action: "RunInstances", situation: "an interface that is there already", source: docAPI, given: created(subnetA), when: doRunWith, code: "OK", then: func(l *lab) {
			l.want("it", l.state(l.eni), "in-use/attaching")
			l.settle()
			l.must(doLife("terminate", *l.said.([]types.Instance)[0].InstanceId)(l))
			l.settle()
			l.want("it, after termination", l.state(l.eni), "available")
		}},
		{action: "RunInstances", situation: "an interface that is in use", source: seenLaunchInUse, given: func(l *lab) { l.attached(node, 1) }, when: doRunWith, code: "InvalidNetworkInterface.InUse"},
		{action: "RunInstances", situation: "an interface that is not there", source: docErrors, when: doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), NetworkInterfaceId: aws.String(nobody)})), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "RunInstances", situation: "interfaces without a primary", source: assumed, when: doRun(1, nics(nicAt(1, subnetA))), code: "InvalidParameterValue"},
		{action: "RunInstances", situation: "interfaces without an index", source: docErrors, when: doRun(1, nics(nicInput{SubnetId: aws.String(subnetA)})), code: "MissingParameter"},
		{action: "RunInstances", situation: "two interfaces in one slot", source: assumed, when: doRun(1, nics(nicAt(0, subnetA), nicAt(0, subnetA))), code: "InvalidParameterValue"},
		{action: "RunInstances", situation: "interfaces in two zones", source: assumed, when: doRun(1, nics(nicAt(0, subnetA), nicAt(1, subnetB))), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "more interfaces than the type takes", source: seenLaunchLimit, when: doRun(1, nics(nicAt(0, subnetA), nicAt(1, subnetA), nicAt(2, subnetA), nicAt(3, subnetA), nicAt(4, subnetA))), code: "AttachmentLimitExceeded", then: func(l *lab) {
			if n := len(l.sim.Snapshot().Interfaces); n != 5 {
				l.Errorf("a launch that failed left %d interfaces", n)
			}
		}},
		{action: "RunInstances", situation: "interfaces and a subnet", source: seenBoth, when: doRun(1, func(i *runInput) { i.NetworkInterfaces = []nicInput{nicAt(0, subnetA)} }), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "an EFA at launch", source: docEFA, when: doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA), InterfaceType: aws.String("efa")}), ofType("c5n.18xlarge")), code: "OK"},
		{action: "RunInstances", situation: "an EFA at launch on a type without", source: assumedCode(docEFA), when: doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA), InterfaceType: aws.String("efa")})), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "an EFA-only interface beside the primary", source: docEFAOnly, when: doRun(1, nics(nicAt(0, subnetA), nicInput{DeviceIndex: aws.Int32(1), SubnetId: aws.String(subnetA), InterfaceType: aws.String("efa-only")}), ofType("c5n.18xlarge")), code: "OK", then: func(l *lab) {
			if n := l.sim.subnets.byID[subnetA].pool.available(); n != 4096-5-6 {
				l.Errorf("%d addresses are free beside those of six instances", n)
			}
		}},
		{action: "RunInstances", situation: "prefixes on a type without Nitro", source: assumedCode(seenPrefixes), when: doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA), Ipv4PrefixCount: aws.Int32(1)}), ofType("m4.xlarge")), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "an EFA-only interface as the primary", source: assumedCode(docEFAOnly), when: doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA), InterfaceType: aws.String("efa-only")}), ofType("c5n.18xlarge")), code: "InvalidParameterCombination"},
		{action: "RunInstances", situation: "two EFAs on a type that takes one", source: assumedCode(docEFA), when: doRun(1, nics(nicInput{DeviceIndex: aws.Int32(0), SubnetId: aws.String(subnetA), InterfaceType: aws.String("efa")}, nicInput{DeviceIndex: aws.Int32(1), SubnetId: aws.String(subnetA), InterfaceType: aws.String("efa")}), ofType("c5n.18xlarge")), code: "AttachmentLimitExceeded"},
		{action: "RunInstances", situation: "tags for volumes have no effect", source: ours, when: doRun(1, func(i *runInput) {
			i.TagSpecifications = []types.TagSpecification{{ResourceType: "volume", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}}}
		}), code: "OK"},
		{action: "RunInstances", situation: "tags for another kind", source: ours, when: doRun(1, func(i *runInput) {
			i.TagSpecifications = []types.TagSpecification{{ResourceType: "vpc", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}}}
		}), code: "InvalidParameterValue"},
		{
			action: "RunInstances", situation: "token replay makes nothing new", source: docTokens, given: func(l *lab) { l.must(doRun(1, func(i *runInput) { i.ClientToken = aws.String("t") })(l)) },
			when: doRun(1, func(i *runInput) { i.ClientToken = aws.String("t") }), code: "OK", then: func(l *lab) {
				if n := len(l.sim.Snapshot().Instances); n != 6 {
					l.Errorf("%d instances, want 6", n)
				}
			},
		},
	}
}
