package controller

import (
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// Reasons of events that are not told by a change of status; those that are, are package plan's.
const (
	// eventReleaseFailed: EC2 refuses a detach or delete for good.
	eventReleaseFailed = "ReleaseFailed"
	// eventAttachStuck: EC2 did not end an attach, so the interface is detached, to be attached again.
	eventAttachStuck = "AttachStuck"
	// eventDetachForced: EC2 did not end a detach, so it is told to by force.
	eventDetachForced = "DetachForced"
	// eventNodeAddressChanged: the Node's internal address is another one since interfaces were attached.
	eventNodeAddressChanged = "NodeAddressChanged"
	// eventInvalidAnnotation: an annotation that a person has set can not be followed.
	eventInvalidAnnotation = "InvalidAnnotation"
)

// announce emits the events of a status change. What counts as new is measured against the status that this
// process wrote last, so that a status wiped by hand is written again in silence. It returns the history to
// remember.
func (c *Controller) announce(n *v1alpha1.NodeENI, stored, status v1alpha1.NodeENIStatus) plan.History {
	before, history := stored, plan.HistoryOf(&stored)
	if last, ok := c.written.last(n.UID); ok {
		before, history = last.status, last.history
	}
	notices, history := plan.Notices(n, &before, &status, history)
	for _, notice := range notices {
		if notice.NodeName == "" {
			c.recorder.Event(n, notice.Type, notice.Reason, notice.Message)
			continue
		}
		node, err := c.nodes.Get(notice.NodeName)
		if err != nil {
			continue // the Node is gone, and with it who would read it
		}
		c.recorder.Event(node, notice.Type, notice.Reason, notice.Message)
	}
	return history
}
