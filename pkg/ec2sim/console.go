package ec2sim

import (
	"fmt"
	"net/http"
)

// serveConsole says what is here to somebody who opens the address in a browser.
func (s *Simulator) serveConsole(w http.ResponseWriter, _ *http.Request) {
	now := s.Snapshot()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	// The caller may have gone; there is nobody left to tell.
	_, _ = fmt.Fprintf(w, "EC2 simulator, %s, account %s: %d subnets, %d instances, %d network interfaces.\nSee /_sim/world, /_sim/calls and /_sim/log.\n",
		now.Region, now.Account, len(now.Subnets), len(now.Instances), len(now.Interfaces))
}
