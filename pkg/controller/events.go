package controller

import (
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// Reasons of events that are not told by a change of status; those that are, are package plan's. Each says its cause, and
// its cure; the tables of the README are made of them. What can not be told on a NodeENI that is gone is told on the
// controller's Lease, by the reasons CleanupHalted and DetachStuck.
const (
	// eventReleaseFailed: on the NodeENI: EC2 refuses a detach or a delete for good.
	// Cure: remove what keeps the interface, as the message says, or release it by hand.
	eventReleaseFailed = "ReleaseFailed"
	// eventAttachStuck: on the NodeENI: EC2 did not end an attach within 5 minutes, so the interface is detached, to
	// be attached again.
	// Cure: none is needed the first three times; then see the reason of the same name.
	eventAttachStuck = "AttachStuck"
	// eventDetachForced: on the NodeENI: EC2 did not end a detach within 10 minutes, so it is told to by force: the
	// instance is stopped, or a person has allowed it.
	// Cure: stop the instance and start it, if the device index is of no use.
	eventDetachForced = "DetachForced"
	// eventNodeAddressChanged: on the Node: its InternalIP became another one while interfaces are attached, as some
	// cloud providers and kubelets choose it among all interfaces. kubectl logs and exec fail where the API server
	// does not reach the new address.
	// Cure: start the kubelet with the --node-ip that the message names, which is the address from before.
	eventNodeAddressChanged = "NodeAddressChanged"
	// eventNodeContested: on the Node: something else keeps changing the taint, the condition or the annotation of the
	// controller back, which is put right less and less often.
	// Cure: find who writes it, as the message says, and stop that.
	eventNodeContested = "ObjectContested"
	// eventInvalidAnnotation: on the NodeENI: an annotation that a person has set can not be read, or reaches too far,
	// and is not followed.
	// Cure: correct the annotation as the message says.
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
