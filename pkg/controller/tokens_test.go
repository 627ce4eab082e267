package controller

import (
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

func TestTokensAreOfOurTermOnceThePredecessorsWorkIsKnown(t *testing.T) {
	type token struct {
		term int64
		n    int
	}
	shown := false
	var tokens tokenSteps
	tokens.begin(7, func() bool { return shown })
	key := func(index int32) plan.SlotKey {
		return plan.SlotKey{NodeENI: "uid", Instance: "i-1", Slot: eni.Slot{Index: index}}
	}
	want := func(what string, index int32, want token) {
		t.Helper()
		if term, n := tokens.current(key(index)); (token{term, n}) != want {
			t.Errorf("%s: token %d of term %d, want %+v", what, n, term, want)
		}
	}
	want("before it is known", 1, token{6, 0})
	want("before it is known", 2, token{6, 0})
	tokens.step(key(2))
	want("after an answer", 2, token{7, 0})
	tokens.step(key(2))
	want("after a second answer", 2, token{7, 1})
	shown = true
	want("a lost answer, before it was known", 1, token{6, 0})
	want("when it is known", 3, token{7, 0})
	tokens.step(key(3))
	want("after an answer, when it is known", 3, token{7, 1})
	tokens.step(key(4))
	want("deleted without having been asked for", 4, token{7, 1})

	var unleased tokenSteps
	unleased.begin(0, func() bool { return false })
	if term, n := unleased.current(key(1)); term != 0 || n != 0 {
		t.Errorf("without a lease: token %d of term %d, want that of any process", n, term)
	}
}

// lead has a controller with the next lease follow the one that works.
func (l *lab) lead() {
	l.Helper()
	l.stop()
	l.term++
	l.start()
}

func relabel(l *lab, value string) {
	l.Helper()
	for i := range 2 {
		l.patchNode(i, `{"metadata":{"labels":{"ng":`+value+`}}}`)
	}
}

// What a predecessor made and a predecessor deleted is made anew with a token that EC2 has not seen.
func TestNoLeaderIsGivenWhatAPredecessorDeleted(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.pass(time.Second)
		l.lead()
		l.pass(10 * time.Minute)
		l.ask("a", 1)
		l.pass(time.Minute)
		relabel(l, `null`)
		l.pass(5 * time.Minute)
		l.wantOurs()
		l.lead()
		l.pass(10 * time.Minute)
		before := l.mutatingCalls()
		relabel(l, `"multi"`)
		l.pass(time.Minute)
		l.wantOurs("node-00 1 attached", "node-01 1 attached")
		if got := l.mutatingCalls() - before; got != 2*3 {
			t.Errorf("%d calls for two interfaces, want three for each", got)
		}
	})
}

// What a predecessor made just before it ended, and no list shows yet, is not made a second time.
func TestWhatAPredecessorMadeIsFoundBeforeItIsShown(t *testing.T) {
	inLab(t, 2, func(w *ec2sim.World) {
		w.Consistency.Lag = ec2sim.Exactly(horizon - 2*time.Second)
	}, func(l *lab) {
		l.pass(time.Second)
		l.lead()
		l.pass(10 * time.Minute)
		l.ask("a", 1)
		for l.calls("CreateNetworkInterface") < 2 {
			l.pass(10 * time.Millisecond)
		}
		l.lead()
		l.pass(10 * time.Minute)
		l.wantOurs("node-00 1 attached", "node-01 1 attached")
		if deleted := l.calls("DeleteNetworkInterface"); deleted != 0 {
			t.Errorf("%d interfaces were surplus, want none", deleted)
		}
	})
}
