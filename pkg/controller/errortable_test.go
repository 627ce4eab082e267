package controller

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// tableNodes is how many nodes wait for a call that fails.
const tableNodes = 4

// doing is what a user does so that an action is called: before it fails, and while it fails.
type doing struct{ before, then func(*lab) }

var doings = map[string]doing{
	"CreateNetworkInterface": {func(*lab) {}, func(l *lab) { l.ask("a", 1) }},
	"AttachNetworkInterface": {func(*lab) {}, func(l *lab) { l.ask("a", 1) }},
	"ModifyNetworkInterfaceAttribute": {func(l *lab) { l.ask("a", 1) }, func(l *lab) {
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupB} })
	}},
	"CreateTags": {func(l *lab) { l.ask("a", 1) }, func(l *lab) {
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "a"} })
	}},
	"DeleteTags": {func(l *lab) {
		l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "a"} })
	}, func(l *lab) { l.edit("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = nil }) }},
	"DetachNetworkInterface": {func(l *lab) { l.ask("a", 1) }, func(l *lab) { l.delete("a") }},
	"DeleteNetworkInterface": {func(l *lab) { l.ask("a", 1) }, func(l *lab) { l.delete("a") }},
}

func releases(action string) bool {
	return action == "DetachNetworkInterface" || action == "DeleteNetworkInterface"
}

// blockedFor is the reason that a NodeENI shows for each kind of refusal; ReleaseFailed takes the place of AttachFailed
// where an interface is taken away.
var blockedFor = map[eni.Kind]string{
	eni.KindDenied:           v1alpha1.ReasonPermissionDenied,
	eni.KindCredentials:      v1alpha1.ReasonCredentialsRejected,
	eni.KindNoAccess:         v1alpha1.ReasonCredentialsRejected,
	eni.KindInvalid:          v1alpha1.ReasonAttachFailed,
	eni.KindUnclear:          v1alpha1.ReasonAttachFailed,
	eni.KindSubnetNotFound:   v1alpha1.ReasonSubnetNotFound,
	eni.KindSubnetFull:       v1alpha1.ReasonSubnetFull,
	eni.KindGroupNotFound:    v1alpha1.ReasonSecurityGroupNotFound,
	eni.KindQuotaReached:     v1alpha1.ReasonInterfaceQuotaReached,
	eni.KindLimitReached:     v1alpha1.ReasonInterfaceLimitReached,
	eni.KindZoneMismatch:     v1alpha1.ReasonSubnetInOtherZone,
	eni.KindInstanceNotFound: v1alpha1.ReasonInstanceNotFound,
	eni.KindInstanceState:    v1alpha1.ReasonInstanceNotRunning,
}

// wantedReason is why the NodeENI is stalled; empty when the call is made again without anybody's help.
func wantedReason(t *testing.T, row cloud.ErrorRow, action string) string {
	switch {
	case row.Then == eni.Blocked || row.Kind == eni.KindUnclear:
	case row.Then == eni.Wait:
		return ""
	case releases(action):
		return v1alpha1.ReasonReleaseFailed // an hour is longer than what may be over at once
	default:
		return v1alpha1.ReasonAttachFailed
	}
	reason, ok := blockedFor[row.Kind]
	if !ok {
		t.Fatalf("no case for a refusal of kind %q: %v", row.Kind, row.Codes)
	}
	if releases(action) && reason == v1alpha1.ReasonAttachFailed {
		return v1alpha1.ReasonReleaseFailed
	}
	return reason
}

// ofOneNode says which refusals concern the instance or the interface of the call only, so that each node finds out for
// itself; all others are of one cause for all nodes.
func ofOneNode(row cloud.ErrorRow, action string) bool {
	switch row.Kind {
	case eni.KindLimitReached, eni.KindZoneMismatch, eni.KindInstanceNotFound, eni.KindInstanceState:
		return true
	}
	return row.Then != eni.Blocked
}

const (
	// inAnHour is how many tries fit in the back-off of a refusal: 5, 10, 20, 40, 80, 160, then every 300 seconds; and
	// three more, as those for whom a call was refused let others go first.
	inAnHour = 6 + (3600-315)/300 + 4
	// pausesInAnHour is the same for a failure that may be over at once: 1, 2, 4, 8, 16, 32, then every 60 seconds.
	pausesInAnHour = 6 + (3600-63)/60 + 2
	// workersInLab are those that may have a call in progress when the first refusal comes.
	workersInLab = 5
)

// mostCalls is how often an action may be called in an hour of failing.
func mostCalls(row cloud.ErrorRow, action string) int {
	switch {
	case row.Kind == eni.KindThrottled && row.Then == eni.Wait:
		// Each node by its queue's back-off at first, then one for all.
		return tableNodes*7 + pausesInAnHour + workersInLab
	case !ofOneNode(row, action):
		return inAnHour + workersInLab
	case row.Then == eni.Blocked:
		return tableNodes * inAnHour
	case row.Kind == eni.KindUnclear:
		return inAnHour + 4 + workersInLab
	case row.Kind == eni.KindTokenMismatch:
		return tableNodes * (pausesInAnHour + maxTokenSteps)
	}
	return tableNodes * pausesInAnHour
}

// TestEveryRowOfTheTableOfErrors has EC2 answer an action with the codes of a row for an hour, one code after another,
// and then work again.
func TestEveryRowOfTheTableOfErrors(t *testing.T) {
	for _, row := range cloud.ErrorTable() {
		actions := row.Actions
		if len(actions) == 0 {
			actions = append(slices.Sorted(maps.Keys(doings)), "Describe*")
		}
		for _, action := range actions {
			t.Run(strings.Join([]string{action, row.Codes[0]}, " "), func(t *testing.T) {
				if strings.HasPrefix(action, "Describe") {
					inLab(t, tableNodes, nil, func(l *lab) { l.failingReads(row, action) })
					return
				}
				do, ok := doings[action]
				if !ok {
					t.Fatalf("no case for action %s", action)
				}
				inLab(t, tableNodes, nil, func(l *lab) { l.failingCalls(row, action, do) })
			})
		}
	}
}

// answer has EC2 answer an action with each of the codes, for an hour altogether. Of several rules for a call the first
// decides, so that the next code is there before the last one goes.
// After each, what is so of the first must be so.
func (l *lab) answer(action string, row cloud.ErrorRow, holds func(code string)) {
	l.Helper()
	for i, code := range row.Codes {
		if i > 0 {
			l.fault(ec2sim.Fault{Action: action, Effect: "error", Code: code})
			l.control("DELETE", fmt.Sprintf("/_sim/faults?id=%d", i))
		}
		l.pass(time.Hour / time.Duration(len(row.Codes)))
		holds(code)
	}
}

func (l *lab) failingCalls(row cloud.ErrorRow, action string, do doing) {
	do.before(l)
	l.pass(2 * time.Minute)
	l.fault(ec2sim.Fault{Action: action, Effect: "error", Code: row.Codes[0]})
	l.told("")
	before := l.calls(action)
	do.then(l)
	reason := wantedReason(l.T, row, action)
	l.answer(action, row, func(string) {
		if reason == "" {
			l.wantCondition("a", v1alpha1.ConditionStalled, "False "+v1alpha1.ReasonNotStalled)
			l.wantCondition("a", v1alpha1.ConditionReconciling, "True "+l.goingOn(action))
			return
		}
		l.wantCondition("a", v1alpha1.ConditionStalled, "True "+reason)
		l.wantCondition("a", v1alpha1.ConditionReconciling, "False "+reason)
	})
	calls := l.calls(action) - before
	if most := mostCalls(row, action); calls > most || calls < 3 {
		l.Errorf("%d calls in an hour of failing, want 3 to %d", calls, most)
	}
	if reason != "" && l.told(reason) == 0 {
		l.Errorf("no event tells of %s", reason)
	}
	l.heal()
	l.pass(maxSetback + time.Minute)
	l.wantRecovered(action)
}

// goingOn is the reason of Reconciling while a call is tried again and again.
func (l *lab) goingOn(action string) string {
	if releases(action) {
		return v1alpha1.ReasonTerminating
	}
	return v1alpha1.ReasonProgressing
}

func (l *lab) wantRecovered(action string) {
	l.Helper()
	l.wantRecoveredOn(action, tableNodes)
}

func (l *lab) wantRecoveredOn(action string, nodes int) {
	l.Helper()
	if releases(action) {
		l.wantOurs()
		if len(l.nodeENI("a").Finalizers) > 0 {
			l.Error("the finalizer is still there")
		}
		return
	}
	l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	l.wantAttached(nodes)
	want := l.nodeENI("a").Spec
	for _, i := range l.sim.Snapshot().Interfaces {
		if i.Tags[eni.TagClusterID] == "cluster-1" && i.Tags["team"] != want.Tags["team"] {
			l.Errorf("interface %s is tagged team=%q, want %q", i.ID, i.Tags["team"], want.Tags["team"])
		}
	}
}

// failingReads: a read that fails decides nothing, is made again at most every half minute by each of those who read,
// and all is well afterwards.
func (l *lab) failingReads(row cloud.ErrorRow, action string) {
	l.ask("a", 1)
	l.pass(2 * time.Minute)
	l.fault(ec2sim.Fault{Action: action, Effect: "error", Code: row.Codes[0]})
	mutating, reads := l.mutatingCalls(), l.reads()
	l.answer(action, row, func(string) { l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached) })
	if got := l.mutatingCalls() - mutating; got > 0 {
		l.Errorf("%d calls that change something while reads fail", got)
	}
	// Eight loops read; a refused list of instances is asked for in a second form.
	if got, most := l.reads()-reads, 9*(3600/30+6); got > most || got < 10 {
		l.Errorf("%d reads in an hour of failing, want 10 to %d", got, most)
	}
	l.heal()
	l.ask("b", 2)
	l.pass(6 * time.Minute)
	l.wantCondition("b", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	l.wantAttached(2 * tableNodes)
}

// reads counts the calls that change nothing.
func (l *lab) reads() (count int) {
	for action := range l.sim.Calls() {
		if strings.HasPrefix(action, "Describe") {
			count += l.calls(action)
		}
	}
	return count
}
