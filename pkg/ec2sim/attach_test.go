package ec2sim

import (
	"testing"
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

func TestAttach(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{situation: "free slot of a running instance", given: created(subnetA), when: doAttach(nil, node, 0, 1), code: "OK", then: stateIs("in-use/attaching")},
		{situation: "subnet other than the instance's, same zone", given: created(subnetA2), when: doAttach(nil, node, 0, 1), code: "OK"},
		{situation: "stopped instance", given: created(subnetA), when: doAttach(nil, halted, 0, 1), code: "OK"},
		{situation: "index above the number of interfaces", given: created(subnetA), when: doAttach(nil, node, 0, 99), code: "OK"},
		{situation: "same index on another card", given: given(func(l *lab) { l.attached(big, 1) }, created(subnetA)), when: doAttach(nil, big, 3, 1), code: "OK"},
		{situation: "interface unknown", when: doAttach(aws.String(nobody), node, 0, 1), code: "InvalidNetworkInterfaceID.NotFound"},
		{situation: "interface ID malformed", when: doAttach(aws.String("eni-xyz"), node, 0, 1), code: "InvalidNetworkInterfaceId.Malformed"},
		{situation: "instance unknown", given: created(subnetA), when: doAttach(nil, "i-0fffffffffffffff0", 0, 1), code: "InvalidInstanceID.NotFound"},
		{situation: "instance ID malformed", given: created(subnetA), when: doAttach(nil, "i-1", 0, 1), code: "InvalidInstanceID.Malformed"},
		{situation: "other zone", given: created(subnetB), when: doAttach(nil, node, 0, 1), code: "InvalidParameterCombination", then: stateIs("available")},
		{situation: "other VPC", given: created(subnetX), when: doAttach(nil, node, 0, 1), code: "InvalidParameterCombination"},
		{situation: "zone is looked at before the slot", given: created(subnetB), when: doAttach(nil, node, 0, 0), code: "InvalidParameterCombination"},
		{situation: "already attached to this instance", given: func(l *lab) { l.attached(node, 1) }, when: doAttach(nil, node, 0, 2), code: "InvalidNetworkInterface.InUse"},
		{situation: "already attached to another", given: func(l *lab) { l.attached(big, 1) }, when: doAttach(nil, node, 0, 2), code: "InvalidNetworkInterface.InUse"},
		{situation: "still attaching", given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doAttach(nil, node, 0, 1), code: "InvalidNetworkInterface.InUse"},
		{situation: "still detaching", given: given(func(l *lab) { l.attached(node, 1) }, func(l *lab) { l.must(doDetach(nil, false)(l)) }), when: doAttach(nil, node, 0, 2), code: "InvalidNetworkInterface.InUse"},
		{situation: "pending instance", given: created(subnetA), when: doAttach(nil, fresh, 0, 1), code: "IncorrectState"},
		{situation: "pending instance that has started since", given: given(created(subnetA), settled), when: doAttach(nil, fresh, 0, 1), code: "OK"},
		{situation: "instance shutting down", given: given(created(subnetA), terminating(node)), when: doAttach(nil, node, 0, 1), code: "IncorrectState"},
		{situation: "instance terminated", given: given(created(subnetA), terminating(node), settled), when: doAttach(nil, node, 0, 1), code: "IncorrectState"},
		{situation: "instance forgotten", given: given(created(subnetA), terminating(node), func(l *lab) { l.clock.Advance(2 * time.Hour) }), when: doAttach(nil, node, 0, 1), code: "InvalidInstanceID.NotFound"},
		{situation: "slot taken", given: given(func(l *lab) { l.attached(node, 1) }, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterValue", then: stateIs("available")},
		{situation: "slot of the primary", given: created(subnetA), when: doAttach(nil, node, 0, 0), code: "InvalidParameterValue"},
		{situation: "slot still detaching", given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, false)(l)) }, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterValue"},
		{situation: "slot free again", given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, false)(l)) }, settled, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "OK"},
		{situation: "slot spoilt by a detach by force", given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, true)(l)) }, settled, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "InvalidParameterValue"},
		{situation: "slot spoilt, instance stopped and started since", given: given(func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, true)(l)); l.stop(node); l.start(node) }, created(subnetA)), when: doAttach(nil, node, 0, 1), code: "OK"},
		{situation: "type's limit reached", given: given(func(l *lab) { l.attached(small, 1) }, created(subnetA)), when: doAttach(nil, small, 0, 2), code: "AttachmentLimitExceeded", then: stateIs("available")},
		{situation: "taken slot comes before the limit", given: given(func(l *lab) { l.attached(small, 1) }, created(subnetA)), when: doAttach(nil, small, 0, 1), code: "InvalidParameterValue"},
		{situation: "card that the type does not have", given: created(subnetA), when: doAttach(nil, node, 1, 1), code: "InvalidParameterValue"},
		{situation: "more addresses than the type takes", given: created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) { in.SecondaryPrivateIpAddressCount = aws.Int32(2) }), when: doAttach(nil, small, 0, 1), code: "PrivateIpAddressLimitExceeded"},
		{situation: "EFA on a running instance", given: created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) {
			in.InterfaceType = types.NetworkInterfaceCreationTypeEfa
		}), when: doAttach(nil, big, 0, 1), code: "IncorrectState"},
		{situation: "EFA on a type without", given: created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) {
			in.InterfaceType = types.NetworkInterfaceCreationTypeEfa
		}), when: doAttach(nil, halted, 0, 1), code: "InvalidParameterCombination"},
		{situation: "EFA on a stopped instance", given: given(func(l *lab) { l.stop(big) }, created(subnetA, func(in *ec2.CreateNetworkInterfaceInput) {
			in.InterfaceType = types.NetworkInterfaceCreationTypeEfa
		})), when: doAttach(nil, big, 0, 1), code: "OK"},
		{situation: "taken slot comes before the limit of EFAs", given: given(func(l *lab) { l.attached(halted, 1) }, created(subnetA, efa)), world: func(w *World) { w.Instances[3].Type = "c5n.18xlarge" }, when: doAttach(nil, halted, 0, 1), code: "InvalidParameterValue"},
		{situation: "more EFAs than the type takes", world: func(w *World) { w.Instances[3].Type = "c5n.18xlarge" }, given: given(created(subnetA, efa), func(l *lab) { l.attach(l.eni, halted, 0, 1) }, created(subnetA, efa)), when: doAttach(nil, halted, 0, 2), code: "AttachmentLimitExceeded"},
		{situation: "ENA Express", world: express, given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: aws.Bool(true), EnaSrdUdpSpecification: &types.EnaSrdUdpSpecification{EnaSrdUdpEnabled: aws.Bool(true)}}
		}), code: "OK", then: func(l *lab) {
			if s := l.describe(l.eni).Attachment.EnaSrdSpecification; s == nil || !*s.EnaSrdUdpSpecification.EnaSrdUdpEnabled {
				l.Errorf("ENA Express is %+v", s)
			}
		}},
		{situation: "ENA Express off on a type without", given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: aws.Bool(false)}
		}), code: "OK"},
		{situation: "ENA Express on a type without", given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: aws.Bool(true)}
		}), code: "InvalidParameterValue"},
		{situation: "ENA Express for UDP only", world: express, given: created(subnetA), when: attachWith(func(in *attachInput) {
			in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdUdpSpecification: &types.EnaSrdUdpSpecification{EnaSrdUdpEnabled: aws.Bool(true)}}
		}), code: "InvalidParameterCombination"},
		{situation: "in use, variant", world: func(w *World) { w.Variants.AttachInUse = "InvalidParameterValue" }, given: func(l *lab) { l.attached(node, 1) }, when: doAttach(nil, node, 0, 2), code: "InvalidParameterValue"},
		{situation: "transitional status, variant", world: func(w *World) { w.Variants.InterfaceStatus = "transitional" }, given: created(subnetA), when: doAttach(nil, node, 0, 1), code: "OK", then: func(l *lab) {
			l.want("the status", string(l.describe(l.eni).Status), "attaching")
			l.settle()
			l.want("the status, attached", string(l.describe(l.eni).Status), "in-use")
		}},
		{situation: "AWS's own", world: foreignInterfaces, given: func(l *lab) { l.eni = operated }, when: doAttach(nil, node, 0, 1), code: "OperationNotPermitted"},
		{situation: "no card named, index taken on another card, variant off", given: given(created(subnetA), func(l *lab) { l.attach(l.eni, big, 2, 1) }, created(subnetA)), when: attachWithoutCard(big, 1), code: "OK"},
		{
			situation: "no card named, index taken on another card, variant on", world: func(w *World) { w.Variants.AttachWithoutCard = "taken" },
			given: given(created(subnetA), func(l *lab) { l.attach(l.eni, big, 2, 1) }, created(subnetA)), when: attachWithoutCard(big, 1), code: "InvalidParameterValue",
		},
		{situation: "no device index", given: created(subnetA), when: func(l *lab) error {
			return l.form("Action=AttachNetworkInterface&NetworkInterfaceId=" + l.eni + "&InstanceId=" + node)
		}, code: "MissingParameter"},
		{situation: "negative device index", given: created(subnetA), when: doAttach(nil, node, 0, -1), code: "InvalidParameterValue"},
		{situation: "dry run", given: created(subnetA), when: func(l *lab) error {
			_, err := l.ec2.AttachNetworkInterface(l.Context(), &ec2.AttachNetworkInterfaceInput{NetworkInterfaceId: &l.eni, InstanceId: aws.String(node), DeviceIndex: aws.Int32(1), DryRun: aws.Bool(true)})
			return err
		}, code: "DryRunOperation", status: 412, then: stateIs("available")},
	})
}

type attachInput = ec2.AttachNetworkInterfaceInput

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

func TestDetach(t *testing.T) {
	t.Parallel()
	onNode := func(l *lab) { l.attached(node, 1) }
	detaching := func(l *lab) { l.must(doDetach(nil, false)(l)) }
	runRows(t, []row{
		{situation: "attached", given: onNode, when: doDetach(nil, false), code: "OK", then: stateIs("in-use/detaching")},
		{situation: "attached, and time passes", given: onNode, when: doDetach(nil, false), code: "OK", then: given(settled, stateIs("available"))},
		{situation: "still attaching", given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doDetach(nil, false), code: "OK", then: given(settled, stateIs("available"))},
		{situation: "detaching already", given: given(onNode, detaching), when: doDetach(nil, false), code: "IncorrectState"},
		{situation: "detaching already, by force", given: given(onNode, detaching), when: doDetach(nil, true), code: "OK"},
		{situation: "detached", given: given(onNode, detaching, settled), when: doDetach(nil, false), code: "InvalidAttachmentID.NotFound"},
		{situation: "attachment unknown", when: doDetach(aws.String("eni-attach-0fffffffffffffff0"), false), code: "InvalidAttachmentID.NotFound"},
		{situation: "attachment ID malformed", when: doDetach(aws.String("attach-1"), false), code: "InvalidNetworkInterfaceAttachmentId.Malformed"},
		{situation: "primary", given: func(l *lab) { l.att = *l.describe(l.primaryOf(node)).Attachment.AttachmentId }, when: doDetach(nil, false), code: "OperationNotPermitted"},
		{situation: "primary by force", given: func(l *lab) { l.att = *l.describe(l.primaryOf(node)).Attachment.AttachmentId }, when: doDetach(nil, true), code: "OperationNotPermitted"},
		{situation: "index 0 of another card", given: given(created(subnetA), func(l *lab) { l.attach(l.eni, big, 1, 0) }, settled), when: doDetach(nil, false), code: "OK"},
		{situation: "stopped instance", given: given(onNode, func(l *lab) { l.stop(node) }), when: doDetach(nil, false), code: "OK"},
		{situation: "instance shutting down", given: given(onNode, terminating(node)), when: doDetach(nil, false), code: "IncorrectState"},
		{situation: "instance that terminates meanwhile", given: given(onNode, detaching, terminating(node), settled), when: doDetach(nil, false), code: "InvalidAttachmentID.NotFound", then: stateIs("available")},
		{situation: "AWS's own", world: foreignInterfaces, given: func(l *lab) { l.att = *l.describe(balancer).Attachment.AttachmentId }, when: doDetach(nil, false), code: "OperationNotPermitted"},
		{situation: "no attachment ID", when: func(l *lab) error { return l.form("Action=DetachNetworkInterface") }, code: "MissingParameter"},
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	runRows(t, []row{
		{situation: "available", given: created(subnetA), when: doDelete(nil), code: "OK", then: stateIs("gone")},
		{situation: "attached", given: func(l *lab) { l.attached(node, 1) }, when: doDelete(nil), code: "InvalidParameterValue", then: stateIs("in-use/attached")},
		{situation: "attached, variant", world: func(w *World) { w.Variants.DeleteInUse = "InvalidNetworkInterface.InUse" }, given: func(l *lab) { l.attached(node, 1) }, when: doDelete(nil), code: "InvalidNetworkInterface.InUse"},
		{situation: "attaching", given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doDelete(nil), code: "InvalidParameterValue"},
		{situation: "detaching", given: func(l *lab) { l.attached(node, 1); l.must(doDetach(nil, false)(l)) }, when: doDelete(nil), code: "InvalidParameterValue"},
		{situation: "AWS's own", world: foreignInterfaces, when: doDelete(aws.String(balancer)), code: "AuthFailure", status: 401},
		{situation: "deleted", given: given(created(subnetA), func(l *lab) { l.must(doDelete(nil)(l)) }), when: doDelete(nil), code: "InvalidNetworkInterfaceID.NotFound"},
		{situation: "unknown", when: doDelete(aws.String(nobody)), code: "InvalidNetworkInterfaceID.NotFound"},
		{situation: "malformed", when: doDelete(aws.String("eni-0FFFFFFFFFFFFFFF0")), code: "InvalidNetworkInterfaceId.Malformed"},
		{situation: "address comes back", given: created(tiny), when: doDelete(nil), code: "OK", then: func(l *lab) {
			if free := l.sim.subnets.byID[tiny].pool.available(); free != 11 {
				l.Errorf("%d addresses are free, want 11", free)
			}
		}},
	})
}
