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

// exodus is what becomes of an attached interface of an instance that lives, seen from its NodeENI and its Node.
type exodus int

const (
	// stays: it is wanted, or goes by order: a NodeENI that was deleted or edited, which is no accident.
	stays exodus = iota
	// vanished: its owner or its match did.
	vanished
	// undecided: its Node did, and whether its instance did as well, or has another Node, is not known yet.
	undecided
)

func (v *view) exodus(c candidate, reason string) exodus {
	if c.Attachment == nil || c.leaving() || v.instanceGone() {
		return stays
	}
	switch reason {
	case v1alpha1.ReasonNodeENIGone:
		return vanished
	case v1alpha1.ReasonNodeGone:
		if v.described(v.NodeGoneSince) && !v.nodeUndecided() {
			return vanished
		}
		return undecided
	case v1alpha1.ReasonNodeNotSelected:
		if !v.Deselected[types.UID(c.owner.NodeENIUID)] {
			return vanished
		}
	}
	return stays
}

// count adds the interface to those that would go.
func (v *view) count(result *Result, c candidate, reason string) {
	switch v.exodus(c, reason) {
	case vanished:
		result.Vanished = append(result.Vanished, c.ID)
	case undecided:
		result.Undecided = append(result.Undecided, c.ID)
	}
}

// halted reports whether the interface must stay because too many would go at once, and says so.
func (r *releaser) halted() bool {
	if !r.unapproved() {
		return false
	}
	r.result.again(r.Now.Add(recheckHalt))
	r.hold(v1alpha1.ReasonCleanupHalted, r.haltMessage())
	return true
}

// unapproved reports whether the interface is one of too many that would go at once, and nobody has approved.
func (r *releaser) unapproved() bool {
	return r.Halt != nil && r.exodus(r.iface, r.reason) == vanished && !r.Now.Before(r.approvedUntil())
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
	return fmt.Sprintf("%d of %d attached interfaces would go within %v because their NodeENI, their Node or its labels vanished, more than --mass-release-threshold=%v%%; put back what vanished, or, if that is meant, run: kubectl annotate --overwrite %s %s=%s%s",
		h.Pending+h.Released, h.Attached+h.Released, ExodusWindow, 100*h.Threshold, subject, v1alpha1.AnnotationAllowReleaseUntil, shellInAnHour, unread)
}

// Matches reports whether there is a selector and every label of it is among those of a Node.
func Matches(selector, labels map[string]string) bool {
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
