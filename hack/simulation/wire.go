package simulation

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// errDead is what a process that is no more gets for every call; nothing of its calls takes effect.
var errDead = errors.New("the process is dead")

// lostAfter is when a call is given up that nobody waits for.
const lostAfter = time.Minute

// errCut is what a call gets whose connection is cut.
var errCut = errors.New("the connection is cut")

// wire is one process's way to EC2. It can die, pause, and kill its process at a call.
type wire struct {
	name string
	next http.RoundTripper
	// before and after see every call that changes EC2: before it is handed over, and when it was answered.
	before func(action string, form url.Values, unleased string)
	after  func(action string, form url.Values, status int, err error)
	// releases sees those that may take something away, with when they were handed over.
	releases func(action string, form url.Values, handed time.Time)
	// dry sees every dry run.
	dry func(action string, form url.Values)
	// described sees every other call that changes nothing.
	described func(action string)
	// unleased says why the process must not change EC2 now; empty where it may.
	unleased func() string
	// tell notes what happened.
	tell func(string)
	// kill ends the process.
	kill func()
	// delayed is how long a call that is cut off is still on its way; 0 for those that are not.
	delayed func(action string) time.Duration
	// flaw falsifies calls, in tests.
	flaw func(form url.Values)

	gate gate
	mu   sync.Mutex
	// countdown, where above 0, is how many calls are left until the process dies; late says after the call has
	// taken effect.
	countdown int
	late      bool
	// made counts the calls by their content.
	made map[uint64]uint64
}

// killAt has the process die at its n-th call from now on, before the call takes effect or after.
func (w *wire) killAt(n int, late bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.countdown, w.late = n, late
}

// fatal counts a call, and reports whether the process dies by it.
func (w *wire) fatal() (dies, late bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.countdown == 0 {
		return false, false
	}
	w.countdown--
	return w.countdown == 0, w.late
}

// maxContents is how many contents of calls are counted, so that a process that lives for long does not fill the memory.
const maxContents = 1 << 9

// distance is how long a call is on its way: a little, by its content, so that it is not for the scheduler to say
// which of several calls that are made at one virtual instant comes first.
func (w *wire) distance(body []byte) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(w.name))
	_, _ = h.Write(body)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.made == nil || len(w.made) >= maxContents {
		w.made = map[uint64]uint64{}
	}
	content := h.Sum64()
	w.made[content]++
	_ = binary.Write(h, binary.LittleEndian, w.made[content])
	return time.Duration(h.Sum64()%uint64(time.Millisecond)) + 1
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	unleased, handed := w.unleased(), time.Now()
	time.Sleep(w.distance(body))
	if err := w.gate.pass(r.Context()); err != nil {
		return nil, err
	}
	dies, late := w.fatal()
	if dies && !late {
		w.tell("killed before a call to EC2")
		w.kill()
		return nil, errDead
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	if w.flaw != nil {
		w.flaw(form)
		body = []byte(form.Encode())
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	action := form.Get("Action")
	changes := !strings.HasPrefix(action, "Describe")
	dry := form.Get("DryRun") == "true"
	switch {
	case dry:
		w.dry(action, form)
	case changes:
		w.before(action, form, unleased)
		w.releases(action, form, handed)
	default:
		w.described(action)
	}
	response, err := w.deliver(r, action, form, changes && !dry)
	if dies {
		w.tell("killed after a call to EC2")
		w.kill()
	}
	if w.gate.isDead() {
		return nil, errDead
	}
	return response, err
}

// deliver hands a call to EC2: at once, or, where its connection is cut, when nobody waits for its answer any more.
func (w *wire) deliver(r *http.Request, action string, form url.Values, changes bool) (*http.Response, error) {
	send := func(r *http.Request) (*http.Response, error) {
		response, err := w.next.RoundTrip(r)
		if changes {
			status := 0
			if response != nil {
				status = response.StatusCode
			}
			w.after(action, form, status, err)
		}
		return response, err
	}
	by := time.Duration(0)
	if changes {
		by = w.delayed(action)
	}
	if by == 0 {
		return send(r)
	}
	time.AfterFunc(by, func() {
		ctx, cancel := context.WithTimeout(context.Background(), lostAfter)
		defer cancel()
		if response, err := send(r.Clone(ctx)); err == nil {
			_ = response.Body.Close()
		}
	})
	return nil, errCut
}

// gate is what calls pass: open, shut for a while, or dead.
type gate struct {
	mu   sync.Mutex
	dead bool
	// opens is closed when the gate opens again; nil while it is open.
	opens chan struct{}
}

func (g *gate) pass(ctx context.Context) error {
	g.wait()
	if g.isDead() {
		return errDead
	}
	return ctx.Err()
}

// wait waits until the gate is open. A process that is stopped does not notice that its deadlines pass.
func (g *gate) wait() {
	g.mu.Lock()
	opens := g.opens
	g.mu.Unlock()
	if opens != nil {
		<-opens
	}
}

func (g *gate) isDead() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.dead
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opens == nil {
		g.opens = make(chan struct{})
	}
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.opens != nil {
		close(g.opens)
		g.opens = nil
	}
}

func (g *gate) die() {
	g.mu.Lock()
	g.dead = true
	g.mu.Unlock()
	g.open()
}
