package property

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// unwanted is clause 2, and the exception of clause 4.
func (j *judgement) unwanted() {
	for i := range j.Interfaces {
		e := &j.Interfaces[i]
		uid, stripped := j.Stripped[e.ID]
		switch {
		case stripped:
			if owner := cmp.Or(j.byUID[uid], j.namesake(e)); owner != nil {
				j.holds = append(j.holds, Hold{e.ID, owner.Name, v1alpha1.ReasonTagsLost})
			} else if !j.Restarted[e.ID] && !j.Forced[uid] {
				j.violated(4, "%s was that of NodeENI %s, which is gone, though it lives (its tags were taken away)", e.ID, uid)
			}
		case j.anybodys(e) != nil:
			j.holds = append(j.holds, Hold{e.ID, j.anybodys(e).Name, v1alpha1.ReasonTagsLost})
		case !j.ours(e) || j.used[e.ID] || j.excusedFor(e) || j.frozen(e):
		default:
			j.leftover(e)
		}
	}
	held := map[string]bool{}
	for _, h := range j.holds {
		held[h.NodeENI] = true
	}
	for i := range j.nodeENIs {
		if n := &j.nodeENIs[i]; n.DeletionTimestamp != nil && !held[n.Name] {
			j.violated(4, "NodeENI %s is being deleted since %s and still there", n.Name, n.DeletionTimestamp.UTC().Format("15:04:05"))
		}
	}
}

// namesake is the NodeENI that has the name which is left of an interface's tags, with our cluster's; nil when there is
// none.
func (j *judgement) namesake(e *ec2sim.InterfaceNow) *v1alpha1.NodeENI {
	for i := range j.nodeENIs {
		if n := &j.nodeENIs[i]; e.Tags[eni.TagClusterID] != "" && Tells(e.Tags, j.ClusterIDs, n.Name, "") {
			return n
		}
	}
	return nil
}

// anybodys is the NodeENI of which status says that an interface has lost its tags which was made by another cluster with
// a NodeENI of the same UID, a copy of this one: nobody can tell by the UID alone whose it is.
func (j *judgement) anybodys(e *ec2sim.InterfaceNow) *v1alpha1.NodeENI {
	n := j.byUID[e.Tags[eni.TagNodeENIUID]]
	if n == nil || e.Tags[eni.TagClusterID] != "" || !slices.ContainsFunc(n.Status.Releasing, func(r v1alpha1.Release) bool {
		return r.ENIID == e.ID && r.Reason == v1alpha1.ReasonTagsLost
	}) {
		return nil
	}
	return n
}

// told reports whether a status must tell that an interface of the NodeENI has lost its tags: somebody has seen them, or
// what is left of them tells. By the UID alone it is looked for when the NodeENI is being deleted.
func (j *judgement) told(n *v1alpha1.NodeENI, id string) bool {
	i := slices.IndexFunc(j.Interfaces, func(e ec2sim.InterfaceNow) bool { return e.ID == id })
	e := &j.Interfaces[i]
	switch {
	case j.Stripped[id] != string(n.UID):
		return false // its heir's
	case !j.Restarted[id]:
		return true
	}
	// By the UID alone it is looked for last, when nothing else keeps the NodeENI.
	last := n.DeletionTimestamp != nil && !slices.ContainsFunc(j.holds, func(h Hold) bool { return h.NodeENI == n.Name && h.InterfaceID != id })
	return Tells(e.Tags, j.ClusterIDs, n.Name, string(n.UID)) && (e.Tags[eni.TagClusterID] != "" || last)
}

func (j *judgement) excusedFor(e *ec2sim.InterfaceNow) bool {
	return slices.ContainsFunc(j.claims, func(c *claim) bool {
		return c.excused && e.Tags[eni.TagNodeENIUID] == string(c.n.UID) && e.Tags[eni.TagInstanceID] == c.id
	})
}

// leftover is an interface of ours that no claim has: it must be held, and reported so.
func (j *judgement) leftover(e *ec2sim.InterfaceNow) {
	where := "available"
	if e.Attachment != nil {
		where = fmt.Sprintf("%s at index %d of %s", e.Attachment.Status, e.Attachment.DeviceIndex, e.Attachment.Instance)
	}
	owner := j.byUID[e.Tags[eni.TagNodeENIUID]]
	if reason := j.reported(e); reason != "" && owner != nil {
		j.holds = append(j.holds, Hold{e.ID, owner.Name, reason})
		return
	}
	if owner != nil && j.waitsForStuck(e, owner) {
		return
	}
	if owner == nil && j.StuckOrphans[e.ID] && e.Attachment != nil && e.Attachment.Status == "detaching" {
		j.holds = append(j.holds, Hold{e.ID, "", v1alpha1.ReasonDetachStuck})
		return
	}
	if j.haltedOrphan(e) {
		j.holds = append(j.holds, Hold{e.ID, "", v1alpha1.ReasonCleanupHalted})
		return
	}
	j.violated(2, "%s of NodeENI %s for %s exists (%s): nobody wants it, and it is not held", e.ID,
		e.Tags[eni.TagNodeENIName], e.Tags[eni.TagNodeName], where)
}

// waitsForStuck reports whether an interface that is attached nowhere waits, and is reported to, for one that does not
// end to leave the instance, or may not leave it: that one is the hold. Or it waits for a place of use.
func (j *judgement) waitsForStuck(e *ec2sim.InterfaceNow, owner *v1alpha1.NodeENI) bool {
	reasons := map[string]bool{}
	for i := range j.Interfaces {
		other := &j.Interfaces[i]
		if other.Attachment == nil || other.Attachment.Instance != e.Tags[eni.TagInstanceID] {
			continue
		}
		switch {
		case other.Attachment.Status == "detaching":
			reasons[v1alpha1.ReasonDetachStuck] = true
		case j.haltedOrphan(other), j.reported(other) == v1alpha1.ReasonCleanupHalted:
			reasons[v1alpha1.ReasonCleanupHalted] = true
		}
	}
	for _, c := range j.claims {
		if c.n == owner && c.id == e.Tags[eni.TagInstanceID] && c.spoilt() {
			reasons[v1alpha1.ReasonAttachFailed] = true
		}
	}
	return e.Attachment == nil && slices.ContainsFunc(owner.Status.Attachments, func(a v1alpha1.Attachment) bool {
		return a.ENIID == e.ID && a.State == v1alpha1.AttachmentBlocked && reasons[a.Reason]
	})
}

// reported is the reason with which status says that an interface is held; empty when it says no such thing, or when
// the world gives no cause for it.
func (j *judgement) reported(e *ec2sim.InterfaceNow) string {
	owner := j.byUID[e.Tags[eni.TagNodeENIUID]]
	if owner == nil || e.Attachment == nil {
		return ""
	}
	possible := map[string]bool{
		v1alpha1.ReasonCleanupHalted: e.Attachment.Status != "detaching",
		v1alpha1.ReasonDetachStuck:   e.Attachment.Status == "detaching",
		v1alpha1.ReasonAttachStuck:   e.Attachment.Status == "attaching",
	}
	for _, r := range owner.Status.Releasing {
		if r.ENIID == e.ID && possible[r.Reason] {
			return r.Reason
		}
	}
	for _, a := range owner.Status.Attachments {
		if a.ENIID != e.ID || a.State != v1alpha1.AttachmentBlocked {
			continue
		}
		if e.Attachment.Status == "attaching" { // which may lack a setting as well, and be blocked by that
			return v1alpha1.ReasonAttachStuck
		}
		if possible[a.Reason] {
			return a.Reason
		}
	}
	return ""
}
