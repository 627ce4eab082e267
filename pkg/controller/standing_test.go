package controller

import (
	"fmt"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Two things stand against one NodeENI: its security group does not exist, and its subnet is full. Others wait for the
// subnet as well, and ask for it most of the time. What is told does not change by that.
func TestTwoCausesAreToldInPeace(t *testing.T) {
	const nodes, others = 2, 3
	inLab(t, nodes, func(w *ec2sim.World) {
		w.Subnets[0].CIDR = "10.0.1.0/28"
		for i := range 11 {
			w.Interfaces = append(w.Interfaces, ec2sim.Interface{ID: fmt.Sprintf("eni-%017x", 0xf000+i), Subnet: subnetA})
		}
	}, func(l *lab) {
		l.ask("lost", 1, func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{"sg-0000000000000dead"} })
		l.pass(2 * time.Minute)
		for i := range others {
			l.ask(fmt.Sprintf("other-%d", i), int32(2+i))
			l.pass(time.Minute)
		}
		l.pass(time.Hour)
		writes := l.writes()
		for range 6 * 12 {
			l.pass(5 * time.Minute)
			l.wantCondition("lost", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSecurityGroupNotFound)
		}
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes in six hours in which nothing changes", got)
		}
		l.edit("lost", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupA} })
		l.pass(2*maxSetback + time.Minute)
		l.wantCondition("lost", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonSubnetFull)
	})
}

// A cause that is renewed keeps those that can not be tried beside it in mind, until a call is refused without a word
// of them.
func TestACauseLastsAsLongAsThoseBesideIt(t *testing.T) {
	var s setbacks
	lost, other := setbackNodeENI("lost", "subnet-1", 1), setbackNodeENI("other", "subnet-1", 1)
	full, noGroup := refusal(eni.KindSubnetFull, createOperation), refusal(eni.KindGroupNotFound, createOperation)
	now := setbackStart
	s.refused(createFor(lost, "i-1"), noGroup, now)
	want := func(when, reason string) {
		t.Helper()
		if got, _ := s.seen(lost, "i-1", now); got.Reason != reason {
			t.Errorf("%s: %+v, want %s", when, got, reason)
		}
	}
	for range 5 {
		s.refused(createFor(other, "i-1"), full, now)
		found, _ := s.seen(other, "i-1", now)
		now = found.Until.Add(headStart)
		want("while the other one is renewed", v1alpha1.ReasonSecurityGroupNotFound)
	}
	if !s.admit(createFor(lost, "i-1"), now) {
		t.Fatal("it is not tried when its time has come")
	}
	want("while it is tried", v1alpha1.ReasonSecurityGroupNotFound)
	now = now.Add(probeTime)
	s.refused(createFor(lost, "i-1"), full, now)
	want("when EC2 says nothing of it any more", v1alpha1.ReasonSubnetFull)
}

// Those who wait for one cause take turns by NodeENI.
func TestNodeENIsTakeTurnsAtACause(t *testing.T) {
	var s setbacks
	a, b := setbackNodeENI("a", "subnet-1", 1), setbackNodeENI("b", "subnet-1", 1)
	full := refusal(eni.KindSubnetFull, createOperation)
	s.refused(createFor(a, "i-1"), full, setbackStart)
	if found, _ := s.seen(a, "i-1", setbackStart); found.Until.Sub(setbackStart) != firstSetback {
		t.Errorf("the only one who waits does so until %v", found.Until)
	}
	if found, _ := s.seen(b, "i-1", setbackStart); found.Until.Sub(setbackStart) != firstSetback {
		t.Errorf("who was not refused waits until %v", found.Until)
	}
	now := setbackStart.Add(firstSetback)
	if s.admit(createFor(a, "i-2"), now) || !s.admit(createFor(b, "i-1"), now) {
		t.Fatal("want the call made for the one for which it was not refused last")
	}
	s.refused(createFor(b, "i-1"), full, now)
	s.seen(a, "i-1", now)
	now = now.Add(2 * firstSetback)
	if s.admit(createFor(b, "i-1"), now) || !s.admit(createFor(a, "i-1"), now) {
		t.Error("want them to take turns")
	}
}
