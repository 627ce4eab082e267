package inventory

import (
	"maps"
	"slices"
	"time"

	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// changes collects what comes of a read or a write made now: whom to tell, and what the log should say.
type changes struct {
	now                      time.Time
	instances, uids, subnets map[string]bool
	decisions                []decision
}

// decision is something that the store concluded about an interface of an owner.
type decision struct {
	what, id string
	owner    eni.Owner
}

// What is concluded about an interface. The first three are steps of its life.
const (
	isAttached  = "attached"
	isDetached  = "detached"
	isGone      = "gone"
	hasLostTags = "tags lost"
	isMissing   = "missing"
	isBack      = "back"
	isNeverSeen = "never seen"
	isAnothers  = "another cluster's"
)

// log tells of a decision: of what an operator would want to know at the level that he has.
func (d *decision) log(logger klog.Logger) {
	told := logger.V(2)
	if told.Enabled() {
		told = told.WithValues("eniID", d.id, "nodeENI", klog.KRef("", d.owner.NodeENIName), "node", d.owner.NodeName, "instanceID", d.owner.InstanceID)
	}
	switch d.what {
	case isAttached:
		told.Info("Attached interface")
	case isDetached:
		told.Info("Detached interface")
	case isGone:
		told.Info("The interface is gone, and not by our delete")
	case hasLostTags:
		told.Info("The interface has lost its ownership tags")
	default:
		logger.V(4).Info("Decided about an interface", "eniID", d.id, "decision", d.what)
	}
}

// show notes that those who look at the interface see a difference.
func (c *changes) show(r *record) {
	for key := range r.instanceKeys {
		include(&c.instances, key)
	}
	if r.owner.NodeENIUID != "" {
		include(&c.uids, r.owner.NodeENIUID)
	}
}

func (c *changes) decide(what string, r *record) {
	c.decisions = append(c.decisions, decision{what, r.ID, r.owner})
}

// decideMoved notes that an attachment has come or gone.
func (c *changes) decideMoved(before, after *eni.Attachment, r *record) {
	switch {
	case inPlace(after) && before != nil && before.Status == eni.UnknownAttachment && before.ID == after.ID:
		// a detach without answer has come to nothing: it has been attached all the time
	case inPlace(after) && !inPlace(before):
		c.decide(isAttached, r)
	case before != nil && after == nil:
		c.decide(isDetached, r)
	}
}

func inPlace(a *eni.Attachment) bool { return a != nil && a.Status == eni.Attached }

func (c *changes) empty() bool { return len(c.instances)+len(c.uids)+len(c.subnets) == 0 }

func (c *changes) change() Change {
	return Change{
		Instances:   slices.Sorted(maps.Keys(c.instances)),
		NodeENIUIDs: slices.Sorted(maps.Keys(c.uids)),
		Subnets:     slices.Sorted(maps.Keys(c.subnets)),
	}
}

// include adds the key to a set that may not have been made yet.
func include(set *map[string]bool, key string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[key] = true
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}
