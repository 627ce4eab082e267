package inventory

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// ask asks for the absence of "uid".
func (l *lab) ask(at float64) bool { return l.absent("uid", second(at)) }

// narrowed makes a list narrowed to "uid".
func (l *lab) narrowed(at float64, list ...eni.Interface) {
	l.changed = l.applyList(reading(at), list, map[string]bool{"uid": true}).change()
}

func TestAbsence(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(l *lab)
		want bool
	}{
		"never listed":                       {func(*lab) {}, false},
		"one list":                           {func(l *lab) { l.ask(0); l.narrowed(0) }, false},
		"two lists":                          {func(l *lab) { l.ask(0); l.narrowed(0); l.narrowed(10) }, true},
		"too close":                          {func(l *lab) { l.ask(0); l.narrowed(0); l.narrowed(9) }, false},
		"a list of everything is no witness": {func(l *lab) { l.ask(0); l.list(0); l.narrowed(10) }, false},
		"epochs before":                      {func(l *lab) { l.list(0); l.list(300); l.ask(300); l.narrowed(300); l.narrowed(310) }, true},
		"epochs alone, which do not show what lost the cluster's tag": {func(l *lab) { l.ask(0); l.list(0); l.list(300); l.list(600) }, false},
		"no list of everything since what a predecessor did can be seen": {
			func(l *lab) {
				l.absence.whole = false
				l.list(-100)
				l.ask(0)
				l.narrowed(0)
				l.narrowed(10)
				l.narrowed(20)
			}, false,
		},
		"and then there was one": {
			func(l *lab) { l.absence.whole = false; l.ask(0); l.narrowed(0); l.narrowed(10); l.list(20) }, true,
		},
		"and it showed what lost its UID": {
			func(l *lab) {
				l.absence.whole = false
				l.ask(0)
				l.narrowed(0)
				l.narrowed(10)
				l.list(20, eni1(without(eni.TagNodeENIUID)))
				l.narrowed(30)
				l.narrowed(40)
			}, false,
		},
		"narrowed, then an epoch": {func(l *lab) { l.ask(0); l.narrowed(0); l.list(10) }, false},
		"narrowed between epochs": {func(l *lab) { l.ask(0); l.list(0); l.narrowed(5); l.list(10) }, false},
		"without the cluster's tag": {
			func(l *lab) { l.ask(0); l.narrowed(0, eni1(without(eni.TagClusterID))); l.narrowed(10); l.narrowed(20) }, false,
		},
		"without the NodeENI's UID, but with its name": {
			func(l *lab) { l.ask(0); l.list(0, eni1(without(eni.TagNodeENIUID))); l.narrowed(10); l.narrowed(20) }, false,
		},
		"without the cluster's tag, which then was a copy's": {
			func(l *lab) {
				l.ask(0)
				l.narrowed(0, eni1(without(eni.TagClusterID)))
				l.describe(10, eni1(ofCopy))
				l.ask(10)
				l.narrowed(20, eni1(ofCopy))
				l.narrowed(30, eni1(ofCopy))
			}, true,
		},
		"of a cluster that is a copy": {
			func(l *lab) { l.ask(0); l.narrowed(0, eni1(ofCopy)); l.narrowed(10, eni1(ofCopy)) }, true,
		},
		"one epoch before":                          {func(l *lab) { l.list(0); l.ask(300); l.narrowed(300) }, false},
		"an epoch before that is no second witness": {func(l *lab) { l.list(0); l.list(9) }, false},
		"an epoch that showed one, close after another": {
			func(l *lab) { l.list(0); l.list(9, eni1()); l.remove(10); l.ask(10); l.narrowed(10) }, false,
		},
		"a lagging epoch showed what was deleted": {
			func(l *lab) {
				l.list(-20, eni1())
				l.remove(-1)
				l.list(0)
				l.list(8, eni1())
				l.ask(10)
				l.narrowed(10)
			}, false,
		},
		"came and went between the lists": {
			func(l *lab) { l.ask(0); l.narrowed(0); l.describe(5, eni1()); l.remove(6); l.narrowed(10) }, false,
		},
		"shown in between": {
			func(l *lab) {
				l.ask(0)
				l.narrowed(0)
				l.narrowed(5, eni1())
				l.remove(5)
				l.ask(5)
				l.narrowed(10)
				l.narrowed(19)
			}, false,
		},
		"in the store": {func(l *lab) { l.list(0, eni1()); l.ask(1); l.narrowed(300); l.narrowed(310) }, false},
		"tags lost": {
			func(l *lab) {
				l.list(0, eni1())
				l.describe(1, eni1(untagged))
				l.ask(2)
				l.narrowed(300)
				l.narrowed(310)
			}, false,
		},
		"lists before it was deleted": {
			func(l *lab) {
				l.list(0, eni1())
				l.remove(1)
				l.ask(1)
				l.readList(read{second(0.5), second(2)})
				l.narrowed(11)
			}, false,
		},
		"lists after it was deleted": {
			func(l *lab) { l.list(0, eni1()); l.remove(1); l.ask(1); l.narrowed(1); l.narrowed(11) }, true,
		},
		"a list that lags shows what was deleted": {
			func(l *lab) { l.list(0, eni1()); l.remove(1); l.ask(1); l.narrowed(1, eni1()); l.narrowed(11) }, false,
		},
		"and then no more": {
			func(l *lab) {
				l.list(0, eni1())
				l.remove(1)
				l.ask(1)
				l.narrowed(1, eni1())
				l.narrowed(11)
				l.narrowed(21)
			}, true,
		},

		"a create in flight": {
			func(l *lab) { l.absence.beginCreate("uid"); l.ask(0); l.narrowed(0); l.narrowed(10) }, false,
		},
		"a create that failed": {
			func(l *lab) {
				l.absence.beginCreate("uid")
				l.endCreate("uid", nil, second(1), second(1))
				l.ask(1)
				l.narrowed(1)
				l.narrowed(11)
			}, true,
		},
		"a create that failed after the lists": {
			func(l *lab) {
				l.ask(0)
				l.narrowed(0)
				l.narrowed(10)
				l.absence.beginCreate("uid")
				l.endCreate("uid", nil, second(11), second(11))
			}, false,
		},
		"a create that may still take effect": {
			func(l *lab) {
				l.absence.beginCreate("uid")
				l.endCreate("uid", nil, second(70), second(1))
				l.ask(1)
				l.narrowed(1)
				l.narrowed(69)
				l.narrowed(79)
			}, false,
		},
		"a create that can no longer take effect": {
			func(l *lab) {
				l.absence.beginCreate("uid")
				l.endCreate("uid", nil, second(70), second(1))
				l.ask(1)
				l.narrowed(70)
				l.narrowed(80)
			}, true,
		},
		"another create still in flight": {
			func(l *lab) {
				l.absence.beginCreate("uid")
				l.absence.beginCreate("uid")
				l.endCreate("uid", nil, second(1), second(1))
				l.ask(1)
				l.narrowed(1)
				l.narrowed(11)
			}, false,
		},
		"a predecessor's create may not show yet": {
			func(l *lab) { l.absence.start = second(0); l.ask(0); l.narrowed(69); l.narrowed(79) }, false,
		},
		"a predecessor's creates all show": {
			func(l *lab) { l.absence.start = second(0); l.ask(0); l.narrowed(70); l.narrowed(80) }, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			test.do(l)
			if got := l.ask(1000); got != test.want {
				t.Errorf("absent is %v, want %v", got, test.want)
			}
		})
	}
}

func TestAbsenceIsTold(t *testing.T) {
	l := newLab()
	l.ask(0)
	l.narrowed(0)
	if diff := cmp.Diff(Change{}, l.changed); diff != "" {
		t.Errorf("after one list (-want +got):\n%s", diff)
	}
	l.narrowed(10)
	if diff := cmp.Diff(Change{NodeENIUIDs: []string{"uid"}}, l.changed); diff != "" {
		t.Errorf("after two lists (-want +got):\n%s", diff)
	}
}

func TestAbsenceSaysWhenListsAreDue(t *testing.T) {
	due := func(l *lab, at float64) (bool, float64) {
		uids, _, next := l.absence.due(second(at))
		if next.IsZero() {
			return slices.Contains(uids, "uid"), -1
		}
		return slices.Contains(uids, "uid"), next.Sub(testStart).Seconds()
	}
	for name, test := range map[string]struct {
		do   func(l *lab)
		at   float64
		now  bool
		next float64
	}{
		"nobody asked":        {func(*lab) {}, 0, false, -1},
		"asked":               {func(l *lab) { l.ask(0) }, 0, true, -1},
		"between the lists":   {func(l *lab) { l.ask(0); l.narrowed(1) }, 2, false, 11},
		"for the second list": {func(l *lab) { l.ask(0); l.narrowed(1) }, 11, true, -1},
		"confirmed":           {func(l *lab) { l.ask(0); l.narrowed(0); l.narrowed(10) }, 20, false, -1},
		"present":             {func(l *lab) { l.list(0, eni1()); l.ask(0) }, 20, false, -1},
		"forgotten":           {func(l *lab) { l.ask(0) }, 601, false, -1},
		"a create may still come": {
			func(l *lab) {
				l.absence.beginCreate("uid")
				l.endCreate("uid", nil, second(70), second(0))
				l.ask(0)
			}, 1, false, 70,
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab()
			test.do(l)
			if now, next := due(l, test.at); now != test.now || next != test.next {
				t.Errorf("due now %v, next %v; want %v, %v", now, next, test.now, test.next)
			}
		})
	}
}

// A process that has just begun makes one list of everything for all who wait, and none later.
func TestAbsenceAsksForAListOfEverythingOnce(t *testing.T) {
	l := newLab()
	l.absence.whole = false
	l.ask(0)
	for _, step := range []struct {
		at   float64
		want bool
	}{{0, false}, {10, true}} {
		l.narrowed(step.at)
		if _, whole, _ := l.absence.due(second(step.at)); whole != step.want {
			t.Errorf("after %vs a list of everything is due: %v, want %v", step.at, whole, step.want)
		}
	}
	l.list(20)
	if _, whole, _ := l.absence.due(second(20)); whole || !l.ask(20) {
		t.Errorf("a list of everything is due again: %v", whole)
	}
}

func TestAbsenceForgetsWhatNoListCanConcern(t *testing.T) {
	l := newLab()
	l.absence.beginCreate("uid")
	l.endCreate("uid", nil, second(0), second(0))
	for at := 0.0; at <= 1500; at += 300 {
		l.list(at)
	}
	if len(l.absence.since) != 0 || len(l.absence.inFlight) != 0 {
		t.Errorf("still remembered: %v, %v", l.absence.since, l.absence.inFlight)
	}
}

func TestTombstonesExpire(t *testing.T) {
	l := newLab()
	l.list(0, eni1())
	l.remove(1)
	l.list(300)
	if len(l.tombstones) != 1 {
		t.Error("a tombstone that slow lists may still need is forgotten")
	}
	l.list(testHorizon.Seconds() + buried.Seconds() + 2)
	if len(l.tombstones) != 0 {
		t.Error("a tombstone is kept for good")
	}
}

func TestInstancesFollowTheReadThatBeganLast(t *testing.T) {
	s := instanceStore{}
	instance := func(state eni.InstanceState, interfaces ...eni.InstanceInterface) []eni.Instance {
		return []eni.Instance{{ID: "i-1", State: state, Interfaces: interfaces}}
	}
	first, last := eni.InstanceInterface{ID: "eni-1"}, eni.InstanceInterface{ID: "eni-2", Slot: eni.Slot{Index: 1}}
	ask := []string{"i-1"}
	for _, step := range []struct {
		name    string
		at      float64
		found   []eni.Instance
		changed bool
		state   eni.InstanceState
		since   float64
	}{
		{"first", 0, instance(eni.InstanceRunning, last, first), true, eni.InstanceRunning, 0},
		{"in another order", 1, instance(eni.InstanceRunning, first, last), false, eni.InstanceRunning, 0},
		{"one interface less", 2, instance(eni.InstanceRunning, first), true, eni.InstanceRunning, 0},
		{"another state", 5, instance(eni.InstanceStopping, first), true, eni.InstanceStopping, 5},
		{"an older read", 4, instance(eni.InstanceRunning, first), false, eni.InstanceStopping, 5},
		{"not found", 6, nil, true, eni.InstanceStopping, 5},
		{"still not found", 7, nil, false, eni.InstanceStopping, 5},
		{"found again", 8, instance(eni.InstanceStopping, first), true, eni.InstanceStopping, 5},
	} {
		changed := s.apply(second(step.at), ask, step.found)
		got := s["i-1"]
		if (len(changed) > 0) != step.changed || got.State != step.state || !got.StateSince.Equal(second(step.since)) {
			t.Errorf("%s: changed %v, %s since %v", step.name, changed, got.State, got.StateSince)
		}
		if want := step.at >= 6 && step.at < 8; got.NotFound != want {
			t.Errorf("%s: not found is %v, want %v", step.name, got.NotFound, want)
		}
	}
	s.forget(map[string]bool{"i-1": true}, second(100))
	s.forget(nil, second(8))
	if len(s) != 1 {
		t.Error("forgot an instance that is named, or was read lately")
	}
	s.forget(nil, second(9))
	if len(s) != 0 {
		t.Error("kept an instance that nobody names")
	}
}

func TestSubnetsTellWhenTheyFillUp(t *testing.T) {
	s := subnetStore{}
	ask := []string{"subnet-1"}
	subnet := func(free int32) []eni.Subnet { return []eni.Subnet{{ID: "subnet-1", FreeAddresses: free}} }
	var got []bool
	for n, found := range [][]eni.Subnet{subnet(5), subnet(4), subnet(0), nil, nil, subnet(1)} {
		got = append(got, len(s.apply(second(float64(n)), ask, found)) > 0)
	}
	if diff := cmp.Diff([]bool{true, false, true, true, false, true}, got); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if at := s["subnet-1"].ObservedAt; !at.Equal(second(5)) {
		t.Errorf("observed at %v", at)
	}
	s.forget(nil, second(6).Add(time.Hour))
	if len(s) != 0 {
		t.Error("kept a subnet that nobody names")
	}
}
