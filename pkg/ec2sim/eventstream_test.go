package ec2sim

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// heard is one event of a stream.
type heard struct {
	name string
	size int
	consoleWorld
}

// stream is a listener in the same process: a ResponseWriter that takes events apart.
type stream struct {
	mu     sync.Mutex
	header http.Header
	buffer strings.Builder
	events []heard
	// comments counts what is said only to say something.
	comments int
	// stalled, while it is locked, is a client that does not read; written is told of a
	// write that waits for it.
	stalled sync.Mutex
	written chan struct{}
}

func (s *stream) Header() http.Header { return s.header }
func (s *stream) WriteHeader(int)     {}
func (s *stream) Flush()              {}

func (s *stream) Write(b []byte) (int, error) {
	select {
	case s.written <- struct{}{}:
	default:
	}
	s.stalled.Lock()
	defer s.stalled.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.buffer.Write(b)
	text := s.buffer.String()
	for {
		message, rest, whole := strings.Cut(text, "\n\n")
		if !whole {
			break
		}
		s.take(message)
		text = rest
	}
	s.buffer.Reset()
	s.buffer.WriteString(text)
	return len(b), nil
}

func (s *stream) take(message string) {
	if message == ":" {
		s.comments++
		return
	}
	name, data, _ := strings.Cut(message, "\n")
	e := heard{name: strings.TrimPrefix(name, "event: "), size: len(message)}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(data, "data: ")), &e.consoleWorld); err != nil {
		e.name = err.Error()
	}
	s.events = append(s.events, e)
}

// news are the events since they were last asked for, once there was time to send them.
func (s *stream) news() []heard {
	time.Sleep(eventGap + time.Millisecond)
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.events
	s.events = nil
	return out
}

// said counts the comments so far.
func (s *stream) said() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.comments
}

// listen opens a stream on a simulator in a bubble; the function returned ends it.
func listen(t *testing.T, sim *Simulator) (*stream, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ec2.test/_sim/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	out := &stream{header: http.Header{}}
	var wg sync.WaitGroup
	wg.Go(func() { sim.ServeHTTP(out, r) })
	return out, func() { cancel(); wg.Wait() }
}

// bubbleLab is a lab on a bubble's own clock, with latencies.
func bubbleLab(t *testing.T) *lab {
	t.Helper()
	w := labWorld()
	w.Latency = Latency{Call: Exactly(0)}
	sim, err := New(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &lab{T: t, sim: sim, ec2: clientOf(sim.Transport(), "AKID")}
}

// TestEventsTellAll: the first event is the whole account.
func TestEventsTellAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLab(t)
		l.attach(l.create(subnetA, prefixes(1)), node, 0, 1)
		s, hangUp := listen(t, l.sim)
		defer hangUp()
		events := s.news()
		if len(events) != 1 || events[0].name != "world" || s.header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("the stream begins with %v", events)
		}
		w, now := events[0].consoleWorld, l.sim.Snapshot()
		if w.Region != now.Region || w.Account != now.Account || w.Time.After(now.Time) || !reflect.DeepEqual(w.Calls, l.sim.Calls()) {
			t.Errorf("the event is of %s %s %s %v", w.Region, w.Account, w.Time, w.Calls)
		}
		if len(w.Subnets) != len(now.Subnets) || len(w.Instances) != len(now.Instances) || len(w.Interfaces) != len(now.Interfaces) {
			t.Fatalf("the event has %d subnets, %d instances, %d interfaces", len(w.Subnets), len(w.Instances), len(w.Interfaces))
		}
		for i, n := range now.Subnets {
			if got := w.Subnets[i]; got.ID != n.ID || got.Free != n.FreeAddresses || got.CIDR != n.CIDR || got.Zone != n.Zone {
				t.Errorf("subnet %v, want %v", got, n)
			}
		}
		for i, e := range now.Interfaces {
			compareInterface(t, w.Interfaces[i], e)
		}
		if tinyOne := w.Subnets[len(w.Subnets)-1]; tinyOne.ID != tiny || tinyOne.Size != 11 {
			t.Errorf("a /28 is %v", tinyOne)
		}
	})
}

func compareInterface(t *testing.T, got consoleInterface, e InterfaceNow) {
	t.Helper()
	state := available
	if e.Attachment != nil {
		state = e.Attachment.Status
	}
	if got.ID != e.ID || got.Subnet != e.Subnet || got.State != state || got.MAC != e.MAC || !reflect.DeepEqual(got.Addresses, e.PrivateIPs) ||
		!reflect.DeepEqual(got.Prefixes, e.Prefixes) || !reflect.DeepEqual(got.SecurityGroups, e.SecurityGroups) {
		t.Errorf("interface %v, want %v", got, e)
	}
	if a, want := got.Attachment, e.Attachment; (a == nil) != (want == nil) || a != nil &&
		(a.ID != want.ID || a.Instance != want.Instance || a.Card != want.CardIndex || a.Index != want.DeviceIndex || !a.Since.Equal(want.AttachTime)) {
		t.Errorf("attachment %v, want %v", a, want)
	}
}

// TestEventsFollow: what happens is told when it happens, also what happens by itself,
// and nothing else is.
func TestEventsFollow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLab(t)
		s, hangUp := listen(t, l.sim)
		defer hangUp()
		s.news()
		time.Sleep(6 * time.Second) // the pending instance runs after five
		events := s.news()
		if len(events) != 1 || events[0].name != "change" || len(events[0].Instances) != 1 || events[0].Instances[0].ID != fresh || events[0].Instances[0].State != running {
			t.Fatalf("an instance has started, and the stream tells %+v", events)
		}
		eni := l.create(subnetA)
		l.expect(s, eni, available, 1) // and its subnet
		time.Sleep(time.Second)
		l.attach(eni, node, 0, 1)
		l.expect(s, eni, attaching, 0)
		time.Sleep(2 * time.Second)
		l.expect(s, eni, attached, 0)
		l.sim.Snapshot()
		time.Sleep(time.Second)
		if events := s.news(); len(events) > 0 {
			t.Errorf("nothing has happened, and the stream tells %+v", events)
		}
		l.must(doDetach(nil, true)(l))
		events = s.news()
		if len(events) != 1 || len(events[0].Interfaces) != 1 || events[0].Interfaces[0].State != detaching ||
			len(events[0].Instances) != 1 || len(events[0].Instances[0].Unusable) != 1 || events[0].Instances[0].Unusable[0] != (consoleSlot{0, 1}) {
			t.Errorf("a detach by force tells %+v", events)
		}
		time.Sleep(4 * time.Second)
		l.expect(s, eni, available, 0)
		l.must(doDelete(nil)(l))
		if events := s.news(); len(events) != 1 || len(events[0].Gone) != 1 || events[0].Gone[0] != eni || events[0].Calls["DeleteNetworkInterface"]["OK"] != 1 {
			t.Errorf("a delete tells %+v", events)
		}
	})
}

// expect wants one event, with one interface in a state and so many subnets.
func (l *lab) expect(s *stream, eni, state string, subnets int) {
	l.Helper()
	events := s.news()
	if len(events) != 1 || events[0].name != "change" || len(events[0].Interfaces) != 1 || events[0].Interfaces[0].ID != eni ||
		events[0].Interfaces[0].State != state || len(events[0].Subnets) != subnets {
		l.Errorf("%s is %s, and the stream tells %+v", eni, state, events)
	}
}

// TestEventsArePaced: many changes make few events, and none is lost.
func TestEventsArePaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLab(t)
		s, hangUp := listen(t, l.sim)
		defer hangUp()
		other, hangUpToo := listen(t, l.sim)
		defer hangUpToo()
		s.news()
		for range 200 {
			l.create(subnetA)
			time.Sleep(10 * time.Millisecond)
		}
		time.Sleep(time.Second)
		for name, listener := range map[string]*stream{"one": s, "the other": other} {
			events := listener.news()
			made := 0
			for _, e := range events {
				if e.name == "change" {
					made += len(e.Interfaces)
				}
			}
			if len(events) > 11 || made != 200 {
				t.Errorf("%s listener is told of %d interfaces in %d events", name, made, len(events))
			}
		}
	})
}

// TestEventsKeepQuiet: when nothing happens nothing is sent but a comment now and then;
// the stream does not count as a call; it ends with its client.
func TestEventsKeepQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := bubbleLab(t)
		s, hangUp := listen(t, l.sim)
		time.Sleep(10 * time.Second)
		s.news()
		before := s.said()
		time.Sleep(time.Minute)
		if events, n := s.news(), s.said()-before; len(events) > 0 || n < 3 || n > 4 {
			t.Errorf("in a quiet minute the stream says %d comments and %v", n, events)
		}
		if calls := l.sim.Calls(); len(calls) > 0 {
			t.Errorf("looking counts as calls: %v", calls)
		}
		hangUp() // and a bubble fails where a goroutine is left
	})
}

// TestEventsWaitForNobody: a client that does not read holds nothing up but its own
// stream, and hears of everything afterwards.
func TestEventsWaitForNobody(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	s := &stream{header: http.Header{}, written: make(chan struct{}, 1)}
	s.stalled.Lock()
	ctx, hangUp := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://ec2.test/_sim/events", http.NoBody)
	l.must(err)
	var wg sync.WaitGroup
	wg.Go(func() { l.sim.ServeHTTP(s, r) })
	<-s.written
	l.attach(l.create(subnetA), node, 0, 1) // would never return if the lock were held
	s.stalled.Unlock()
	for found := false; !found; runtime.Gosched() {
		s.mu.Lock()
		for _, e := range s.events {
			for _, i := range e.Interfaces {
				found = found || i.ID == l.eni && i.State == attaching
			}
		}
		s.mu.Unlock()
	}
	hangUp()
	wg.Wait()
}

// TestEventsOfVirtualClock: a clock that is moved is noticed, by whomever it is moved.
func TestEventsOfVirtualClock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLab(t)
		s, hangUp := listen(t, l.sim)
		defer hangUp()
		s.news()
		eni := l.create(subnetA)
		l.attach(eni, node, 0, 1)
		time.Sleep(time.Minute)
		for _, e := range s.news() {
			for _, i := range e.Interfaces {
				if i.State == attached {
					t.Error("a clock that stands still has moved")
				}
			}
		}
		l.clock.Advance(10 * time.Second)
		time.Sleep(2 * eventPatience)
		events := s.news()
		if len(events) != 1 || events[0].Interfaces[0].State != attached {
			t.Errorf("after the clock was moved the stream tells %+v", events)
		}
		l.must(doDetach(nil, false)(l))
		time.Sleep(time.Second)
		s.news()
		l.sim.Advance(10 * time.Second)
		l.expect(s, eni, available, 0)
	})
}

// TestEventsOverTheWire reads a stream as a browser does, and goes.
func TestEventsOverTheWire(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	ended := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		l.sim.ServeHTTP(w, r)
	}))
	defer server.Close()
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/_sim/events", http.NoBody)
	l.must(err)
	resp, err := server.Client().Do(r)
	l.must(err)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewReader(resp.Body)
	for _, want := range []string{"event: world\n", `data: {"time":`, "\n"} {
		if line, err := lines.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
			t.Fatalf("%q, %v, want %q", line, err, want)
		}
	}
	l.create(subnetA)
	if line, err := lines.ReadString('\n'); err != nil || line != "event: change\n" {
		t.Errorf("%q, %v", line, err)
	}
	hangUp()
	<-ended
}
