package app

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// page is one thing that a server shows. A path that ends in a slash stands for all below it.
type page struct {
	path, about string
	show        http.HandlerFunc
}

// site shows pages, an index of them at /, and answers clearly to what it has not got.
type site struct {
	name  string
	pages []page
}

// handler is the whole site. It only shows: it takes GET and HEAD.
func (s site) handler() http.Handler {
	mux := http.NewServeMux()
	for _, p := range s.pages {
		mux.HandleFunc(p.path, p.show)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			plain(w, http.StatusNotFound, fmt.Sprintf("There is no page %q here.\n\n%s", r.URL.Path, s.index()))
			return
		}
		plain(w, http.StatusOK, s.index())
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			plain(w, http.StatusMethodNotAllowed, fmt.Sprintf("The method %q is not understood: pages can be read by GET and HEAD.\n", r.Method))
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// paths are those of all pages, sorted.
func (s site) paths() (list []string) {
	for _, p := range s.pages {
		list = append(list, p.path)
	}
	slices.Sort(list)
	return list
}

func (s site) index() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", s.name)
	for _, p := range s.pages {
		fmt.Fprintf(&b, "%-24s %s\n", p.path, p.about)
	}
	return b.String()
}

// plain answers with a text, which nobody is to take for anything else.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprint(w, text)
}
