package app

import (
	"fmt"
	"net/http"
	"strings"
)

// check is one thing that must be well for a health endpoint to say so.
type check struct {
	name string
	run  func(*http.Request) error
}

// health is a health endpoint as Kubernetes' own are: ok, or what failed; with ?verbose each check in a line.
func health(name string, checks []check) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var lines strings.Builder
		status, verdict := http.StatusOK, "passed"
		for _, c := range checks {
			if err := c.run(r); err != nil {
				status, verdict = http.StatusServiceUnavailable, "failed"
				fmt.Fprintf(&lines, "[-]%s failed: %v\n", c.name, err)
				continue
			}
			fmt.Fprintf(&lines, "[+]%s ok\n", c.name)
		}
		fmt.Fprintf(&lines, "%s check %s\n", name, verdict)
		if _, verbose := r.URL.Query()["verbose"]; status == http.StatusOK && !verbose {
			plain(w, status, "ok")
			return
		}
		plain(w, status, lines.String())
	}
}
