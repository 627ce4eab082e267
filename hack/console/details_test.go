package console

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

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
