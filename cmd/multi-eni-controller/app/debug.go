package app

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/controller"
)

// inside is what the debug port shows of a controller.
type inside interface {
	Topology() (controller.Topology, error)
	Flight(id string) []controller.FlightEntry
	RecentFlights(limit int) []string
}

// listedFlights is how many interfaces /debug/enis/ lists.
const listedFlights = 200

// debugSite is for people who want to see what the controller sees. There is no authentication: whoever is on the
// loopback interface may look. Nothing can be changed by it.
func debugSite(o *Options, c inside) site {
	s := site{name: programName + " debug"}
	s.pages = []page{
		{"/statusz", "version and age of the process", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, statusz(s.paths(), time.Now())) }},
		{"/flagz", "the value of each flag", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, flagz(o.flags)) }},
		{"/debug/topology", "nodes, slots, interfaces and who wants what; ?format=json", showTopology(c)},
		{"/debug/enis/", "the latest of what was decided about an interface and called for it: /debug/enis/ID; ?format=json", showFlights(c)},
		{"/debug/pprof/", "profiles of Go's runtime", pprof.Index},
		{"/debug/pprof/cmdline", "the command line", pprof.Cmdline},
		{"/debug/pprof/profile", "a CPU profile; ?seconds=30", pprof.Profile},
		{"/debug/pprof/symbol", "names of program counters", pprof.Symbol},
		{"/debug/pprof/trace", "a trace; ?seconds=1", pprof.Trace},
	}
	return s
}

// checkLoopback is why a server without authentication must not listen on an address.
func checkLoopback(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("must be host:port: %w", err)
	}
	if !isLoopback(host) {
		return fmt.Errorf("must be a loopback address, such as 127.0.0.1:8081, since whoever reaches the port may read all of it; use kubectl port-forward to reach it from elsewhere")
	}
	return nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// loopbackOnly refuses what asks for another host: a web page that has its own name resolve to the loopback address
// would else read the port in its visitor's browser.
func loopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, err := net.SplitHostPort(r.Host)
		if err != nil {
			host = strings.Trim(r.Host, "[]")
		}
		if !isLoopback(host) {
			plain(w, http.StatusForbidden, fmt.Sprintf("The host %q is not this one: ask for localhost or 127.0.0.1.\n", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// wantsJSON reports whether the answer is to be JSON, and answers itself where it is to be what there is not.
func wantsJSON(w http.ResponseWriter, r *http.Request) (asJSON, ok bool) {
	switch format := r.URL.Query().Get("format"); format {
	case "", "text":
		return false, true
	case "json":
		return true, true
	default:
		plain(w, http.StatusBadRequest, fmt.Sprintf("There is no format %q: use text or json.\n", format))
		return false, false
	}
}

func showJSON(w http.ResponseWriter, value any) {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		plain(w, http.StatusInternalServerError, fmt.Sprintf("writing JSON: %v\n", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(data, '\n'))
}

func showTopology(c inside) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asJSON, ok := wantsJSON(w, r)
		if !ok {
			return
		}
		switch t, err := c.Topology(); {
		case err != nil:
			plain(w, http.StatusInternalServerError, fmt.Sprintf("looking at the caches: %v\n", err))
		case asJSON:
			showJSON(w, t)
		default:
			plain(w, http.StatusOK, topologyText(t))
		}
	}
}

func showFlights(c inside) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		asJSON, ok := wantsJSON(w, r)
		if !ok {
			return
		}
		id := strings.TrimPrefix(r.URL.Path, "/debug/enis/")
		if id == "" {
			recent := c.RecentFlights(listedFlights)
			if asJSON {
				showJSON(w, append([]string{}, recent...))
				return
			}
			plain(w, http.StatusOK, fmt.Sprintf("The %d interfaces with the latest news, those first:\n\n%s\n", len(recent), strings.Join(recent, "\n")))
			return
		}
		switch entries := c.Flight(id); {
		case len(entries) == 0:
			plain(w, http.StatusNotFound, fmt.Sprintf("Nothing is recorded of %q: this process has done nothing about it, or that was long ago. Replicas that do not lead record nothing.\n", id))
		case asJSON:
			showJSON(w, entries)
		default:
			plain(w, http.StatusOK, flightText(id, entries))
		}
	}
}
