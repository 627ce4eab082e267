package ec2sim

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func doAttach(eni *string, instance string, card, index int32) func(*lab) error {
	return func(l *lab) error {
		id := eni
		if id == nil {
			id = &l.eni
		}
		_, err := l.ec2.AttachNetworkInterface(l.Context(), &ec2.AttachNetworkInterfaceInput{
			NetworkInterfaceId: id, InstanceId: &instance, DeviceIndex: &index, NetworkCardIndex: &card,
		})
		return err
	}
}

func doDetach(att *string, force bool) func(*lab) error {
	return func(l *lab) error {
		id := att
		if id == nil {
			id = &l.att
		}
		_, err := l.ec2.DetachNetworkInterface(l.Context(), &ec2.DetachNetworkInterfaceInput{AttachmentId: id, Force: &force})
		return err
	}
}

func doDelete(eni *string) func(*lab) error {
	return func(l *lab) error {
		id := eni
		if id == nil {
			id = &l.eni
		}
		_, err := l.ec2.DeleteNetworkInterface(l.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: id})
		return err
	}
}

func created(subnet string, change ...func(*ec2.CreateNetworkInterfaceInput)) func(*lab) {
	return func(l *lab) { l.create(subnet, change...) }
}

func given(steps ...func(*lab)) func(*lab) {
	return func(l *lab) {
		for _, step := range steps {
			step(l)
		}
	}
}

func (l *lab) terminate(id string) {
	l.Helper()
	if _, err := l.ec2.TerminateInstances(l.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}); err != nil {
		l.Fatal(err)
	}
}

func terminating(id string) func(*lab) { return func(l *lab) { l.terminate(id) } }
func settled(l *lab)                   { l.settle() }
func stateIs(want string) func(*lab) {
	return func(l *lab) { l.Helper(); l.want("the interface", l.state(l.eni), want) }
}

func attachRows() []row {
	return []row{
		{action: "AttachNetworkInterface", situation: "free slot of a running instance", source: docENI, given: created(subnetA), when: doAttach(nil, node, 0, 1), code: "OK", then: stateIs("in-use/attaching")},
		{action: "AttachNetworkInterface", situation: "subnet other than the instance's, same zone", source: docENI, given: created(subnetA2), when: doAttach(nil, node, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "stopped instance", source: docENI, given: created(subnetA), when: doAttach(nil, halted, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "index above the number of interfaces", source: codeCNI, given: created(subnetA), when: doAttach(nil, node, 0, 99), code: "OK"},
		{action: "AttachNetworkInterface", situation: "same index on another card", source: docENI, given: given(func(l *lab) { l.attached(big, 1) }, created(subnetA)), when: doAttach(nil, big, 3, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "interface unknown", source: docErrors, when: doAttach(aws.String(nobody), node, 0, 1), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "AttachNetworkInterface", situation: "interface ID malformed", source: docErrors, when: doAttach(aws.String("eni-xyz"), node, 0, 1), code: "InvalidNetworkInterfaceId.Malformed"},
		{action: "AttachNetworkInterface", situation: "instance unknown", source: docErrors, given: created(subnetA), when: doAttach(nil, "i-0fffffffffffffff0", 0, 1), code: "InvalidInstanceID.NotFound"},
		{action: "AttachNetworkInterface", situation: "instance ID malformed", source: docErrors, given: created(subnetA), when: doAttach(nil, "i-1", 0, 1), code: "InvalidInstanceID.Malformed"},
		{action: "AttachNetworkInterface", situation: "other zone", source: assumedCode(docENI), given: created(subnetB), when: doAttach(nil, node, 0, 1), code: "InvalidParameterCombination", then: stateIs("available")},
		{action: "AttachNetworkInterface", situation: "other VPC", source: assumed, given: created(subnetX), when: doAttach(nil, node, 0, 1), code: "InvalidParameterCombination"},
		{action: "AttachNetworkInterface", situation: "zone is looked at before the slot", source: order, given: created(subnetB), when: doAttach(nil, node, 0, 0), code: "InvalidParameterCombination"},
		{action: "AttachNetworkInterface", situation: "already attached to this instance", source: docErrors, given: func(l *lab) { l.attached(node, 1) }, when: doAttach(nil, node, 0, 2), code: "InvalidNetworkInterface.InUse"},
		{action: "AttachNetworkInterface", situation: "already attached to another", source: docErrors, given: func(l *lab) { l.attached(big, 1) }, when: doAttach(nil, node, 0, 2), code: "InvalidNetworkInterface.InUse"},
		{action: "AttachNetworkInterface", situation: "still attaching", source: assumed, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doAttach(nil, node, 0, 1), code: "InvalidNetworkInterface.InUse"},
		{action: "AttachNetworkInterface", situation: "still detaching", source: assumed, given: given(func(l *lab) { l.attached(node, 1) }, func(l *lab) { l.must(doDetach(nil, false)(l)) }), when: doAttach(nil, node, 0, 2), code: "InvalidNetworkInterface.InUse"},
		{action: "AttachNetworkInterface", situation: "pending instance", source: assumedCode(codeCilium), given: created(subnetA), when: doAttach(nil, fresh, 0, 1), code: "IncorrectState"},
		{action: "AttachNetworkInterface", situation: "pending instance that has started since", source: docENI, given: given(created(subnetA), settled), when: doAttach(nil, fresh, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "instance shutting down", source: assumed, given: given(created(subnetA), terminating(node)), when: doAttach(nil, node, 0, 1), code: "IncorrectState"},
		{action: "AttachNetworkInterface", situation: "instance terminated", source: assumed, given: given(created(subnetA), terminating(node), settled), when: doAttach(nil, node, 0, 1), code: "IncorrectState"},
		{action: "AttachNetworkInterface", situation: "instance forgotten", source: docErrors, given: given(created(subnetA), terminating(node), func(l *lab) { l.clock.Advance(2 * time.Hour) }), when: doAttach(nil, node, 0, 1), code: "InvalidInstanceID.NotFound"},
		{action: "AttachNetworkInterface", situation: "slot taken", source: seenSlot, given: given(func(l *lab) { l.attached(node, 1) }, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterValue", then: stateIs("available")},
		{action: "AttachNetworkInterface", situation: "slot of the primary", source: seenSlot, given: created(subnetA), when: doAttach(nil, node, 0, 0), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "slot still detaching", source: assumed, given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, false)(l)) }, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "slot free again", source: docENI, given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, false)(l)) }, settled, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "slot spoilt by a detach by force", source: assumedCode(docDetach), given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, true)(l)) }, settled, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "slot spoilt, instance stopped and started since", source: docDetach, given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, true)(l)); l.stop(node); l.start(node) }, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "slot not spoilt by a detach by force from a stopped instance", source: assumed, given: given(func(l *lab) { l.attached(node, 1); l.stop(node); l.must(doDetach(nil, true)(l)) }, settled, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "type's limit reached", source: seenLimit, given: given(func(l *lab) { l.attached(small, 1) }, created(subnetA)), when: doAttach(nil, small, 0, 2), code: "AttachmentLimitExceeded", then: stateIs("available")},
		{action: "AttachNetworkInterface", situation: "taken slot comes before the limit", source: order, given: given(func(l *lab) { l.attached(small, 1) }, created(subnetA)), when: doAttach(nil, small, 0, 1), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "card that the type does not have", source: assumed, given: created(subnetA), when: doAttach(nil, node, 1, 1), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "more addresses than the type takes", source: docErrors, given: created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) { in.SecondaryPrivateIpAddressCount = aws.Int32(2) }), when: doAttach(nil, small, 0, 1), code: "PrivateIpAddressLimitExceeded"},
		{action: "AttachNetworkInterface", situation: "EFA on a running instance", source: assumedCode(docEFA), given: created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) {
			in.InterfaceType = types.NetworkInterfaceCreationTypeEfa
		}), when: doAttach(nil, big, 0, 1), code: "IncorrectState"},
		{action: "AttachNetworkInterface", situation: "EFA on a type without", source: assumedCode(docEFA), given: created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) {
			in.InterfaceType = types.NetworkInterfaceCreationTypeEfa
		}), when: doAttach(nil, halted, 0, 1), code: "InvalidParameterCombination"},
		{action: "AttachNetworkInterface", situation: "prefix on a type without Nitro", source: assumedCode(seenPrefixes), world: xen, given: created(subnetA, prefixes(1)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterCombination"},
		{action: "AttachNetworkInterface", situation: "EFA on a stopped instance", source: docEFA, given: given(func(l *lab) { l.stop(big) }, created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) {
			in.InterfaceType = types.NetworkInterfaceCreationTypeEfa
		})), when: doAttach(nil, big, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "taken slot comes before the limit of EFAs", source: order, given: given(func(l *lab) { l.attached(halted, 1) }, created(subnetA, efa)), world: func(w *World) { w.Instances[3].Type = "c5n.18xlarge" }, when: doAttach(nil, halted, 0, 1), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "more EFAs than the type takes", source: assumedCode(docEFA), world: func(w *World) { w.Instances[3].Type = "c5n.18xlarge" }, given: given(created(subnetA, efa), func(l *lab) { l.attach(l.eni, halted, 0, 1) }, created(subnetA, efa)), when: doAttach(nil, halted, 0, 2), code: "AttachmentLimitExceeded"},
		{action: "AttachNetworkInterface", situation: "ENA Express", source: docENAExpress, world: express, given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: aws.Bool(true), EnaSrdUdpSpecification: &types.EnaSrdUdpSpecification{EnaSrdUdpEnabled: aws.Bool(true)}}
		}), code: "OK", then: func(l *lab) {
			if s := l.describe(l.eni).Attachment.EnaSrdSpecification; s == nil || !*s.EnaSrdUdpSpecification.EnaSrdUdpEnabled {
				l.Errorf("ENA Express is %+v", s)
			}
		}},
		{action: "AttachNetworkInterface", situation: "ENA Express off on a type without", source: assumed, given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: aws.Bool(false)}
		}), code: "OK"},
		{action: "AttachNetworkInterface", situation: "ENA Express on a type without", source: assumedCode(docENAExpress), given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: aws.Bool(true)}
		}), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "ENA Express for UDP only", source: assumedCode(docENAExpress), world: express, given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdUdpSpecification: &types.EnaSrdUdpSpecification{EnaSrdUdpEnabled: aws.Bool(true)}}
		}), code: "InvalidParameterCombination"},
		{action: "AttachNetworkInterface", situation: "in use, variant", source: docErrors, world: func(w *World) { w.Variants.AttachInUse = "InvalidParameterValue" }, given: func(l *lab) { l.attached(node, 1) }, when: doAttach(nil, node, 0, 2), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "transitional status, variant", source: choice, world: func(w *World) { w.Variants.InterfaceStatus = "transitional" }, given: created(subnetA), when: doAttach(nil, node, 0, 1), code: "OK", then: func(l *lab) {
			l.want("the status", string(l.describe(l.eni).Status), "attaching")
			l.settle()
			l.want("the status, attached", string(l.describe(l.eni).Status), "in-use")
		}},
		{action: "AttachNetworkInterface", situation: "AWS's own", source: seenManaged, world: foreignInterfaces, given: func(l *lab) { l.eni = operated }, when: doAttach(nil, node, 0, 1), code: "OperationNotPermitted"},
		{action: "AttachNetworkInterface", situation: "no card named, index taken on another card, variant off", source: docAPI, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, big, 2, 1) }, created(subnetA)), when: attachWithoutCard(big, 1), code: "OK"},
		{
			action: "AttachNetworkInterface", situation: "no card named, index taken on another card, variant on", source: cardBug, world: func(w *World) { w.Variants.AttachWithoutCard = "taken" },
			given: given(created(subnetA), func(l *lab) { l.attach(l.eni, big, 2, 1) }, created(subnetA)), when: attachWithoutCard(big, 1), code: "InvalidParameterValue",
		},
		{action: "AttachNetworkInterface", situation: "no device index", source: docAPI, given: created(subnetA), when: func(l *lab) error {
			return l.form("Action=AttachNetworkInterface&NetworkInterfaceId=" + l.eni + "&InstanceId=" + node)
		}, code: "MissingParameter"},
		{action: "AttachNetworkInterface", situation: "negative device index", source: assumed, given: created(subnetA), when: doAttach(nil, node, 0, -1), code: "InvalidParameterValue"},
		{action: "AttachNetworkInterface", situation: "dry run", source: docErrors, given: created(subnetA), when: func(l *lab) error {
			_, err := l.ec2.AttachNetworkInterface(l.Context(), &ec2.AttachNetworkInterfaceInput{NetworkInterfaceId: &l.eni, InstanceId: aws.String(node), DeviceIndex: aws.Int32(1), DryRun: aws.Bool(true)})
			return err
		}, code: "DryRunOperation", status: 412, then: stateIs("available")},
	}
}

type attachInput = ec2.AttachNetworkInterfaceInput

// xen makes the node a type that is not on the Nitro system.
func xen(w *World) { w.Instances[0].Type = "m4.xlarge" }

func efa(in *createInput) { in.InterfaceType = types.NetworkInterfaceCreationTypeEfa }

func attachWith(change func(*attachInput)) func(*lab) error {
	return func(l *lab) error {
		in := &attachInput{NetworkInterfaceId: &l.eni, InstanceId: aws.String(node), DeviceIndex: aws.Int32(1), NetworkCardIndex: aws.Int32(0)}
		change(in)
		_, err := l.ec2.AttachNetworkInterface(l.Context(), in)
		return err
	}
}

func attachWithoutCard(instance string, index int32) func(*lab) error {
	return func(l *lab) error {
		_, err := l.ec2.AttachNetworkInterface(l.Context(), &ec2.AttachNetworkInterfaceInput{NetworkInterfaceId: &l.eni, InstanceId: &instance, DeviceIndex: &index})
		return err
	}
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

func (l *lab) stop(id string) {
	l.Helper()
	_, err := l.ec2.StopInstances(l.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	l.must(err)
	l.settle()
}

func (l *lab) start(id string) {
	l.Helper()
	_, err := l.ec2.StartInstances(l.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	l.must(err)
	l.settle()
}

func detachRows() []row {
	onNode := func(l *lab) { l.attached(node, 1) }
	detaching := func(l *lab) { l.must(doDetach(nil, false)(l)) }
	return []row{
		{action: "DetachNetworkInterface", situation: "attached", source: docENI, given: onNode, when: doDetach(nil, false), code: "OK", then: stateIs("in-use/detaching")},
		{action: "DetachNetworkInterface", situation: "attached, and time passes", source: docENI, given: onNode, when: doDetach(nil, false), code: "OK", then: given(settled, stateIs("available"))},
		{action: "DetachNetworkInterface", situation: "still attaching", source: assumed, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doDetach(nil, false), code: "OK", then: given(settled, stateIs("available"))},
		{action: "DetachNetworkInterface", situation: "detaching already", source: assumed, given: given(onNode, detaching), when: doDetach(nil, false), code: "IncorrectState"},
		{action: "DetachNetworkInterface", situation: "detaching already, by force", source: assumed, given: given(onNode, detaching), when: doDetach(nil, true), code: "OK"},
		{action: "DetachNetworkInterface", situation: "detached", source: docErrors, given: given(onNode, detaching, settled), when: doDetach(nil, false), code: "InvalidAttachmentID.NotFound"},
		{action: "DetachNetworkInterface", situation: "attachment unknown", source: docErrors, when: doDetach(aws.String("eni-attach-0fffffffffffffff0"), false), code: "InvalidAttachmentID.NotFound"},
		{action: "DetachNetworkInterface", situation: "attachment ID malformed", source: docErrors, when: doDetach(aws.String("attach-1"), false), code: "InvalidNetworkInterfaceAttachmentId.Malformed"},
		{action: "DetachNetworkInterface", situation: "primary", source: seenPrimary, given: func(l *lab) { l.att = *l.describe(l.primaryOf(node)).Attachment.AttachmentId }, when: doDetach(nil, false), code: "OperationNotPermitted"},
		{action: "DetachNetworkInterface", situation: "primary by force", source: assumed, given: func(l *lab) { l.att = *l.describe(l.primaryOf(node)).Attachment.AttachmentId }, when: doDetach(nil, true), code: "OperationNotPermitted"},
		{action: "DetachNetworkInterface", situation: "index 0 of another card", source: seenPrimary, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, big, 1, 0) }, settled), when: doDetach(nil, false), code: "OK"},
		{action: "DetachNetworkInterface", situation: "stopped instance", source: docENI, given: given(onNode, func(l *lab) { l.stop(node) }), when: doDetach(nil, false), code: "OK"},
		{action: "DetachNetworkInterface", situation: "instance shutting down", source: assumed, given: given(onNode, terminating(node)), when: doDetach(nil, false), code: "IncorrectState"},
		{action: "DetachNetworkInterface", situation: "instance that terminates meanwhile", source: assumed, given: given(onNode, detaching, terminating(node), settled), when: doDetach(nil, false), code: "InvalidAttachmentID.NotFound", then: stateIs("available")},
		{action: "DetachNetworkInterface", situation: "AWS's own", source: seenManaged, world: foreignInterfaces, given: func(l *lab) { l.att = *l.describe(balancer).Attachment.AttachmentId }, when: doDetach(nil, false), code: "OperationNotPermitted"},
		{action: "DetachNetworkInterface", situation: "no attachment ID", source: docErrors, when: func(l *lab) error { return l.form("Action=DetachNetworkInterface") }, code: "MissingParameter"},
	}
}

func deleteRows() []row {
	return []row{
		{action: "DeleteNetworkInterface", situation: "available", source: docENI, given: created(subnetA), when: doDelete(nil), code: "OK", then: stateIs("gone")},
		{action: "DeleteNetworkInterface", situation: "attached", source: seenDelete, given: func(l *lab) { l.attached(node, 1) }, when: doDelete(nil), code: "InvalidParameterValue", then: stateIs("in-use/attached")},
		{action: "DeleteNetworkInterface", situation: "attached, variant", source: docErrors, world: func(w *World) { w.Variants.DeleteInUse = "InvalidNetworkInterface.InUse" }, given: func(l *lab) { l.attached(node, 1) }, when: doDelete(nil), code: "InvalidNetworkInterface.InUse"},
		{action: "DeleteNetworkInterface", situation: "attaching", source: assumed, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doDelete(nil), code: "InvalidParameterValue"},
		{action: "DeleteNetworkInterface", situation: "detaching", source: assumed, given: func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, false)(l)) }, when: doDelete(nil), code: "InvalidParameterValue"},
		{action: "DeleteNetworkInterface", situation: "AWS's own", source: assumed, world: foreignInterfaces, when: doDelete(aws.String(balancer)), code: "AuthFailure", status: 401},
		{action: "DeleteNetworkInterface", situation: "deleted", source: docErrors, given: given(created(subnetA), func(l *lab) { l.must(doDelete(nil)(l)) }), when: doDelete(nil), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DeleteNetworkInterface", situation: "unknown", source: seenGone, when: doDelete(aws.String(nobody)), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DeleteNetworkInterface", situation: "malformed", source: docErrors, when: doDelete(aws.String("eni-0FFFFFFFFFFFFFFF0")), code: "InvalidNetworkInterfaceId.Malformed"},
		{action: "DeleteNetworkInterface", situation: "address comes back", source: docENI, given: created(tiny), when: doDelete(nil), code: "OK", then: func(l *lab) {
			if free := l.sim.subnets.byID[tiny].pool.available(); free != 11 {
				l.Errorf("%d addresses are free, want 11", free)
			}
		}},
	}
}
