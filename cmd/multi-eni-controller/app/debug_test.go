package app

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/controller"
)

// insight is a controller that shows what a test says.
type insight struct {
	topology controller.Topology
	err      error
	flights  map[string][]controller.FlightEntry
}

func (i insight) Topology() (controller.Topology, error)    { return i.topology, i.err }
func (i insight) Flight(id string) []controller.FlightEntry { return i.flights[id] }
func (i insight) RecentFlights(limit int) []string {
	var ids []string
	for id := range i.flights {
		if len(ids) < limit {
			ids = append(ids, id)
		}
	}
	return ids
}

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

func sample() insight {
	described := noon.Add(-90 * time.Second)
	return insight{
		topology: controller.Topology{Time: noon, Leading: true, Nodes: []controller.TopologyNode{
			{
				Node: "node-a", InstanceID: "i-1", Type: "m5.large", State: "running", Zone: "us-east-1a", DescribedAt: &described,
				Slots: []controller.TopologySlot{
					{Slot: "0-0", ENIID: "eni-0", Status: "attached", Description: "primary"},
					{Slot: "0-1", ENIID: "eni-1", Status: "attached", NodeENI: "a", Ours: true, Missing: true},
				},
				Unattached: []controller.TopologySlot{{Slot: "0-2", ENIID: "eni-2", Status: "available", NodeENI: "b", Ours: true}},
				Wanted: []controller.TopologyWanted{
					{NodeENI: "a", Node: "node-a", Slot: "0-1", State: "Attached", ENIID: "eni-1"},
					{NodeENI: "b", Node: "node-a", Slot: "0-2", State: "Blocked", Reason: "SubnetFull", Message: "subnet-1 has no free address"},
				},
				Releasing: []controller.TopologyRelease{{ENIID: "eni-3", State: "Detaching", Held: true, Reason: "DetachStuck", Message: "stop the instance"}},
			},
			{Node: "node-b"},
			{InstanceID: "i-2"},
			{},
		}},
		flights: map[string][]controller.FlightEntry{"eni-1": {
			{Time: noon, Event: "decided: Attach", Detail: "for NodeENI a"},
			{Time: noon.Add(time.Second), Event: "called: AttachNetworkInterface", Reason: "OK", RequestID: "req-1", Took: "120ms"},
		}},
	}
}

func debugOptions() *Options {
	o := NewOptions()
	o.AddFlags(pflag.NewFlagSet("test", pflag.ContinueOnError))
	return o
}

// ask asks the debug port.
func ask(t *testing.T, i inside, method, target string) (status int, body string, header http.Header) {
	t.Helper()
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), method, target, nil)
	request.Host = "localhost:8081"
	loopbackOnly(debugSite(debugOptions(), i).handler()).ServeHTTP(answer, request)
	return answer.Code, answer.Body.String(), answer.Header()
}

func wantLines(t *testing.T, got, want string) {
	t.Helper()
	trim := regexp.MustCompile(`(?m) +$`)
	if got, want = trim.ReplaceAllString(got, ""), strings.TrimPrefix(want, "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestTopologyAsText(t *testing.T) {
	status, body, _ := ask(t, sample(), "GET", "/debug/topology")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	wantLines(t, body, `
2026-01-02T12:00:00Z, 4 nodes on which interfaces are or are wanted

node-a  i-1  m5.large running in us-east-1a, described 1m30s ago
  slot 0-0       eni-0  attached         not ours primary
  slot 0-1       eni-1  attached         NodeENI a         EC2 does not show it
  for slot 0-2   eni-2  available        NodeENI b
  wanted at 0-1  eni-1  Attached         by NodeENI a
  wanted at 0-2  -      Blocked          by NodeENI b      SubnetFull: subnet-1 has no free address
  releasing      eni-3  Detaching, held                    DetachStuck: stop the instance

node-b  (names no instance)

(no Node)  i-2  (not described yet)

(neither Node nor instance)
`)
	_, body, _ = ask(t, insight{}, "GET", "/debug/topology?format=text")
	if !strings.Contains(body, "does not lead") {
		t.Errorf("a replica that waits shows %q", body)
	}
}

func TestTopologyAsJSON(t *testing.T) {
	status, body, header := ask(t, sample(), "GET", "/debug/topology?format=json")
	var got controller.Topology
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != http.StatusOK || header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d, %v, %v", status, err, header)
	}
	if len(got.Nodes) != 4 || got.Nodes[0].Slots[1].NodeENI != "a" || got.Nodes[0].Wanted[1].Reason != "SubnetFull" {
		t.Errorf("%+v", got)
	}
}

func TestFlights(t *testing.T) {
	_, body, _ := ask(t, sample(), "GET", "/debug/enis/eni-1")
	wantLines(t, body, `
eni-1, oldest first; of earlier news nothing is kept

2026-01-02T12:00:00.000Z  decided: Attach                 -   -      -      for NodeENI a
2026-01-02T12:00:01.000Z  called: AttachNetworkInterface  OK  120ms  req-1
`)
	for target, want := range map[string]string{
		"/debug/enis/":                         "eni-1",
		"/debug/enis/?format=json":             `"eni-1"`,
		"/debug/enis/eni-1?format=json":        `"requestID": "req-1"`,
		"/debug/enis/eni-2":                    `Nothing is recorded of "eni-2"`,
		"/debug/enis/%3Cscript%3E?format=json": `Nothing is recorded of "<script>"`,
	} {
		status, body, header := ask(t, sample(), "GET", target)
		if missing := strings.Contains(body, "Nothing"); !strings.Contains(body, want) || (status == http.StatusNotFound) != missing || header.Get("Content-Type") == "text/html" {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
}

func TestStatusz(t *testing.T) {
	_, body, _ := ask(t, sample(), "GET", "/statusz")
	pattern := regexp.MustCompile(`^
multi-eni-controller statusz
Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only\.

Started: \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d UTC \d{4}
Up: \d+ hr \d\d min \d\d sec
Go version: go1\S+.*
Binary version: v\S+

Paths: /debug/enis/ .*/debug/topology /flagz /statusz
$`)
	if !pattern.MatchString(body) {
		t.Errorf("statusz is\n%s", body)
	}
}

func TestFlagzHasEveryFlag(t *testing.T) {
	_, body, _ := ask(t, sample(), "GET", "/flagz")
	if !strings.HasPrefix(body, "\nmulti-eni-controller flagz\nWarning: This endpoint is not meant to be machine parseable") {
		t.Errorf("flagz begins with %.80q", body)
	}
	debugOptions().flags.VisitAll(func(f *pflag.Flag) {
		if want := "\n" + f.Name + "=" + f.Value.String() + "\n"; !strings.Contains(body, want) {
			t.Errorf("no line %q", want)
		}
	})
}

// A flag that may hold a secret shows none, also if nobody has thought of it.
func TestFlagzHidesSecrets(t *testing.T) {
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.String("webhook-token", "hunter2", "")
	fs.String("db-Password", "hunter2", "")
	fs.String("endpoint", "hunter2", "")
	fs.String("name", "public", "")
	if err := fs.SetAnnotation("endpoint", classified, []string{"true"}); err != nil {
		t.Fatal(err)
	}
	got := flagz(fs)
	if strings.Contains(got, "hunter2") || strings.Count(got, "CLASSIFIED") != 3 || !strings.Contains(got, "name=public\n") {
		t.Error(got)
	}
}

func TestTheIndexListsWhatThereIs(t *testing.T) {
	status, body, _ := ask(t, sample(), "GET", "/")
	if status != http.StatusOK {
		t.Errorf("status %d", status)
	}
	for _, path := range debugSite(debugOptions(), sample()).paths() {
		if !strings.Contains(body, "\n"+path+" ") {
			t.Errorf("the index does not list %s:\n%s", path, body)
		}
		if path == "/debug/pprof/profile" || path == "/debug/pprof/trace" {
			continue // which take their time
		}
		if status, body, _ := ask(t, sample(), "GET", path); status != http.StatusOK || body == "" {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
}

func TestWhatThereIsNotIsAnsweredClearly(t *testing.T) {
	for _, row := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/debug/topologie", 404, `There is no page "/debug/topologie" here`},
		{"GET", "/nothing", 404, "/debug/topology"},
		{"POST", "/debug/topology", 405, `The method "POST" is not understood`},
		{"DELETE", "/", 405, "GET and HEAD"},
		{"POST", "/debug/pprof/symbol", 405, "GET and HEAD"},
		{"GET", "/debug/topology?format=xml", 400, `There is no format "xml": use text or json`},
		{"GET", "/debug/enis/eni-1?format=xml", 400, `There is no format "xml"`},
		{"GET", "/debug/pprof/nothing", 404, "Unknown profile"},
		{"HEAD", "/statusz", 200, ""},
	} {
		status, body, header := ask(t, sample(), row.method, row.target)
		if status != row.status || !strings.Contains(body, row.want) || (status == 405) != (header.Get("Allow") == "GET, HEAD") {
			t.Errorf("%s %s: %d %v %q, want %d with %q", row.method, row.target, status, header, body, row.status, row.want)
		}
	}
	broken := sample()
	broken.err = errors.New("no caches")
	if status, body, _ := ask(t, broken, "GET", "/debug/topology"); status != 500 || !strings.Contains(body, "no caches") {
		t.Errorf("without caches: %d %q", status, body)
	}
}

// A page that has its name resolve to 127.0.0.1 must not read the port in somebody's browser.
func TestOtherHostsAreRefused(t *testing.T) {
	for host, want := range map[string]int{
		"localhost:8081": 200, "127.0.0.1:8081": 200, "127.0.0.1": 200, "[::1]:8081": 200, "[::1]": 200, "localhost": 200,
		"evil.example:8081": 403, "evil.example": 403, "": 403, "10.0.0.1:8081": 403, "localhost.evil.example:8081": 403,
	} {
		answer := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(t.Context(), "GET", "/flagz", nil)
		request.Host = host
		loopbackOnly(debugSite(debugOptions(), sample()).handler()).ServeHTTP(answer, request)
		if answer.Code != want {
			t.Errorf("host %q: %d, want %d", host, answer.Code, want)
		}
	}
}

func TestTheDebugPortIsOnLoopbackOrOff(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:8081": "", "127.9.9.9:0": "", "[::1]:8081": "", "localhost:8081": "", "[::ffff:127.0.0.1]:8081": "", "": "", "0": "",
		":8081": "must be a loopback address", "0.0.0.0:8081": "must be a loopback address", "[::]:8081": "must be a loopback address",
		"10.1.2.3:8081": "must be a loopback address", "example.com:8081": "must be a loopback address", "8081": "must be host:port", "127.0.0.1": "must be host:port",
	} {
		o := NewOptions()
		o.ClusterName, o.DebugBindAddress = "prod", address
		err := o.Validate()
		if want == "" {
			if err != nil || o.debugs() != (address != "" && address != "0") {
				t.Errorf("%q: %v", address, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), `--debug-bind-address="`+address+`": `+want) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
	}
}
