package controller

import (
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// While EC2 looks at no call of an action, it is asked by one for all, however many wait, and nothing is told as a
// failure. When it looks at them again, all go on.
func TestAThrottleThatLastsIsProbedByOneForAll(t *testing.T) {
	const nodes = 20
	for _, action := range []string{"DetachNetworkInterface", "AttachNetworkInterface"} {
		inLab(t, nodes, nil, func(l *lab) {
			doings[action].before(l)
			l.pass(2 * time.Minute)
			l.fault(ec2sim.Fault{Action: action, Effect: "error", Code: "RequestLimitExceeded"})
			doings[action].then(l)
			l.pass(5 * time.Minute)
			calls, writes, creating := l.calls(action), l.writes(), l.creating("a")
			l.pass(time.Hour)
			if got := l.calls(action) - calls; got > 61 || got < 30 {
				t.Errorf("%d calls of %s in an hour for %d who wait, want one a minute", got, action, nodes)
			}
			// Who has nothing to attach yet creates it when he is the one to ask: that is news.
			if got, news := l.writes()-writes, creating-l.creating("a"); got > news {
				t.Errorf("%d writes while %d interfaces are created, and nothing else changes", got, news)
			}
			l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
			l.heal()
			l.pass(3 * time.Minute)
			l.wantRecoveredOn(action, nodes)
		})
	}
}

// creating counts the nodes whose interface is yet to be created.
func (l *lab) creating(name string) (count int) {
	l.Helper()
	for _, a := range l.nodeENI(name).Status.Attachments {
		if a.State == v1alpha1.AttachmentCreating {
			count++
		}
	}
	return count
}

// As long as EC2 looks at some of the calls, it is for the limiter alone to find the rate.
func TestAThrottleOfSomeHoldsNobodyUp(t *testing.T) {
	var s setbacks
	a, b := setbackNodeENI("a", "subnet-1", 1), setbackNodeENI("b", "subnet-1", 1)
	throttle := refusal(eni.KindThrottled, createOperation)
	now := setbackStart
	for range 10 {
		for range 29 {
			s.notAsked(createFor(a, "i-1"), throttle, now)
			now = now.Add(time.Second)
			if !s.admit(createFor(b, "i-2"), now) {
				t.Fatalf("a call is held back %v after the last one succeeded", now.Sub(setbackStart))
			}
		}
		s.succeeded(createFor(b, "i-2"), now)
	}
}

// One answer of those that were under way together counts, a success ends it, and one throttle long after another is
// the first again.
func TestAThrottleStandsLongerEachTime(t *testing.T) {
	var s setbacks
	n := setbackNodeENI("a", "subnet-1", 1)
	throttle := refusal(eni.KindThrottled, createOperation)
	s.notAsked(createFor(n, "i-1"), throttle, setbackStart)
	now := setbackStart.Add(throttlePatience)
	for _, want := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 40 * time.Second, maxPause, maxPause} {
		for range 5 {
			s.notAsked(createFor(n, "i-1"), throttle, now)
		}
		found, ok := s.seen(n, "i-2", now)
		if !ok || found.Until.Sub(now) != want || found.Reason != "" || found.Message == "" {
			t.Errorf("setback is %+v, want a message and no reason for %v", found, want)
		}
		if !s.admit(attachFor(n, "i-1"), now) {
			t.Error("a throttle of creates holds up an attach")
		}
		now = found.Until
	}
	s.succeeded(createFor(n, "i-3"), now)
	if found, ok := s.seen(n, "i-2", now); ok {
		t.Errorf("after a success there stands %+v", found)
	}
	s.notAsked(createFor(n, "i-1"), throttle, now)
	s.notAsked(createFor(n, "i-1"), throttle, now.Add(throttleMemory))
	if found, ok := s.seen(n, "i-2", now.Add(throttleMemory)); ok {
		t.Errorf("two throttles far apart make %+v", found)
	}
}
