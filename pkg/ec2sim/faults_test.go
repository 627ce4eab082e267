package ec2sim

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

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
