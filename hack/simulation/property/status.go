package property

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// status is clause 5 for one NodeENI.
func (j *judgement) status(n *v1alpha1.NodeENI) {
	wrong := func(format string, args ...any) {
		j.violated(5, "status of NodeENI "+n.Name+": "+format, args...)
	}
	s := &n.Status
	if s.ObservedGeneration != n.Generation {
		wrong("observedGeneration is %d, the generation %d", s.ObservedGeneration, n.Generation)
		return
	}
	if n.DeletionTimestamp == nil && invalid(n) {
		j.invalidStatus(n, wrong)
		return
	}
	t := j.attachments(n, wrong)
	j.releases(n, &t, wrong)
	if n.DeletionTimestamp != nil || t.excused {
		return
	}
	for _, c := range []struct {
		name string
		got  *int32
		want int32
	}{
		{"matchingNodes", s.MatchingNodes, t.matching},
		{"attachedNodes", s.AttachedNodes, t.attached},
		{"blockedNodes", s.BlockedNodes, t.matching - t.attached},
		{"pendingNodes", s.PendingNodes, 0},
		{"releasingInterfaces", s.ReleasingInterfaces, t.held},
	} {
		if c.got == nil || *c.got != c.want {
			wrong("%s is %v, want %d", c.name, show(c.got), c.want)
		}
	}
	conditions(n, t, wrong)
}

// invalidStatus wants it said that the spec says nothing.
func (j *judgement) invalidStatus(n *v1alpha1.NodeENI, wrong func(string, ...any)) {
	for kind, want := range map[string]metav1.ConditionStatus{v1alpha1.ConditionReady: metav1.ConditionFalse, v1alpha1.ConditionStalled: metav1.ConditionTrue} {
		c := meta.FindStatusCondition(n.Status.Conditions, kind)
		if c == nil || c.Status != want || c.Reason != v1alpha1.ReasonInvalidSpec || c.ObservedGeneration != n.Generation {
			wrong("the spec is invalid, and condition %s is %+v", kind, c)
		}
	}
}

func show(v *int32) any {
	if v == nil {
		return "missing"
	}
	return *v
}

// truth is what a NodeENI's status is to say.
type truth struct {
	matching, attached, held int32
	excused                  bool
}

// attachments compares status.attachments with the claims.
func (j *judgement) attachments(n *v1alpha1.NodeENI, wrong func(string, ...any)) truth {
	var t truth
	for _, c := range j.claims {
		if c.n != n {
			continue
		}
		t.matching++
		t.excused = t.excused || c.excused
		i := slices.IndexFunc(n.Status.Attachments, func(a v1alpha1.Attachment) bool { return a.NodeName == c.node.Name })
		if i < 0 {
			wrong("no entry for node %s", c.node.Name)
			continue
		}
		if !c.excused {
			t.attached += j.entry(c, &n.Status.Attachments[i], wrong)
		}
	}
	if got := len(n.Status.Attachments); got != int(t.matching) {
		wrong("%d attachments are listed, %d Nodes match", got, t.matching)
	}
	return t
}

// entry compares one entry with its claim, and counts it when it is attached with all that is wanted.
func (j *judgement) entry(c *claim, a *v1alpha1.Attachment, wrong func(string, ...any)) int32 {
	if c.has == nil {
		if a.State != v1alpha1.AttachmentBlocked || (!c.against[a.Reason] && len(c.against) > 0) {
			wrong("node %s is %s %s (%s), want Blocked by one of %s", a.NodeName, a.State, a.Reason, a.Message, strings.Join(c.reasons(), ", "))
		}
		return 0
	}
	if a.State != v1alpha1.AttachmentAttached {
		wrong("node %s is %s %s, but %s is attached", a.NodeName, a.State, a.Reason, c.has.ID)
		return 1
	}
	subnet := j.subnets[c.has.Subnet]
	for _, f := range [][3]string{
		{"eniID", a.ENIID, c.has.ID},
		{"instanceID", a.InstanceID, c.id},
		{"attachmentID", a.AttachmentID, c.has.Attachment.ID},
		{"subnetID", a.SubnetID, c.has.Subnet},
		{"subnetCIDR", a.SubnetCIDR, subnet.CIDR},
		{"availabilityZone", a.AvailabilityZone, c.has.Zone},
		{"privateIP", a.PrivateIP, c.has.PrivateIP},
		{"macAddress", a.MACAddress, c.has.MAC},
	} {
		if f[1] != f[2] {
			wrong("node %s: %s is %q, want %q", a.NodeName, f[0], f[1], f[2])
		}
	}
	if a.DeviceIndex != c.n.Spec.DeviceIndex {
		wrong("node %s: deviceIndex is %d, want %d", a.NodeName, a.DeviceIndex, c.n.Spec.DeviceIndex)
	}
	switch lacks := !j.groupsExist(c); {
	case lacks && slices.Equal(sorted(c.has.SecurityGroups), sorted(c.n.Spec.SecurityGroupIDs)):
	case lacks && a.Reason == "":
		wrong("node %s: a security group does not exist, and no reason says so", a.NodeName)
		return 0
	case lacks:
		return 0
	case c.damaged() && a.Reason != v1alpha1.ReasonTagsDamaged:
		wrong("node %s: the tags of %s say another place, and the reason is %q", a.NodeName, c.has.ID, a.Reason)
	case a.Reason != "" && !c.damaged():
		wrong("node %s: attached and yet %s: %s", a.NodeName, a.Reason, a.Message)
	}
	return 1
}

// releases compares status.releasing with what is held.
func (j *judgement) releases(n *v1alpha1.NodeENI, t *truth, wrong func(string, ...any)) {
	held := map[string]bool{}
	for _, h := range j.holds {
		if h.NodeENI == n.Name {
			held[h.InterfaceID] = true
		}
	}
	listed := map[string]bool{}
	for _, r := range n.Status.Releasing {
		listed[r.ENIID] = true
		t.held++
		if !held[r.ENIID] {
			wrong("%s is listed as on its way out (%s %s), and is not held", r.ENIID, r.State, r.Reason)
		}
	}
	for _, h := range j.holds {
		if h.NodeENI == n.Name && h.Reason == v1alpha1.ReasonTagsLost && !listed[h.InterfaceID] && j.told(n, h.InterfaceID) {
			wrong("%s has lost its tags, and nothing says so", h.InterfaceID)
		}
	}
}

func conditions(n *v1alpha1.NodeENI, t truth, wrong func(string, ...any)) {
	is := func(kind string, want bool) {
		c := meta.FindStatusCondition(n.Status.Conditions, kind)
		switch {
		case c == nil:
			wrong("no condition %s", kind)
		case c.ObservedGeneration != n.Generation:
			wrong("condition %s is of generation %d", kind, c.ObservedGeneration)
		case (c.Status == metav1.ConditionTrue) != want:
			wrong("condition %s is %s (%s: %s), want %v", kind, c.Status, c.Reason, c.Message, want)
		}
	}
	is(v1alpha1.ConditionReady, t.attached == t.matching)
	is(v1alpha1.ConditionStalled, t.attached < t.matching || t.held > 0)
	is(v1alpha1.ConditionReconciling, false)
}
