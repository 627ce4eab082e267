package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// maxMessage is what the API takes for a condition's message.
const maxMessage = 32768

const messageSeeStalled = "nothing goes on without help; the condition Stalled says what to do"

// conditions are Ready, Reconciling and Stalled, as kstatus reads them: a summary, and two that are true
// when something is not as usual. PermissionsMissing is like those two, but is there only when it is true: it says
// nothing of how this NodeENI stands, which may be well until something has to be done for it.
func conditions(in StatusInput, t tally) []metav1.Condition {
	stalled := stalledCondition(in, t)
	reconciling := reconcilingCondition(in, t, stalled)
	list := []metav1.Condition{readyCondition(in, t, reconciling, stalled), reconciling, stalled}
	if in.MissingPermissions != "" {
		list = append(list, condition(v1alpha1.ConditionPermissionsMissing, metav1.ConditionTrue, v1alpha1.ReasonPermissionDenied, in.MissingPermissions))
	}
	return dated(in, list)
}

// unread are the conditions while nothing is known of the NodeENI's interfaces, since EC2 may not be read.
func unread(in StatusInput) []metav1.Condition {
	message := "nothing is known of the interfaces, and nothing is done, until EC2 may be read: " + in.MissingPermissions
	return dated(in, []metav1.Condition{
		condition(v1alpha1.ConditionReady, metav1.ConditionUnknown, v1alpha1.ReasonPermissionDenied, message),
		condition(v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonPermissionDenied, messageSeeStalled),
		condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonPermissionDenied, message),
		condition(v1alpha1.ConditionPermissionsMissing, metav1.ConditionTrue, v1alpha1.ReasonPermissionDenied, in.MissingPermissions),
	})
}

// dated gives conditions the generation that they are about, and the time since when they are so.
func dated(in StatusInput, list []metav1.Condition) []metav1.Condition {
	for i := range list {
		c := &list[i]
		c.ObservedGeneration = in.NodeENI.Generation
		c.LastTransitionTime = metav1.NewTime(in.Now.Truncate(time.Second))
		for _, before := range in.NodeENI.Status.Conditions {
			if before.Type == c.Type && before.Status == c.Status && !before.LastTransitionTime.IsZero() {
				c.LastTransitionTime = before.LastTransitionTime
			}
		}
	}
	return list
}

// stalledCondition is True when nothing goes on without help.
func stalledCondition(in StatusInput, t tally) metav1.Condition {
	no := condition(v1alpha1.ConditionStalled, metav1.ConditionFalse, v1alpha1.ReasonNotStalled, "")
	if !deleting(in) {
		if errs := Validate(in.NodeENI); len(errs) > 0 {
			return condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec,
				"nothing is created or released until the spec is corrected: "+errs.ToAggregate().Error())
		}
	}
	if in.Contested != "" {
		return condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonObjectContested, in.Contested)
	}
	goingOn := t.pending + t.releasing - t.held
	if len(t.reasons) == 0 || goingOn > 0 {
		return no
	}
	return condition(v1alpha1.ConditionStalled, metav1.ConditionTrue, t.mainReason(), t.explainReasons())
}

// reconcilingCondition is True while something goes on.
func reconcilingCondition(in StatusInput, t tally, stalled metav1.Condition) metav1.Condition {
	yes := func(reason, message string) metav1.Condition {
		return condition(v1alpha1.ConditionReconciling, metav1.ConditionTrue, reason, message)
	}
	switch {
	case stalled.Status == metav1.ConditionTrue:
		return condition(v1alpha1.ConditionReconciling, metav1.ConditionFalse, stalled.Reason, messageSeeStalled)
	case deleting(in) && t.releasing > 0:
		return yes(v1alpha1.ReasonTerminating, fmt.Sprintf("being deleted; %s to release", interfaces(t.releasing)))
	case deleting(in):
		return yes(v1alpha1.ReasonTerminating, "being deleted; EC2 is asked whether any interface is left")
	case t.pending > 0:
		return yes(v1alpha1.ReasonProgressing, t.progress())
	case t.releasing > 0:
		return yes(v1alpha1.ReasonReleasing, fmt.Sprintf("%s to release", interfaces(t.releasing)))
	}
	return condition(v1alpha1.ConditionReconciling, metav1.ConditionFalse, v1alpha1.ReasonStable, "")
}

// readyCondition is True when every matching node has what it should.
func readyCondition(in StatusInput, t tally, reconciling, stalled metav1.Condition) metav1.Condition {
	no := func(reason, message string) metav1.Condition {
		return condition(v1alpha1.ConditionReady, metav1.ConditionFalse, reason, message)
	}
	switch {
	case deleting(in) && stalled.Status == metav1.ConditionFalse:
		return no(v1alpha1.ReasonTerminating, reconciling.Message)
	case stalled.Reason == v1alpha1.ReasonInvalidSpec || (deleting(in) && stalled.Status == metav1.ConditionTrue):
		return no(stalled.Reason, stalled.Message)
	case t.matching == 0:
		return condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonNoMatchingNodes, noMatchingNodes(in.NodeENI.Spec.NodeSelector))
	case t.attached == t.matching:
		return condition(v1alpha1.ConditionReady, metav1.ConditionTrue, v1alpha1.ReasonAllAttached, t.allAttached())
	case t.pending > 0:
		return no(v1alpha1.ReasonProgressing, t.progress())
	}
	return no(t.mainReason(), t.explainReasons())
}

func condition(kind string, status metav1.ConditionStatus, reason, message string) metav1.Condition {
	return metav1.Condition{Type: kind, Status: status, Reason: reason, Message: cut(message, maxMessage)}
}

// cut keeps at most limit bytes of a text, and no part of a character.
func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(text[:limit-len(ellipsis)], "") + ellipsis
}

func deleting(in StatusInput) bool { return !in.NodeENI.DeletionTimestamp.IsZero() }

// progress says how far things are.
func (t tally) progress() string {
	message := fmt.Sprintf("attached on %d of %s, %d pending", t.attached, nodes(t.matching), t.pending)
	if t.blocked > 0 {
		message += fmt.Sprintf(", %d blocked: %s", t.blocked, t.explainReasons())
	}
	return message
}

// allAttached says that all is well, and of which interfaces the tags are not.
func (t tally) allAttached() string {
	message := "attached on " + nodes(t.attached)
	if t.damaged > 0 {
		message += fmt.Sprintf("; %d %s: %s", t.damaged, v1alpha1.ReasonTagsDamaged, t.damages)
	}
	return message
}

// sortedReasons has the most frequent reason first.
func (t tally) sortedReasons() []string {
	return slices.SortedFunc(maps.Keys(t.reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(t.reasons[b], t.reasons[a]), cmp.Compare(a, b))
	})
}

func (t tally) mainReason() string {
	return t.sortedReasons()[0]
}

// explainReasons says of every reason who waits, what is wrong and what to do.
func (t tally) explainReasons() string {
	var parts []string
	for _, reason := range t.sortedReasons() {
		parts = append(parts, fmt.Sprintf("%s, %s: %s", waiting(t.reasons[reason]-t.heldFor[reason], t.heldFor[reason]), reason, t.messages[reason]))
	}
	return strings.Join(parts, "; ")
}

// waiting counts the Nodes that wait for an interface and the interfaces that wait to be released.
func waiting(blocked, held int) string {
	var who []string
	if blocked > 0 {
		who = append(who, nodes(int32(blocked)))
	}
	if held > 0 {
		who = append(who, interfaces(int32(held)))
	}
	if blocked+held == 1 {
		return who[0] + " waits"
	}
	return strings.Join(who, " and ") + " wait"
}

// noMatchingNodes says which labels no Node bears.
func noMatchingNodes(selector map[string]string) string {
	var labels []string
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		labels = append(labels, key+"="+selector[key])
	}
	return fmt.Sprintf("no Node bears the labels of spec.nodeSelector (%s); label Nodes, or correct it, unless that is as you want it", strings.Join(labels, ","))
}

func nodes(n int32) string { return plural(n, "node") }

func interfaces(n int32) string { return plural(n, "interface") }

func plural(n int32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
