package simulation

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// trace is what happened in one run, in order.
type trace struct {
	began time.Time

	mu      sync.Mutex
	entries []entry
}

type entry struct {
	at   time.Duration
	who  string
	what string
}

// add notes something. Formatting waits until somebody reads it: most traces are never read.
func (t *trace) add(who, format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.entries = append(t.entries, entry{time.Since(t.began), who, fmt.Sprintf(format, args...)})
}

// String is the trace for people: time, who, what.
func (t *trace) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, e := range t.entries {
		fmt.Fprintf(&b, "%12s  %-12s %s\n", stamp(e.at), e.who, e.what)
	}
	return b.String()
}

// stamp is a virtual time since the beginning.
func stamp(d time.Duration) string {
	return fmt.Sprintf("%d:%02d:%06.3f", int(d.Hours()), int(d.Minutes())%60, (d % time.Minute).Seconds())
}
