package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// watchStates notes every state that the page gives an interface, from now on.
const watchStates = `(() => {
	window.states = [];
	const note = () => {
		for (const e of document.querySelectorAll("#map [data-interface=" + JSON.stringify(%q) + "]")) {
			const now = e.dataset.state + (e.dataset.slot ? " " + e.dataset.slot : "");
			if (window.states.at(-1) !== now) window.states.push(now);
		}
	};
	note();
	new MutationObserver(note).observe(document, {subtree: true, childList: true, attributes: true});
	return true;
})()`

// TestLife follows one interface through the API, on a page that is never loaded again.
func TestLife(t *testing.T) {
	for _, instances := range []int{6, 500} {
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			a := serve(t, world(instances))
			p := visit(t, a.url+"/", 1280, 800)
			eni := a.create()
			eval[bool](p, fmt.Sprintf(watchStates, eni))
			p.follows("available")
			a.attach(eni, instanceID(2), 2)
			p.follows("available", "attaching 0-2", "attached 0-2")
			a.detach(instanceID(2), 2, false)
			p.follows("available", "attaching 0-2", "attached 0-2", "detaching 0-2", "available")
			_, err := a.ec2.DeleteNetworkInterface(t.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &eni})
			a.must(err)
			p.shows(fmt.Sprintf(`document.querySelectorAll("[data-interface=%s]").length === 0`, eni))
			if n := len(p.streams()); n != 1 {
				t.Errorf("the page has opened %d streams", n)
			}
		})
	}
}

// follows waits until the page has shown just these states, one after the other.
func (p *page) follows(states ...string) {
	p.Helper()
	p.until(func() string {
		if got := eval[[]string](p, "window.states"); !slices.Equal(got, states) {
			return fmt.Sprintf("the page has shown %q, want %q", got, states)
		}
		return ""
	})
}

// shows waits until a JavaScript expression is true.
func (p *page) shows(expression string) {
	p.Helper()
	p.until(func() string {
		if eval[bool](p, expression) {
			return ""
		}
		return "it never holds that " + expression
	})
}

// streams are the requests for events.
func (p *page) streams() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, r := range p.requests {
		if strings.HasSuffix(r, "/_sim/events") {
			out = append(out, r)
		}
	}
	return out
}

// TestRate sees calls come and go, with the rate over the last seconds.
func TestRate(t *testing.T) {
	a := serve(t, world(6))
	p := visit(t, a.url+"/", 1280, 800)
	const row = `document.querySelector('tr[data-action="DescribeVpcs"]')`
	for range 20 {
		_, err := a.ec2.DescribeVpcs(t.Context(), &ec2.DescribeVpcsInput{})
		a.must(err)
	}
	p.shows(row + `?.dataset.total === "20" && ` + row + `.dataset.busy === "yes" && +` + row + `.dataset.rate >= 1`)
	p.shows(`document.querySelector("path.all").getAttribute("d") !== ""`)
	p.picture("6-busy")
	p.shows(row + `.dataset.rate === "0.00" && ` + row + `.dataset.total === "20"`)
	p.picture("6-rate")
}

// TestReconnect: the page says so when the simulator is gone, and shows the next one that
// serves the address, which may have another account.
func TestReconnect(t *testing.T) {
	first, second := serve(t, world(6)), start(t, ec2sim.World{Account: "210987654321", Subnets: world(0).Subnets})
	handler := make(chan http.Handler, 1)
	handler <- first.sim
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := <-handler
		handler <- h
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close) // after the page has gone: a stream keeps its connection
	p := visit(t, server.URL+"/", 1280, 800)
	p.shows(`document.querySelectorAll("[data-instance]").length === 6`)
	<-handler
	handler <- http.NotFoundHandler()
	server.CloseClientConnections()
	p.shows(`document.documentElement.dataset.live === "no"`)
	<-handler
	handler <- second.sim
	p.shows(`document.documentElement.dataset.live === "yes" && document.querySelectorAll("[data-instance]").length === 0 && document.querySelector("#where").textContent.includes("210987654321")`)
	p.forgive("the server responded with a status of 404", "net::ERR_INCOMPLETE_CHUNKED_ENCODING")
}

// TestBusy: a page with 500 instances keeps up with a busy controller.
func TestBusy(t *testing.T) {
	a := serve(t, world(500))
	limits := limitsOf(a)
	p := visit(t, a.url+"/", 1280, 800)
	for i := range 40 {
		a.attach(a.create(), instanceID(4*(i+2)+2), 1)
	}
	p.agrees(a, limits)
}
