package plan

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	// attachTries is how many attaches that EC2 does not end are given up one after the other; from then on one
	// each retryStuckAttach.
	attachTries      = 3
	retryStuckAttach = time.Hour
	// attachOverdue is when one that can not be given up is as bad.
	attachOverdue = attachTries * attachStuckAfter
	// freshInterface is how old the sight of an interface may be when it is taken out of where it is wanted, or
	// by force: what is stuck may have come loose.
	freshInterface = 30 * time.Second
	// MaxForce is how far ahead AnnotationForceDetachUntil may lie: it is a remedy, not a setting.
	MaxForce = 24 * time.Hour
)

// attempts says how often EC2 has failed to attach the interface.
func (p *placer) attempts(c candidate) verdict {
	failed, overdue := p.StuckAttaches[p.key(p.n)], false
	if c.Attachment != nil && c.Attachment.Status == eni.Attaching {
		overdue = !p.Now.Before(c.AttachmentSince.Add(attachOverdue))
		if !p.Now.Before(c.AttachmentSince.Add(attachStuckAfter)) {
			failed++
		}
	}
	switch {
	case failed == 0:
		return verdict{}
	case failed < attachTries && overdue:
		return verdict{v1alpha1.ReasonAttachStuck, fmt.Sprintf("EC2 has been attaching %s for over %v, and it could not be detached to be attached again; look at the instance, and reboot or replace it", c.ID, attachOverdue)}
	case failed < attachTries:
		return verdict{message: fmt.Sprintf("EC2 did not attach %s within %v, so it is detached and attached again: attempt %d of %d", c.ID, attachStuckAfter, failed+1, attachTries)}
	}
	return verdict{v1alpha1.ReasonAttachStuck, fmt.Sprintf("EC2 did not attach %s within %v in %d attempts; look at the instance, and reboot or replace it; tried again every hour",
		c.ID, attachStuckAfter, failed)}
}

// attaching plans for an interface that EC2 is attaching where it is wanted.
func (p *placer) attaching(keeper candidate) verdict {
	v := p.attempts(keeper)
	patience := attachStuckAfter
	if p.StuckAttaches[p.key(p.n)] >= attachTries-1 {
		patience = retryStuckAttach
		if due := keeper.AttachmentSince.Add(attachStuckAfter); p.Now.Before(due) {
			p.result.again(due)
		}
	}
	if due := keeper.AttachmentSince.Add(patience); p.Now.Before(due) {
		p.result.again(due)
		return v
	}
	if due := keeper.AttachmentSince.Add(attachOverdue); p.Now.Before(due) {
		p.result.again(due)
	}
	r := &releaser{p.view, p.result, keeper, v1alpha1.ReasonAttachStuck}
	v = r.lastRefusal(v)
	if until := p.ReleaseSetbacks[keeper.ID].Until; until.After(p.Now) {
		p.result.again(until)
		return v
	}
	if r.seenLately() && (p.Instance.State == eni.InstanceRunning || p.Instance.State == eni.InstanceStopped) {
		if withheld := r.order(Detach, keeper.Attachment.ID, false); withheld.reason != "" {
			return withheld
		}
	}
	return v
}

// seenLately reports whether instance and interface were both read just now; else it has them read.
func (r *releaser) seenLately() bool {
	if !r.describedLately() {
		r.refreshInstance()
		return false
	}
	if r.Instance.NotFound {
		r.watch()
		return false
	}
	if !r.DryRun && !r.iface.ShownAt.After(r.Now.Add(-freshInterface)) {
		r.result.Refresh.Interfaces = append(r.result.Refresh.Interfaces, r.iface.ID)
		r.result.again(r.Now.Add(retryRefresh))
		return false
	}
	return true
}

// detaching plans for an interface that is being detached from where it is wanted.
func (p *placer) detaching(keeper candidate) verdict {
	if due, _ := keeper.stuckFrom(); !p.Now.Before(due) {
		r := &releaser{p.view, p.result, keeper, v1alpha1.ReasonDetachStuck}
		if until := p.ReleaseSetbacks[keeper.ID].Until; until.After(p.Now) {
			p.result.again(until)
			return r.lastRefusal(r.detachStuck())
		}
		return r.forceDetach()
	}
	v := p.departure(keeper, "its slot, since somebody detached it; then attaches it again")
	if ours := p.attempts(keeper); v.reason == "" && ours.message != "" {
		return ours
	}
	return v
}

// stuckFrom is from when on somebody has to help an interface that is being detached; false when it is not
// being detached.
func (c candidate) stuckFrom() (due time.Time, leaving bool) {
	return c.AttachmentSince.Add(detachStuckAfter), c.leaving()
}

// forceDetach plans for an interface that EC2 has been detaching for too long. From an instance that runs it is
// detached by force only when its NodeENI says so: what the operating system holds of it is lost, and the index may be
// of no use until the instance has been stopped. From one that does not run there is nothing to lose.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachNetworkInterface.html
func (r *releaser) forceDetach() verdict {
	v := r.detachStuck()
	if r.Instance == nil {
		r.refreshInstance()
		return v
	}
	if !r.mayForce() {
		return v
	}
	if v = r.lastRefusal(v); !r.seenLately() {
		return v
	}
	if withheld := r.order(Detach, r.iface.Attachment.ID, true); withheld.reason != "" {
		return withheld
	}
	return v
}

func (r *releaser) detachStuck() verdict {
	return verdict{v1alpha1.ReasonDetachStuck, r.detachStuckMessage(r.iface)}
}

// mayForce reports whether nothing speaks against a detach by force, as far as the instance has been described.
func (r *releaser) mayForce() bool {
	switch {
	case r.Instance.NotFound:
		return false
	case r.Instance.State == eni.InstanceStopped || r.outlived():
		return true
	case r.Instance.State != eni.InstanceRunning:
		return false
	}
	until, complaint := ForceDetachUntil(r.annotations(r.iface), r.Now)
	if complaint != "" || !r.Now.Before(until) {
		return false
	}
	r.result.again(until)
	return true
}

// annotations are those of the interface's NodeENI; nil when there is none.
func (v *view) annotations(c candidate) map[string]string {
	if owner := v.byUID[types.UID(c.owner.NodeENIUID)]; owner != nil {
		return owner.Annotations
	}
	return nil
}

// ForceDetachUntil reads the annotation that lets interfaces be detached by force; zero when there is none. A value
// that means nothing, or too much, allows nothing; the complaint says so.
func ForceDetachUntil(annotations map[string]string, now time.Time) (until time.Time, complaint string) {
	value, ok := annotations[v1alpha1.AnnotationForceDetachUntil]
	if !ok {
		return time.Time{}, ""
	}
	until, err := time.Parse(time.RFC3339, value)
	switch {
	case err != nil:
		return time.Time{}, fmt.Sprintf("annotation %s has the value %q, which is no RFC 3339 time", v1alpha1.AnnotationForceDetachUntil, value)
	case until.After(now.Add(MaxForce)):
		return time.Time{}, fmt.Sprintf("annotation %s has the value %q, which is more than %v ahead", v1alpha1.AnnotationForceDetachUntil, value, MaxForce)
	}
	return until, ""
}

// maxComplaint is how much of a complaint is told: it quotes what a person has written.
const maxComplaint = 512

// AnnotationComplaints says which annotations of the NodeENI that a person sets can not be followed, and the cure.
func AnnotationComplaints(n *v1alpha1.NodeENI, now time.Time) []string {
	var complaints []string
	if value, ok := n.Annotations[v1alpha1.AnnotationAllowReleaseUntil]; ok && ApprovedUntil(n.Annotations).IsZero() {
		complaint := fmt.Sprintf("annotation %s has the value %q, which is no RFC 3339 time", v1alpha1.AnnotationAllowReleaseUntil, value)
		complaints = append(complaints, cut(complaint, maxComplaint)+"; run: "+annotateCommand(n, v1alpha1.AnnotationAllowReleaseUntil))
	}
	if _, complaint := ForceDetachUntil(n.Annotations, now); complaint != "" {
		complaints = append(complaints, cut(complaint, maxComplaint)+"; run: "+annotateCommand(n, v1alpha1.AnnotationForceDetachUntil))
	}
	if _, _, complaint := AdoptionOrderOf(n.Annotations); complaint != "" {
		complaints = append(complaints, cut(complaint, maxComplaint))
	}
	return complaints
}

// shellInAnHour has a shell say the time in an hour: by the clocks of a zone that is an hour ahead of UTC. That every date
// understands, while an option for another time than the present one differs between Linux, macOS and busybox. As a
// message must not change while nothing does, the time itself can not stand there.
const shellInAnHour = "$(TZ=UTC-1 date +%FT%TZ)"

// annotateCommand sets an annotation of the NodeENI to a time in an hour.
func annotateCommand(n *v1alpha1.NodeENI, key string) string {
	return fmt.Sprintf("kubectl annotate --overwrite nodeeni %s %s=%s", n.Name, key, shellInAnHour)
}

// detachStuckMessage says what a person can do for an interface that EC2 does not end to detach.
func (v *view) detachStuckMessage(c candidate) string {
	stuck := fmt.Sprintf("EC2 has been detaching %s from %s for over %v", c.ID, c.Attachment.InstanceID, detachStuckAfter)
	owner := v.byUID[types.UID(c.owner.NodeENIUID)]
	if owner == nil {
		return stuck + "; stop the instance"
	}
	value := owner.Annotations[v1alpha1.AnnotationForceDetachUntil]
	until, note := ForceDetachUntil(owner.Annotations, v.Now)
	switch {
	case v.Now.Before(until):
		return fmt.Sprintf("%s; annotation %s lets it be detached by force until %s: wait, or stop the instance", stuck, v1alpha1.AnnotationForceDetachUntil, value)
	case note == "" && value != "":
		note = fmt.Sprintf("annotation %s has the value %q, which has passed", v1alpha1.AnnotationForceDetachUntil, value)
	}
	if note != "" {
		note = " (" + note + ")"
	}
	return fmt.Sprintf("%s; stop the instance, or, if the loss of what uses the interface is acceptable, have it detached by force: %s%s",
		stuck, annotateCommand(owner, v1alpha1.AnnotationForceDetachUntil), note)
}

// withheld says what is not done in a dry run.
func withheld(c candidate) verdict {
	would := "would delete " + c.ID
	if c.Attachment != nil {
		would = fmt.Sprintf("would detach %s from %s", c.ID, c.Attachment.InstanceID)
	}
	return verdict{v1alpha1.ReasonCleanupDryRun, would + ", and does not, since the controller runs with --cleanup-dry-run; take the flag away to let it go"}
}
