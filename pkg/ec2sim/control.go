package ec2sim

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const controlPrefix = "/_sim/"

func isControl(path string) bool { return strings.HasPrefix(path, controlPrefix) }

// errNoSuch is answered with 404; every other error of the control protocol with 400.
var errNoSuch = errors.New("there is no such thing here")

// controls are the handlers of the control protocol by method and path, * standing for
// one part of the path. What a handler returns is written as JSON.
var controls = map[string]func(s *Simulator, r *http.Request, part []string) (any, error){
	"GET calls":                  getCalls,
	"GET faults":                 getFaults,
	"POST faults":                postFaults,
	"DELETE faults":              deleteFaults,
	"GET clock":                  getClock,
	"POST clock":                 postClock,
	"GET world":                  getWorld,
	"PUT world":                  putWorld,
	"POST instances":             postInstance,
	"POST instances * start":     onInstance((*Simulator).start),
	"POST instances * stop":      onInstance((*Simulator).stop),
	"POST instances * terminate": onInstance((*Simulator).terminate),
	"POST interfaces":            postInterface,
	"POST interfaces * attach":   attachBehind,
	"POST interfaces * detach":   detachBehind,
	"POST interfaces * delete":   deleteBehind,
}

// serveControl answers the control protocol. It neither counts as a call nor costs one.
func (s *Simulator) serveControl(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, controlPrefix), "/"), "/")
	if r.Method == http.MethodGet && len(parts) == 1 && parts[0] == "log" {
		s.serveLog(w, r)
		return
	}
	key := r.Method + " " + parts[0]
	if len(parts) == 3 {
		key += " * " + parts[2]
	}
	handler, ok := controls[key]
	if !ok || len(parts) == 2 {
		writeJSON(w, http.StatusNotFound, map[string]string{"error": "no such control: " + r.Method + " " + r.URL.Path})
		return
	}
	out, err := handler(s, r, parts)
	switch {
	case errors.Is(err, errNoSuch):
		writeJSON(w, http.StatusNotFound, map[string]string{"error": parts[1] + ": " + err.Error()})
	case err != nil:
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
	default:
		writeJSON(w, http.StatusOK, out)
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	// The caller may have gone; there is nobody left to tell.
	_ = json.NewEncoder(w).Encode(v)
}

// readBody reads JSON with the world file's reader, so that both take the same forms
// and refuse the same mistakes.
func readBody(r *http.Request, target any) error {
	data, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return err
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return inFile("", nil, err)
	}
	if len(doc.Content) == 0 {
		return nil
	}
	if err := decodeStrictly(doc.Content[0], target); err != nil {
		return inFile("", nil, err)
	}
	return nil
}

// Calls counts all calls by action and outcome: OK, EC2's error code, or the fault
// that kept the answer from arriving.
func (s *Simulator) Calls() map[string]map[string]int {
	out := map[string]map[string]int{}
	s.locked(func(time.Time) {
		for action, codes := range s.log.counts {
			out[action] = map[string]int{}
			for code, n := range codes {
				out[action][code] = n
			}
		}
	})
	return out
}

// Log lists the calls after the one numbered since, oldest first.
func (s *Simulator) Log(since int) []LogEntry {
	var out []LogEntry
	s.locked(func(time.Time) { out = s.log.since(since) })
	return out
}

func getCalls(s *Simulator, _ *http.Request, _ []string) (any, error) { return s.Calls(), nil }

func getWorld(s *Simulator, _ *http.Request, _ []string) (any, error) { return s.Save(), nil }

// maxWorld is far more than the snapshot of any account that is worth simulating.
const maxWorld = 1 << 30

func putWorld(s *Simulator, r *http.Request, _ []string) (any, error) {
	var form Snapshot
	d := json.NewDecoder(io.LimitReader(r.Body, maxWorld))
	d.DisallowUnknownFields()
	if err := d.Decode(&form); err != nil {
		return nil, err
	}
	if err := s.Restore(form); err != nil {
		return nil, err
	}
	return s.Snapshot(), nil
}

func (s *Simulator) serveLog(w http.ResponseWriter, r *http.Request) {
	since, err := strconv.Atoi(orDefault(r.URL.Query().Get("since"), "0"))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, map[string]string{"error": "since must be a number"})
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out := json.NewEncoder(w)
	for _, e := range s.Log(since) {
		// The caller may have gone; there is nobody left to tell.
		_ = out.Encode(e)
	}
}

// AddFault adds a rule, which then counts the calls it concerns, and returns it with
// its number.
func (s *Simulator) AddFault(f Fault) (Fault, error) {
	if err := f.validate(); err != nil {
		return f, err
	}
	s.locked(func(time.Time) { f = s.addFault(f) })
	return f, nil
}

// Faults lists the rules in force.
func (s *Simulator) Faults() []Fault {
	out := []Fault{}
	s.locked(func(time.Time) {
		for _, r := range s.faults {
			out = append(out, r.Fault)
		}
	})
	return out
}

// Struck is how many calls the fault rule of a number has struck so far.
func (s *Simulator) Struck(id int) (count int) {
	s.locked(func(time.Time) {
		for _, r := range s.faults {
			if r.ID == id {
				count = r.Struck
			}
		}
	})
	return count
}

// RemoveFaults removes the rule of a number, or all of them where it is 0.
func (s *Simulator) RemoveFaults(id int) {
	s.locked(func(time.Time) {
		var left []*faultRule
		for _, r := range s.faults {
			if id != 0 && r.ID != id {
				left = append(left, r)
			}
		}
		s.faults = left
	})
}

func getFaults(s *Simulator, _ *http.Request, _ []string) (any, error) { return s.Faults(), nil }

func postFaults(s *Simulator, r *http.Request, _ []string) (any, error) {
	var f Fault
	if err := readBody(r, &f); err != nil {
		return nil, err
	}
	return s.AddFault(f)
}

func deleteFaults(s *Simulator, r *http.Request, _ []string) (any, error) {
	id, err := strconv.Atoi(orDefault(r.URL.Query().Get("id"), "0"))
	if err != nil {
		return nil, errors.New("id must be a rule's number")
	}
	s.RemoveFaults(id)
	return s.Faults(), nil
}

// Now is the simulator's time.
func (s *Simulator) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now()
}

// Advance moves the simulator's time forward, past everything that becomes due.
func (s *Simulator) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.audience.tell()
	s.offset += max(0, d)
	s.settle(s.now())
}

type clockForm struct {
	Now time.Time `yaml:"-" json:"now"`
	// Advance is how far to move forward.
	Advance Duration `yaml:"advance" json:"-"`
}

func getClock(s *Simulator, _ *http.Request, _ []string) (any, error) {
	return clockForm{Now: s.Now()}, nil
}

func postClock(s *Simulator, r *http.Request, _ []string) (any, error) {
	var form clockForm
	if err := readBody(r, &form); err != nil {
		return nil, err
	}
	s.Advance(time.Duration(form.Advance))
	return clockForm{Now: s.Now()}, nil
}
