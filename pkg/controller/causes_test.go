package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// tagged counts the interfaces with a value of the tag "team".
func (l *lab) tagged(value string) (count int) {
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.Tags["team"] == value {
			count++
		}
	}
	return count
}

// interfaceOn is the ID of our interface on a node.
func (l *lab) interfaceOn(node string) string {
	l.Helper()
	list := l.sim.Snapshot().Interfaces
	i := slices.IndexFunc(list, func(i ec2sim.InterfaceNow) bool { return i.Tags[eni.TagNodeName] == node })
	if i < 0 {
		l.Fatalf("no interface for %s", node)
	}
	return list[i].ID
}

// A call that is denied for one interface, whose tags do not meet a policy's condition, say, holds the others up for
// one step of back-off at most, and only once.
func TestOneDeniedInterfaceHoldsNobodyUp(t *testing.T) {
	const nodes = 8
	for denied := range nodes {
		inLab(t, nodes, nil, func(l *lab) {
			l.ask("a", 1)
			l.pass(time.Minute)
			l.fault(ec2sim.Fault{
				Action: "CreateTags", Resource: l.interfaceOn(nodeName(denied)),
				Effect: "error", Code: "UnauthorizedOperation", Status: 403,
			})
			retag := func(value string) {
				l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": value} })
			}
			retag("a")
			l.pass(firstSetback + headStart + 5*time.Second)
			if got := l.tagged("a"); got != nodes-1 {
				t.Errorf("%d interfaces are tagged after a step of back-off, want all but one of %d", got, nodes)
			}
			l.pass(5 * time.Minute)
			l.told("")
			for range 60 {
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonPermissionDenied)
				l.pass(30 * time.Second)
			}
			if got := l.told(""); got > 0 {
				t.Errorf("%d events in half an hour of the same failure", got)
			}
			retag("b")
			l.pass(5 * time.Second)
			if got := l.tagged("b"); got != nodes-1 {
				t.Errorf("%d interfaces are tagged anew at once, want all but one of %d", got, nodes)
			}
			l.heal()
			l.pass(maxSetback + time.Minute)
			if got := l.tagged("b"); got != nodes {
				t.Errorf("%d interfaces are tagged in the end, want all %d", got, nodes)
			}
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		})
	}
}

// The same for an interface that must not be taken away.
func TestOneInterfaceThatStaysHoldsNobodyUp(t *testing.T) {
	const nodes = 6
	for _, action := range []string{"DetachNetworkInterface", "DeleteNetworkInterface"} {
		for _, code := range []string{"UnauthorizedOperation", "AuthFailure"} {
			inLab(t, nodes, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				l.fault(ec2sim.Fault{Action: action, Resource: l.interfaceOn(nodeName(2)), Effect: "error", Code: code})
				l.delete("a")
				l.pass(time.Minute)
				if got := len(l.ours()); got != 1 {
					t.Errorf("%s, %s: %d interfaces are left after a minute, want the one that must stay", action, code, got)
				}
				calls := l.calls(action)
				l.pass(time.Hour)
				if got := l.calls(action) - calls; got > inAnHour {
					t.Errorf("%s, %s: %d calls in an hour, want at most %d", action, code, got, inAnHour)
				}
				if n := l.nodeENI("a"); len(n.Finalizers) == 0 {
					t.Errorf("%s, %s: the finalizer is gone", action, code)
				}
				l.heal()
				l.pass(maxSetback + time.Minute)
				l.wantRecovered(action)
			})
		}
	}
}

// However EC2 says that a subnet is full, it is one cause, with one probe for each step of back-off. Where the code
// does not tell, the number of free addresses does, whatever the text.
func TestAFullSubnetInEveryShape(t *testing.T) {
	const nodes = 12 // one more than a /28 has addresses
	for _, test := range []struct {
		variant string
		// rename is a code that EC2 answers with instead.
		rename string
		// changing says that it answers now so, now so.
		changing bool
	}{
		{variant: "InsufficientFreeAddressesInSubnet"},
		{variant: "InvalidParameterValue"},
		{rename: "InsufficientCidrBlocks"},
		{variant: "InvalidParameterValue", rename: "InsufficientCidrBlocks", changing: true},
	} {
		t.Run(strings.TrimSpace(test.variant+" "+test.rename), func(t *testing.T) {
			inLab(t, nodes, func(w *ec2sim.World) {
				w.Variants.SubnetFull = test.variant
				w.Subnets[0].CIDR = "10.0.1.0/28"
			}, func(l *lab) {
				l.ask("filler", 1)
				l.pass(time.Minute)
				l.wantAttached(nodes - 1)
				if test.rename != "" {
					l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Effect: "error", Code: test.rename})
				}
				l.told("")
				l.ask("a", 2)
				calls := l.calls("CreateNetworkInterface")
				for range 3 {
					l.pass(20 * time.Minute)
					l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSubnetFull)
					if test.changing {
						l.heal()
						l.pass(10 * time.Minute)
						l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Effect: "error", Code: test.rename})
					}
				}
				if got := l.told(v1alpha1.ReasonSubnetFull); got != nodes+1 {
					t.Errorf("%d events tell of it, want one on the NodeENI and one on each Node", got)
				}
				most := inAnHour
				if test.changing {
					most += 30 / 5 // of the half an hour more that it takes
				}
				if got := l.calls("CreateNetworkInterface") - calls; got > most {
					t.Errorf("%d creates for %d who wait, want at most %d", got, nodes+1, most)
				}
				l.heal()
				l.delete("filler")
				l.pass(maxSetback + time.Minute)
				l.wantAttached(nodes - 1)
			})
		})
	}
}

// A refusal that might mean a full subnet is none while the subnet has addresses, whatever its text says.
func TestATextProvesNothing(t *testing.T) {
	for _, test := range []struct{ action, message, want string }{
		{"CreateNetworkInterface", "There aren't sufficient free Ipv4 addresses or prefixes", v1alpha1.ReasonAttachFailed},
		{"AttachNetworkInterface", "Instance already has an interface attached at device index '1'.", v1alpha1.ReasonAttachFailed},
	} {
		inLab(t, 2, nil, func(l *lab) {
			l.fault(ec2sim.Fault{Action: test.action, Effect: "error", Code: "InvalidParameterValue", Message: test.message})
			l.ask("a", 1)
			l.pass(time.Minute)
			l.wantCondition("a", v1alpha1.ConditionStalled, "True "+test.want)
			l.heal()
			l.pass(maxSetback)
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		})
	}
}
