package controller

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

var setbackStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func setbackNodeENI(name, subnet string, generation int64) *v1alpha1.NodeENI {
	return &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: types.UID("uid-" + name), Generation: generation},
		Spec:       v1alpha1.NodeENISpec{SubnetID: subnet, DeviceIndex: 1, SecurityGroupIDs: []string{"sg-1"}},
	}
}

// createFor and attachFor are calls for a NodeENI on an instance.
func createFor(n *v1alpha1.NodeENI, instance string) call {
	return call{kind: plan.Create, nodeENI: n, instanceID: instance}
}

func attachFor(n *v1alpha1.NodeENI, instance string) call {
	return call{kind: plan.Attach, nodeENI: n, instanceID: instance}
}

// refused records a failure as the controller does.
func (s *setbacks) refused(c call, err error, now time.Time) {
	reason, message := explain(c.nodeENI, err)
	s.failed(c, reason, message, err, now)
}

// seen is what a snapshot shows to stand against creating.
func (s *setbacks) seen(n *v1alpha1.NodeENI, instance string, now time.Time) (plan.Setback, bool) {
	found, _, ok := s.seenBoth(n, instance, now)
	return found, ok
}

// seenBoth is seen, and whether it does not stand against attaching.
func (s *setbacks) seenBoth(n *v1alpha1.NodeENI, instance string, now time.Time) (found plan.Setback, createOnly, ok bool) {
	snapshot := plan.Snapshot{Now: now, InstanceID: instance, NodeENIs: []*v1alpha1.NodeENI{n}}
	s.standing(&snapshot)
	found, ok = snapshot.CreateSetbacks[slotKey(n, instance)]
	_, attaching := snapshot.Setbacks[slotKey(n, instance)]
	return found, !attaching, ok
}

const (
	createOperation = "CreateNetworkInterface"
	attachOperation = "AttachNetworkInterface"
)

func refusal(kind eni.Kind, operation string) error {
	return &eni.Error{Kind: kind, Operation: operation, Code: "Some.Code", Message: "no"}
}

func TestRefusalsStandAgainstWhatTheyConcern(t *testing.T) {
	a := setbackNodeENI("a", "subnet-1", 1)
	edited := setbackNodeENI("a", "subnet-1", 2)
	sameSubnet := setbackNodeENI("b", "subnet-1", 1)
	otherSubnet := setbackNodeENI("c", "subnet-2", 1)
	for _, test := range []struct {
		name string
		err  error
		// The wanted interfaces are those on instance i-1, where the call for a was refused, and on i-2.
		here, there, afterEdit, sameSubnet, otherSubnet bool
		reason                                          string
		createOnly                                      bool
	}{
		{"subnet full", refusal(eni.KindSubnetFull, createOperation), true, true, true, true, false, v1alpha1.ReasonSubnetFull, true},
		{"quota", refusal(eni.KindQuotaReached, createOperation), true, true, true, true, true, v1alpha1.ReasonInterfaceQuotaReached, true},
		{"security group", refusal(eni.KindGroupNotFound, createOperation), true, true, false, false, false, v1alpha1.ReasonSecurityGroupNotFound, true},
		{"create denied", refusal(eni.KindDenied, createOperation), true, true, true, true, true, v1alpha1.ReasonPermissionDenied, true},
		{"attach denied", refusal(eni.KindDenied, attachOperation), true, true, true, true, true, v1alpha1.ReasonPermissionDenied, false},
		{"credentials", refusal(eni.KindCredentials, createOperation), true, true, true, true, true, v1alpha1.ReasonCredentialsRejected, false},
		{"instance state", refusal(eni.KindInstanceState, attachOperation), true, false, false, false, false, v1alpha1.ReasonInstanceNotRunning, false},
		{"subnet missing", refusal(eni.KindSubnetNotFound, createOperation), true, true, true, true, false, v1alpha1.ReasonSubnetNotFound, true},
		{"too many groups", refusal(eni.KindInvalid, createOperation), true, true, false, false, false, v1alpha1.ReasonAttachFailed, true},
		{"anything else", refusal(eni.KindInvalid, attachOperation), true, true, false, false, false, v1alpha1.ReasonAttachFailed, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s setbacks
			made := createFor(a, "i-1")
			if operationOf(test.err) == attachOperation {
				made = attachFor(a, "i-1")
			}
			s.refused(made, test.err, setbackStart)
			stands := func(n *v1alpha1.NodeENI, instance string) bool {
				found, createOnly, ok := s.seenBoth(n, instance, setbackStart)
				if ok && (found.Reason != test.reason || createOnly != test.createOnly || found.Message == "") {
					t.Errorf("setback is %+v, want reason %s, create only %v, and a message", found, test.reason, test.createOnly)
				}
				return ok
			}
			for _, want := range []struct {
				where    string
				n        *v1alpha1.NodeENI
				instance string
				stands   bool
			}{
				{"same instance", a, "i-1", test.here},
				{"other instance", a, "i-2", test.there},
				{"after an edit", edited, "i-1", test.afterEdit},
				{"other NodeENI, same subnet", sameSubnet, "i-2", test.sameSubnet},
				{"other NodeENI, other subnet", otherSubnet, "i-2", test.otherSubnet},
			} {
				if got := stands(want.n, want.instance); got != want.stands {
					t.Errorf("%s: stands %v, want %v", want.where, got, want.stands)
				}
			}
		})
	}
}

func TestRefusalsStandLongerEachTime(t *testing.T) {
	var s setbacks
	n := setbackNodeENI("a", "subnet-1", 1)
	now := setbackStart
	for _, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second, 160 * time.Second, maxSetback, maxSetback} {
		s.refused(attachFor(n, "i-1"), refusal(eni.KindInstanceState, attachOperation), now)
		found, _ := s.seen(n, "i-1", now)
		if got := found.Until.Sub(now); got != want {
			t.Errorf("stands for %v, want %v", got, want)
		}
		now = found.Until
	}
	s.succeeded(attachFor(n, "i-1"), now)
	s.refused(attachFor(n, "i-1"), refusal(eni.KindInstanceState, attachOperation), now)
	if got, _ := s.seen(n, "i-1", now); got.Until.Sub(now) != firstSetback {
		t.Errorf("after a success it stands for %v, want %v again", got.Until.Sub(now), firstSetback)
	}
}

func TestOneProbeForEachBackOffStep(t *testing.T) {
	var s setbacks
	n := setbackNodeENI("a", "subnet-1", 1)
	full := refusal(eni.KindSubnetFull, createOperation)
	s.refused(createFor(n, "i-1"), full, setbackStart)
	probes := func(now time.Time) (admitted int) {
		for range 100 {
			if s.admit(createFor(n, "i-2"), now) {
				admitted++
			}
		}
		return admitted
	}
	if got := probes(setbackStart.Add(firstSetback - time.Nanosecond)); got != 0 {
		t.Errorf("%d creates admitted while the refusal stands, want none", got)
	}
	over := setbackStart.Add(firstSetback)
	if got := probes(over); got != 1 {
		t.Errorf("%d creates admitted when its time is over, want one probe", got)
	}
	waiting, _ := s.seen(n, "i-2", over)
	if waiting.Reason != v1alpha1.ReasonSubnetFull || !waiting.Until.Equal(over.Add(probePause)) {
		t.Errorf("those who wait for the probe see %+v, want the refusal until %v", waiting, over.Add(probePause))
	}
	if !s.admit(attachFor(n, "i-1"), over) {
		t.Error("a full subnet keeps an interface that exists from being attached")
	}
	s.refused(createFor(n, "i-1"), full, over)
	if got := probes(over.Add(2 * firstSetback)); got != 1 {
		t.Errorf("%d creates admitted after the second refusal, want one probe", got)
	}
	s.succeeded(createFor(n, "i-1"), over)
	if got := probes(over.Add(2 * firstSetback)); got != 100 {
		t.Errorf("%d creates admitted after a success, want all 100", got)
	}
}

func TestAProbeThatIsNeverAnsweredIsFollowedByAnother(t *testing.T) {
	var s setbacks
	n := setbackNodeENI("a", "subnet-1", 1)
	s.refused(createFor(n, "i-1"), refusal(eni.KindSubnetFull, createOperation), setbackStart)
	over := setbackStart.Add(firstSetback)
	if !s.admit(createFor(n, "i-1"), over) || s.admit(createFor(n, "i-1"), over.Add(probeTime-time.Nanosecond)) {
		t.Fatal("want one probe within the probe's time")
	}
	if !s.admit(createFor(n, "i-1"), over.Add(probeTime)) {
		t.Error("no second probe when the first was never answered")
	}
}

func TestNothingIsRememberedOfAForgottenNodeENI(t *testing.T) {
	var s setbacks
	n := setbackNodeENI("a", "subnet-1", 1)
	s.refused(attachFor(n, "i-1"), refusal(eni.KindInstanceState, attachOperation), setbackStart)
	s.refused(createFor(n, "i-1"), refusal(eni.KindGroupNotFound, createOperation), setbackStart)
	s.forget(n.UID)
	if len(s.own)+len(s.causes) > 0 {
		t.Errorf("still remembered: %v, %v", s.own, s.causes)
	}
}

func TestARefusalEndsTheProbesOfOtherCauses(t *testing.T) {
	var s setbacks
	a, b := setbackNodeENI("a", "subnet-1", 1), setbackNodeENI("b", "subnet-2", 1)
	s.refused(createFor(a, "i-1"), refusal(eni.KindCredentials, createOperation), setbackStart)
	over := setbackStart.Add(firstSetback)
	if !s.admit(createFor(a, "i-1"), over) {
		t.Fatal("the probe is not admitted")
	}
	// The credentials are accepted again, and the subnet is full.
	s.refused(createFor(a, "i-1"), refusal(eni.KindSubnetFull, createOperation), over)
	if !s.admit(attachFor(b, "i-1"), over) {
		t.Error("an attach waits for a probe that has been answered")
	}
}

func TestTheSetbackThatStandsCounts(t *testing.T) {
	n := setbackNodeENI("a", "subnet-1", 1)
	for _, test := range []struct {
		name  string
		order []error
		wait  time.Duration
		want  string
	}{
		{"own and shared stand: the longer", []error{refusal(eni.KindInstanceState, attachOperation), refusal(eni.KindCredentials, attachOperation)}, time.Second, v1alpha1.ReasonInstanceNotRunning},
		{"what stands against all before what stands against creates", []error{refusal(eni.KindSubnetFull, createOperation), refusal(eni.KindInstanceState, attachOperation)}, 0, v1alpha1.ReasonInstanceNotRunning},
	} {
		var s setbacks
		for i, err := range test.order {
			made := createFor(n, "i-1")
			if operationOf(err) == attachOperation {
				made = attachFor(n, "i-1")
			}
			s.refused(made, err, setbackStart.Add(-time.Duration(i)*test.wait))
		}
		if got, _ := s.seen(n, "i-1", setbackStart); got.Reason != test.want {
			t.Errorf("%s: %s, want %s", test.name, got.Reason, test.want)
		}
	}
}

// While the next try is due and not yet made, the reason stays: a node's own failure, which has none, must not hide it.
func TestAReasonOutlastsItsTime(t *testing.T) {
	n := setbackNodeENI("a", "subnet-1", 1)
	var s setbacks
	s.refused(createFor(n, "i-1"), refusal(eni.KindUnknownOutcome, createOperation), setbackStart)
	s.refused(createFor(n, "i-1"), refusal(eni.KindDenied, createOperation), setbackStart)
	over := setbackStart.Add(firstSetback + headStart)
	if got, _ := s.seen(n, "i-1", over); got.Reason != v1alpha1.ReasonPermissionDenied || got.Until.After(over) {
		t.Errorf("setback is %+v, want the denial, to be tried again", got)
	}
}

// What is refused for one again after it has succeeded for another is that one's own trouble from then on.
func TestWhoIsRefusedAloneHoldsNobodyUp(t *testing.T) {
	var s setbacks
	n := setbackNodeENI("a", "subnet-1", 1)
	denied, guilty, innocent := refusal(eni.KindDenied, createOperation), createFor(n, "i-1"), createFor(n, "i-2")
	s.refused(guilty, denied, setbackStart)
	if s.admit(innocent, setbackStart.Add(time.Second)) {
		t.Error("another call is admitted while the refusal may be for all")
	}
	now := setbackStart.Add(firstSetback)
	if s.admit(guilty, now) || !s.admit(innocent, now) {
		t.Fatal("want the probe made for another than was refused before")
	}
	s.succeeded(innocent, now)
	for range 10 {
		now = now.Add(maxSetback)
		if !s.admit(guilty, now) {
			t.Fatal("the one that is refused alone is not tried again")
		}
		s.refused(guilty, denied, now)
		if !s.admit(innocent, now.Add(time.Second)) {
			t.Fatal("a refusal that is one's own holds up another")
		}
	}
	if got, _ := s.seen(n, "i-1", now); got.Reason != v1alpha1.ReasonPermissionDenied || got.Until.Sub(now) != maxSetback {
		t.Errorf("setback is %+v, want the denial with the longest back-off", got)
	}
}
