package plan

import (
	"cmp"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// Reasons of events. Each says its cause, and its cure; the tables of the README are made of them.
const (
	// NoticeAttached: on the NodeENI: interfaces are attached; the message counts them.
	// Cure: none is needed.
	NoticeAttached = "Attached"
	// NoticeAdopted: on the NodeENI: interfaces of its former self, or those that its annotation names, are its own
	// now.
	// Cure: none is needed.
	NoticeAdopted = "Adopted"
	// NoticeReleased: on the NodeENI: interfaces are gone; the message counts them.
	// Cure: none is needed.
	NoticeReleased = "Released"
	// NoticeStalled: on the NodeENI: nothing goes on without help.
	// Cure: that of the reason with which the message begins.
	NoticeStalled = "Stalled"
	// NoticeLeftOnTermination: on the NodeENI: with spec.deleteOnTermination false EC2 leaves the interfaces of
	// instances that terminate, and only this controller deletes them.
	// Cure: none is needed while the controller runs; it is said so that nobody uninstalls it first.
	NoticeLeftOnTermination = "LeftOnTermination"
	// NoticeNodeBlocked: on the Node, for at most 20 Nodes at once, and on the NodeENI for the rest: a wanted
	// interface can not be attached, or can not be given a wanted setting.
	// Cure: that of the reason in the message.
	NoticeNodeBlocked = "ENIBlocked"
	// NoticeNodeHealed: on the Node: an interface is attached and right again.
	// Cure: none is needed.
	NoticeNodeHealed = "ENIHealed"
	// NoticeNodeReplaced: on the Node: another interface has taken the place of the one before.
	// Cure: none is needed.
	NoticeNodeReplaced = "ENIReplaced"
)

const (
	maxNodeNotices            = 20
	messageLeftOnTermination  = "spec.deleteOnTermination is false: EC2 leaves the interfaces of instances that terminate, and only this controller deletes them; delete the NodeENI before you take the controller away"
	messageOmittedNodeNotices = "%d more nodes are blocked, see status.attachments"
)

// Notice is an event, as data.
type Notice struct {
	// NodeName is the Node that the event is about; empty: the NodeENI.
	NodeName string
	// Type is Normal or Warning.
	Type    string
	Reason  string
	Message string
}

// History is what there is to remember of a NodeENI between two statuses.
type History struct {
	// nodes is, for each Node, how its interface stood when it last stood still. Between two such moments an
	// interface that is replaced or healed is being created and attached.
	nodes map[string]Past
	// warned is true when it was told that EC2 leaves the interfaces of instances that terminate.
	warned bool
}

// Past is how one interface last stood still.
type Past struct {
	// ENIID is the interface that was attached; BlockedFor why it was blocked, or what an attached one lacked.
	ENIID, BlockedFor string
	// Lost is true when it was attached and is not any more.
	Lost bool
}

// HistoryOf is what one status tells of the past.
func HistoryOf(s *v1alpha1.NodeENIStatus) History { return History{}.next(s) }

// next is the history once the status has been reached.
func (h History) next(s *v1alpha1.NodeENIStatus) History {
	next := History{nodes: map[string]Past{}}
	for _, a := range s.Attachments {
		past := h.nodes[a.NodeName]
		switch a.State {
		case v1alpha1.AttachmentBlocked:
			past = Past{BlockedFor: a.Reason}
		case v1alpha1.AttachmentAttached:
			past = Past{ENIID: a.ENIID, BlockedFor: a.Reason}
		default:
			past.Lost = past.ENIID != ""
		}
		next.nodes[a.NodeName] = past
	}
	return next
}

// Notices are the events that the change from one status to the next gives cause for: for the NodeENI in sum,
// for a Node only when its interface is blocked, replaced or healed. It returns the history to give next time.
func Notices(n *v1alpha1.NodeENI, before, after *v1alpha1.NodeENIStatus, history History) ([]Notice, History) {
	var notices []Notice
	left := !wantedDeleteOnTermination(n)
	if left && !history.warned && before.ObservedGeneration < after.ObservedGeneration {
		notices = append(notices, Notice{Type: corev1.EventTypeWarning, Reason: NoticeLeftOnTermination, Message: messageLeftOnTermination})
	}
	if gained := value(after.AttachedNodes) - value(before.AttachedNodes); gained > 0 {
		notices = append(notices, Notice{
			Type: corev1.EventTypeNormal, Reason: NoticeAttached,
			Message: fmt.Sprintf("attached on %s, %d of %d in all", nodes(gained), value(after.AttachedNodes), value(after.MatchingNodes)),
		})
	}
	if released := releasedBetween(before, after); released > 0 {
		notices = append(notices, Notice{Type: corev1.EventTypeNormal, Reason: NoticeReleased, Message: fmt.Sprintf("released %s", interfaces(released))})
	}
	notices = append(notices, stalledNotice(before, after)...)
	next := history.next(after)
	next.warned = left
	return append(notices, nodeNotices(n, after, history)...), next
}

// releasedBetween counts the interfaces that were on their way out and are gone. One that is wanted again is
// not. Where a list is cut, the counts have to do.
func releasedBetween(before, after *v1alpha1.NodeENIStatus) int32 {
	if before.ReleasingOmitted+after.ReleasingOmitted+after.AttachmentsOmitted > 0 {
		return value(before.ReleasingInterfaces) - value(after.ReleasingInterfaces)
	}
	there := map[string]bool{}
	for _, r := range after.Releasing {
		there[r.ENIID] = true
	}
	for _, a := range after.Attachments {
		there[a.ENIID] = true
	}
	var released int32
	for _, r := range before.Releasing {
		if !there[r.ENIID] {
			released++
		}
	}
	return released
}

func stalledNotice(before, after *v1alpha1.NodeENIStatus) []Notice {
	was, is := reasonOfStalled(before), reasonOfStalled(after)
	if is == "" || is == was {
		return nil
	}
	for _, c := range after.Conditions {
		if c.Type == v1alpha1.ConditionStalled {
			return []Notice{{Type: corev1.EventTypeWarning, Reason: NoticeStalled, Message: c.Reason + ": " + c.Message}}
		}
	}
	return nil
}

// reasonOfStalled is empty when the condition is not True.
func reasonOfStalled(s *v1alpha1.NodeENIStatus) string {
	for _, c := range s.Conditions {
		if c.Type == v1alpha1.ConditionStalled && c.Status == "True" {
			return c.Reason
		}
	}
	return ""
}

func nodeNotices(n *v1alpha1.NodeENI, after *v1alpha1.NodeENIStatus, history History) []Notice {
	var notices []Notice
	for _, a := range after.Attachments {
		if notice, ok := nodeNotice(n, history.nodes[a.NodeName], a); ok {
			notices = append(notices, notice)
		}
	}
	slices.SortFunc(notices, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.NodeName, b.NodeName))
	})
	// One cause that concerns hundreds of nodes is told on the NodeENI, not hundreds of times.
	told := map[string]int{}
	notices = slices.DeleteFunc(notices, func(notice Notice) bool {
		told[notice.Reason]++
		return told[notice.Reason] > maxNodeNotices
	})
	if omitted := told[NoticeNodeBlocked] - maxNodeNotices; omitted > 0 {
		notices = append(notices, Notice{Type: corev1.EventTypeWarning, Reason: NoticeNodeBlocked, Message: fmt.Sprintf(messageOmittedNodeNotices, omitted)})
	}
	return notices
}

// nodeNotice is what a Node is told. An attached interface that lacks a wanted setting counts as blocked.
func nodeNotice(n *v1alpha1.NodeENI, past Past, is v1alpha1.Attachment) (Notice, bool) {
	notice := Notice{NodeName: is.NodeName, Type: corev1.EventTypeNormal}
	switch {
	case is.Reason != "" && past.BlockedFor != is.Reason:
		notice.Type, notice.Reason = corev1.EventTypeWarning, NoticeNodeBlocked
		notice.Message = fmt.Sprintf("NodeENI %s: %s: %s", n.Name, is.Reason, is.Message)
	case is.Reason != "" || is.State != v1alpha1.AttachmentAttached:
		return Notice{}, false
	case past.BlockedFor != "":
		notice.Reason = NoticeNodeHealed
		notice.Message = fmt.Sprintf("NodeENI %s: %s is attached at device index %d, no longer %s", n.Name, is.ENIID, is.DeviceIndex, past.BlockedFor)
	case past.ENIID != "" && past.ENIID != is.ENIID:
		notice.Reason = NoticeNodeReplaced
		notice.Message = fmt.Sprintf("NodeENI %s: %s takes the place of %s at device index %d", n.Name, is.ENIID, past.ENIID, is.DeviceIndex)
	case past.Lost:
		notice.Reason = NoticeNodeHealed
		notice.Message = fmt.Sprintf("NodeENI %s: %s is attached at device index %d again", n.Name, is.ENIID, is.DeviceIndex)
	default:
		return Notice{}, false
	}
	return notice, true
}

func value(count *int32) int32 {
	if count == nil {
		return 0
	}
	return *count
}
