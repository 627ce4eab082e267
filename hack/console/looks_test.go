package console

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

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
	p.shows(`document.querySelector("[data-state=unusable]") !== null`) // nothing changes by itself any more
	var seen []string
	prefer := func(scheme string) {
		p.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}))
	}
	look := func(name string) {
		// Changes of colour take their time.
		p.shows(`document.getAnimations().every((a) => !(a instanceof CSSTransition))`)
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
