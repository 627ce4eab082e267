package ec2sim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
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

func fault(body string) func(*lab) {
	return func(l *lab) {
		l.Helper()
		if status, answer := l.control("POST", "faults", body); status != 200 {
			l.Fatalf("POST faults: %d %s", status, answer)
		}
	}
}

// codes makes n calls and tells their codes, with - for an answer that never came.
func (l *lab) codes(n int, do func(*lab) error) string {
	var out []string
	for range n {
		code, status := outcome(do(l))
		switch {
		case status == 0:
			code = "-"
		case code == "OK":
			code = "ok"
		}
		out = append(out, code)
	}
	return strings.Join(out, " ")
}

func TestFaultRules(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ rule, want string }{
		{`{"effect": "error"}`, "InternalError InternalError InternalError InternalError"},
		{`{"effect": "error", "nth": 3}`, "ok ok InternalError ok"},
		{`{"effect": "error", "every": 2}`, "ok InternalError ok InternalError"},
		{`{"effect": "error", "every": 2, "times": 1}`, "ok InternalError ok ok"},
		{`{"effect": "error", "times": 2, "code": "Unavailable"}`, "Unavailable Unavailable ok ok"},
		{`{"effect": "error", "action": "CreateNetworkInterface", "times": 1}`, "InternalError ok ok ok"},
		{`{"effect": "error", "action": "Create*", "times": 1}`, "InternalError ok ok ok"},
		{`{"effect": "error", "action": "Describe*"}`, "ok ok ok ok"},
		{`{"effect": "error", "resource": "` + subnetA + `", "times": 1}`, "InternalError ok ok ok"},
		{`{"effect": "error", "resource": "` + subnetB + `"}`, "ok ok ok ok"},
		{`{"effect": "throttle", "times": 1}`, "RequestLimitExceeded ok ok ok"},
		{`{"effect": "cut-before", "nth": 2}`, "ok - ok ok"},
		{`{"effect": "cut-after", "nth": 2}`, "ok - ok ok"},
		{`{"effect": "share", "share": 0.5}`, ""},
		{`{"effect": "delay"}`, ""},
		{`{"effect": "error", "share": 0}`, ""},
		{`{"effect": "error", "code": "InsufficientInstanceCapacity", "times": 1}`, "InsufficientInstanceCapacity ok ok ok"},
		{`{"effect": "error", "share": 2}`, ""},
		{`{"effect": "error", "colour": "red"}`, ""},
		{`{"effect": "error", "status": 200}`, ""},
		{`{"effect": "error", "action": "["}`, ""},
		{`{"effect": "omit"}`, "ok ok ok ok"},
		{`{"effect": "omit", "itemShare": 2}`, ""},
		{`{"effect": "omit", "itemShare": 0}`, ""},
		{`{"effect": "error", "items": ["eni-1"]}`, ""},
		{`{"effect": "error", "itemShare": 0.5}`, ""},
	} {
		l := newLab(t)
		status, answer := l.control("POST", "faults", c.rule)
		if c.want == "" {
			if status != 400 {
				t.Errorf("rule %s: %d %s, want it refused", c.rule, status, answer)
			}
			continue
		}
		if got := l.codes(4, doCreate(subnetA)); got != c.want {
			t.Errorf("rule %s: %s, want %s", c.rule, got, c.want)
		}
	}
}

// TestFaultsAct tells which of the lost calls took effect.
func TestFaultsAct(t *testing.T) {
	t.Parallel()
	for effect, want := range map[string]int{effectCutBefore: 0, effectCutAfter: 1, effectGarbage: 1, effectError: 0, effectThrottle: 0} {
		l := newLab(t)
		fault(fmt.Sprintf(`{"action": "CreateNetworkInterface", "effect": %q}`, effect))(l)
		if err := doCreate(subnetB)(l); err == nil {
			t.Errorf("%s: the call succeeded", effect)
		}
		l.must(list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("subnet-id", subnetB)})(l))
		if got := len(l.said.([]string)); got != want {
			t.Errorf("%s: %d interfaces were made, want %d", effect, got, want)
		}
	}
}

func stuckRows() []row {
	return []row{
		{
			action: "AttachNetworkInterface", situation: "attaching", source: simulated, given: given(fault(`{"effect": "stuck-attaching", "times": 1}`), created(subnetA), fault(`{"action": "Attach*", "effect": "stuck-attaching"}`)),
			when: doAttach(nil, node, 0, 1), code: "OK", then: given(settled, stateIs("in-use/attaching")),
		},
		{
			action: "DetachNetworkInterface", situation: "attaching, then detached", source: simulated, given: given(created(subnetA), fault(`{"action": "Attach*", "effect": "stuck-attaching"}`), func(l *lab) { l.attach(l.eni, node, 0, 1) }),
			when: doDetach(nil, false), code: "OK", then: given(settled, stateIs("available")),
		},
		{
			action: "DetachNetworkInterface", situation: "detaching", source: simulated, given: given(func(l *lab) { l.attached(node, 1) }, fault(`{"effect": "stuck-detaching", "times": 1}`)),
			when: doDetach(nil, false), code: "OK", then: given(settled, stateIs("in-use/detaching")),
		},
		{
			action: "DetachNetworkInterface", situation: "detaching, then by force", source: seenStuck, given: given(func(l *lab) { l.attached(node, 1) }, fault(`{"effect": "stuck-detaching", "times": 1}`), func(l *lab) { l.must(doDetach(nil, false)(l)) }),
			when: doDetach(nil, true), code: "OK", then: given(settled, stateIs("available")),
		},
	}
}

func TestHangAndDelay(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	fault(`{"action": "CreateNetworkInterface", "nth": 1, "effect": "hang"}`)(l)
	fault(`{"action": "CreateNetworkInterface", "nth": 2, "effect": "delay", "duration": "90s"}`)(l)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := l.ec2.CreateNetworkInterface(ctx, &createInput{SubnetId: new(subnetA)}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call that hangs ends with %v", err)
	}
	before := l.sim.Now()
	l.must(doCreate(subnetA)(l))
	if d := l.sim.Now().Sub(before); d != 90*time.Second {
		t.Errorf("the delayed call took %s", d)
	}
	if status, body := l.control("DELETE", "faults?id=1", ""); status != 200 || strings.Contains(body, "hang") || !strings.Contains(body, "delay") {
		t.Errorf("DELETE faults?id=1: %d %s", status, body)
	}
	if _, body := l.control("DELETE", "faults", ""); body != "[]\n" {
		t.Errorf("DELETE faults leaves %s", body)
	}
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

func TestCallsAndLog(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create(subnetA)
	_ = doDelete(new(nobody))(l)
	fault(`{"effect": "cut-after", "action": "DeleteNetworkInterface"}`)(l)
	_ = doDelete(nil)(l)
	_, body := l.control("GET", "calls", "")
	l.want("calls", body, `{"CreateNetworkInterface":{"OK":1},"DeleteNetworkInterface":{"InvalidNetworkInterfaceID.NotFound":1,"cut-after":1}}`+"\n")
	_, body = l.control("GET", "log?since=1", "")
	lines := bytes.Split(bytes.TrimSpace([]byte(body)), []byte("\n"))
	if len(lines) != 2 {
		t.Fatalf("the log since 1 is %s", body)
	}
	var e LogEntry
	l.must(json.Unmarshal(lines[1], &e))
	if e.Seq != 3 || !e.Acted || e.Fault != effectCutAfter || e.Parameters["NetworkInterfaceId"] != l.eni || e.Principal != "AKIDTEST" {
		t.Errorf("the last entry is %+v", e)
	}
	if status, _ := l.control("GET", "log?since=x", ""); status != 400 {
		t.Errorf("since=x is answered with %d", status)
	}
}

// TestFaultsTogether: a rule that another one keeps from striking strikes later.
func TestFaultsTogether(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ first, second, want string }{
		{`{"effect": "cut-before", "times": 1}`, `{"effect": "error", "times": 1}`, "- InternalError ok ok"},
		{`{"effect": "cut-before", "nth": 2}`, `{"effect": "error", "nth": 2}`, "ok - InternalError ok"},
		{`{"effect": "cut-before", "every": 2}`, `{"effect": "error", "nth": 4}`, "ok - ok -"},
		{`{"effect": "stuck-attaching", "times": 1}`, `{"effect": "error", "times": 1}`, "InternalError ok ok ok"},
	} {
		l := newLab(t)
		fault(c.first)(l)
		fault(c.second)(l)
		if got := l.codes(4, doCreate(subnetA)); got != c.want {
			t.Errorf("%s with %s: %s, want %s", c.first, c.second, got, c.want)
		}
	}
}

// TestFaultOfAttachment: a detach names only the attachment, which stands for its
// interface and its instance.
func TestFaultOfAttachment(t *testing.T) {
	t.Parallel()
	for _, by := range []func(*lab) string{func(l *lab) string { return l.eni }, func(*lab) string { return node }, func(l *lab) string { return l.att }} {
		l := newLab(t)
		l.attached(node, 1)
		fault(fmt.Sprintf(`{"action": "DetachNetworkInterface", "resource": %q, "effect": "stuck-detaching"}`, by(l)))(l)
		l.must(doDetach(nil, false)(l))
		l.settle()
		l.want("the interface", l.state(l.eni), "in-use/detaching")
	}
}

// TestFaultStatuses: EC2's server errors keep their status when they are injected.
func TestFaultStatuses(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"InsufficientInstanceCapacity": 500, "InsufficientAddressCapacity": 500, "InternalError": 500, "Unavailable": 503,
		"RequestLimitExceeded": 503, "UnauthorizedOperation": 403, "AuthFailure": 401, "IncorrectState": 400,
	} {
		l := newLab(t)
		fault(fmt.Sprintf(`{"effect": "error", "code": %q}`, code))(l)
		if got, status := outcome(doCreate(subnetA)(l)); got != code || status != want {
			t.Errorf("%s is answered with %s %d, want %d", code, got, status, want)
		}
	}
}

// TestMemory: neither tokens nor made-up actions pile up for ever.
func TestMemory(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w *World) { w.Variants.TokenLife = Exactly(time.Minute) })
	for i := range 3 * minSweep {
		l.must(doCreate(subnetA, token(fmt.Sprint(i)))(l))
		l.must(doDelete(nil)(l))
		l.clock.Advance(time.Second)
	}
	if n := len(l.sim.tokens); n > 2*minSweep {
		t.Errorf("%d tokens are kept", n)
	}
	for i := range 2 * maxUnknown {
		_ = l.form(fmt.Sprintf("Action=Fly%d", i))
	}
	calls := l.sim.Calls()
	if n := calls[otherActions]["InvalidAction"]; n != maxUnknown || calls["Fly1"]["InvalidAction"] != 1 {
		t.Errorf("%d unknown actions are counted together", n)
	}
}

// TestOmit: what a fault leaves out is missing where it should stand, and nothing else is, on whatever page.
func TestOmit(t *testing.T) {
	t.Parallel()
	const pageOf = 5 // the least that EC2 takes
	for _, c := range []struct {
		name string
		// fault is a rule in which %s stands for the IDs of the first, the sixth and the last interface.
		fault string
		want  func(shown, all []string) bool
	}{
		{"given", `{"effect": "omit", "action": "DescribeNetworkInterfaces", "items": [%s]}`, func(shown, all []string) bool {
			return slices.Equal(shown, slices.Concat(all[1:5], all[6:len(all)-1]))
		}},
		{"all", `{"effect": "omit", "action": "DescribeNetworkInterfaces"}`, func(shown, _ []string) bool { return len(shown) == 0 }},
		{"some", `{"effect": "omit", "action": "DescribeNetworkInterfaces", "itemShare": 0.5}`, func(shown, all []string) bool {
			return len(shown) > 0 && len(shown) < len(all)
		}},
		{"of other actions", `{"effect": "omit", "action": "DescribeInstances"}`, func(shown, all []string) bool { return slices.Equal(shown, all) }},
	} {
		l := newLab(t)
		for range 12 {
			l.create(subnetB)
		}
		all := l.pagesOf(pageOf)
		rule := c.fault
		if strings.Contains(rule, "%s") {
			rule = fmt.Sprintf(rule, fmt.Sprintf("%q, %q, %q", all[0], all[5], all[len(all)-1]))
		}
		fault(rule)(l)
		if shown := l.pagesOf(pageOf); !c.want(shown, all) {
			t.Errorf("%s: of %v are shown %v", c.name, all, shown)
		}
		l.control("DELETE", "faults", "")
		if shown := l.pagesOf(pageOf); !slices.Equal(shown, all) {
			t.Errorf("%s: when it is over, %v are shown of %v", c.name, shown, all)
		}
	}
}

// A share never leaves the same out of two lists one after another: what tells absence by two lists must be able to.
// A read that names IDs is on its own.
func TestOmitTwice(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	for range 12 {
		l.create(subnetB)
	}
	all := l.pagesOf(1000)
	fault(`{"effect": "omit", "action": "DescribeNetworkInterfaces", "every": 7}`)(l)
	fault(`{"effect": "omit", "action": "DescribeNetworkInterfaces", "itemShare": 0.5}`)(l)
	before, again := map[string]bool{}, 0
	for range 40 {
		shown := l.pagesOf(1000)
		for _, id := range all {
			left := !slices.Contains(shown, id)
			if left && before[id] && len(shown) > 0 {
				t.Errorf("%s is left out of two lists", id)
			}
			if before[id] = left; left {
				out, err := l.ec2.DescribeNetworkInterfaces(l.Context(), &ec2.DescribeNetworkInterfacesInput{Filters: []types.Filter{{Name: new("network-interface-id"), Values: []string{id}}}})
				l.must(err)
				if len(out.NetworkInterfaces) == 0 {
					again++
				}
			}
		}
	}
	if again == 0 {
		t.Error("nothing that a list leaves out is left out of the read by ID that follows")
	}
}

// pagesOf lists all interfaces page by page.
func (l *lab) pagesOf(size int32) (ids []string) {
	l.Helper()
	pages := ec2.NewDescribeNetworkInterfacesPaginator(l.ec2, &ec2.DescribeNetworkInterfacesInput{MaxResults: &size})
	for pages.HasMorePages() {
		page, err := pages.NextPage(l.Context())
		l.must(err)
		for _, i := range page.NetworkInterfaces {
			ids = append(ids, *i.NetworkInterfaceId)
		}
	}
	return ids
}

// A dry run changes nothing, so that it is none of the calls that a rule counts.
func TestCountedFaultsPassDryRunsOver(t *testing.T) {
	t.Parallel()
	dry := func(in *createInput) { in.DryRun = new(true) }
	for _, c := range []struct{ rule, want string }{
		{`{"effect": "error"}`, "InternalError InternalError InternalError"},
		{`{"effect": "throttle", "share": 1}`, "RequestLimitExceeded RequestLimitExceeded RequestLimitExceeded"},
		{`{"effect": "error", "nth": 1}`, "DryRunOperation InternalError ok"},
		{`{"effect": "error", "every": 1}`, "DryRunOperation InternalError InternalError"},
		{`{"effect": "error", "times": 1}`, "DryRunOperation InternalError ok"},
		{`{"effect": "stuck-attaching"}`, "DryRunOperation ok ok"},
	} {
		l := newLab(t)
		fault(c.rule)(l)
		if got := l.codes(1, doCreate(subnetA, dry)) + " " + l.codes(2, doCreate(subnetA)); got != c.want {
			t.Errorf("a dry run and two creates under %s: %s, want %s", c.rule, got, c.want)
		}
	}
}
