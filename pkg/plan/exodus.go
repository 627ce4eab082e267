package plan

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

const (
	// ExodusWindow is the time within which interfaces that go are counted together.
	ExodusWindow = 10 * time.Minute
	// leastExodus is how many interfaces may always go.
	leastExodus = 10
	// recheckHalt is how often we look whether somebody has approved.
	recheckHalt = time.Minute
)

// Exodus counts the attached interfaces that would go because their NodeENI, their Node or its labels vanished.
// When most of all vanish at once, it is rather our picture of the cluster, or a label controller, that is wrong.
type Exodus struct {
	// Threshold is the share of the attached interfaces that may go within ExodusWindow; 0 for no limit.
	Threshold float64
	// Attached are all attached interfaces of ours that are not being detached, Pending those of them that would go now, and Released those
	// that went for such a reason within the window.
	Attached, Pending, Released int
}

// Halts reports whether nothing more may go before a person has approved.
func (e Exodus) Halts() bool {
	going := e.Pending + e.Released
	return e.Threshold > 0 && going >= leastExodus && float64(going) > e.Threshold*float64(e.Attached+e.Released)
}

// Halt is a cleanup that was halted.
type Halt struct {
	// Exodus is how it stood when it was halted: what a person is told does not change all the time.
	Exodus
	// Lease names the object whose annotation approves for interfaces without a NodeENI; ApprovedUntil is what
	// that annotation says.
	Lease         types.NamespacedName
	ApprovedUntil time.Time
}

// vanished reports whether an attached interface would be taken from an instance that lives because its owner or
// its match vanished. A NodeENI that was deleted or edited has given an order, which is another thing.
func (v *view) vanished(c candidate, reason string) bool {
	if c.Attachment == nil || c.leaving() || v.instanceGone() || (v.Instance != nil && v.Instance.NotFound) {
		return false
	}
	switch reason {
	case v1alpha1.ReasonNodeENIGone:
		return true
	case v1alpha1.ReasonNodeGone:
		return v.Instance == nil || v.described(v.NodeGoneSince)
	case v1alpha1.ReasonNodeNotSelected:
		return !v.reselected(c)
	}
	return false
}

// reselected reports whether it was an edit of the selector that took the Node out of it.
func (v *view) reselected(c candidate) bool {
	for _, selector := range v.FormerSelectors[types.UID(c.owner.NodeENIUID)] {
		if matches(selector, v.Node.Labels) {
			return true
		}
	}
	return false
}

// halted reports whether the interface must stay because too many would go at once, and says so.
func (r *releaser) halted() bool {
	if r.Halt == nil || !r.vanished(r.iface, r.reason) || r.Now.Before(r.approvedUntil()) {
		return false
	}
	r.result.again(r.Now.Add(recheckHalt))
	r.hold(v1alpha1.ReasonCleanupHalted, r.haltMessage())
	return true
}

// approvedUntil is until when a person lets interfaces go. What can not be read approves nothing.
func (r *releaser) approvedUntil() time.Time {
	if owner := r.byUID[types.UID(r.iface.owner.NodeENIUID)]; owner != nil {
		return ApprovedUntil(owner.Annotations)
	}
	return r.Halt.ApprovedUntil
}

// ApprovedUntil reads the annotation by which a person lets a halted cleanup go on; zero when there is none, or
// none that can be read.
func ApprovedUntil(annotations map[string]string) time.Time {
	until, err := time.Parse(time.RFC3339, annotations[v1alpha1.AnnotationAllowReleaseUntil])
	if err != nil {
		return time.Time{}
	}
	return until
}

func (r *releaser) haltMessage() string {
	h := r.Halt
	subject := fmt.Sprintf("-n %s lease %s", h.Lease.Namespace, h.Lease.Name)
	var unread string
	if owner := r.byUID[types.UID(r.iface.owner.NodeENIUID)]; owner != nil {
		subject = "nodeeni " + owner.Name
		if value, ok := owner.Annotations[v1alpha1.AnnotationAllowReleaseUntil]; ok && ApprovedUntil(owner.Annotations).IsZero() {
			unread = fmt.Sprintf(" (its present value %q is no RFC 3339 time)", value)
		}
	}
	return fmt.Sprintf("%d of %d attached interfaces would go within %v because their NodeENI, their Node or its labels vanished, more than --mass-release-threshold=%v%%; if that is meant, run: kubectl annotate --overwrite %s %s=$(date -u -d '+1 hour' +%%FT%%TZ)%s",
		h.Pending+h.Released, h.Attached+h.Released, ExodusWindow, 100*h.Threshold, subject, v1alpha1.AnnotationAllowReleaseUntil, unread)
}

// matches reports whether there is a selector and every label of it is among those of a Node.
func matches(selector, labels map[string]string) bool {
	if len(selector) == 0 {
		return false
	}
	for key, value := range selector {
		if got, ok := labels[key]; !ok || got != value {
			return false
		}
	}
	return true
}
