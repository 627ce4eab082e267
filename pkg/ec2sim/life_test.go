package ec2sim

import (
	"testing"
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

func TestLife(t *testing.T) {
	t.Parallel()
	withENI := func(flag bool) func(*lab) {
		return func(l *lab) { l.attached(node, 1); l.must(doModify(dot(flag))(l)) }
	}
	const step = 5 * time.Second
	runRows(t, []row{
		{situation: "pending runs after a while", when: doLife("start", fresh), code: "OK", then: given(nodeIs(fresh, pending), after(step), nodeIs(fresh, running))},
		{situation: "stop", when: doLife("stop", node), code: "OK", then: given(nodeIs(node, stopping), after(step), nodeIs(node, stopped))},
		{situation: "stop twice", given: func(l *lab) { l.stop(node) }, when: doLife("stop", node), code: "OK", then: nodeIs(node, stopped)},
		{situation: "stop leaves interfaces where they are", given: withENI(true), when: doLife("stop", node), code: "OK", then: given(settled, stateIs("in-use/attached"))},
		{situation: "stop while pending", when: doLife("stop", fresh), code: "IncorrectInstanceState"},
		{situation: "start stopped", when: doLife("start", halted), code: "OK", then: given(nodeIs(halted, pending), after(step), nodeIs(halted, running))},
		{situation: "start running", when: doLife("start", node), code: "OK", then: nodeIs(node, running)},
		{situation: "start stopping", given: func(l *lab) { l.must(doLife("stop", node)(l)) }, when: doLife("start", node), code: "IncorrectInstanceState"},
		{situation: "start terminated", given: given(terminating(node), settled), when: doLife("start", node), code: "IncorrectInstanceState"},
		{situation: "reboot", when: doLife("reboot", node), code: "OK", then: nodeIs(node, running)},
		{situation: "reboot stopped", when: doLife("reboot", halted), code: "IncorrectInstanceState"},
		{situation: "terminate", when: doLife("terminate", node), code: "OK", then: given(nodeIs(node, shuttingDown), after(step), nodeIs(node, terminated))},
		{situation: "terminate twice", given: terminating(node), when: doLife("terminate", node), code: "OK", then: given(after(step), nodeIs(node, terminated))},
		{situation: "terminate deletes the primary", given: func(l *lab) { l.eni = l.primaryOf(node) }, when: doLife("terminate", node), code: "OK", then: given(stateIs("in-use/attached"), after(step), stateIs("gone"))},
		{situation: "terminate with delete-on-termination", given: withENI(true), when: doLife("terminate", node), code: "OK", then: given(stateIs("in-use/attached"), after(step), stateIs("gone"))},
		{situation: "terminate without delete-on-termination", given: withENI(false), when: doLife("terminate", node), code: "OK", then: given(after(step), stateIs("available"))},
		{situation: "terminated is forgotten after an hour", given: terminating(node), when: doLife("terminate", node), code: "OK", then: given(after(2*time.Hour), nodeIs(node, "gone"))},
		{situation: "unknown instance", when: doLife("terminate", "i-0fffffffffffffff0"), code: "InvalidInstanceID.NotFound"},
		{situation: "malformed instance", when: doLife("stop", "i-xyz"), code: "InvalidInstanceID.Malformed"},
		{situation: "no instance", when: func(l *lab) error { return l.form("Action=StopInstances") }, code: "MissingParameter"},
	})
}

func TestRunInstances(t *testing.T) {
	t.Parallel()
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
	runRows(t, []row{
		{situation: "two", when: doRun(2), code: "OK", then: func(l *lab) {
			made(2)(l)
			i := l.said.([]types.Instance)[1]
			l.want("the state", string(i.State.Name), pending)
			l.want("the primary", string(i.NetworkInterfaces[0].Attachment.Status), attaching)
			l.settle()
			l.want("the state later", l.instanceState(*i.InstanceId), running)
			l.want("the primary later", l.state(*i.NetworkInterfaces[0].NetworkInterfaceId), "in-use/attached")
		}},
		{situation: "tags for both kinds", when: doRun(1, func(i *runInput) {
			i.TagSpecifications = []types.TagSpecification{
				{ResourceType: "instance", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}},
				{ResourceType: "network-interface", Tags: []types.Tag{{Key: aws.String("b"), Value: aws.String("2")}}},
			}
		}), code: "OK", then: func(l *lab) {
			i := l.said.([]types.Instance)[0]
			l.want("the instance's tag", *i.Tags[0].Key, "a")
			l.want("the interface's tag", *l.describe(*i.NetworkInterfaces[0].NetworkInterfaceId).TagSet[0].Key, "b")
		}},
		{situation: "as many as there is room for", when: doRun(1, counts(1, 50), in(tiny)), code: "OK", then: made(11)},
		{situation: "no room for the least", when: doRun(1, counts(12, 50), in(tiny)), code: "InsufficientFreeAddressesInSubnet"},
		{situation: "least above most", when: doRun(1, counts(2, 1)), code: "InvalidParameterValue"},
		{situation: "Region's quota", world: func(w *World) { w.Quotas.InterfacesPerRegion = 5 }, when: doRun(1), code: "NetworkInterfaceLimitExceeded"},
		{situation: "no subnet", when: doRun(1, func(i *runInput) { i.SubnetId = nil }), code: "VPCIdNotSpecified"},
		{situation: "subnet unknown", when: doRun(1, in("subnet-0fffffffffffffff0")), code: "InvalidSubnetID.NotFound"},
		{situation: "group of another VPC", when: doRun(1, func(i *runInput) { i.SecurityGroupIds = []string{foreign} }), code: "InvalidParameterCombination"},
		{situation: "type unknown", when: doRun(1, func(i *runInput) { i.InstanceType = "z9.huge" }), code: "InvalidParameterValue"},
		{situation: "image malformed", when: doRun(1, func(i *runInput) { i.ImageId = aws.String("ubuntu") }), code: "InvalidAMIID.Malformed"},
		{situation: "key pairs are not implemented", when: doRun(1, func(i *runInput) { i.KeyName = aws.String("k") }), code: "UnsupportedOperation"},
		{situation: "tags for another kind", when: doRun(1, func(i *runInput) {
			i.TagSpecifications = []types.TagSpecification{{ResourceType: "vpc", Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}}}
		}), code: "InvalidParameterValue"},
		{
			situation: "token replay makes nothing new", given: func(l *lab) { l.must(doRun(1, func(i *runInput) { i.ClientToken = aws.String("t") })(l)) },
			when: doRun(1, func(i *runInput) { i.ClientToken = aws.String("t") }), code: "OK", then: func(l *lab) {
				if n := len(l.sim.Snapshot().Instances); n != 6 {
					l.Errorf("%d instances, want 6", n)
				}
			},
		},
	})
}
