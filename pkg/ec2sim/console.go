package ec2sim

import (
	"embed"
	"net/http"
	"net/url"
	"path"
	"strings"
)

// The console is a page for people: it draws the account as it changes. Its files are
// served as they are; what it draws comes from GET /_sim/events.
const (
	consolePrefix = controlPrefix + "console/"
	eventsPath    = controlPrefix + "events"
)

//go:embed console
var consoleFiles embed.FS

// consoleTypes are the types of the page's parts. The system's own table is not asked,
// for it may say anything, and browsers run no script of another type.
var consoleTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// consolePolicy lets the page use its own parts and nothing else: no inline script or
// style, no other host, and no markup made from strings, since names and tags on the
// page are whatever anybody has put into a call.
const consolePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// isConsole tells what is for a browser: the console with what belongs to it, and every
// other path that is asked for without an Action, of which there is none.
func isConsole(r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if strings.HasPrefix(r.URL.Path, consolePrefix) {
		return true
	}
	if isControl(r.URL.Path) {
		return r.URL.Path == eventsPath && r.Method == http.MethodGet
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	return err == nil && !query.Has("Action")
}

// serveConsole answers what isConsole has picked. It neither counts as a call nor costs one.
func (s *Simulator) serveConsole(w http.ResponseWriter, r *http.Request) {
	name, part := strings.CutPrefix(r.URL.Path, consolePrefix)
	switch {
	case r.URL.Path == eventsPath:
		s.serveEvents(w, r)
	case part && consoleTypes[path.Ext(name)] != "":
		serveConsoleFile(w, r, name, consoleTypes[path.Ext(name)])
	case r.URL.Path == "/" || r.URL.Path == "":
		serveConsoleFile(w, r, "index.html", "text/html; charset=utf-8")
	default:
		http.NotFound(w, r)
	}
}

func serveConsoleFile(w http.ResponseWriter, r *http.Request, name, contentType string) {
	data, err := consoleFiles.ReadFile("console/" + name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Security-Policy", consolePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	// Another version of the simulator may serve the same address tomorrow.
	h.Set("Cache-Control", "no-cache")
	if r.Method == http.MethodHead {
		return
	}
	// The caller may have gone; there is nobody left to tell.
	_, _ = w.Write(data)
}
