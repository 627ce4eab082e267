package cloud

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

func TestFenceStopsWrites(t *testing.T) {
	for name, fence := range map[string]func(*Options){
		"no lease":      fenced(time.Now().Add(time.Hour), false),
		"expired lease": fenced(time.Now().Add(-time.Nanosecond), true),
	} {
		for _, write := range writes {
			c, s := newScripted(t, accept, fence)
			before := tokensOf(c, write.action)
			err := write.call(t.Context(), c, ours())
			if !errors.Is(err, eni.KindNotSent) || len(s.requests()) != 0 {
				t.Errorf("%s: %s: %v, sent %v", name, write.action, err, s.requests())
			}
			if after := tokensOf(c, write.action); after < before {
				t.Errorf("%s: %s: the token was not given back", name, write.action)
			}
		}
	}
}

func TestFenceLetsReads(t *testing.T) {
	for _, read := range reads {
		c, s := newScripted(t, always(success(read.action, "")), fenced(time.Time{}, false))
		if err := read.call(t.Context(), c); err != nil || len(s.requests()) != 1 {
			t.Errorf("%s: %v, sent %v", read.action, err, s.requests())
		}
	}
}

// TestDeadline: an attempt has 30 seconds, and a write never longer than the lease.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		deadlineOf := func(fence func(*Options), call func(context.Context, *Client) error) time.Duration {
			var got time.Time
			c, s := newScripted(t, accept, fence)
			s.before = func(r *http.Request) { got, _ = r.Context().Deadline() }
			if err := call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			return got.Sub(start)
		}
		remove := func(ctx context.Context, c *Client) error { return c.DeleteInterface(ctx, ours(), confirmed) }
		list := func(ctx context.Context, c *Client) error {
			_, err := c.ListInterfaces(ctx, []string{cluster}, nil)
			return err
		}
		for _, row := range []struct {
			name  string
			fence func(*Options)
			call  func(context.Context, *Client) error
			want  time.Duration
		}{
			{"no fence", func(*Options) {}, remove, 30 * time.Second},
			{"short lease", fenced(start.Add(7*time.Second), true), remove, 7 * time.Second},
			{"long lease", fenced(start.Add(time.Hour), true), remove, 30 * time.Second},
			{"read under a short lease", fenced(start.Add(7*time.Second), true), list, 30 * time.Second},
		} {
			if got := deadlineOf(row.fence, row.call); got != row.want {
				t.Errorf("%s: deadline after %v, want %v", row.name, got, row.want)
			}
		}
	})
}

// TestLeaseEndsOnTheWay: the lease is looked at again behind everything that takes time.
func TestLeaseEndsOnTheWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		until := time.Now().Add(10 * time.Second)
		asked := 0
		fence := func(o *Options) {
			o.Fence = func() (time.Time, bool) {
				asked++
				return until, asked < 2
			}
		}
		c, s := newScripted(t, accept, fence)
		err := c.DeleteInterface(t.Context(), ours(), confirmed)
		if !errors.Is(err, eni.KindNotSent) || !errors.Is(err, errNoLease) || len(s.requests()) != 0 {
			t.Errorf("lease lost between limiter and wire: %v, sent %v", err, s.requests())
		}
		if asked != 2 {
			t.Errorf("the lease was looked at %d times, want 2", asked)
		}
	})
}

// TestLeaseEndsBeforeTheConnection: a process is paused while it waits for a connection, and wakes up when its lease
// has ended. Its write must not go out, even if the end of its context is noticed later.
func TestLeaseEndsBeforeTheConnection(t *testing.T) {
	var ended atomic.Bool
	var bodies atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if body, err := io.ReadAll(r.Body); err == nil && len(body) > 0 {
			bodies.Add(1)
		}
	}))
	defer server.Close()
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		ended.Store(true)
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	cfg := configFor(http.DefaultTransport)
	cfg.HTTPClient = &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	cfg.BaseEndpoint = &server.URL
	until := time.Now().Add(time.Hour)
	c := newKnowing(cfg, Options{ClusterIDs: []string{cluster}, Fence: func() (time.Time, bool) { return until, !ended.Load() }})
	err := c.DeleteInterface(t.Context(), ours(), confirmed)
	if !errors.Is(err, errNoLease) || bodies.Load() != 0 {
		t.Errorf("the lease ended while the connection was made: %v, %d requests arrived", err, bodies.Load())
	}
	if _, err := c.ListInterfaces(t.Context(), []string{cluster}, nil); err == nil || bodies.Load() != 1 {
		t.Errorf("a read: %v, %d requests arrived, want one that the server does not understand", err, bodies.Load())
	}
}

// TestAnswerTooLate: a write that has no answer when the lease ends may have happened.
func TestAnswerTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c, s := newScripted(t, accept, fenced(start.Add(7*time.Second), true))
		s.before = func(r *http.Request) { <-r.Context().Done() }
		s.reply = always(answer{err: context.DeadlineExceeded})
		err := c.DeleteInterface(t.Context(), ours(), confirmed)
		if !errors.Is(err, eni.KindUnknownOutcome) || time.Since(start) != 7*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, write := range writes {
		c, s := newScripted(t, accept)
		if err := write.call(ctx, c, ours()); !errors.Is(err, eni.KindNotSent) || !errors.Is(err, context.Canceled) || len(s.requests()) != 0 {
			t.Errorf("%s: %v, sent %v", write.action, err, s.requests())
		}
	}
}

// TestConfirm: the token is in hand when confirm is asked, and what it says is done.
func TestConfirm(t *testing.T) {
	changed := errors.New("wanted again")
	for _, action := range []string{detachNetworkInterface, deleteNetworkInterface} {
		release := (*Client).DetachInterface
		if action == deleteNetworkInterface {
			release = (*Client).DeleteInterface
		}
		c, s := newScripted(t, accept)
		var during float64
		confirm := func(err error) func(context.Context) error {
			return func(context.Context) error {
				during = tokensOf(c, action)
				if n := len(s.requests()); n != 0 {
					t.Errorf("%s: sent before it was confirmed", action)
				}
				return err
			}
		}
		full := tokensOf(c, action)
		err := release(c, t.Context(), ours(), confirm(changed))
		if !errors.Is(err, eni.KindNotSent) || !errors.Is(err, changed) || len(s.requests()) != 0 {
			t.Errorf("%s refused: %v, sent %v", action, err, s.requests())
		}
		if during != full-1 || tokensOf(c, action) != full {
			t.Errorf("%s: %v tokens before, %v when asked, %v after the refusal", action, full, during, tokensOf(c, action))
		}
		if err := release(c, t.Context(), ours(), confirm(nil)); err != nil || len(s.requests()) != 1 {
			t.Errorf("%s confirmed: %v, sent %v", action, err, s.requests())
		}
	}
}

// TestOverASocket: with a real connection it is known whether one was made at all.
func TestOverASocket(t *testing.T) {
	var hits atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		hits.Add(1)
		panic(http.ErrAbortHandler) // cuts the connection
	}))
	cfg := configFor(http.DefaultTransport)
	cfg.HTTPClient = server.Client()
	cfg.BaseEndpoint = &server.URL
	c := newKnowing(cfg, Options{ClusterIDs: []string{cluster}})
	if err := c.DeleteInterface(t.Context(), ours(), confirmed); !errors.Is(err, eni.KindUnknownOutcome) {
		t.Errorf("connection cut after the request: %v", err)
	}
	if n := hits.Load(); n != 1 {
		t.Errorf("%d requests, want 1", n)
	}
	server.Close()
	if err := c.DeleteInterface(t.Context(), ours(), confirmed); !errors.Is(err, eni.KindNotSent) {
		t.Errorf("nobody listens: %v", err)
	}
	tls := httptest.NewUnstartedServer(http.NotFoundHandler())
	tls.Config.ErrorLog = log.New(io.Discard, "", 0)
	tls.StartTLS()
	defer tls.Close()
	cfg.BaseEndpoint, cfg.HTTPClient = &tls.URL, &http.Client{Transport: &http.Transport{}}
	c = newKnowing(cfg, Options{ClusterIDs: []string{cluster}})
	if err := c.DeleteInterface(t.Context(), ours(), confirmed); !errors.Is(err, eni.KindNotSent) {
		t.Errorf("certificate that nobody trusts: %v", err)
	}
}
