package controller

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// statusWrites counts the writes of a status.
func (l *lab) statusWrites() (count int) {
	for _, action := range l.client.Actions() {
		if action.GetVerb() == "patch" && action.GetSubresource() == "status" {
			count++
		}
	}
	return count
}

// ec2Calls counts the calls of every action that EC2 answered.
func (l *lab) ec2Calls() (count int) {
	for action := range l.sim.Calls() {
		count += l.calls(action)
	}
	return count
}

// Whoever is overruled by a live read over and over, as the watch lags behind, asks less and less often, and says the
// same all the time.
func TestAWatchThatLagsBehindANodeThatCameAgainCostsLittle(t *testing.T) {
	const lag = 10 * time.Minute
	for _, name := range []string{nodeName(0), "renamed"} {
		inLab(t, 2, nil, func(l *lab) {
			l.ask("a", 1)
			l.pass(2 * time.Minute)
			events := l.heldEvents()
			quietFrom := l.ec2Calls()
			l.pass(lag)
			quiet := l.ec2Calls() - quietFrom
			mutating, writes, calls := l.mutatingCalls(), l.statusWrites(), l.ec2Calls()
			old, again := l.registerAgain(name, firstProviderID())
			events.Delete(old)
			l.pass(lag)
			if releases := l.nodeENI("a").Status.Releasing; len(releases) != 1 || releases[0].Message != overruledMessage {
				t.Errorf("%s: releases are %v, want one that waits for the watch", name, releases)
			}
			if n := l.statusWrites() - writes; n < 1 || n > 5 {
				t.Errorf("%s: %d status writes while the watch lagged, want 1 to 5", name, n)
			}
			if n := l.ec2Calls() - calls - quiet; n > 30 {
				t.Errorf("%s: %d calls to EC2 more than in as long without a lag, want 30 at most", name, n)
			}
			events.Add(again)
			l.pass(5 * time.Second)
			if status := l.nodeENI("a").Status; len(status.Releasing) > 0 || len(status.Attachments) != 2 {
				t.Errorf("%s: status soon after the watch has caught up is %+v", name, status)
			}
			l.wantAttached(2)
			if n := l.mutatingCalls() - mutating; n > 1 { // the tag with the Node's name
				t.Errorf("%s: %d calls changed EC2, want at most the one that tags the new name", name, n)
			}
		})
	}
}

// What held a release back that a live read spoke against says nothing of one that is wanted for another reason.
func TestAnOrderIsNotHeldBackByALagThatIsOver(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		events := l.heldEvents()
		old, _ := l.registerAgain(nodeName(0), firstProviderID())
		events.Delete(old)
		l.pass(9*time.Minute + 30*time.Second)
		l.wantAttached(2)
		l.delete("a")
		l.pass(30 * time.Second)
		if got := l.ours(); slices.Contains(got, nodeName(0)+" 1 attached") {
			t.Errorf("interfaces in EC2 are %q half a minute after the order", got)
		}
		l.pass(2 * time.Minute)
		l.wantOurs()
	})
}

// A live read that spoke against a release once does not hold it back once the cache shows the same as before for good.
func TestANodeThatCameAgainAndWentUnseenIsGone(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(2 * time.Minute)
		events := l.heldEvents()
		old, again := l.registerAgain("renamed", firstProviderID())
		events.Delete(old)
		l.pass(10 * time.Minute)
		l.wantAttached(2)
		l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), again.Name, metav1.DeleteOptions{}))
		l.pass(2 * time.Minute)
		l.wantOurs(nodeName(1) + " 1 attached")
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	})
}

// A live read that spoke against a detach by force once does not take its back-off away once it is made.
func TestADetachByForceThatWasOverruledIsNotHammered(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		var lags atomic.Bool
		l.still()
		l.client.PrependReactor("get", "nodeenis", func(clienttesting.Action) (bool, runtime.Object, error) {
			if !lags.Load() {
				return false, nil, nil
			}
			n := l.cached("a")
			n.Annotations = nil
			return true, n, nil
		})
		l.ask("a", 1)
		l.pass(time.Minute)
		l.neverDetaches(0)
		l.delete("a")
		l.pass(20 * time.Minute)
		lags.Store(true)
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(time.Hour).Format(time.RFC3339))
		l.pass(30 * time.Second)
		l.wantCalls("DetachNetworkInterface", 1)
		lags.Store(false)
		l.annotate("a", v1alpha1.AnnotationForceDetachUntil, time.Now().Add(2*time.Hour).Format(time.RFC3339))
		l.pass(30 * time.Minute)
		// As long after the first as the back-off of force says: after 1, 2, 4, 8 and 10 minutes.
		if got := l.calls("DetachNetworkInterface") - 1; got < 3 || got > 6 {
			t.Errorf("%d detaches by force in half an hour of which none helps, want some, further and further apart", got)
		}
	})
}
