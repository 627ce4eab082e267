package ec2sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Rhythm of an event stream.
const (
	// eventGap is the least time from one look at the account to the next: at most four
	// events a second, however busy the account is.
	eventGap = 250 * time.Millisecond
	// eventPatience is how long to wait for a change that nobody tells of: a clock that
	// is the test's own may be moved at any time.
	eventPatience = time.Second
	// eventSilence is how long nothing is said: proxies close what is quiet, and a client
	// that has gone without a word is found out by writing to it.
	eventSilence = 15 * time.Second
)

// audience is who looks on. It is guarded by the simulator's lock.
type audience struct{ wake chan struct{} }

// tell says that something may have changed; it costs nothing where nobody looks on.
func (a *audience) tell() {
	if a.wake != nil {
		close(a.wake)
		a.wake = nil
	}
}

func (a *audience) listen() <-chan struct{} {
	if a.wake == nil {
		a.wake = make(chan struct{})
	}
	return a.wake
}

// serveEvents streams the account as server-sent events until the client goes: all of
// it in an event named world, then what has changed in events named change.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
func (s *Simulator) serveEvents(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	if err := out.Flush(); err != nil {
		// Transport hands answers over when they are whole, and this one never is.
		writeJSON(w, http.StatusNotImplemented, map[string]string{"error": "events cannot be streamed over this connection: " + err.Error()})
		return
	}
	v := &viewer{sim: s, quiet: time.Now()}
	for {
		message := v.look()
		if len(message) > 0 {
			if _, err := w.Write(message); err != nil || out.Flush() != nil {
				return
			}
		}
		if !v.wait(r.Context()) {
			return
		}
	}
}

// viewer is one stream: what it has been sent, and what it waits for.
type viewer struct {
	sim *Simulator
	// sent is every resource as it was last sent, by ID.
	sent  map[string][]byte
	calls map[string]map[string]int
	// region and account are those of the world that was sent last.
	region, account string
	wake            <-chan struct{}
	// next is when something will happen by itself.
	next time.Duration
	// quiet is since when nothing was sent.
	quiet time.Time
}

// look returns what there is to send, if anything. The lock is held for the picture only.
func (v *viewer) look() []byte {
	p, changed := v.watch()
	var message []byte
	if changed {
		message = v.message(p)
	}
	if len(message) == 0 && time.Since(v.quiet) >= eventSilence {
		message = []byte(":\n\n")
	}
	if len(message) > 0 {
		v.quiet = time.Now()
	}
	return message
}

// watch takes a picture if there may be something new on it.
func (v *viewer) watch() (p consolePicture, changed bool) {
	s := v.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.due.Len() > 0 && !s.due.list[0].At.After(now) {
		s.settle(now)
		s.audience.tell()
	}
	v.next = eventPatience
	if s.due.Len() > 0 {
		v.next = min(v.next, s.due.list[0].At.Sub(now))
	}
	if v.wake != nil && !closed(v.wake) {
		return p, false
	}
	v.wake = s.audience.listen()
	return s.picture(now), true
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// wait returns true when it is time to look again, false when the client has gone.
func (v *viewer) wait(ctx context.Context) bool {
	if !pause(ctx, nil, eventGap) {
		return false
	}
	return pause(ctx, v.wake, v.next-eventGap)
}

// pause ends early when woken, and returns false when the client has gone. The time that
// it takes is a person's and not the simulator's clock, which may stand still.
func pause(ctx context.Context, wake <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-wake:
	case <-timer.C:
	}
	return ctx.Err() == nil
}

// message is an event with what is new on a picture; none if nothing is.
func (v *viewer) message(p consolePicture) []byte {
	name := "change"
	if v.sent == nil || v.anew(p) {
		name = "world"
		v.sent, v.calls = map[string][]byte{}, map[string]map[string]int{}
		v.region, v.account = p.region, p.account
	}
	data := v.difference(p, name == "world")
	if data == nil {
		return nil
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data)
}

// anew tells whether the picture is of another world than the last: one that was
// restored, perhaps. Resources that differ are no reason, but calls never become undone.
func (v *viewer) anew(p consolePicture) bool {
	if p.region != v.region || p.account != v.account {
		return true
	}
	for action := range v.calls {
		if _, ok := p.calls[action]; !ok {
			return true
		}
	}
	return false
}

// difference is an event's data; nil where nothing has changed.
func (v *viewer) difference(p consolePicture, whole bool) []byte {
	d := consoleWorld{Time: p.now, Calls: map[string]map[string]int{}}
	if whole {
		d.Region, d.Account = p.region, p.account
	}
	d.Gone = v.gone(p)
	for _, n := range p.subnets {
		if v.differs(n.ID, n) {
			d.Subnets = append(d.Subnets, n)
		}
	}
	for _, in := range p.instances {
		if v.differs(in.ID, in) {
			d.Instances = append(d.Instances, in)
		}
	}
	for i := range p.interfaces {
		if e := p.interfaces[i].console(); v.differs(e.ID, e) {
			d.Interfaces = append(d.Interfaces, e)
		}
	}
	for action, codes := range p.calls {
		if !maps.Equal(v.calls[action], codes) {
			d.Calls[action] = codes
		}
	}
	v.calls = p.calls
	if !whole && len(d.Gone)+len(d.Subnets)+len(d.Instances)+len(d.Interfaces)+len(d.Calls) == 0 {
		return nil
	}
	return encode(d)
}

// differs tells whether a resource is not as it was last sent, and notes it as sent.
func (v *viewer) differs(id string, resource any) bool {
	now := encode(resource)
	if bytes.Equal(v.sent[id], now) {
		return false
	}
	v.sent[id] = now
	return true
}

// gone lists what was sent and is not there any more.
func (v *viewer) gone(p consolePicture) []string {
	there := make(map[string]bool, len(v.sent))
	for _, n := range p.subnets {
		there[n.ID] = true
	}
	for _, in := range p.instances {
		there[in.ID] = true
	}
	for i := range p.interfaces {
		there[p.interfaces[i].id] = true
	}
	var out []string
	for id := range v.sent {
		if !there[id] {
			out = append(out, id)
			delete(v.sent, id)
		}
	}
	return out
}

// encode panics on what cannot be JSON: the console's types can.
func encode(v any) []byte {
	out, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return out
}
