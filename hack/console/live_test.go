package console

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

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

// hover moves the pointer onto an element.
func (p *page) hover(selector string) {
	p.Helper()
	p.shows(fmt.Sprintf(`document.querySelector(%q) !== null`, selector))
	at := eval[[]float64](p, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({block: "center"});
		const r = e.getBoundingClientRect();
		return [r.left + Math.min(r.width, 12) / 2, r.top + Math.min(r.height, 12) / 2];
	})()`, selector))
	p.do(chromedp.MouseEvent(chromedp.MouseMoved, at[0], at[1]))
}

// tells waits until the details, inside the window, say all of the words.
func (p *page) tells(words ...string) {
	p.Helper()
	p.until(func() string {
		text := eval[string](p, `(() => {
			const e = document.querySelector("#details"), r = e.getBoundingClientRect();
			if (e.hidden) return "";
			if (r.left < 0 || r.top < 0 || r.right > innerWidth || r.bottom > innerHeight) return "outside of the window";
			return e.innerText;
		})()`)
		for _, w := range words {
			if !strings.Contains(text, w) {
				return fmt.Sprintf("the details say %q, not %q", text, w)
			}
		}
		return ""
	})
}

func (p *page) hidden() {
	p.Helper()
	p.shows(`document.querySelector("#details").hidden`)
}

// TestDetails looks at things with the pointer and with the keyboard.
func TestDetails(t *testing.T) {
	for _, instances := range []int{6, 500} {
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			a := serve(t, world(instances))
			p := visit(t, a.url+"/", 1280, 800)
			p.point(a)
			p.picture(fmt.Sprintf("%d-details", instances))
			p.wander()
		})
	}
}

func (p *page) point(a *account) {
	p.Helper()
	p.hover("[data-subnet=" + full + "] header")
	p.tells(full, "10.0.32.0/28", "11 of 11 used, 0 free", "11 available")
	p.hover(`tr[data-action="DescribeSubnets"]`)
	p.tells("DescribeSubnets", "RequestLimitExceeded\n3", "OK\n2")
	p.hover("[data-instance=" + instanceID(2) + "] [data-slot='0-2']")
	p.tells("Free slot", "node2", "card 0, index 2")
	p.hover("[data-instance=" + instanceID(1) + "] [data-slot='0-3'][data-state=unusable]")
	p.tells("Unusable slot", "by force")
	p.hover("h1")
	p.hidden()
	p.hover("[data-instance=" + instanceID(2) + "] [data-slot='0-1']")
	// The tags are text: whatever they hold does not become a part of the page.
	p.tells("attaching", "node2 ("+instanceID(2)+")", "card 0, index 1", "storage ("+storage+")", "made by a test", workers, "<img src=x onerror=alert(1)>")
	for _, e := range a.sim.Snapshot().Interfaces {
		if at := e.Attachment; at != nil && at.Instance == instanceID(2) && at.DeviceIndex == 1 {
			p.tells(e.ID, e.MAC, e.PrivateIP, at.ID)
		}
	}
}

// wander goes about the map with the keys; the details go along, and stay when told to.
func (p *page) wander() {
	p.Helper()
	p.hover("h1")
	p.do(chromedp.Focus(chromedp.CSS("#theme")), chromedp.KeyEvent(kb.Tab))
	p.tells("nodes-a", "10.0.0.0/21")
	p.do(chromedp.KeyEvent(kb.ArrowDown))
	p.tells("storage")
	for range 14 {
		// Over the interfaces in the full subnet, to the first instance and its first slot.
		p.do(chromedp.KeyEvent(kb.ArrowRight))
	}
	p.tells("card 0, index 0", "node0 ("+instanceID(0)+")")
	p.do(chromedp.KeyEvent(kb.ArrowUp))
	p.tells("node0", "4 of 4 used")
	p.do(chromedp.KeyEvent(kb.Enter))
	p.hover("h1")
	p.tells("node0", "4 of 4 used")
	p.do(chromedp.KeyEvent(kb.Escape))
	p.hidden()
	if n := eval[int](p, `document.querySelectorAll('#map [tabindex="0"]').length`); n != 1 {
		p.Errorf("%d elements of the map take part in the order of the Tab key", n)
	}
}

// TestSpotlight finds by what is typed, and shows what is one owner's.
func TestSpotlight(t *testing.T) {
	a := serve(t, world(500))
	p := visit(t, a.url+"/", 1280, 800)
	const lit = `[...document.querySelectorAll(".slot[data-lit]")].every((e) => e.dataset.owner === %q) && document.querySelectorAll(".slot[data-lit]").length`
	p.hover(`#owners [data-owner="leaked"]`)
	p.shows(fmt.Sprintf(lit, "leaked") + " === 11")
	p.picture("500-owner")
	p.hover("h1")
	p.shows(`document.querySelectorAll("[data-lit], [data-spot]").length === 0`)
	p.do(chromedp.SendKeys(chromedp.CSS("#find input"), "node17"))
	// Those named team-N/node17 and node170 to node179.
	p.shows(`document.querySelectorAll(".instance[data-lit=yes]").length === 11`)
	eval[bool](p, `document.querySelector("#find input").value = ""; true`)
	p.do(chromedp.SendKeys(chromedp.CSS("#find input"), "made by a test"))
	p.shows(fmt.Sprintf(lit, "test") + " === 1")
	p.do(chromedp.SendKeys(chromedp.CSS("#owners select"), "index"))
	p.shows(`document.querySelector("#owners [data-owner='2']")?.dataset.count === "375"`)
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

// contrast is the least contrast that any text of the page has to what is behind it, and
// which text that is.
const contrast = `(() => {
	const canvas = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
	const rgba = (colour, under) => {
		canvas.fillStyle = under ? "rgb(" + under.join() + ")" : "#000";
		canvas.fillRect(0, 0, 1, 1);
		canvas.fillStyle = colour;
		canvas.fillRect(0, 0, 1, 1);
		return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
	};
	const behind = (e) => {
		const under = e.parentElement ? behind(e.parentElement) : [255, 255, 255];
		return rgba(getComputedStyle(e).backgroundColor, under);
	};
	const light = (c) => c.map((v) => v / 255).map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
	let worst = {Ratio: 99, Text: ""};
	for (const e of document.querySelectorAll("body *")) {
		const text = [...e.childNodes].filter((n) => n.nodeType === 3 && n.data.trim()).map((n) => n.data.trim()).join(" ");
		if (!text || !e.checkVisibility() || e.closest(".aside, [data-state=terminated], option, noscript")) continue;
		const back = behind(e), [a, b] = [light(back), light(rgba(getComputedStyle(e).color, back))];
		const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (ratio < worst.Ratio) worst = {Ratio: ratio, Text: e.tagName + "." + e.className + " " + text};
	}
	return worst;
})()`

// TestTheme reads the page in light and in dark, as the system has it and as the button
// says. The contrast is what WCAG asks of text of this size.
func TestTheme(t *testing.T) {
	a := serve(t, world(6))
	p := visit(t, a.url+"/", 1280, 800)
	var seen []string
	prefer := func(scheme string) {
		p.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
	}
	look := func(name string) {
		// Changes of colour take their time.
		eval[bool](p, `Promise.all(document.getAnimations().filter((a) => a instanceof CSSTransition).map((a) => a.finished)).then(() => true)`)
		worst := eval[struct {
			Ratio float64
			Text  string
		}](p, contrast)
		if worst.Ratio < 4.5 {
			t.Errorf("%s: a contrast of %.2f at %s", name, worst.Ratio, worst.Text)
		}
		seen = append(seen, eval[string](p, `getComputedStyle(document.body).backgroundColor`))
		p.picture("6-" + name)
	}
	prefer("light")
	look("light")
	prefer("dark")
	look("dark")
	p.do(chromedp.Click(chromedp.CSS("#theme")))
	look("light-chosen")
	prefer("light")
	p.do(chromedp.Click(chromedp.CSS("#theme")))
	look("dark-chosen")
	if seen[0] == seen[1] || seen[0] != seen[2] || seen[1] != seen[3] {
		t.Errorf("light, dark, light chosen, dark chosen have the backgrounds %q", seen)
	}
}

// TestNarrow opens the page in windows of other sizes.
func TestNarrow(t *testing.T) {
	a := serve(t, world(500))
	for _, width := range []int{390, 820, 1024, 1920} {
		p := visit(t, a.url+"/", int64(width), 800)
		p.shows(`document.querySelectorAll("[data-instance]").length === 500`)
		p.fits(width)
		p.picture(fmt.Sprintf("500-%d", width))
	}
	b := serve(t, world(6))
	for _, width := range []int{390, 820} {
		p := visit(t, b.url+"/", int64(width), 800)
		p.shows(`document.querySelectorAll("[data-instance]").length === 6`)
		p.fits(width)
		p.picture(fmt.Sprintf("6-%d", width))
	}
	c := serve(t, world(60))
	for _, width := range []int{390, 820} {
		p := visit(t, c.url+"/", int64(width), 800)
		p.shows(`document.querySelectorAll("[data-instance]").length === 60`)
		p.fits(width)
	}
}

// TestMedium is between few and many.
func TestMedium(t *testing.T) {
	a := serve(t, world(60))
	limits := limitsOf(a)
	p := visit(t, a.url+"/", 1280, 800)
	p.agrees(a, limits)
	p.fits(1280)
	p.picture("60")
}

// TestPace: a page with 500 instances takes what a busy controller does, and its first
// drawing does not keep anybody waiting.
func TestPace(t *testing.T) {
	a := serve(t, world(500))
	start := time.Now()
	p := visit(t, a.url+"/", 1280, 800)
	p.shows(`document.querySelectorAll("[data-instance]").length === 500`)
	t.Logf("500 instances are drawn after %s", time.Since(start).Round(time.Millisecond))
	limits := limitsOf(a)
	for i := range 40 {
		a.attach(a.create(), instanceID(4*(i+2)+2), 1)
	}
	p.agrees(a, limits)
}
