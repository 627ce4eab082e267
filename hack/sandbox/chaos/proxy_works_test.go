package chaos

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A test that is meant to hold, lose or count calls is worth what the proxy is worth.

// backend is a server that counts what arrives, behind a proxy.
func backend(t *testing.T) (p *proxy, arrived *atomic.Int32) {
	t.Helper()
	arrived = &atomic.Int32{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		arrived.Add(1)
		_, _ = w.Write(body)
	}))
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = newProxy(target, server.Client().Transport, &ledger{}, actionOf); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.close)
	return p, arrived
}

// send makes a call through the proxy, on a connection of its own: on one that was used before, the client would try
// again by itself.
func send(ctx context.Context, p *proxy, action string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.server.URL, strings.NewReader("Action="+action))
	if err != nil {
		return "", err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	return string(data), err
}

func TestProxyHoldsTheNthCall(t *testing.T) {
	for _, test := range []struct {
		mode            mode
		during, arrived int32 // how many calls have arrived while the second is held, and at the end
		answered        bool
	}{
		{dropped, 1, 1, false},
		{answered, 2, 2, false},
		{passed, 1, 2, true},
	} {
		t.Run(test.mode.String(), func(t *testing.T) {
			p, arrived := backend(t)
			var during int32
			caught := newTrap("CreateTags", 2, test.mode, func() { during = arrived.Load() })
			p.ledger.set(caught)
			if answer, err := send(t.Context(), p, "CreateTags"); err != nil || answer != "Action=CreateTags" || caught.hasSprung() {
				t.Fatalf("the first call: %q, %v, trapped %t", answer, err, caught.hasSprung())
			}
			_, err := send(t.Context(), p, "CreateTags")
			if !caught.hasSprung() || (err == nil) != test.answered {
				t.Errorf("trapped %t, error %v", caught.hasSprung(), err)
			}
			if during != test.during || arrived.Load() != test.arrived {
				t.Errorf("%d calls arrived while it was held, %d in all, want %d and %d", during, arrived.Load(), test.during, test.arrived)
			}
			if got := p.ledger.counts()["CreateTags"]; got != 2 {
				t.Errorf("%d calls were counted", got)
			}
		})
	}
}

func TestProxyLosesEverythingAndRestoresIt(t *testing.T) {
	p, arrived := backend(t)
	p.lose()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := send(ctx, p, "CreateTags"); ctx.Err() == nil {
		t.Errorf("a lost call was not waited for: %v", err)
	}
	late := make(chan error, 1)
	go func() {
		_, err := send(t.Context(), p, "CreateTags")
		late <- err
	}()
	again, cancelAgain := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancelAgain()
	select {
	case err := <-late:
		t.Errorf("a lost call was not waited for: %v", err)
	case <-again.Done():
	}
	p.restore()
	if err := <-late; err == nil {
		t.Error("a call that was lost was answered")
	}
	if n := arrived.Load(); n != 0 {
		t.Errorf("%d lost calls arrived", n)
	}
	if answer, err := send(t.Context(), p, "CreateTags"); err != nil || answer != "Action=CreateTags" {
		t.Errorf("afterwards: %q, %v", answer, err)
	}
}

func TestKindsOfCalls(t *testing.T) {
	for _, test := range []struct{ method, path, want string }{
		{"GET", "/api/v1/nodes?limit=500", "get nodes"},
		{"GET", "/api/v1/nodes?watch=true", "watch nodes"},
		{"GET", "/api/v1/nodes/node1", "get nodes"},
		{"GET", "/api/v1/namespaces/kube-system", "get namespaces"},
		{"POST", "/api/v1/namespaces/default/events", "post events"},
		{"PATCH", "/api/v1/namespaces/default/events/a.1", "patch events"},
		{"PATCH", "/apis/networking.k8s.aws/v1alpha1/nodeenis/a", "patch nodeenis"},
		{"PATCH", "/apis/networking.k8s.aws/v1alpha1/nodeenis/a/status", "patch nodeenis/status"},
		{"PUT", "/apis/coordination.k8s.io/v1/namespaces/multi-eni-system/leases/multi-eni-controller", "put leases"},
		{"GET", "/version", "get /version"},
	} {
		if got := verbOf(httptest.NewRequest(test.method, test.path, nil), nil); got != test.want {
			t.Errorf("%s %s is %q, want %q", test.method, test.path, got, test.want)
		}
	}
	for kind, want := range map[string]struct{ read, lease, ec2, changes bool }{
		"DescribeInstances": {read: true, ec2: true}, "CreateTags": {ec2: true, changes: true},
		"get nodes": {read: true}, "watch nodes": {read: true}, "get leases": {read: true, lease: true},
		"put leases": {lease: true}, "post events": {changes: true}, "patch nodeenis/status": {changes: true},
	} {
		c := call{kind: kind}
		if c.read() != want.read || c.lease() != want.lease || c.ec2() != want.ec2 || c.changes() != want.changes {
			t.Errorf("%s: read %t, lease %t, EC2 %t, changes %t", kind, c.read(), c.lease(), c.ec2(), c.changes())
		}
	}
}
