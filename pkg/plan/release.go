package plan

import (
	"cmp"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// orphanAge and orphanEpochs are what it takes to believe that nobody owns an interface: complete lists,
	// and time, since this process first saw it without its NodeENI.
	orphanAge    = 5 * time.Minute
	orphanEpochs = 2
	// recheckOrphan is how often we look whether another list has been made.
	recheckOrphan = time.Minute
	// freshInstance is how old the instance's state may be when a detach is decided by it.
	freshInstance = 30 * time.Second
	// recheck is how often an instance is looked at that is on its way up or down.
	recheck = 15 * time.Second
	// retryRefresh is when a read is asked for again that was never answered.
	retryRefresh = 30 * time.Second
	// attachStuckAfter and detachStuckAfter are how long EC2 may take before somebody is told.
	attachStuckAfter = 5 * time.Minute
	detachStuckAfter = 10 * time.Minute
	// goneAfter is how long EC2 must not have known an instance, whose Node is still there, until it counts as
	// terminated: a new one may not show at once.
	goneAfter = 5 * time.Minute
	// terminatedFor is how long an attachment may outlive its instance before it is detached all the same.
	terminatedFor = 10 * time.Minute
)

// releaser plans the way out of one interface.
//
//	attached ──Detach──► detaching ──(EC2)──► available ──Delete──► gone
//	    └── instance going down: EC2 has its turn first ──┘
type releaser struct {
	*view
	result *Result
	iface  candidate
	reason string
}

// release plans for every interface that is unwanted and whose home this instance is.
func (v *view) release(result *Result) {
	for _, c := range v.ours {
		reason, ok := v.wanted(c)
		if ok || v.home(c) != v.InstanceID {
			continue
		}
		v.count(result, c, reason)
		if c.Missing {
			continue
		}
		if reason == v1alpha1.ReasonNodeENIGone && !v.orphaned(result, c) {
			continue
		}
		(&releaser{v, result, c, reason}).plan()
	}
	for _, c := range v.lost {
		if !c.Missing && v.home(c) == v.InstanceID {
			(&releaser{v, result, c, v1alpha1.ReasonTagsLost}).hold(v1alpha1.ReasonTagsLost, tagsLostMessage(c))
		}
	}
}

// lostTags finds an interface that was ours until its ownership tags were lost.
func (v *view) lostTags(id string) (candidate, bool) {
	for _, c := range v.lost {
		if c.ID == id {
			return c, true
		}
	}
	return candidate{}, false
}

func tagsLostMessage(c candidate) string {
	return fmt.Sprintf("interface %s of NodeENI %s has lost its ownership tags and is not touched; give it the tags %s=%s and %s=%s again, or delete it by hand",
		c.ID, c.owner.NodeENIName, eni.TagClusterID, c.owner.ClusterID, eni.TagNodeENIUID, c.owner.NodeENIUID)
}

// home is the instance whose workers release the interface: where it is attached, else the one for which it
// was made.
func (v *view) home(c candidate) string {
	if c.Attachment != nil {
		return c.Attachment.InstanceID
	}
	return c.owner.InstanceID
}

// orphaned reports whether the NodeENI of an interface has been away for long enough.
func (v *view) orphaned(result *Result, c candidate) bool {
	since, known := v.Ownerless[c.ID]
	if !known || c.Epochs < since.Epochs+orphanEpochs {
		result.again(v.Now.Add(recheckOrphan)) // no event tells of a list that shows the same again
		return false
	}
	due := since.At.Add(orphanAge)
	if v.Now.Before(due) {
		result.again(due)
		return false
	}
	return true
}

func (r *releaser) plan() {
	failure := r.ReleaseSetbacks[r.iface.ID]
	switch {
	case r.halted():
	case failure.Until.After(r.Now):
		r.result.again(failure.Until)
		r.pending("")
	case r.reason == v1alpha1.ReasonNodeGone && !r.described(r.NodeGoneSince):
		r.awaitDescription()
	case r.reason == v1alpha1.ReasonNodeGone && r.nodeUndecided():
		r.awaitNode()
	case r.iface.Attachment == nil:
		r.act(Delete, "", "")
	default:
		r.detach()
	}
}

// state is where the interface is on its way out, seen from the interface alone.
func (r *releaser) state() v1alpha1.ReleaseState {
	if r.iface.Attachment == nil {
		return v1alpha1.ReleaseDeleting
	}
	return v1alpha1.ReleaseDetaching
}

// detach plans for an interface that is attached, attaching, detaching, or of which that is not known.
func (r *releaser) detach() {
	switch r.iface.Attachment.Status {
	case eni.Detaching:
		r.detaching()
	case eni.Attached:
		r.detachByState()
	case eni.Attaching:
		if due := r.iface.AttachmentSince.Add(attachStuckAfter); r.Now.Before(due) {
			r.result.again(due)
			r.report(v1alpha1.ReleaseDetaching, "waits for EC2 to finish attaching")
			return
		}
		r.detachByState()
	default:
		r.pending("waits for EC2 to show whether the interface is attached")
	}
}

func (r *releaser) detaching() {
	if due, _ := r.iface.stuckFrom(); r.Now.Before(due) {
		r.result.again(due)
		r.report(v1alpha1.ReleaseDetaching, "")
		return
	}
	if r.Instance != nil && !r.Instance.NotFound && r.Instance.State.Dying() && !r.outlived() {
		r.watch()
		r.report(v1alpha1.ReleaseWaitingForTermination, fmt.Sprintf("instance %s is %s", r.InstanceID, r.Instance.State))
		return
	}
	v := r.forceDetach()
	r.hold(v.reason, v.message)
}

// detachByState plans for an interface that could be detached, according to its instance's state: what is
// dying is left to EC2.
func (r *releaser) detachByState() {
	if !r.describedLately() {
		r.awaitDescription()
		return
	}
	if r.Instance.NotFound {
		r.watch()
		r.report(v1alpha1.ReleaseWaitingForTermination, fmt.Sprintf("EC2 does not know instance %s any more; waits until the interface is available", r.InstanceID))
		return
	}
	switch state := r.Instance.State; {
	case r.outlived():
		r.act(Detach, r.iface.Attachment.ID, "the attachment has outlived its instance")
	case state.Dying():
		r.watch()
		r.report(v1alpha1.ReleaseWaitingForTermination, fmt.Sprintf("instance %s is %s", r.InstanceID, state))
	case state == eni.InstanceRunning || state == eni.InstanceStopped || state == eni.InstancePending:
		r.act(Detach, r.iface.Attachment.ID, "")
	default:
		// Stopping, or a state that we do not know: what is not known to be alive is left alone.
		r.watch()
		r.report(v1alpha1.ReleaseDetaching, fmt.Sprintf("waits for instance %s, which is %s", r.InstanceID, state))
	}
}

// outlived reports whether the attachment is still there long after its instance was seen terminated.
func (v *view) outlived() bool {
	return v.Instance.State == eni.InstanceTerminated && !v.Instance.StateSince.IsZero() && !v.Now.Before(v.Instance.StateSince.Add(terminatedFor))
}

// described reports whether the instance's state was read after the given time.
func (v *view) described(after time.Time) bool {
	return v.Instance != nil && v.Instance.ObservedAt.After(after)
}

// describedLately reports whether the instance's state may decide about a detach. What is only told need not be right
// to the second.
func (v *view) describedLately() bool {
	return v.described(v.Now.Add(-freshInstance)) || (v.DryRun && v.Instance != nil)
}

// awaitDescription has the instance described before anything is decided about it.
func (r *releaser) awaitDescription() {
	r.refreshInstance()
	v := r.InstancesRefused.or("the instance is described anew before anything is taken from it")
	if v.reason != "" {
		r.hold(v.reason, v.message)
		return
	}
	r.pending(v.message)
}

func (r *releaser) refreshInstance() {
	r.result.Refresh.Instance = true
	r.result.again(r.Now.Add(retryRefresh))
}

// watch has instance and interface read again in a while.
func (r *releaser) watch() {
	if due := r.Instance.ObservedAt.Add(recheck); r.Now.Before(due) {
		r.result.again(due)
		return
	}
	r.refreshInstance()
	r.result.Refresh.Interfaces = append(r.result.Refresh.Interfaces, r.iface.ID)
}

// pending reports an interface for which a call was made, is made now, or is about to be: as the last call left
// it, or such a call for another interface, if that failed, so that trying again changes nothing.
func (r *releaser) pending(message string) {
	var stuck verdict
	if due, leaving := r.iface.stuckFrom(); leaving && !r.Now.Before(due) {
		stuck = r.detachStuck()
	}
	if v := r.lastRefusal(stuck); v.reason != "" {
		r.hold(v.reason, v.message)
		return
	}
	r.report(r.state(), cmp.Or(r.ReleaseSetbacks[r.iface.ID].Message, r.ReleaseCauses[r.iface.ID].Message, message))
}

// lastRefusal is why the last call for the interface was refused, or such a call for another one.
func (r *releaser) lastRefusal(otherwise verdict) verdict {
	for _, failure := range []Setback{r.ReleaseSetbacks[r.iface.ID], r.ReleaseCauses[r.iface.ID]} {
		if failure.Reason != "" {
			return verdict{failure.Reason, failure.Message}
		}
	}
	return otherwise
}

// act plans the call and reports.
func (r *releaser) act(kind ActionKind, attachmentID, message string) {
	if v := r.order(kind, attachmentID, false); v.reason != "" {
		r.hold(v.reason, v.message)
		return
	}
	r.pending(message)
}

// order plans the call, unless one of its kind has just been refused for all, or says that it is withheld.
func (r *releaser) order(kind ActionKind, attachmentID string, force bool) verdict {
	if shared := r.ReleaseCauses[r.iface.ID]; shared.Until.After(r.Now) {
		r.result.again(shared.Until)
		return verdict{shared.Reason, shared.Message}
	}
	action := Action{
		Kind:         kind,
		NodeENI:      types.UID(r.iface.owner.NodeENIUID),
		NodeENIName:  r.iface.owner.NodeENIName,
		NodeName:     r.iface.owner.NodeName,
		InstanceID:   r.iface.owner.InstanceID,
		Slot:         r.iface.owner.Slot,
		InterfaceID:  r.iface.ID,
		AttachmentID: attachmentID,
		Reason:       r.reason,
		Force:        force,
		Approved:     r.Halt != nil && r.exodus(r.iface, r.reason) == vanished,
	}
	if r.DryRun {
		r.result.Withheld = append(r.result.Withheld, action)
		return withheld(r.iface)
	}
	r.result.Release = append(r.result.Release, action)
	return verdict{}
}

func (r *releaser) report(state v1alpha1.ReleaseState, message string) {
	r.result.Releases = append(r.result.Releases, ReleaseReport{
		NodeENI: types.UID(r.iface.owner.NodeENIUID),
		Release: v1alpha1.Release{
			ENIID:      r.iface.ID,
			State:      state,
			NodeName:   r.iface.owner.NodeName,
			InstanceID: r.iface.owner.InstanceID,
			Reason:     r.reason,
			Message:    message,
		},
	})
}

// hold reports a release that does not go on without help.
func (r *releaser) hold(reason, message string) {
	r.report(r.state(), message)
	last := &r.result.Releases[len(r.result.Releases)-1]
	last.Release.Reason, last.Held = reason, true
}

// again keeps the earliest time at which to look again.
func (r *Result) again(at time.Time) {
	if r.Again.IsZero() || at.Before(r.Again) {
		r.Again = at
	}
}
