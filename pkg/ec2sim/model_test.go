package ec2sim

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is EC2 as a client may think of it: what each interface and instance is doing,
// told from the answers alone, and how many calls each action has left.
type model struct {
	l         *lab
	t         *rapid.T
	eni       map[string]*modelled
	instances map[string]*machine
	buckets   map[string]*bucket
}

type modelled struct {
	subnet, instance, attachment, state string
	slot                                int32
	until                               time.Time
	addresses                           int
	dot                                 bool
	tags                                map[string]string
}

type machine struct {
	state           string
	until           time.Time
	limit, perENI   int
	spoilt          map[int32]bool
	primaryReleased bool
}

const (
	modelRefill, modelBucket = 0.5, 4.0
	// modelDetach is longer than an instance takes to terminate.
	modelDetach = 8 * time.Second
)

// step is how long a model's instance takes from one state to the next.
const lifeStep = 5 * time.Second

func newModel(l *lab, t *rapid.T) *model {
	return &model{l: l, t: t, eni: map[string]*modelled{}, buckets: map[string]*bucket{}, instances: map[string]*machine{
		node: {state: running, limit: 4, perENI: 15, spoilt: map[int32]bool{}}, small: {state: running, limit: 2, perENI: 2, spoilt: map[int32]bool{}},
	}}
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

var anyState = []string{available, attaching, attached, detaching}

// pass lets the model's time catch up with the simulator's: what is due happens in order.
func (m *model) pass() {
	for {
		var first time.Time
		var happen func()
		due := func(at time.Time, f func()) {
			if !at.IsZero() && !at.After(m.l.clock.Now()) && (happen == nil || at.Before(first)) {
				first, happen = at, f
			}
		}
		for _, id := range slices.Sorted(maps.Keys(m.eni)) {
			due(m.eni[id].until, func() { m.eni[id].move() })
		}
		for _, id := range slices.Sorted(maps.Keys(m.instances)) {
			due(m.instances[id].until, func() { m.moveInstance(id) })
		}
		if happen == nil {
			return
		}
		happen()
	}
}

func (e *modelled) move() {
	e.until = time.Time{}
	switch e.state {
	case attaching:
		e.state = attached
	case detaching:
		e.free()
	}
}

func (e *modelled) free() {
	*e = modelled{subnet: e.subnet, state: available, addresses: e.addresses, tags: e.tags}
}

func (m *model) moveInstance(id string) {
	in := m.instances[id]
	in.until = time.Time{}
	switch in.state {
	case pending:
		in.state = running
	case stopping:
		in.state = stopped
		clear(in.spoilt)
	case shuttingDown:
		in.state, in.primaryReleased = terminated, true
		for id2, e := range m.eni {
			switch {
			case e.instance != id:
			case e.dot && e.state != detaching:
				delete(m.eni, id2)
			default:
				e.free()
			}
		}
	}
}

// call makes a call that the model expects to end so, unless its bucket is empty. It
// tells whether the call is to have had its effect.
func (m *model) call(action, want string, do func(*lab) error) bool {
	m.t.Helper()
	now := m.l.clock.Now()
	b, ok := m.buckets[action]
	if !ok {
		b = &bucket{tokens: modelBucket, at: now}
		m.buckets[action] = b
	}
	b.tokens = min(modelBucket, b.tokens+now.Sub(b.at).Seconds()*modelRefill)
	b.at = now
	if b.tokens < 1 {
		want = "RequestLimitExceeded"
	} else {
		b.tokens--
	}
	if code, _ := outcome(do(m.l)); code != want {
		m.t.Fatalf("%s: got %s, the model says %s", action, code, want)
	}
	return want == "OK"
}

// freeIn is how many addresses the tiny subnet has left; the others have enough.
func (m *model) freeIn(subnet string) int {
	free := 1000
	if subnet == tiny {
		free = 11
	}
	for _, e := range m.eni {
		if e.subnet == subnet {
			free -= e.addresses
		}
	}
	return free
}

func (m *model) create(t *rapid.T) {
	subnet := rapid.SampledFrom([]string{subnetA, subnetB, tiny}).Draw(t, "subnet")
	n := rapid.Int32Range(0, 4).Draw(t, "more")
	want := "OK"
	if m.freeIn(subnet) < int(n)+1 {
		want = "InsufficientFreeAddressesInSubnet"
	}
	if m.call("CreateNetworkInterface", want, doCreate(subnet, more(n))) {
		m.eni[m.l.eni] = &modelled{subnet: subnet, state: available, addresses: int(n) + 1, tags: map[string]string{}}
	}
}

func (m *model) attach(t *rapid.T) {
	id, e := m.pick(anyState...)
	name := rapid.SampledFrom([]string{node, small}).Draw(t, "instance")
	index := rapid.Int32Range(0, 3).Draw(t, "index")
	in := m.instances[name]
	on, taken := 1, index == 0 || in.spoilt[index]
	for _, other := range m.eni {
		if other.instance == name {
			on++
			taken = taken || other.slot == index
		}
	}
	want := "OK"
	switch {
	case e.subnet == subnetB:
		want = "InvalidParameterCombination"
	case e.state != available:
		want = "InvalidNetworkInterface.InUse"
	case in.state != running && in.state != stopped:
		want = "IncorrectState"
	case taken:
		want = "InvalidParameterValue"
	case on == in.limit:
		want = "AttachmentLimitExceeded"
	case e.addresses > in.perENI:
		want = "PrivateIpAddressLimitExceeded"
	}
	if m.call("AttachNetworkInterface", want, doAttach(&id, name, 0, index)) {
		e.instance, e.slot, e.state, e.until = name, index, attaching, m.l.clock.Now().Add(2*time.Second)
		e.attachment = m.now(id).Attachment.ID
	}
}

// now is an interface as it is; looking costs no call.
func (m *model) now(id string) InterfaceNow {
	for _, e := range m.l.sim.Snapshot().Interfaces {
		if e.ID == id {
			return e
		}
	}
	m.t.Fatalf("%s is gone", id)
	return InterfaceNow{}
}

func (m *model) detach(t *rapid.T) {
	_, e := m.pick(attaching, attached, detaching)
	force := rapid.Bool().Draw(t, "force")
	in := m.instances[e.instance]
	want := "OK"
	if in.state != running && in.state != stopped || e.state == detaching && !force {
		want = "IncorrectState"
	}
	if !m.call("DetachNetworkInterface", want, doDetach(&e.attachment, force)) {
		return
	}
	if e.state != detaching {
		e.state, e.until = detaching, m.l.clock.Now().Add(modelDetach)
	}
	if force && in.state == running {
		in.spoilt[e.slot] = true
	}
}

func (m *model) delete(*rapid.T) {
	id, e := m.pick(anyState...)
	want := "OK"
	if e.state != available {
		want = "InvalidParameterValue"
	}
	if m.call("DeleteNetworkInterface", want, doDelete(&id)) {
		delete(m.eni, id)
	}
}

func (m *model) assign(t *rapid.T) {
	id, e := m.pick(anyState...)
	n := rapid.Int32Range(1, 5).Draw(t, "more")
	want := "OK"
	switch {
	case e.instance != "" && e.addresses+int(n) > m.instances[e.instance].perENI:
		want = "PrivateIpAddressLimitExceeded"
	case m.freeIn(e.subnet) < int(n):
		want = "InsufficientFreeAddressesInSubnet"
	}
	m.l.eni = id
	if m.call("AssignPrivateIpAddresses", want, doAssign(func(in *assignInput) { in.SecondaryPrivateIpAddressCount = &n })) {
		e.addresses += int(n)
	}
}

func (m *model) unassign(t *rapid.T) {
	id, e := m.pick(anyState...)
	addresses := m.now(id).PrivateIPs
	at := rapid.IntRange(0, len(addresses)-1).Draw(t, "which")
	want := "OK"
	if at == 0 {
		want = "InvalidParameterValue"
	}
	m.l.eni = id
	if m.call("UnassignPrivateIpAddresses", want, doUnassign(addresses[at])) {
		e.addresses--
	}
}

func (m *model) tag(t *rapid.T) {
	id, e := m.pick(anyState...)
	key, v := rapid.SampledFrom([]string{"a", "b"}).Draw(t, "key"), rapid.SampledFrom([]string{"1", "2"}).Draw(t, "value")
	if m.call("CreateTags", "OK", doTag([]string{id}, key, v)) {
		e.tags[key] = v
	}
}

func (m *model) untag(*rapid.T) {
	id, e := m.pick(anyState...)
	m.l.eni = id
	if m.call("DeleteTags", "OK", doUntag()) {
		clear(e.tags)
	}
}

func (m *model) flag(t *rapid.T) {
	id, e := m.pick(attaching, attached, detaching)
	on := rapid.Bool().Draw(t, "on")
	m.l.eni, m.l.att = id, e.attachment
	if m.call("ModifyNetworkInterfaceAttribute", "OK", doModify(dot(on))) {
		e.dot = on
	}
}

func (m *model) live(t *rapid.T) {
	id := rapid.SampledFrom([]string{node, small}).Draw(t, "instance")
	in := m.instances[id]
	c := rapid.SampledFrom([]struct{ verb, action, from, to string }{
		{"stop", "StopInstances", running, stopping}, {"start", "StartInstances", stopped, pending},
	}).Draw(t, "transition")
	want := "OK"
	resting := map[string][]string{"stop": {stopping, stopped}, "start": {pending, running}}[c.verb]
	if in.state != c.from && !slices.Contains(resting, in.state) {
		want = "IncorrectInstanceState"
	}
	if m.call(c.action, want, doLife(c.verb, id)) && in.state == c.from {
		in.state, in.until = c.to, m.l.clock.Now().Add(lifeStep)
	}
}

func (m *model) terminate(*rapid.T) {
	in := m.instances[small]
	if m.call("TerminateInstances", "OK", doLife("terminate", small)) && in.state != shuttingDown && in.state != terminated {
		in.state, in.until = shuttingDown, m.l.clock.Now().Add(lifeStep)
	}
}

func (m *model) wait(t *rapid.T) {
	m.l.clock.Advance(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
}

// check compares everything with the model's, and holds the invariants.
func (m *model) check(t *rapid.T) {
	m.pass()
	now := m.l.sim.Snapshot()
	got := map[string]string{}
	for _, e := range now.Interfaces {
		got[e.ID] = fmt.Sprint(stateOf(e), " ", len(e.PrivateIPs), " ", e.Tags)
		if e.Attachment != nil {
			got[e.ID] += fmt.Sprint(" ", e.Attachment.Instance, " ", e.Attachment.DeviceIndex, " ", e.Attachment.DeleteOnTermination)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.eni)) {
		if want := m.eni[id].String(); got[id] != want {
			t.Fatalf("%s is %s, the model says %s", id, got[id], want)
		}
	}
	primaries := 5
	for _, in := range m.instances {
		if in.primaryReleased {
			primaries--
		}
	}
	if n := len(got) - primaries; n != len(m.eni) {
		t.Fatalf("there are %d interfaces, the model has %d", n, len(m.eni))
	}
	for _, in := range now.Instances {
		if want, ok := m.instances[in.ID]; ok && in.State != want.state {
			t.Fatalf("%s is %s, the model says %s", in.ID, in.State, want.state)
		}
	}
	for _, n := range now.Subnets {
		if n.ID == tiny && n.FreeAddresses != m.freeIn(tiny) {
			t.Fatalf("the tiny subnet has %d addresses, the model says %d", n.FreeAddresses, m.freeIn(tiny))
		}
	}
	checkInvariants(t, m.l.sim)
}

func (e *modelled) String() string {
	if e.state == available {
		return fmt.Sprint(available, " ", e.addresses, " ", e.tags)
	}
	return fmt.Sprint(inUse+"/"+e.state, " ", e.addresses, " ", e.tags, " ", e.instance, " ", e.slot, " ", e.dot)
}

// TestModel makes random calls against the simulator and the model, with small buckets.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newModel(newLab(t, func(w *World) {
			w.Quotas, w.Latency.Detach = Quotas{Actions: map[string]Bucket{}}, Exactly(modelDetach)
			for action := range operations {
				w.Quotas.Actions[action] = Bucket{modelBucket, modelRefill}
			}
		}), rt)
		step := func(f func(*rapid.T)) func(*rapid.T) {
			return func(rt *rapid.T) { m.t = rt; m.pass(); f(rt) }
		}
		rt.Repeat(map[string]func(*rapid.T){
			"create": step(m.create), "attach": step(m.attach), "attach too": step(m.attach), "detach": step(m.detach), "detach too": step(m.detach), "delete": step(m.delete),
			"assign": step(m.assign), "unassign": step(m.unassign), "tag": step(m.tag), "untag": step(m.untag), "flag": step(m.flag),
			"live": step(m.live), "live too": step(m.live), "terminate": step(m.terminate), "wait": step(m.wait), "wait too": step(m.wait), "": step(m.check),
		})
	})
}
