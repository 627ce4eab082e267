package controller

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// flightOf is what the recorder has of an interface, as "event reason".
func (l *lab) flightOf(id string) (list []string) {
	for _, e := range l.controller.Flight(id) {
		list = append(list, strings.TrimSpace(e.Event+" "+e.Reason))
	}
	return list
}

func TestTheRecorderTellsAWholeLife(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(true) })
		l.pass(time.Minute)
		id := l.sim.Snapshot().Interfaces[slices.IndexFunc(l.sim.Snapshot().Interfaces, func(i ec2sim.InterfaceNow) bool { return i.Tags["networking.k8s.aws/slot"] != "" })].ID
		l.fault(ec2sim.Fault{Action: "DetachNetworkInterface", Times: 1, Effect: "error", Code: "InternalError"})
		l.delete("a")
		l.pass(2 * time.Minute)
		want := []string{
			"decided: Create", "called: CreateNetworkInterface OK",
			"decided: Attach", "called: AttachNetworkInterface OK",
			"decided: SetDeleteOnTermination", "called: ModifyNetworkInterfaceAttribute OK",
			"seen: attached",
			"decided: Detach NodeENIDeleted", "called: DetachNetworkInterface InternalError",
			"decided: Detach NodeENIDeleted", "called: DetachNetworkInterface OK",
			"seen: detached",
			"decided: Delete NodeENIDeleted", "called: DeleteNetworkInterface OK",
		}
		if diff := cmp.Diff(want, l.flightOf(id)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		requests := map[string]bool{}
		for _, call := range l.sim.Log(0) {
			requests[call.RequestID] = true
		}
		for _, e := range l.controller.Flight(id) {
			switch called := strings.HasPrefix(e.Event, "called"); {
			case called != requests[e.RequestID]:
				t.Errorf("%+v: a call bears the request ID that EC2 gave it, and nothing else does", e)
			case !called && strings.HasPrefix(e.Event, "decided") && e.Detail != "for NodeENI a on node node-00, "+instanceID(0)+" slot 0-1":
				t.Errorf("%+v: want it said for whom", e)
			}
		}
		if recent := l.controller.RecentFlights(10); !slices.Equal(recent, []string{id}) {
			t.Errorf("recent are %v, want %s", recent, id)
		}
	})
}

func TestTheRecorderIsBounded(t *testing.T) {
	var f flights
	const interfaces = 3 * maxFlights / maxFlight
	name := func(i int) string { return fmt.Sprint("eni-", i) }
	for i := range interfaces {
		for k := range 2 * maxFlight {
			f.add(name(i), FlightEntry{Event: fmt.Sprint(k), Detail: strings.Repeat("ä", maxDetail)})
			f.add(name(0), FlightEntry{Event: fmt.Sprint(i, " ", k)}) // the first stays, as there is always news of it
		}
	}
	total := 0
	for id, element := range f.byID {
		one := element.Value.(*flight)
		if total += len(one.entries); len(one.entries) > maxFlight || one.id != id {
			t.Fatalf("%d entries of %s, which is filed as %s", len(one.entries), one.id, id)
		}
	}
	if total > maxFlights || total < maxFlights-maxFlight || total != f.total || f.latest.Len() != len(f.byID) {
		t.Errorf("%d entries, %d counted, of %d and %d interfaces; want at most %d", total, f.total, f.latest.Len(), len(f.byID), maxFlights)
	}
	if got := f.of(name(0)); len(got) != maxFlight || got[maxFlight-1].Event != fmt.Sprint(interfaces-1, " ", 2*maxFlight-1) {
		t.Errorf("of the first, %d entries are kept, the last is %v", len(got), got)
	}
	if got := f.of(name(1)); got != nil {
		t.Errorf("of the one without news for longest, %d entries are kept", len(got))
	}
	last := f.of(name(interfaces - 1))
	if len(last) != maxFlight || last[0].Event != fmt.Sprint(maxFlight) || len(last[0].Detail) > maxDetail || !strings.HasSuffix(last[0].Detail, "ä") {
		t.Errorf("of the last, the first entry is %+v", last[0])
	}
	f.add(name(1))
	f.add("", FlightEntry{Event: "x"})
	if got := f.of(name(1)); got != nil || f.byID[""] != nil {
		t.Error("nothing is recorded as something")
	}
}

// A step of an interface's life, as the log tells it.
var step = regexp.MustCompile(`\] "([^"]+)"(?:.* change="([^"]+)")?`)

// steps are the messages of lines.
func steps(lines []string) (list []string) {
	for _, line := range lines {
		found := step.FindStringSubmatch(line)
		list = append(list, strings.TrimSpace(found[1]+" "+found[2]))
	}
	return list
}

// One grep by the ID of an interface, or by the name of its node, tells its life: each step once.
func TestALifeCanBeFollowedByOneGrep(t *testing.T) {
	inLab(t, 2, nil, func(l *lab) {
		l.settleAndStop()
		l.preflight = true
		out := l.log(2)
		l.start()
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(true) })
		l.pass(time.Minute)
		snapshot := l.sim.Snapshot()
		i := slices.IndexFunc(snapshot.Interfaces, func(i ec2sim.InterfaceNow) bool { return i.Tags["networking.k8s.aws/node-name"] == nodeName(0) })
		id := snapshot.Interfaces[i].ID
		before := len(out.with(""))
		l.pass(time.Hour)
		if said := out.with("")[before:]; len(said) > 0 {
			t.Errorf("in a steady hour the log says %q", said)
		}
		l.edit("a", func(n *v1alpha1.NodeENI) {
			n.Spec.SecurityGroupIDs, n.Spec.Tags = []string{groupB}, map[string]string{"team": "red"}
		})
		l.pass(time.Minute)
		l.delete("a")
		l.pass(time.Minute)
		want := []string{
			"Created interface", "Attaching interface", "Changed interface SetDeleteOnTermination", "Attached interface",
			"Changed interface SetSecurityGroups", "Changed interface PutTags",
			"Detaching interface", "Detached interface", "Deleted interface",
		}
		if diff := cmp.Diff(want, steps(out.with(id))); diff != "" {
			t.Errorf("by ID (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, steps(out.with(nodeName(0)))); diff != "" {
			t.Errorf("by node (-want +got):\n%s", diff)
		}
		for _, line := range out.with(id) {
			if !strings.Contains(line, `nodeENI="a"`) || !strings.Contains(line, nodeName(0)) {
				t.Errorf("without NodeENI or node: %s", line)
			}
		}
		if requests := out.with("requestID"); len(requests) > 0 {
			t.Errorf("calls are told at V(2): %q", requests)
		}
	})
}

// An interface that goes without our doing has its end told as well.
func TestTheEndByOthersIsTold(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		out := l.log(2)
		l.start()
		l.ask("a", 1)
		l.pass(time.Minute)
		id := l.onlyOurs()
		l.control("POST", "/_sim/interfaces/"+id+"/detach?now=true")
		l.control("POST", "/_sim/interfaces/"+id+"/delete")
		l.pass(20 * time.Minute)
		if got := steps(out.with(id)); got[len(got)-1] != "The interface is gone, and not by our delete" {
			t.Errorf("the life of %s: %q", id, got)
		}
		if got := l.flightOf(id); got[len(got)-1] != "seen: gone" {
			t.Errorf("the flight of %s: %q", id, got)
		}
	})
}

// Each call to EC2 is told at V(4), with its request ID and how long it took.
func TestEachCallIsToldWithItsRequestID(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		answered := len(l.sim.Log(0))
		out := l.log(4)
		l.start()
		l.ask("a", 1)
		l.pass(time.Minute)
		for _, call := range l.sim.Log(0)[answered:] {
			told := out.with(call.RequestID)
			if len(told) != 1 || !strings.Contains(told[0], `"EC2 call"`) || !strings.Contains(told[0], `action="`+call.Action+`"`) || !strings.Contains(told[0], "duration=") {
				t.Errorf("call %s %s is told by %q", call.Action, call.RequestID, told)
			}
		}
	})
}
