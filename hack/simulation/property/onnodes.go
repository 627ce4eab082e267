package property

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// OnNodes says what Nodes are to show of their interfaces; nothing where it is zero.
type OnNodes struct {
	// Taint is the key of the readiness taint; empty for none.
	Taint                          string
	Retaint, Condition, Annotation bool
}

// Any reports whether Nodes are to show anything.
func (o OnNodes) Any() bool { return o != OnNodes{} }

// Registering are the taints of a Node whose labels may be yet to come: as long as it bears one, the readiness taint
// stays.
var Registering = []string{"node.cloudprovider.kubernetes.io/uninitialized", "karpenter.sh/unregistered"}

// Bears reports whether a Node has a taint.
func Bears(node *corev1.Node, keys ...string) bool {
	return slices.ContainsFunc(node.Spec.Taints, func(t corev1.Taint) bool { return slices.Contains(keys, t.Key) })
}

// onNode is clause 5 for one Node.
func (j *judgement) onNode(node *corev1.Node) {
	var wanted, attached []*claim
	for _, c := range j.claims {
		if c.node != node {
			continue
		}
		if c.excused {
			return
		}
		if wanted = append(wanted, c); c.has != nil {
			attached = append(attached, c)
		}
	}
	for i := range j.nodeENIs {
		if n := &j.nodeENIs[i]; n.DeletionTimestamp == nil && invalid(n) && selects(n, node) {
			return // what it has by now depends on what was valid before
		}
	}
	wrong := func(format string, args ...any) {
		j.violated(5, "Node %s, on which %d of %d wanted interfaces are attached: %s", node.Name, len(attached), len(wanted), fmt.Sprintf(format, args...))
	}
	if j.OnNodes.Taint != "" {
		j.taint(node, len(attached) == len(wanted), wrong)
	}
	if j.OnNodes.Condition {
		j.nodeCondition(node, wanted, len(attached), wrong)
	}
	if j.OnNodes.Annotation {
		j.annotation(node, wanted, attached, wrong)
	}
}

// unplaced reports whether a Node can never have an interface: it names what is no instance of EC2.
func unplaced(node *corev1.Node) bool { return node.Spec.ProviderID != "" && instanceOf(node) == "" }

// taint wants the taint gone from a Node that has all or can have none, and on any other if it is to come back, save one
// that does not name its instance yet. Whether it went too early is about the moment when it went.
func (j *judgement) taint(node *corev1.Node, ready bool, wrong func(string, ...any)) {
	switch bears := Bears(node, j.OnNodes.Taint); {
	case (ready || unplaced(node)) && bears && !Bears(node, Registering...):
		wrong("it still bears the readiness taint")
	case !ready && !bears && j.OnNodes.Retaint && instanceOf(node) != "":
		wrong("it does not bear the readiness taint")
	}
}

func (j *judgement) nodeCondition(node *corev1.Node, wanted []*claim, attached int, wrong func(string, ...any)) {
	i := slices.IndexFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == v1alpha1.NodeConditionENIsReady })
	status, reason := corev1.ConditionTrue, v1alpha1.ReasonAllAttached
	switch {
	case i < 0 && len(wanted) == 0:
		return
	case i < 0:
		wrong("it has no condition")
		return
	case len(wanted) == 0:
		reason = v1alpha1.ReasonNoneWanted
	case attached < len(wanted):
		status, reason = corev1.ConditionFalse, v1alpha1.ReasonNotAttached
	}
	c := node.Status.Conditions[i]
	if c.Status != status || c.Reason != reason {
		wrong("its condition is %s %s (%s), want %s %s", c.Status, c.Reason, c.Message, status, reason)
	}
	for _, waiting := range wanted {
		if named := strings.Contains(c.Message, "NodeENI "+waiting.n.Name+" "); named != (waiting.has == nil) && len(wanted) <= 5 {
			wrong("its condition names NodeENI %s: %v; it is attached: %v (%s)", waiting.n.Name, named, waiting.has != nil, c.Message)
		}
	}
}

// shown is an entry of the annotation, as its readers read it.
type shown struct {
	NodeENI, ENIID, MACAddress, PrivateIP, SubnetID, SubnetCIDR string
	NetworkCardIndex, DeviceIndex                               int32
}

func (j *judgement) annotation(node *corev1.Node, wanted, attached []*claim, wrong func(string, ...any)) {
	value, has := node.Annotations[v1alpha1.AnnotationENIs]
	switch {
	case len(wanted) == 0 && has:
		wrong("its annotation is %s, want none", value)
		return
	case len(wanted) == 0:
		return
	}
	want := []shown{}
	for _, c := range attached {
		want = append(want, shown{c.n.Name, c.has.ID, c.has.MAC, c.has.PrivateIP, c.has.Subnet, j.subnets[c.has.Subnet].CIDR, 0, c.n.Spec.DeviceIndex})
	}
	slices.SortFunc(want, func(a, b shown) int { return int(a.DeviceIndex - b.DeviceIndex) })
	var got []shown
	if err := json.Unmarshal([]byte(value), &got); err != nil || !slices.Equal(got, want) {
		wrong("its annotation is %q (%v), want %+v", value, err, want)
	}
}

// Taken says why the readiness taint must not be taken from a Node; empty where it may. Given are the NodeENIs that have
// been there for long enough to be known; attached says whether an interface of a NodeENI has ever been attached at an
// index of an instance.
func Taken(node *corev1.Node, nodeENIs []*v1alpha1.NodeENI, attached func(n *v1alpha1.NodeENI, instance string) bool) string {
	if Bears(node, Registering...) {
		return "its labels may be yet to come"
	}
	if unplaced(node) {
		return ""
	}
	for _, n := range nodeENIs {
		if n.DeletionTimestamp == nil && !invalid(n) && selects(n, node) && !attached(n, instanceOf(node)) {
			return fmt.Sprintf("no interface of NodeENI %s has ever been attached to %q at index %d", n.Name, instanceOf(node), n.Spec.DeviceIndex)
		}
	}
	return ""
}
