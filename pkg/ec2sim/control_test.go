package ec2sim

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// control calls the control protocol and returns its answer's status and body.
func (l *lab) control(method, path, body string) (int, string) {
	l.Helper()
	r, err := http.NewRequestWithContext(l.Context(), method, "http://ec2.test/_sim/"+path, strings.NewReader(body))
	l.must(err)
	resp, err := l.sim.Transport().RoundTrip(r)
	l.must(err)
	data, err := io.ReadAll(resp.Body)
	l.must(err)
	return resp.StatusCode, string(data)
}

func TestControl(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	launched := InstanceNow{}
	status, body := l.control("POST", "instances", `{"type": "m5.large", "subnet": "`+subnetA+`", "tags": {"a": "b"}}`)
	l.must(json.Unmarshal([]byte(body), &launched))
	if status != 200 || launched.State != running || len(launched.Interfaces) != 1 {
		t.Fatalf("launch: %d %s", status, body)
	}
	status, body = l.control("POST", "interfaces", `{"id": "eni-0aaaaaaaaaaaaaaa9", "subnet": "`+subnetA+`", "tags": {"owner": "them"}, "attachment": {"instance": "`+launched.ID+`", "deviceIndex": 2}}`)
	if status != 200 {
		t.Fatalf("foreign interface: %d %s", status, body)
	}
	l.eni = "eni-0aaaaaaaaaaaaaaa9"
	l.want("the foreign interface", l.state(l.eni), "in-use/attached")
	for _, step := range []struct {
		method, path, body string
		status             int
		state              string
	}{
		{"POST", "interfaces/" + l.eni + "/detach", "", 200, "in-use/detaching"},
		{"POST", "clock", `{"advance": "1m"}`, 200, "available"},
		{"POST", "interfaces/" + l.eni + "/detach", "", 400, "available"},
		{"POST", "interfaces/" + l.eni + "/attach", `{"instance": "` + node + `", "deviceIndex": 0}`, 400, "available"},
		{"POST", "interfaces/" + l.primaryOf(node) + "/detach", "", 400, "available"},
		{"POST", "interfaces/" + l.primaryOf(node) + "/detach?now=true", "", 400, "available"},
		{"POST", "interfaces/" + l.primaryOf(node) + "/delete", "", 400, "available"},
		{"POST", "interfaces", `{"subnet": "` + subnetB + `", "attachment": {"instance": "` + node + `", "deviceIndex": 5}}`, 400, "available"},
		{"POST", "interfaces", `{"subnet": "` + subnetX + `", "attachment": {"instance": "` + node + `", "deviceIndex": 5}}`, 400, "available"},
		{"POST", "interfaces", `{"subnet": "` + subnetA + `", "type": "banana"}`, 400, "available"},
		{"POST", "interfaces", `{"subnet": "` + subnetA2 + `", "type": "lambda"}`, 200, "available"},
		{"POST", "interfaces/" + l.eni + "/attach", `{"instance": "` + node + `", "deviceIndex": 3}`, 200, "in-use/attached"},
		{"POST", "interfaces/" + l.eni + "/detach?now=true", "", 200, "available"},
		{"POST", "interfaces/" + l.eni + "/attach", `{"instance": "` + launched.ID + `", "deviceIndex": 1}`, 200, "in-use/attached"},
		{"POST", "instances/" + launched.ID + "/stop?now=true", "", 200, "in-use/attached"},
		{"POST", "instances/" + launched.ID + "/start", "", 200, "in-use/attached"},
		{"POST", "instances/" + launched.ID + "/stop", "", 400, "in-use/attached"},
		{"POST", "instances/" + launched.ID + "/terminate", "", 200, "in-use/attached"},
		{"POST", "clock", `{"advance": "1m"}`, 200, "available"},
		{"POST", "interfaces/" + l.eni + "/delete", "", 200, "gone"},
		{"POST", "interfaces/" + l.eni + "/delete", "", 404, "gone"},
		{"POST", "instances/i-0fffffffffffffff0/stop", "", 404, "gone"},
		{"POST", "instances", `{"type": "z9.huge", "subnet": "` + subnetA + `"}`, 400, "gone"},
		{"POST", "instances", `{"kind": "m5.large"}`, 400, "gone"},
		{"POST", "clock", `{"advance": "soon"}`, 400, "gone"},
		{"GET", "calls/x", "", 404, "gone"},
		{"PATCH", "world", "", 404, "gone"},
	} {
		if status, body = l.control(step.method, step.path, step.body); status != step.status {
			t.Errorf("%s %s: %d %s, want %d", step.method, step.path, status, body, step.status)
		}
		l.want("after "+step.path+" the interface", l.state(l.eni), step.state)
		checkInvariants(t, l.sim)
	}
	l.attached(node, 1)
	l.control("POST", "interfaces/"+l.eni+"/delete", "")
	l.want("an attached interface deleted by force", l.state(l.eni), "gone")
}

// TestControlRefuses: what is placed behind everybody's back is still what EC2 could hold.
func TestControlRefuses(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w *World) { w.Quotas.SecurityGroupsPerInterface = 1 })
	l.terminate(small)
	l.settle()
	for _, c := range []struct{ path, body, want string }{
		{"interfaces", `{"subnet": "` + subnetA + `", "securityGroups": ["` + workers + `", "` + other + `"]}`, "SecurityGroupsPerInterfaceLimitExceeded"},
		{"interfaces", `{"subnet": "` + subnetA + `", "securityGroups": ["` + foreign + `"]}`, "InvalidParameterCombination"},
		{"interfaces", `{"subnet": "` + subnetB + `", "attachment": {"instance": "` + node + `", "deviceIndex": 5}}`, "same availability zone"},
		{"interfaces", `{"subnet": "` + subnetX + `", "attachment": {"instance": "` + node + `", "deviceIndex": 5}}`, "same VPC"},
		{"interfaces", `{"subnet": "` + subnetA + `", "attachment": {"instance": "` + small + `", "deviceIndex": 1}}`, "is not 'running'"},
		{"interfaces", `{"subnet": "` + subnetA + `", "type": "efa", "attachment": {"instance": "` + node + `", "deviceIndex": 5}}`, "EFA interfaces are not supported"},
		{"interfaces", `{"subnet": "` + subnetA + `", "type": "banana"}`, "Expecting one of interface, efa"},
		{"instances", `{"type": "m5.large", "subnet": "` + subnetA + `", "securityGroups": ["` + workers + `", "` + other + `"]}`, "SecurityGroupsPerInterfaceLimitExceeded"},
		{"interfaces/" + l.primaryOf(node) + "/detach?now=true", "", "cannot be detached"},
		{"interfaces/" + l.primaryOf(node) + "/delete", "", "cannot be detached"},
	} {
		before := l.things()
		if status, body := l.control("POST", c.path, c.body); status != 400 || !strings.Contains(body, c.want) {
			t.Errorf("POST %s %s: %d %s, want %s", c.path, c.body, status, body, c.want)
		}
		l.want("the world after a refusal", l.things(), before)
		checkInvariants(t, l.sim)
	}
}
