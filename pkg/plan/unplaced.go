package plan

import (
	"fmt"
	"time"
)

// recheckUnplaced is how often an instance is looked at whose Node may be one that names no instance yet.
const recheckUnplaced = time.Minute

// nodeUndecided reports whether it is not known yet that the instance has no Node: one of the name of its last Node
// names no instance so far. A kubelet that registers anew leaves that to the cloud provider, which takes its time. What
// has no instance any more needs no Node.
func (v *view) nodeUndecided() bool {
	return v.Node == nil && v.Unplaced != "" && !v.instanceGone()
}

// awaitNode leaves the interface where it is until the Node names an instance, or is gone, of which no event tells.
func (r *releaser) awaitNode() {
	if due := r.Instance.ObservedAt.Add(recheckUnplaced); r.Now.Before(due) {
		r.result.again(due)
	} else {
		r.refreshInstance()
	}
	r.pending(fmt.Sprintf("waits until Node %s, which names no instance in spec.providerID yet, does so or is deleted", r.Unplaced))
}
