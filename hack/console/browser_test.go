package console

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to show what it should.
const patience = 30 * time.Second

var screenshots = flag.String("screenshots", "", "folder to put pictures of the page into")

// chromium is the browser that all tests share.
var chromium context.Context

func TestMain(m *testing.M) {
	flag.Parse()
	path, err := exec.LookPath("chromium")
	if err != nil {
		fmt.Fprintln(os.Stderr, "the console's tests need Chromium: install Debian's package chromium")
		os.Exit(1)
	}
	os.Exit(withBrowser(path, m.Run))
}

// withBrowser starts Chromium with a fresh profile and nothing that talks to anybody.
func withBrowser(path string, run func() int) int {
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		chromedp.NoSandbox,
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	allocator, end := chromedp.NewExecAllocator(context.Background(), options...)
	defer end()
	browser, closeBrowser := chromedp.NewContext(allocator)
	defer closeBrowser()
	if err := chromedp.Do(browser); err != nil {
		fmt.Fprintln(os.Stderr, "Chromium does not start:", err)
		return 1
	}
	chromium = browser
	return run()
}

// page is a tab with the console in it, and what the browser has had to say about it.
type page struct {
	*testing.T
	ctx context.Context

	mu       sync.Mutex
	requests []string
	problems []string
}

// visit opens the console of a simulator in a window of a size, and waits until it is live.
func visit(t *testing.T, address string, width, height int64, also ...chromedp.Action[chromedp.Void]) *page {
	t.Helper()
	tab, closeTab := chromedp.NewContext(chromium)
	t.Cleanup(closeTab)
	ctx, cancel := context.WithTimeout(tab, 3*patience)
	t.Cleanup(cancel)
	p := &page{T: t, ctx: ctx}
	// The tab lives as long as the context that it is first used with.
	if err := chromedp.Do(tab); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Listen(ctx, p.listen); err != nil {
		t.Fatal(err)
	}
	p.do(command(network.Enable, network.EnableParams{}), command(cdplog.Enable, cdp.Empty{}), chromedp.EmulateViewport(width, height))
	p.do(also...)
	p.do(chromedp.Navigate(address), chromedp.WaitVisible(chromedp.CSS(`html[data-live="yes"]`)))
	t.Cleanup(func() { p.checkManners(address) })
	return p
}

// listen notes what the page asks for and what the browser complains of.
func (p *page) listen(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		p.requests = append(p.requests, e.Request.URL)
	case *cdplog.EventEntryAdded:
		p.problems = append(p.problems, e.Entry.Text+" "+e.Entry.URL)
	case *runtime.EventConsoleAPICalled:
		p.problems = append(p.problems, fmt.Sprintf("console.%s", e.Type))
	case *runtime.EventExceptionThrown:
		p.problems = append(p.problems, describe(e.ExceptionDetails))
	}
}

// checkManners: no request leaves for another host, and the browser has no complaint.
func (p *page) checkManners(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	home, err := url.Parse(address)
	if err != nil {
		p.Fatal(err)
	}
	stream := false
	for _, request := range p.requests {
		u, err := url.Parse(request)
		if err != nil || u.Scheme != "http" || u.Host != home.Host {
			p.Errorf("the page asks for %s", request)
		}
		stream = stream || err == nil && u.Path == "/_sim/events"
	}
	if !stream {
		p.Errorf("no stream among the requests: %s", strings.Join(p.requests, " "))
	}
	for _, problem := range p.problems {
		p.Errorf("the browser complains: %s", problem)
	}
}

// forgive drops complaints that the test itself has provoked.
func (p *page) forgive(texts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.problems = slices.DeleteFunc(p.problems, func(problem string) bool {
		return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(problem, text) })
	})
}

// command is a command of the browser's protocol, whose answer does not matter.
func command[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

func describe(e *runtime.ExceptionDetails) string {
	if e.Exception == nil {
		return e.Text
	}
	return e.Text + " " + e.Exception.Description
}

func (p *page) do(actions ...chromedp.Action[chromedp.Void]) {
	p.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.Fatal(err)
	}
}

// eval is the value of a JavaScript expression, awaited if it is a promise.
func eval[T any](p *page, expression string) T {
	p.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.Fatal(err)
	}
	return out
}

// nextChange resolves when the document has changed, or after a while all the same, since
// it may have changed already.
const nextChange = `new Promise((resolve) => {
	const watch = new MutationObserver(done);
	const timer = setTimeout(done, 500);
	function done() { watch.disconnect(); clearTimeout(timer); resolve(true); }
	watch.observe(document, {subtree: true, childList: true, attributes: true, characterData: true});
})`

// until waits for a difference to vanish; what it is still at the end is the error.
func (p *page) until(difference func() string) {
	p.Helper()
	deadline, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	for {
		left := difference()
		if left == "" {
			return
		}
		if deadline.Err() != nil {
			p.Fatal(left)
		}
		eval[bool](p, nextChange)
	}
}

// picture keeps what the page looks like, for people who ask for it.
func (p *page) picture(name string) {
	p.Helper()
	if *screenshots == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o600); err != nil {
		p.Fatal(err)
	}
}
