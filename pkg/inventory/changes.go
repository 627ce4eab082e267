package inventory

import (
	"maps"
	"slices"
	"time"
)

// changes collects what comes of a read or a write made now: whom to tell, and what the log should say.
type changes struct {
	now                      time.Time
	instances, uids, subnets map[string]bool
	decisions                []decision
}

// decision is something that the store concluded about an interface.
type decision struct{ what, id string }

// show notes that those who look at the interface see a difference.
func (c *changes) show(r *record) {
	for _, key := range r.instanceKeys() {
		include(&c.instances, key)
	}
	if r.owner.NodeENIUID != "" {
		include(&c.uids, r.owner.NodeENIUID)
	}
}

func (c *changes) decide(what, id string) { c.decisions = append(c.decisions, decision{what, id}) }

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
