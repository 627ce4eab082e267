package controller

import (
	"context"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

func slotOn(i int) plan.SlotKey { return plan.SlotKey{NodeENI: "uid", Instance: fmt.Sprint("i-", i)} }

func TestNotTooManyAreCreatedAhead(t *testing.T) {
	var a ahead
	now := time.Unix(0, 0)
	for i := range maxAhead {
		if !a.enter(slotOn(i), now) {
			t.Fatalf("the %dth was not let in", i+1)
		}
	}
	if !a.enter(slotOn(0), now) {
		t.Error("one that counts already was not let in")
	}
	for i := range 4 {
		for range 2 { // who asks twice waits once
			if a.enter(slotOn(maxAhead+i), now) {
				t.Fatalf("the %dth was let in", maxAhead+i+1)
			}
		}
	}
	var called []string
	for i := range 3 {
		called = append(called, a.leave(slotOn(i)))
	}
	called = append(called, a.leave(slotOn(0)), a.leave(slotOn(3)), a.leave(slotOn(4)))
	if got := fmt.Sprintf("%q", called); got != `["i-100" "i-103" "i-101" "" "i-102" ""]` {
		t.Errorf("called %s", got)
	}
	for i := range 5 {
		a.enter(slotOn(200+i), now)
	}
	if a.enter(slotOn(300), now.Add(aheadFor-1)) || !a.enter(slotOn(300), now.Add(aheadFor)) {
		t.Error("those that are never attached are to count for a while, and then not")
	}
}

func TestVisibilityIsLearnt(t *testing.T) {
	v := visibility{most: 10 * time.Second}
	delay := func() time.Duration { return v.from(time.Unix(0, 0)).Sub(time.Unix(0, 0)) }
	v.hit("a", 50*time.Millisecond)
	v.miss("gone", 50*time.Millisecond) // and never found
	if delay() != 0 {
		t.Errorf("a delay of %v when nothing was found late", delay())
	}
	v.miss("b", 200*time.Millisecond)
	v.hit("b", time.Second)
	if delay() != 400*time.Millisecond {
		t.Errorf("a delay of %v, want half as much again as what was too little, and 100 ms", delay())
	}
	v.hit("c", time.Hour) // says nothing
	if delay() != 400*time.Millisecond {
		t.Errorf("a delay of %v after one that was found when it was old", delay())
	}
	for i := range 100 {
		v.miss(fmt.Sprint(i), 8*time.Second)
		v.hit(fmt.Sprint(i), 9*time.Second)
	}
	if delay() != 10*time.Second {
		t.Errorf("a delay of %v, want no more than the horizon", delay())
	}
	for range 2000 {
		v.hit("young", delay())
	}
	if delay() != 0 {
		t.Errorf("a delay of %v when everything is found at once again", delay())
	}
	for i := range 3 * manyMissed {
		v.miss(fmt.Sprint("never found ", i), time.Second)
	}
	if len(v.missed) > manyMissed {
		t.Errorf("%d that were never found are remembered", len(v.missed))
	}
}

func TestEditsGiveWay(t *testing.T) {
	var e edits
	now := time.Unix(0, 0)
	is := func(uid types.UID, at time.Duration) bool {
		return eni.IsEdit(e.mark(t.Context(), uid, now.Add(at)))
	}
	e.begin("edited", now)
	if !is("edited", time.Minute) || is("other", time.Minute) {
		t.Error("what was edited is carried out as an edit, and nothing else")
	}
	if !is("edited", editFor) || is("edited", 2*editFor) {
		t.Error("an edit lasts as long as there are calls for it, and then ends")
	}
	e.begin("next", now.Add(2*editFor))
	if len(e.last) != 1 {
		t.Errorf("%d edits are remembered, want one", len(e.last))
	}
}

// TestLaggingReadsCostFewAttaches attaches interfaces to ten nodes while EC2 does not know yet, at first, what it has
// just made.
func TestLaggingReadsCostFewAttaches(t *testing.T) {
	lags := func(w *ec2sim.World) { w.Consistency.Lag = ec2sim.Spread(time.Second, 2*time.Second, 3*time.Second) }
	inLab(t, 10, lags, func(l *lab) {
		l.ask("eni-a", 1)
		l.pass(time.Minute)
		l.ask("eni-b", 2)
		l.pass(time.Minute)
		if ours := l.ours(); len(ours) != 20 {
			t.Errorf("%d interfaces: %v, want 20", len(ours), ours)
		}
		// Those of the first NodeENI are tried too early once, those of the second hardly any more.
		if attaches := l.calls("AttachNetworkInterface"); attaches > 35 || attaches == 20 {
			t.Errorf("%d attaches for 20 interfaces, want a few more than that", attaches)
		}
	})
}

// TestManyInterfacesOfOneInstance comes to an end in one sync, although they begin one after the other.
func TestManyInterfacesOfOneInstance(t *testing.T) {
	inLab(t, 1, func(w *ec2sim.World) { w.Instances[0].Type = "m5.4xlarge" }, func(l *lab) {
		for i := range 7 {
			l.ask(fmt.Sprint("eni-", i), int32(1+i))
		}
		l.pass(5 * time.Second)
		if ours := l.ours(); len(ours) != 7 {
			t.Errorf("%d interfaces, want 7: %v", len(ours), ours)
		}
		if calls := l.mutatingCalls(); calls != 21 {
			t.Errorf("%d calls, want 21", calls)
		}
	})
}

// TestANewcomerDoesNotWaitForTheBacklog labels one more Node while many wait for their turn.
func TestANewcomerDoesNotWaitForTheBacklog(t *testing.T) {
	const nodes, attachWorkers = 150, 5
	roomy := func(w *ec2sim.World) { w.Quotas.InterfacesPerRegion = 50_000 }
	inLab(t, nodes, roomy, func(l *lab) {
		newcomer := ec2sim.Instance{ID: instanceID(nodes), Type: "m5.xlarge", Subnet: subnetB, State: "running"}
		if _, err := l.sim.Launch(newcomer); err != nil {
			t.Fatal(err)
		}
		l.ask("eni-a", 1)
		l.pass(2 * time.Second)
		l.addNode(nodes)
		// The attaches of those who are being served, one refill each, its own, and what it takes by itself.
		l.pass(time.Duration(attachWorkers+2)*200*time.Millisecond + 4*time.Second)
		if !l.attachedTo(newcomer.ID) {
			t.Error("the newcomer has to wait")
		}
		if done := len(l.ours()); done > nodes-20 {
			t.Errorf("%d of %d have been served: nobody had to wait", done, nodes)
		}
	})
}

// attachedTo reports whether an interface of ours is attached to the instance.
func (l *lab) attachedTo(instance string) bool {
	for _, e := range l.sim.Snapshot().Interfaces {
		if e.Attachment != nil && e.Attachment.Instance == instance && e.Attachment.DeviceIndex > 0 {
			return true
		}
	}
	return false
}

// TestReplacedByTheSameProcess gives an interface back and asks for it again after a restart: the process that deleted it
// knows that its client token is used up.
func TestReplacedByTheSameProcess(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("eni-a", 1)
		l.pass(time.Minute)
		l.stop()
		l.start()
		l.pass(time.Minute)
		label := func(value string) {
			node, err := l.kube.CoreV1().Nodes().Get(context.Background(), nodeName(0), metav1.GetOptions{})
			l.must(err)
			changed := node.DeepCopy()
			changed.Labels["ng"] = value
			_, err = l.kube.CoreV1().Nodes().Update(context.Background(), changed, metav1.UpdateOptions{})
			l.must(err)
			l.pass(time.Minute)
		}
		label("")
		l.wantOurs()
		before := l.mutatingCalls()
		label("multi")
		if calls := l.mutatingCalls() - before; calls != 3 || len(l.ours()) != 1 {
			t.Errorf("%d calls for an interface that was there before, want 3; there are %v", calls, l.ours())
		}
	})
}
