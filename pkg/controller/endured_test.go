package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
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
