package ec2sim

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is EC2 as a client may think of it: what each interface is doing, told from the
// answers alone.
type model struct {
	l   *lab
	t   *rapid.T
	eni map[string]*modelled
}

type modelled struct {
	subnet, instance, attachment, state string
	slot                                int32
	until                               time.Time
}

func (m *model) pick(states ...string) (string, *modelled) {
	var fit []string
	for _, id := range slices.Sorted(maps.Keys(m.eni)) {
		if slices.Contains(states, m.eni[id].state) {
			fit = append(fit, id)
		}
	}
	if len(fit) == 0 {
		m.t.Skip("nothing in such a state")
	}
	id := rapid.SampledFrom(fit).Draw(m.t, "interface")
	return id, m.eni[id]
}

// pass lets the model's clock catch up with the simulator's.
func (m *model) pass() {
	for _, e := range m.eni {
		if e.until.After(m.l.clock.Now()) {
			continue
		}
		switch e.state {
		case attaching:
			e.state = attached
		case detaching:
			*e = modelled{subnet: e.subnet, state: available}
		}
	}
}

func (m *model) create(t *rapid.T) {
	subnet := rapid.SampledFrom([]string{subnetA, subnetB, tiny}).Draw(t, "subnet")
	used := 0
	for _, e := range m.eni {
		if e.subnet == subnet {
			used++
		}
	}
	want := "OK"
	if subnet == tiny && used == 11 {
		want = "InsufficientFreeAddressesInSubnet"
	}
	m.expect(want, doCreate(subnet)(m.l))
	if want == "OK" {
		m.eni[m.l.eni] = &modelled{subnet: subnet, state: available}
	}
}

func (m *model) attach(t *rapid.T) {
	id, e := m.pick(available, attaching, attached, detaching)
	instance := rapid.SampledFrom([]string{node, small}).Draw(t, "instance")
	index := rapid.Int32Range(0, 4).Draw(t, "index")
	on, taken := 1, index == 0
	for _, other := range m.eni {
		if other.instance == instance {
			on++
			taken = taken || other.slot == index
		}
	}
	want := "OK"
	switch limit := map[string]int{node: 4, small: 2}[instance]; {
	case e.subnet == subnetB:
		want = "InvalidParameterCombination"
	case e.state != available:
		want = "InvalidNetworkInterface.InUse"
	case taken:
		want = "InvalidParameterValue"
	case on == limit:
		want = "AttachmentLimitExceeded"
	}
	m.expect(want, doAttach(&id, instance, 0, index)(m.l))
	if want == "OK" {
		att := m.l.describe(id).Attachment
		*e = modelled{subnet: e.subnet, instance: instance, attachment: *att.AttachmentId, slot: index, state: attaching, until: m.l.clock.Now().Add(2 * time.Second)}
	}
}

func (m *model) detach(*rapid.T) {
	_, e := m.pick(attaching, attached, detaching)
	if e.state == detaching {
		m.expect("IncorrectState", doDetach(&e.attachment, false)(m.l))
		return
	}
	m.expect("OK", doDetach(&e.attachment, false)(m.l))
	e.state, e.until = detaching, m.l.clock.Now().Add(3*time.Second)
}

func (m *model) delete(*rapid.T) {
	id, e := m.pick(available, attaching, attached, detaching)
	if e.state != available {
		m.expect("InvalidParameterValue", doDelete(&id)(m.l))
		return
	}
	m.expect("OK", doDelete(&id)(m.l))
	delete(m.eni, id)
}

func (m *model) wait(t *rapid.T) {
	m.l.clock.Advance(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
}

func (m *model) expect(want string, err error) {
	m.t.Helper()
	if code, _ := outcome(err); code != want {
		m.t.Fatalf("got %s, the model says %s", code, want)
	}
}

// check compares every interface with the model's, and holds the invariants.
func (m *model) check(t *rapid.T) {
	m.pass()
	states := map[string]string{}
	for _, e := range m.l.sim.Snapshot().Interfaces {
		states[e.ID] = stateOf(e)
	}
	for _, id := range slices.Sorted(maps.Keys(m.eni)) {
		e := m.eni[id]
		want := e.state
		if want != available {
			want = inUse + "/" + e.state
		}
		if got := states[id]; got != want {
			t.Fatalf("%s is %s, the model says %s", id, got, want)
		}
	}
	if n := len(states) - 5; n != len(m.eni) {
		t.Fatalf("there are %d interfaces, the model has %d", n, len(m.eni))
	}
	checkInvariants(t, m.l.sim)
}

// TestModel makes random calls against the simulator and the model.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{l: newLab(t), t: rt, eni: map[string]*modelled{}}
		step := func(f func(*rapid.T)) func(*rapid.T) {
			return func(rt *rapid.T) { m.t = rt; f(rt) }
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": step(m.create), "attach": step(m.attach), "detach": step(m.detach), "delete": step(m.delete), "wait": step(m.wait), "": step(m.check),
		})
	})
}

// TestPool claims, draws and gives back addresses and prefixes at random.
func TestPool(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := newLab(t)
		for range rapid.IntRange(1, 12).Draw(rt, "calls") {
			n := rapid.Int32Range(0, 30).Draw(rt, "addresses")
			change := rapid.SampledFrom([]func(*createInput){more(n), prefixes(n % 4)}).Draw(rt, "kind")
			if doCreate(rapid.SampledFrom([]string{tiny, subnetA}).Draw(rt, "subnet"), change)(l) == nil && rapid.Bool().Draw(rt, "delete") {
				l.must(doDelete(nil)(l))
			}
			checkInvariants(t, l.sim)
		}
	})
}

// TestDeterminism: same seed, same calls, same answers to the last byte.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	story := func() string {
		l := newLab(t, lagging, func(w *World) { w.Latency.Attach = Spread(time.Second, 9*time.Second, 0) })
		fault(`{"share": 0.3, "effect": "error"}`)(l)
		for i := range 30 {
			// The SDK makes up a token where none is given.
			_ = doCreate(subnetA, token(fmt.Sprint(i)))(l)
			_ = doAttach(nil, node, 0, 1)(l)
			_ = list(describeAll)(l)
			l.clock.Advance(time.Second)
		}
		_, log := l.control("GET", "log", "")
		_, world := l.control("GET", "world", "")
		return log + world
	}
	if first, second := story(), story(); first != second {
		t.Error("two runs of one story differ")
	}
}
