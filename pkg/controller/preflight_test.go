package controller

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// policy is manifests/iam/policy.json, as far as it matters here.
type policy struct {
	Version   string
	Statement []map[string]any
}

func shippedPolicy(t *testing.T) policy {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "manifests", "iam", "policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p policy
	if err := json.Unmarshal(bytes.ReplaceAll(data, []byte("CLUSTER_NAME"), []byte("prod")), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

// without is the policy without one of its statements.
func (p policy) without(sid string) policy {
	return policy{p.Version, slices.DeleteFunc(slices.Clone(p.Statement), func(s map[string]any) bool { return s["Sid"] == sid })}
}

// actions are what a statement is about.
func actions(statement map[string]any) (list []string) {
	if one, ok := statement["Action"].(string); ok {
		return []string{one}
	}
	for _, action := range statement["Action"].([]any) {
		list = append(list, action.(string))
	}
	return list
}

// under has the controller work under the policy.
func (p policy) under(w *ec2sim.World) {
	document, err := json.Marshal(p)
	if err != nil {
		panic(err)
	}
	w.Principals = []ec2sim.Principal{{Name: "controller", AccessKey: "AKIDTEST", Documents: []string{string(document)}}}
	for i := range w.Instances {
		w.Instances[i].Tags = map[string]string{"kubernetes.io/cluster/prod": "owned"}
	}
}

// lines is a log that tests can read.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// with are the lines that contain the text.
func (l *lines) with(text string) (found []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for line := range strings.Lines(l.text.String()) {
		if strings.Contains(line, text) {
			found = append(found, line)
		}
	}
	return found
}

// log has the controllers that are started write into a log from now on.
func (l *lab) log(verbosity int) *lines {
	out := &lines{}
	l.base = klog.NewContext(context.Background(), textlogger.NewLogger(textlogger.NewConfig(textlogger.Verbosity(verbosity), textlogger.Output(out))))
	return out
}

// inPreflight runs a story in which what EC2 allows is asked, and which has a log.
func inPreflight(t *testing.T, nodes int, change func(*ec2sim.World), story func(*lab, *lines)) {
	t.Helper()
	inLab(t, nodes, change, func(l *lab) {
		l.settleAndStop()
		l.preflight = true
		out := l.log(2)
		l.start()
		story(l, out)
	})
}

// dryRuns counts those that EC2 has allowed, by action.
func (l *lab) dryRuns() map[string]int {
	counts := map[string]int{}
	for action, codes := range l.sim.Calls() {
		if n := codes["DryRunOperation"]; n > 0 {
			counts[action] = n
		}
	}
	return counts
}

// everyCheck is how often each action is asked about when each of its permissions is checked once.
func everyCheck() map[string]int {
	counts := map[string]int{}
	for _, check := range permissionChecks {
		counts[check.action]++
	}
	return counts
}

func (l *lab) missing(name string) string {
	l.Helper()
	c := meta.FindStatusCondition(l.nodeENI(name).Status.Conditions, v1alpha1.ConditionPermissionsMissing)
	switch {
	case c == nil:
		return ""
	case c.Status != "True" || c.Reason != v1alpha1.ReasonPermissionDenied:
		l.Errorf("condition %+v", c)
	}
	return c.Message
}

// deniedByMetric is what the metric says of a call.
func (l *lab) deniedByMetric(check permissionCheck) bool {
	l.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	l.must(err)
	for _, family := range families {
		if family.GetName() != "multi_eni_ec2_permission_denied" {
			continue
		}
		for _, metric := range family.GetMetric() {
			labels := map[string]string{}
			for _, pair := range metric.GetLabel() {
				labels[pair.GetName()] = pair.GetValue()
			}
			if labels["action"] == check.action && labels["statements"] == strings.Join(check.statements, ",") {
				return metric.GetGauge().GetValue() == 1
			}
		}
	}
	l.Errorf("there is no metric of %s", check)
	return false
}

// The table of checks and the shipped policy say the same.
func TestEveryStatementOfThePolicyIsChecked(t *testing.T) {
	var needed, granted []string
	for _, check := range permissionChecks {
		for _, sid := range check.statements {
			action := check.action
			if sid == "TagOwnInterfacesOnCreate" {
				action = "CreateTags" // which EC2 asks for when a create has tags
			}
			needed = append(needed, sid+" ec2:"+action)
		}
	}
	for _, statement := range shippedPolicy(t).Statement {
		for _, action := range actions(statement) {
			granted = append(granted, fmt.Sprint(statement["Sid"], " ", action))
		}
	}
	slices.Sort(needed)
	slices.Sort(granted)
	if needed := slices.Compact(needed); !slices.Equal(needed, granted) {
		t.Errorf("the checks need\n%q, the policy grants\n%q", needed, granted)
	}
}

func TestWhatIsAllowedIsAskedOnceAnHour(t *testing.T) {
	inPreflight(t, 2, shippedPolicy(t).under, func(l *lab, out *lines) {
		l.pass(10 * time.Minute)
		want := map[string]int{"DescribeNetworkInterfaces": 1, "DescribeInstances": 1, "DescribeInstanceTypes": 1, "DescribeSubnets": 1}
		if got := l.dryRuns(); !maps.Equal(got, want) {
			t.Errorf("without anything to ask about, dry runs are %v, want %v", got, want)
		}
		l.ask("a", 1)
		l.pass(time.Minute)
		if got := l.dryRuns(); !maps.Equal(got, everyCheck()) {
			t.Errorf("dry runs %v, want %v", got, everyCheck())
		}
		before := l.dryRuns()
		l.pass(10 * time.Hour)
		for action, n := range l.dryRuns() {
			if got := n - before[action]; got != 10*everyCheck()[action] {
				t.Errorf("%d dry runs of %s in ten hours, want %d", got, action, 10*everyCheck()[action])
			}
		}
		if got := l.missing("a") + strings.Join(out.with("permission"), ""); got != "" {
			t.Errorf("something is said to be missing: %s", got)
		}
		if err := l.controller.ReadsDenied(); err != nil {
			t.Error(err)
		}
	})
}

// Each statement that is not there is told: in the condition, in one line of the log, and by the metric; and only what
// it takes.
func TestAMissingStatementIsTold(t *testing.T) {
	whole := shippedPolicy(t)
	for _, statement := range whole.Statement {
		sid := statement["Sid"].(string)
		if sid == "Describe" {
			continue // without which nothing at all can be done: see below
		}
		t.Run(sid, func(t *testing.T) {
			// The node's interface is there already, so that everything can be asked about.
			owned := func(w *ec2sim.World) {
				whole.without(sid).under(w)
				w.Interfaces = append(w.Interfaces, ec2sim.Interface{
					Subnet: subnetA, SecurityGroups: []string{groupA},
					Tags: eni.Owner{
						ClusterID: "cluster-1", ClusterName: "prod", NodeENIUID: "uid-a", NodeENIName: "a", NodeName: nodeName(0), InstanceID: instanceID(0), Slot: eni.Slot{Index: 1},
					}.Tags(),
					Attachment: &ec2sim.Attachment{Instance: instanceID(0), DeviceIndex: 1, DeleteOnTermination: true},
				})
			}
			inPreflight(t, 1, owned, func(l *lab, out *lines) {
				l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = new(true) })
				l.pass(10 * time.Minute)
				message := l.missing("a")
				for _, check := range permissionChecks {
					takes := slices.Contains(check.statements, sid)
					if told := strings.Contains(message, check.String()); told != takes {
						t.Errorf("%s is told to be missing: %v, want %v; %s", check, told, takes, message)
					}
					if got := l.deniedByMetric(check); got != takes {
						t.Errorf("by the metric, %s is denied: %v, want %v", check, got, takes)
					}
				}
				if got := out.with("EC2 permissions are missing"); len(got) != 1 {
					t.Errorf("%d lines of the log tell of it, want 1: %q", len(got), got)
				}
				if err := l.controller.ReadsDenied(); err != nil {
					t.Errorf("reads are not denied: %v", err)
				}
				l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			})
		})
	}
}

// Without leave to read, nothing is known of any interface: that is told on each NodeENI, be it new or known, and by
// every gate; nothing is done, and all goes on when the policy is mended.
func TestDeniedReadsAreTold(t *testing.T) {
	inPreflight(t, 1, shippedPolicy(t).under, func(l *lab, _ *lines) {
		l.ask("known", 2)
		l.pass(5 * time.Minute)
		l.wantCondition("known", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		l.stop()
		l.fault(ec2sim.Fault{Effect: "error", Action: "Describe*", Code: "UnauthorizedOperation"})
		out := l.log(2)
		l.start()
		l.ask("new", 1)
		changes := l.mutatingCalls()
		l.pass(10 * time.Minute)
		for _, name := range []string{"known", "new"} {
			for _, action := range []string{"DescribeNetworkInterfaces", "DescribeInstances", "DescribeInstanceTypes", "DescribeSubnets"} {
				if got := l.missing(name); !strings.Contains(got, "ec2:"+action+" (statement Describe)") {
					t.Errorf("%s: missing: %q, want %s among it", name, got, action)
				}
			}
			l.wantCondition(name, v1alpha1.ConditionReady, "Unknown "+v1alpha1.ReasonPermissionDenied)
			l.wantCondition(name, v1alpha1.ConditionReconciling, "False "+v1alpha1.ReasonPermissionDenied)
			l.wantCondition(name, v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonPermissionDenied)
			if n := l.nodeENI(name); n.Status.ObservedGeneration != n.Generation {
				t.Errorf("%s: observed generation %d of %d", name, n.Status.ObservedGeneration, n.Generation)
			}
		}
		if status := l.nodeENI("known").Status; len(status.Attachments) != 1 || *status.AttachedNodes != 1 {
			t.Errorf("what was known is forgotten: %+v", status)
		}
		if err := l.controller.ReadsDenied(); err == nil || !strings.Contains(err.Error(), "ec2:DescribeSubnets (statement Describe)") {
			t.Errorf("reads are denied: %v", err)
		}
		if got := out.with("EC2 permissions are missing"); len(got) != 1 {
			t.Errorf("%d lines of the log tell of it, want 1: %q", len(got), got)
		}
		if got := l.mutatingCalls() - changes; got > 0 {
			t.Errorf("%d calls that change EC2", got)
		}
		writes := l.writes()
		l.pass(3 * time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes while the same is missing", got)
		}
		l.heal()
		l.pass(maxReprobe + time.Minute)
		for _, name := range []string{"known", "new"} {
			l.wantCondition(name, v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			if got := l.missing(name); got != "" {
				t.Errorf("%s: still missing: %q", name, got)
			}
		}
	})
}

// A read that is denied while everything works is told within minutes, by its own name, and does not make unknown what
// is known.
func TestAReadThatIsDeniedLaterIsTold(t *testing.T) {
	for _, action := range []string{"DescribeNetworkInterfaces", "DescribeInstances", "DescribeSubnets"} {
		inPreflight(t, 1, shippedPolicy(t).under, func(l *lab, _ *lines) {
			l.ask("a", 1)
			l.pass(20 * time.Minute)
			l.fault(ec2sim.Fault{Effect: "error", Action: action, Code: "UnauthorizedOperation"})
			l.pass(6 * time.Minute) // the period after which everything is read again, and one minute
			if got := l.missing("a"); !strings.HasPrefix(got, "IAM denies ec2:"+action+" (statement Describe); compare") {
				t.Errorf("%s: missing: %q", action, got)
			}
			l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
			asked := l.sim.Calls()[action]["UnauthorizedOperation"]
			l.pass(time.Hour)
			if got := l.sim.Calls()[action]["UnauthorizedOperation"] - asked; got > 12+120+5 {
				t.Errorf("%s: %d calls in an hour of denial: more than the dry runs and the reads with their back-off", action, got)
			}
			l.heal()
			l.pass(maxReprobe + time.Minute)
			if got := l.missing("a"); got != "" {
				t.Errorf("%s: still missing: %q", action, got)
			}
		})
	}
}

// A policy that is mended is seen within minutes; until then EC2 is not hammered.
func TestAMendedPolicyIsSeen(t *testing.T) {
	inPreflight(t, 1, shippedPolicy(t).under, func(l *lab, out *lines) {
		l.fault(ec2sim.Fault{Effect: "error", Action: "DetachNetworkInterface", Code: "UnauthorizedOperation"})
		l.ask("a", 1)
		l.pass(time.Hour)
		if got := l.missing("a"); !strings.HasPrefix(got, "IAM denies ec2:DetachNetworkInterface (statements ManageOwnInterfaces, AttachToInstances); compare") {
			t.Errorf("missing: %q", got)
		}
		if got := l.sim.Calls()["DetachNetworkInterface"]["UnauthorizedOperation"]; got < 5 || got > 16 {
			t.Errorf("%d dry runs in an hour of denial, want them further and further apart", got)
		}
		writes := l.writes()
		l.pass(time.Hour)
		if got := l.writes() - writes; got > 0 {
			t.Errorf("%d writes while the same is missing", got)
		}
		l.heal()
		l.pass(maxReprobe + time.Minute)
		if got := l.missing("a"); got != "" {
			t.Errorf("still missing: %q", got)
		}
		if got := len(out.with("EC2 permissions are missing")) + len(out.with("EC2 permissions are complete again")); got != 2 {
			t.Errorf("%d lines of the log, want one that it began and one that it ended", got)
		}
	})
}

// What fails without an answer says nothing about permissions.
func TestTroubleIsNoDenial(t *testing.T) {
	inPreflight(t, 1, shippedPolicy(t).under, func(l *lab, out *lines) {
		l.ask("a", 1)
		l.pass(30 * time.Second)
		for _, code := range []string{"InternalError", "RequestExpired", "InvalidNetworkInterfaceID.NotFound"} {
			l.fault(ec2sim.Fault{Effect: "error", Action: "De*", Code: code})
			l.pass(3 * time.Hour)
			l.heal()
		}
		if got := l.missing("a") + strings.Join(out.with("EC2 permissions"), ""); got != "" {
			t.Errorf("something is said to be missing: %s", got)
		}
		l.pass(time.Hour + maxReprobe)
		before := l.dryRuns()
		l.pass(time.Hour)
		for action, n := range everyCheck() {
			if got := l.dryRuns()[action] - before[action]; got != n {
				t.Errorf("%d dry runs of %s in an hour after it, want %d", got, action, n)
			}
		}
	})
}

// ignorant is an endpoint that does not know what a dry run is, and makes the call.
type ignorant struct{ http.RoundTripper }

func (i ignorant) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	form.Del("DryRun")
	r = r.Clone(r.Context())
	text := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	return i.RoundTripper.RoundTrip(r)
}

func TestAnEndpointWithoutDryRunsIsNotTrusted(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.settleAndStop()
		l.preflight = true
		out := l.log(2)
		l.wire.RoundTripper = ignorant{l.wire.RoundTripper}
		l.start()
		l.ask("a", 1)
		l.pass(3 * time.Hour)
		l.wantOurs("node-00 1 attached")
		for action, want := range map[string]int{"CreateNetworkInterface": 1, "AttachNetworkInterface": 1, "ModifyNetworkInterfaceAttribute": 1, "DetachNetworkInterface": 0, "DeleteNetworkInterface": 0, "CreateTags": 0, "DeleteTags": 0} {
			if got := l.calls(action); got != want {
				t.Errorf("%d calls of %s, want %d", got, action, want)
			}
		}
		if got := out.with("Permissions are not checked"); len(got) != 1 {
			t.Errorf("%d lines of the log tell of it, want 1: %q", len(got), got)
		}
	})
}

// What can not be asked about any more is not known to be missing: nobody would see that the policy was mended.
func TestADenialGoesWithWhatItWasAskedAbout(t *testing.T) {
	inPreflight(t, 1, shippedPolicy(t).under, func(l *lab, _ *lines) {
		l.fault(ec2sim.Fault{Effect: "error", Action: "DeleteTags", Code: "UnauthorizedOperation"})
		l.ask("a", 1)
		l.ask("b", 2, func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = map[string]string{"ng": "none"} })
		l.pass(10 * time.Minute)
		if got := l.missing("b"); !strings.Contains(got, "ec2:DeleteTags") {
			t.Errorf("missing: %q", got)
		}
		l.delete("a")
		l.pass(5 * time.Minute)
		l.wantOurs()
		l.heal()
		l.pass(time.Hour)
		if got := l.missing("b"); got != "" {
			t.Errorf("missing in an hour after the policy was mended: %q", got)
		}
	})
}

// A denial about an interface that has gone meanwhile, or made way for another one, says nothing about permissions.
func TestADenialAboutWhatIsGoneIsNotBelieved(t *testing.T) {
	denied := &eni.Error{Kind: eni.KindDenied}
	asked := eni.Probe{Interface: eni.Interface{ID: "eni-1"}}
	for _, test := range []struct {
		name   string
		now    string
		answer error
		want   eni.Kind
	}{
		{"it is there", "eni-1", denied, eni.KindDenied},
		{"it is gone", "", denied, eni.KindNotFound},
		{"another one is there", "eni-2", denied, eni.KindNotFound},
		{"throttled, and gone", "", &eni.Error{Kind: eni.KindThrottled}, eni.KindThrottled},
	} {
		check := permissionCheck{subject: func(*Controller) (eni.Probe, bool) {
			return eni.Probe{Interface: eni.Interface{ID: test.now}}, test.now != ""
		}}
		if got := eni.KindOf(new(Controller).believed(check, asked, test.answer)); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	if err := new(Controller).believed(permissionCheck{}, asked, nil); err != nil {
		t.Errorf("what is allowed became %v", err)
	}
}
