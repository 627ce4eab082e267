package ec2sim

import (
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// browse asks for a path as a browser would, unsigned.
func browse(t *testing.T, s *Simulator, method, target string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://ec2.test"+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// TestConsoleRouting: what is not EC2's is the console's, and nothing of it is a call.
func TestConsoleRouting(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	const page, script = "text/html; charset=utf-8", "text/javascript; charset=utf-8"
	for _, c := range []struct {
		method, target string
		status         int
		contentType    string
	}{
		{"GET", "/", 200, page},
		{"GET", "/?utm=1", 200, page},
		{"GET", "/?Version=2016-11-15&action=DescribeVpcs", 200, page},
		{"HEAD", "/", 200, page},
		{"GET", "/_sim/console/main.js", 200, script},
		{"GET", "/_sim/console/console.css", 200, "text/css; charset=utf-8"},
		{"GET", "/_sim/console/icon.svg", 200, "image/svg+xml"},
		{"GET", "/_sim/console/nothing.js", 404, ""},
		{"GET", "/_sim/console/", 404, ""},
		{"GET", "/_sim/console/index.html", 404, ""},
		{"GET", "/_sim/console/../console.go", 404, ""},
		{"GET", "/_sim/console/..%2fconsole.js", 404, ""},
		{"GET", "/favicon.ico", 404, ""},
		{"GET", "/robots.txt?utm=1", 404, ""},
		{"GET", "/_simulator", 404, ""},
		{"POST", "/_sim/console/main.js", 404, ""},
		{"POST", "/_sim/events", 404, ""},
		{"HEAD", "/_sim/events", 404, ""},
	} {
		w := browse(t, l.sim, c.method, c.target)
		if w.Code != c.status || c.contentType != "" && w.Header().Get("Content-Type") != c.contentType {
			t.Errorf("%s %s: %d %s", c.method, c.target, w.Code, w.Header().Get("Content-Type"))
		}
		if empty := w.Body.Len() == 0; empty != (c.method == http.MethodHead) && w.Code == http.StatusOK {
			t.Errorf("%s %s: a body of %d bytes", c.method, c.target, w.Body.Len())
		}
	}
	if calls := l.sim.Calls(); len(calls) > 0 {
		t.Errorf("looking counts as calls: %v", calls)
	}
}

// TestConsoleLeavesCalls: with an Action, or by POST, a request is EC2's on any path.
func TestConsoleLeavesCalls(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for _, c := range []struct{ method, target, code string }{
		{"GET", "/?Action=DescribeVpcs", "MissingAuthenticationToken"},
		{"GET", "/?Action=", "MissingAuthenticationToken"},
		{"GET", "/some/path?Action=DescribeVpcs", "MissingAuthenticationToken"},
		{"GET", "/?Action=%zz", "MalformedQueryString"},
		{"POST", "/", "MissingAuthenticationToken"},
		{"POST", "/some/path", "MissingAuthenticationToken"},
		{"PUT", "/", "InvalidRequest"},
		{"HEAD", "/?Action=DescribeVpcs", "InvalidRequest"},
	} {
		if w := browse(t, l.sim, c.method, c.target); !strings.Contains(w.Body.String(), "<Code>"+c.code+"</Code>") {
			t.Errorf("%s %s: %d %s", c.method, c.target, w.Code, w.Body)
		}
	}
}

var (
	linked   = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	imported = regexp.MustCompile(`from "\./([^"]*)"`)
	outside  = regexp.MustCompile(`https?://[a-z0-9.]*`)
)

// TestConsoleIsWhole: every part of the page is there, is asked for, and asks nobody else.
func TestConsoleIsWhole(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	page := browse(t, l.sim, http.MethodGet, "/")
	policy := page.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	if strings.Contains(policy, "unsafe") || page.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("the headers are lax: %v", page.Header())
	}
	asked := map[string]bool{"index.html": true}
	for _, m := range linked.FindAllStringSubmatch(page.Body.String(), -1) {
		if name, ok := strings.CutPrefix("/"+m[1], consolePrefix); ok {
			asked[name] = true
		}
	}
	files, err := fs.ReadDir(consoleFiles, "console")
	l.must(err)
	for _, f := range files {
		data, err := consoleFiles.ReadFile(path.Join("console", f.Name()))
		l.must(err)
		for _, m := range imported.FindAllStringSubmatch(string(data), -1) {
			asked[m[1]] = true
		}
		for _, host := range outside.FindAllString(string(data), -1) {
			if host != "http://www.w3.org" { // the name of SVG, which nobody fetches
				t.Errorf("%s names %s", f.Name(), host)
			}
		}
	}
	for _, f := range files {
		if !asked[f.Name()] {
			t.Errorf("nobody asks for %s", f.Name())
		}
		delete(asked, f.Name())
	}
	if len(asked) > 0 {
		t.Errorf("these are asked for and not there: %v", asked)
	}
}

// TestEventsNeedAStream: where answers are handed over whole there is no stream, and
// asking for one says so rather than hang.
func TestEventsNeedAStream(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://ec2.test/_sim/events", http.NoBody)
	l.must(err)
	resp, err := l.sim.Transport().RoundTrip(r)
	l.must(err)
	body, err := io.ReadAll(resp.Body)
	l.must(err)
	if resp.StatusCode != http.StatusNotImplemented || !strings.Contains(string(body), "cannot be streamed") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}
