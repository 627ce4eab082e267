package controller

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

var update = flag.Bool("update", false, "write testdata anew")

const messagesFile = "testdata/messages.txt"

// nextStep is what a message has that says what to do: an imperative after what is wrong.
var nextStep = regexp.MustCompile(`(^|[;:,] |, or,? |, and |; else )(if [^;]+, )?(free|delete|correct|choose|use|set|select|compare|look at|find|stop|start|wait|run|give|name|take|attach|remove|label|have|put|do|make|see|separate|request)\b|the condition Stalled says what to do|spec is corrected: |see status\.attachments`)

// TestMessages holds every message about what EC2 refuses, and every event that is told here, against
// testdata/messages.txt, and asks of these and of those of package plan that every reason has one, and that each says
// what to do where its reason has a cure.
func TestMessages(t *testing.T) {
	text := refusals(t) + eventMessages()
	if *update {
		if err := os.WriteFile(filepath.FromSlash(messagesFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(readText(t, messagesFile), text); diff != "" {
		t.Errorf("other messages than %s has, which go test ./pkg/controller -run TestMessages -update writes anew (-file +said):\n%s", messagesFile, diff)
	}
	cures := map[string]string{}
	for path, prefix := range map[string]string{
		"../apis/networking/v1alpha1/constants.go": "Reason", "../plan/notices.go": "Notice", "events.go": "event",
	} {
		curesIn(t, path, prefix, cures)
	}
	said := map[string]int{}
	for _, one := range append(messagesIn(t, messagesFile), messagesIn(t, "../plan/"+messagesFile)...) {
		if said[one.reason]++; needsStep(cures[one.reason]) && !nextStep.MatchString(one.message) {
			t.Errorf("%s (%s) does not say what to do: %s", one.reason, one.situation, one.message)
		}
		if cures[one.reason] == "" {
			t.Errorf("%s is no reason that is declared", one.reason)
		}
	}
	for reason, cure := range cures {
		if needsStep(cure) && said[reason] == 0 {
			t.Errorf("no message with the reason %s is among those of the files", reason)
		}
	}
	if len(cures) < 50 || len(said) < 35 {
		t.Errorf("only %d reasons were found, and messages for %d", len(cures), len(said))
	}
}

// needsStep reports whether there is something to do about a reason, by the cure that its comment has, beyond what the
// message that is quoted says.
func needsStep(cure string) bool {
	for _, none := range []string{"none is needed.", "none is needed;", "none is needed the first", "wait", "that of the reason"} {
		if strings.HasPrefix(cure, none) {
			return false
		}
	}
	return true
}

func readText(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash(path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

type messageIn struct{ reason, situation, message string }

// messagesIn reads a file of messages.
func messagesIn(t *testing.T, path string) (found []messageIn) {
	t.Helper()
	for _, match := range regexp.MustCompile(`(?m)^(\w+) \((.+)\)\n\t(.*)$`).FindAllStringSubmatch(readText(t, path), -1) {
		found = append(found, messageIn{match[1], match[2], match[3]})
	}
	if len(found) < 20 {
		t.Fatalf("only %d messages are in %s", len(found), path)
	}
	return found
}

// curesIn reads the cures from the comments of the constants whose names have the prefix, by the constants' values.
func curesIn(t *testing.T, path, prefix string, cures map[string]string) {
	t.Helper()
	for _, spec := range constantsIn(t, path, prefix) {
		value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		_, cure, ok := strings.Cut(spec.Doc.Text(), "\nCure: ")
		if err != nil || !ok {
			t.Fatalf("%s: %s has no cure", path, spec.Names[0].Name)
		}
		if cures[value] == "" || !needsStep(cures[value]) { // an event may be called as a reason is
			cures[value] = cure
		}
	}
}

// constantsIn are the constants of a file whose names have the prefix.
func constantsIn(t *testing.T, path, prefix string) (found []*ast.ValueSpec) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.FromSlash(path), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(node ast.Node) bool {
		if spec, ok := node.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, prefix) && len(spec.Values) == 1 {
			found = append(found, spec)
		}
		return true
	})
	return found
}

// kinds are all kinds of failure.
func kinds(t *testing.T) (all []eni.Kind) {
	t.Helper()
	for _, spec := range constantsIn(t, "../eni/errors.go", "Kind") {
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, eni.Kind(text))
	}
	if len(all) < 20 {
		t.Fatalf("only %d kinds were found", len(all))
	}
	return all
}

// refusals are what is told of a refusal of each kind, by the calls of the attach side and by one that takes an interface
// away, and of failures that last.
func refusals(t *testing.T) string {
	var b strings.Builder
	tell := func(situation string, kind eni.Kind, reason, message string) {
		fmt.Fprintf(&b, "%s (%s: %s)\n\t%s\n", reason, situation, kind, message)
	}
	n := &v1alpha1.NodeENI{Spec: v1alpha1.NodeENISpec{SubnetID: "subnet-1", SecurityGroupIDs: []string{"sg-1", "sg-2"}}}
	answered := func(kind eni.Kind, action plan.ActionKind) error {
		return &eni.Error{Kind: kind, Operation: operations[action], Subject: "eni-1", Code: "ACode", Message: "What EC2 says."}
	}
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, kind := range kinds(t) {
		if !refused(answered(kind, plan.Create)) {
			continue // it is tried again, and told when it lasts
		}
		reason, message := explain(n, answered(kind, plan.Attach))
		tell(string(plan.Attach), kind, reason, message)
		if r, m := explain(n, answered(kind, plan.Create)); r != reason || strings.ReplaceAll(m, operations[plan.Create], operations[plan.Attach]) != message {
			tell(string(plan.Create), kind, r, m)
		}
		reason, message = explainRelease("eni-1", answered(kind, plan.Detach))
		tell(string(plan.Detach), kind, reason, message)
	}
	why := &eni.Error{Kind: eni.KindNotClaimable, Operation: operations[plan.Claim], Subject: "eni-1", Err: fmt.Errorf("an AWS service manages it; %s", plan.ClaimElsewhere)}
	reason, message := explain(n, why)
	tell("Claim", eni.KindNotClaimable, reason, message)
	for _, c := range []call{{kind: plan.Create, nodeENI: n}, {kind: plan.Delete, interfaceID: "eni-1"}} {
		reason, message := explainEndured(c, since, &eni.Error{Kind: eni.KindUnknownOutcome, Operation: operations[c.kind]})
		tell(string(c.kind)+" for long", eni.KindUnknownOutcome, reason, message)
	}
	return b.String()
}

// eventMessages are those of the events that no change of a status tells, and what is told of objects.
func eventMessages() string {
	action := plan.Action{Kind: plan.Detach, InterfaceID: "eni-1", InstanceID: "i-1", NodeName: "node-a", Force: true}
	attached := eni.ObservedInterface{Interface: eni.Interface{ID: "eni-1", PrivateIP: "10.0.1.9", Tags: map[string]string{eni.TagNodeENIName: "a"}}}
	missing := &preflight{checks: map[eni.ProbeCall]*checked{eni.ProbeDetach: {denied: true}}}
	rows := []messageIn{
		{v1alpha1.ReasonDetachStuck, "told by force", forcedMessage(action)},
		{eventDetachForced, "event", detachForcedMessage(action)},
		{eventNodeAddressChanged, "event", movedMessage("10.0.0.4", "10.0.1.9", []eni.ObservedInterface{attached})},
		{eventNodeAddressChanged, "event, of a node's own address", movedMessage("10.0.0.4", "10.0.0.5", []eni.ObservedInterface{attached})},
		{eventNodeContested, "event", nodeContestedMessage([]string{string(fieldNodeTaint)}, "node-a")},
		{v1alpha1.ReasonObjectContested, "the status", contestedMessage([]string{string(fieldStatus)}, "someone", "a")},
		{v1alpha1.ReasonPermissionDenied, "before it is needed", missing.missingPermissions()},
	}
	var b strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&b, "%s (%s)\n\t%s\n", row.reason, row.situation, row.message)
	}
	return b.String()
}

// What is wrong and what to do comes first: of a long message only the beginning is kept.
func TestTheCureComesBeforeTheAnswer(t *testing.T) {
	shouted := strings.Repeat("LOUD ", 400)
	n := &v1alpha1.NodeENI{Spec: v1alpha1.NodeENISpec{SubnetID: "subnet-0123456789abcdef0", SecurityGroupIDs: []string{"sg-0123456789abcdef0"}}}
	checked := 0
	for _, kind := range kinds(t) {
		err := &eni.Error{Kind: kind, Operation: "AttachNetworkInterface", Code: "ACode", Message: shouted}
		_, attach := explain(n, err)
		_, release := explainRelease("eni-0123456789abcdef0", err)
		for _, message := range []string{attach, release} {
			before, _, loud := strings.Cut(message, "LOUD")
			if checked++; loud && !nextStep.MatchString(before) {
				t.Errorf("%s: the answer comes before the cure: %.120s…", kind, message)
			}
			if loud && len(before) > 320 && !slices.Contains([]eni.Kind{eni.KindUnclear, eni.KindNoAccess, eni.KindCredentials}, kind) {
				t.Errorf("%s: %d bytes before EC2's answer, which a long list of attachments cuts", kind, len(before))
			}
		}
	}
	if checked < 40 {
		t.Errorf("only %d messages were looked at", checked)
	}
}
