package controller

import (
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

func TestARestoreFromBackupReplacesNothing(t *testing.T) {
	inFleet(t, func(l *lab) {
		before, calls, tagged := l.owners(), l.replacing(), l.calls("CreateTags")
		l.stop()
		l.vanish("a")
		l.restore("a", 1)
		l.told("")
		l.start()
		l.pass(30 * time.Second)
		l.wantAdopted(before, calls, "uid-again-a")
		if got := l.calls("CreateTags") - tagged; got != fleet {
			t.Errorf("%d calls of CreateTags, want one for each of %d interfaces", got, fleet)
		}
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		told := l.tellsOf("Adopted")
		if len(told) == 0 || len(told) > 10 || !strings.Contains(told[0], "of an earlier NodeENI of this name") {
			t.Errorf("events of adoption: %q", told)
		}
		mutating, writes := l.mutatingCalls(), l.writes()
		l.pass(time.Hour)
		if got := l.mutatingCalls() - mutating + l.writes() - writes; got > 0 {
			t.Errorf("%d calls and writes in an hour in which nothing happened", got)
		}
		l.delete("a")
		l.pass(5 * time.Minute)
		l.wantOurs()
		if len(l.nodeENI("a").Finalizers) > 0 {
			t.Error("the finalizer is still there")
		}
	})
}

// The CustomResourceDefinition is deleted, with finalizers forced off, and installed again: what fits is adopted, the
// rest is held by the guard, also over a restart.
func TestAfterTheOwnersVanishedWhatFitsIsAdoptedAndTheRestHalts(t *testing.T) {
	inFleet(t, func(l *lab) {
		const fit = 10
		for i := range fit {
			l.patchNode(i, `{"metadata":{"labels":{"tier":"x"}}}`)
		}
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.pass(20 * time.Minute)
		l.wantAttached(fleet)
		l.restore("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector["tier"] = "x" })
		for range 3 {
			l.pass(20 * time.Minute)
			l.wantAttached(fleet)
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			adopted := 0
			for id, owner := range l.owners() {
				if before[id] == "" {
					t.Errorf("%s is new", id)
				}
				if owner == "uid-again-a" {
					adopted++
				}
			}
			if adopted != fit {
				t.Errorf("%d interfaces adopted, want the %d that fit", adopted, fit)
			}
			l.stop()
			l.start() // while halted
		}
		for action, count := range calls {
			if got := l.calls(action); got != count {
				t.Errorf("%d calls of %s, want none", got-count, action)
			}
		}
		l.approveOnLease(time.Hour)
		l.pass(20 * time.Minute) // the last start has yet to see for itself that the owners are gone
		l.wantAttached(fit)
	})
}

func TestAHaltEndsWhenTheOwnersAreMadeAgain(t *testing.T) {
	inFleet(t, func(l *lab) {
		before, calls := l.owners(), l.replacing()
		l.vanish("a")
		l.pass(20 * time.Minute)
		l.restore("a", 1)
		l.pass(time.Minute)
		l.wantAdopted(before, calls, "uid-again-a")
		l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
		l.pass(time.Hour)
		l.wantAttached(fleet)
	})
}

// The CustomResourceDefinition deleted under a running controller deletes every NodeENI, which waits for its finalizer:
// an order.
func TestDeletingEveryNodeENIIsAnOrder(t *testing.T) {
	inFleet(t, func(l *lab) {
		l.ask("b", 2)
		l.pass(2 * time.Minute)
		l.delete("a")
		l.delete("b")
		l.pass(10 * time.Minute)
		l.wantOurs()
		if got := l.told("CleanupHalted"); got > 0 {
			t.Error("an order was halted")
		}
		for _, name := range []string{"a", "b"} {
			if len(l.nodeENI(name).Finalizers) > 0 {
				t.Errorf("the finalizer of %s is still there", name)
			}
		}
	})
}
