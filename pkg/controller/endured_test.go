package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// What may be over at once, and is not for minutes, is told as what it is: the call, the code, since when. It is told
// once, and tried at the pace of a refusal.
func TestAReleaseThatKeepsFailingIsTold(t *testing.T) {
	for _, test := range []struct{ action, code string }{
		{"DetachNetworkInterface", "IncorrectState"},
		{"DetachNetworkInterface", "InternalError"},
		{"DetachNetworkInterface", "InvalidAttachmentID.NotFound"},
		{"DeleteNetworkInterface", "InvalidNetworkInterface.InUse"},
		{"DeleteNetworkInterface", "Unavailable"},
	} {
		t.Run(test.action+" "+test.code, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("a", 1)
				l.pass(time.Minute)
				l.fault(ec2sim.Fault{Action: test.action, Effect: "error", Code: test.code})
				l.delete("a")
				l.pass(time.Minute)
				l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
				began := time.Now()
				l.pass(15 * time.Minute)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonReleaseFailed)
				releasing := l.nodeENI("a").Status.Releasing
				if len(releasing) != 1 || releasing[0].Reason != v1alpha1.ReasonReleaseFailed {
					t.Fatalf("releasing is %+v", releasing)
				}
				since := began.Add(-time.Minute).UTC().Format("2006-01-02T15:04:")
				for _, want := range []string{test.action, test.code, "since " + since} {
					if !strings.Contains(releasing[0].Message, want) {
						t.Errorf("message %q does not say %q", releasing[0].Message, want)
					}
				}
				if got := l.told("Warning " + eventReleaseFailed); got != 1 {
					t.Errorf("told by %d events, want one", got)
				}
				calls, writes := l.calls(test.action), l.writes()
				l.pass(time.Hour)
				if got := l.calls(test.action) - calls; got > 13 || got < 11 {
					t.Errorf("%d calls in an hour, want one each %v", got, maxSetback)
				}
				if got := l.writes() - writes; got > 0 {
					t.Errorf("%d writes while nothing changes", got)
				}
				l.heal()
				l.pass(maxSetback + time.Minute)
				l.wantRecovered(test.action)
			})
		})
	}
}

// What is over within minutes is nobody's concern.
func TestAReleaseThatFailsForAWhileIsNotTold(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(time.Minute)
		l.told("")
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Effect: "error", Code: "InternalError"})
		l.delete("a")
		for range 11 {
			l.pass(15 * time.Second)
			l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
		}
		l.heal()
		l.pass(maxPause + time.Minute)
		l.wantRecovered("DetachNetworkInterface")
		if got := l.told("Warning"); got > 0 {
			t.Errorf("%d warnings", got)
		}
	})
}

// The same of what takes an interface to where it is wanted: each of its calls, whatever in between is read anew and
// waited for.
func TestAnAttachThatKeepsFailingIsTold(t *testing.T) {
	attach := doing{func(*lab) {}, func(l *lab) { l.ask("a", 1) }}
	settings := doings["ModifyNetworkInterfaceAttribute"]
	flag := doing{func(l *lab) { l.ask("a", 1) }, func(l *lab) {
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(false) })
	}}
	for _, test := range []struct {
		action, code string
		do           doing
	}{
		{"CreateNetworkInterface", "InternalError", attach},
		{"CreateNetworkInterface", "IdempotentParameterMismatch", attach},
		{"AttachNetworkInterface", "InternalError", attach},
		{"AttachNetworkInterface", "InvalidNetworkInterfaceID.NotFound", attach},
		{"AttachNetworkInterface", "InvalidNetworkInterface.InUse", attach},
		{"ModifyNetworkInterfaceAttribute", "Unavailable", settings},
		{"ModifyNetworkInterfaceAttribute", "InternalError", flag},
		{"CreateTags", "InternalError", doings["CreateTags"]},
		{"DeleteTags", "InternalError", doings["DeleteTags"]},
	} {
		t.Run(test.action+" "+test.code, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				test.do.before(l)
				l.pass(time.Minute)
				l.fault(ec2sim.Fault{Action: test.action, Effect: "error", Code: test.code})
				began := time.Now()
				test.do.then(l)
				for range 5 {
					l.pass(30 * time.Second)
					l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
				}
				l.told("")
				l.pass(13 * time.Minute)
				l.wantCondition("a", v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonAttachFailed)
				l.wantCondition("a", v1alpha1.ConditionReconciling, "False "+v1alpha1.ReasonAttachFailed)
				l.wantAttachmentTells("a", test.action, test.code, "since "+began.UTC().Format("2006-01-02T15:04:"))
				if got := l.told("Warning " + plan.NoticeStalled); got != 1 {
					t.Errorf("told by %d events, want one", got)
				}
				calls, writes := l.calls(test.action), l.writes()
				l.pass(time.Hour)
				if got := l.calls(test.action) - calls; got > 13 || got < 11 {
					t.Errorf("%d calls in an hour, want one each %v", got, maxSetback)
				}
				if got := l.writes() - writes; got > 0 {
					t.Errorf("%d writes while nothing changes", got)
				}
				l.heal()
				l.pass(maxSetback + time.Minute)
				l.wantRecoveredOn(test.action, 1)
				l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
			})
		})
	}
}

// wantAttachmentTells wants the reason AttachFailed, and a message with the given parts, of the only attachment.
func (l *lab) wantAttachmentTells(name string, parts ...string) {
	l.Helper()
	attachments := l.nodeENI(name).Status.Attachments
	if len(attachments) != 1 || attachments[0].Reason != v1alpha1.ReasonAttachFailed {
		l.Fatalf("attachments are %+v, want one with %s", attachments, v1alpha1.ReasonAttachFailed)
	}
	for _, part := range parts {
		if !strings.Contains(attachments[0].Message, part) {
			l.Errorf("message %q does not say %q", attachments[0].Message, part)
		}
	}
}

// What is over within minutes is nobody's concern here either.
func TestAnAttachThatFailsForAWhileIsNotTold(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "InternalError"})
		l.ask("a", 1)
		for range 11 {
			l.pass(15 * time.Second)
			l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
		}
		l.heal()
		l.pass(maxPause + time.Minute)
		l.wantRecoveredOn("AttachNetworkInterface", 1)
		if got := l.told("Warning"); got > 0 {
			t.Errorf("%d warnings", got)
		}
	})
}

// Where EC2 answers nothing for hours, no call is made any more, since nothing is known that it could be decided from.
// What was told stays told.
func TestWhatIsToldOutlastsAnOutageOfAllOfEC2(t *testing.T) {
	for _, test := range []struct {
		name, reason, action string
		then                 func(*lab)
	}{
		{"attach", v1alpha1.ReasonAttachFailed, "CreateNetworkInterface", func(l *lab) { l.ask("a", 1) }},
		{"release", v1alpha1.ReasonReleaseFailed, "DetachNetworkInterface", func(l *lab) { l.delete("b") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			inLab(t, 1, nil, func(l *lab) {
				l.ask("b", 2)
				l.pass(time.Minute)
				name := map[bool]string{true: "b", false: "a"}[releases(test.action)]
				l.fault(ec2sim.Fault{Action: test.action, Effect: "error", Code: "Unavailable"})
				test.then(l)
				l.pass(10 * time.Minute)
				l.fault(ec2sim.Fault{Action: "*", Effect: "error", Code: "Unavailable"})
				for range 4 * 60 {
					l.wantCondition(name, v1alpha1.ConditionStalled, "True "+test.reason)
					l.pass(time.Minute)
				}
				l.heal()
				l.pass(maxSetback + 2*time.Minute)
				if releases(test.action) {
					l.wantOurs()
					return
				}
				l.wantCondition(name, v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			})
		})
	}
}

// Answers that take turns are not told in turns; one that stays is.
func TestAnswersThatTakeTurnsAreNotToldInTurns(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		answer := func(code string, while time.Duration) {
			l.heal()
			l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: code})
			l.pass(while)
		}
		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "error", Code: "InternalError"})
		l.ask("a", 1)
		l.pass(15 * time.Minute)
		l.wantAttachmentTells("a", "InternalError")
		calls, writes := l.calls("AttachNetworkInterface"), l.writes()
		for i := range 12 {
			answer([]string{"Unavailable", "InternalError"}[i%2], maxSetback)
		}
		if got := l.calls("AttachNetworkInterface") - calls; got < 11 {
			t.Fatalf("%d calls in an hour: the test shows nothing", got)
		}
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes while two answers took turns", got)
		}
		answer("Unavailable", 3*maxSetback)
		l.wantAttachmentTells("a", "Unavailable")
	})
}

// An attach that was never answered and took effect all the same ends what stood against its slot: when the interface
// is detached by hand hours later, its first failure is not the last of many.
func TestAnAttachThatTookEffectUnansweredEndsItsSetback(t *testing.T) {
	n := setbackNodeENI("a", "subnet-1", 1)
	var s setbacks
	now := setbackStart
	for range 12 {
		s.refused(attachFor(n, "i-1"), refusal(eni.KindUnknownOutcome, attachOperation), now)
		found, _ := s.seen(n, "i-1", now)
		now = found.Until
	}
	if found, _ := s.seen(n, "i-1", now); found.Reason != v1alpha1.ReasonAttachFailed {
		t.Fatalf("setback is %+v, want %s", found, v1alpha1.ReasonAttachFailed)
	}
	key := slotKey(n, "i-1")
	attached := eni.ObservedInterface{Interface: eni.Interface{
		ID: "eni-1", Tags: map[string]string{eni.TagNodeENIUID: string(n.UID)},
		Attachment: &eni.Attachment{InstanceID: "i-1", Slot: key.Slot, Status: eni.Attached},
	}}
	s.standing(&plan.Snapshot{Now: now, InstanceID: "i-1", NodeENIs: []*v1alpha1.NodeENI{n}, Interfaces: []eni.ObservedInterface{attached}})
	if found, ok := s.seen(n, "i-1", now); ok {
		t.Errorf("setback %+v still stands", found)
	}
}

// A slot for which a call has failed for long, and is not made any more since a cause that it shares with others stands
// against it, tells that cause.
func TestALastingFailureGivesWayToACause(t *testing.T) {
	a, b := setbackNodeENI("a", "subnet-1", 1), setbackNodeENI("b", "subnet-1", 1)
	var s setbacks
	now := setbackStart
	for range 12 {
		s.refused(createFor(a, "i-1"), refusal(eni.KindUnknownOutcome, createOperation), now)
		found, _ := s.seen(a, "i-1", now)
		now = found.Until
	}
	for range 8 {
		s.refused(createFor(b, "i-2"), refusal(eni.KindSubnetFull, createOperation), now)
		now = now.Add(30 * time.Second)
	}
	if got, _ := s.seen(a, "i-1", now); got.Reason != v1alpha1.ReasonSubnetFull {
		t.Errorf("setback is %+v, want %s", got, v1alpha1.ReasonSubnetFull)
	}
	s.succeeded(createFor(b, "i-2"), now)
	if got, _ := s.seen(a, "i-1", now); got.Reason != v1alpha1.ReasonAttachFailed || got.Until.After(now) {
		t.Errorf("setback is %+v, want the failure, to be tried again at once", got)
	}
}
