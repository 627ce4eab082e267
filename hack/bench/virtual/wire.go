package virtual

import (
	"errors"
	"hash/fnv"
	"io"
	"net/http"
	"strings"
	"time"
)

// maxDistance is how long a call may be on its way to EC2.
const maxDistance = 20 * time.Millisecond

var errDead = errors.New("the process is dead")

// wire is the way of one process to EC2.
type wire struct {
	lab     *lab
	process *process
}

// RoundTrip implements http.RoundTripper.
func (w *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	time.Sleep(distance(body))
	if w.process.dead.Load() {
		return nil, errDead
	}
	arrived := time.Now()
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	response, err := w.lab.sim.Transport().RoundTrip(r)
	if err == nil {
		w.lab.meter.called(w.process.name, actionOf(string(body)), response.StatusCode, arrived)
	}
	if w.process.dead.Load() {
		return nil, errDead
	}
	return response, err
}

// distance is how long a call is on its way, drawn by what it says and when.
func distance(body []byte) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write(body)
	now := uint64(time.Now().UnixNano())
	for ; now > 0; now >>= 8 {
		_, _ = h.Write([]byte{byte(now)})
	}
	return time.Duration(h.Sum64() % uint64(maxDistance))
}

func actionOf(body string) string {
	_, rest, _ := strings.Cut(body, "Action=")
	action, _, _ := strings.Cut(rest, "&")
	return action
}
