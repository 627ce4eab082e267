package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// maxWaitingNamed is how many NodeENIs the condition on a Node names.
const maxWaitingNamed = 5

// NodeOptions say what a Node is to show of its interfaces.
type NodeOptions struct {
	// Taint is the key of the taint that a Node loses once every interface that is wanted on it is attached; empty
	// for none. Retaint gives it back to a Node of EC2 when one is wanting later.
	Taint   string
	Retaint bool
	// Condition and Annotation have NodeConditionENIsReady and AnnotationENIs kept.
	Condition  bool
	Annotation bool
}

// Any reports whether a Node is to show anything.
func (o NodeOptions) Any() bool { return o.Taint != "" || o.Condition || o.Annotation }

// NodeEdit is what a Node must be given to show how its interfaces stand. Nil and false leave alone.
type NodeEdit struct {
	// Taints are all taints that the Node is to have, where those it has must change.
	Taints *[]corev1.Taint
	// Condition has no times: they are the writer's.
	Condition *corev1.NodeCondition
	// Annotation is the wanted value; RemoveAnnotation takes it away.
	Annotation       *string
	RemoveAnnotation bool
}

// Empty reports whether there is nothing to do.
func (e NodeEdit) Empty() bool {
	return e.Taints == nil && e.Condition == nil && e.Annotation == nil && !e.RemoveAnnotation
}

// NodeInterface is one entry of AnnotationENIs.
type NodeInterface struct {
	NodeENI          string `json:"nodeENI"`
	ENIID            string `json:"eniID"`
	MACAddress       string `json:"macAddress"`
	PrivateIP        string `json:"privateIP,omitempty"`
	SubnetID         string `json:"subnetID"`
	SubnetCIDR       string `json:"subnetCIDR"`
	NetworkCardIndex int32  `json:"networkCardIndex"`
	DeviceIndex      int32  `json:"deviceIndex"`
}

// Node decides what the Node must be given. Reports may hold those of other Nodes too. A Node on which nothing is
// wanted is ready, but is given neither condition nor annotation that it does not have.
func Node(node *corev1.Node, reports []AttachmentReport, options NodeOptions) NodeEdit {
	var wanted, attached []AttachmentReport
	ready := 0
	for _, report := range reports {
		if report.Attachment.NodeName != node.Name {
			continue
		}
		wanted = append(wanted, report)
		if report.Attachment.State == v1alpha1.AttachmentAttached {
			attached = append(attached, report)
		}
		if report.ready() {
			ready++
		}
	}
	var edit NodeEdit
	if options.Taint != "" {
		edit.Taints = taintsFor(node, options, ready == len(wanted))
	}
	if options.Condition {
		edit.Condition = conditionFor(node, wanted, ready)
	}
	if options.Annotation {
		edit.Annotation, edit.RemoveAnnotation = annotationFor(node, attached, len(wanted) > 0)
	}
	return edit
}

// ready reports whether the interface can be used, as far as EC2 shows it. One that it does not show at the moment may be
// gone; the annotation still lists it, until that is known.
func (r *AttachmentReport) ready() bool {
	return r.Attachment.State == v1alpha1.AttachmentAttached && !r.Missing
}

// registering are the taints of a Node whose labels may be yet to come: the cloud provider's and Karpenter's.
// Source: https://kubernetes.io/docs/reference/labels-annotations-taints/, https://karpenter.sh/docs/concepts/nodeclaims/
var registering = []string{"node.cloudprovider.kubernetes.io/uninitialized", "karpenter.sh/unregistered"}

// initialized reports whether the Node has the labels that decide what is wanted on it.
func initialized(taints []corev1.Taint) bool {
	return !slices.ContainsFunc(taints, func(taint corev1.Taint) bool { return slices.Contains(registering, taint.Key) })
}

// taintsFor takes the taint away from a ready Node, whatever its effect. A Node whose provider ID names no EC2 instance -
// Fargate, hybrid, another cloud - never has an interface of ours, and no edit makes its provider ID another one: a taint
// that waits for that would stay for good. One that has no provider ID yet may keep the taint, and is not given it.
func taintsFor(node *corev1.Node, options NodeOptions, ready bool) *[]corev1.Taint {
	taints := node.Spec.Taints
	_, placed := InstanceID(node.Spec.ProviderID)
	ready = ready || (!placed && node.Spec.ProviderID != "")
	isOurs := func(taint corev1.Taint) bool { return taint.Key == options.Taint }
	has := slices.ContainsFunc(taints, isOurs)
	switch {
	case ready && has && initialized(taints):
		return new(slices.DeleteFunc(slices.Clone(taints), isOurs))
	case !ready && !has && options.Retaint && placed:
		return new(append(slices.Clone(taints), corev1.Taint{Key: options.Taint, Effect: corev1.TaintEffectNoSchedule}))
	}
	return nil
}

// conditionFor returns the condition when it says something else than the one that the Node has.
func conditionFor(node *corev1.Node, wanted []AttachmentReport, attached int) *corev1.NodeCondition {
	condition := corev1.NodeCondition{Type: v1alpha1.NodeConditionENIsReady}
	switch {
	case len(wanted) == 0:
		condition.Status, condition.Reason, condition.Message = corev1.ConditionTrue, v1alpha1.ReasonNoneWanted, "no NodeENI selects this node"
	case attached == len(wanted):
		condition.Status, condition.Reason = corev1.ConditionTrue, v1alpha1.ReasonAllAttached
		condition.Message = fmt.Sprintf("%d of %d wanted interfaces are attached", attached, len(wanted))
	default:
		condition.Status, condition.Reason = corev1.ConditionFalse, v1alpha1.ReasonNotAttached
		condition.Message = fmt.Sprintf("%d of %d wanted interfaces are attached; waiting for %s; look at these with kubectl describe nodeeni", attached, len(wanted), awaiting(wanted))
	}
	i := slices.IndexFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool { return c.Type == condition.Type })
	if i < 0 && len(wanted) == 0 {
		return nil
	}
	if i >= 0 {
		stored := node.Status.Conditions[i]
		if stored.Status == condition.Status && stored.Reason == condition.Reason && stored.Message == condition.Message {
			return nil
		}
	}
	return &condition
}

// awaiting names the NodeENIs whose interface is wanting, with what blocks it. Why at length is in their status.
func awaiting(wanted []AttachmentReport) string {
	var names []string
	for _, report := range wanted {
		if report.ready() {
			continue
		}
		why := cmp.Or(report.Attachment.Reason, string(report.Attachment.State))
		if report.Missing && report.Attachment.Reason == "" {
			why = "EC2 does not show the interface"
		}
		names = append(names, "NodeENI "+report.NodeENIName+" ("+why+")")
	}
	slices.Sort(names)
	if more := len(names) - maxWaitingNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:maxWaitingNamed], ", "), more)
	}
	return strings.Join(names, ", ")
}

func annotationFor(node *corev1.Node, attached []AttachmentReport, wanted bool) (value *string, remove bool) {
	stored, has := node.Annotations[v1alpha1.AnnotationENIs]
	if !wanted {
		return nil, has
	}
	interfaces := make([]NodeInterface, 0, len(attached))
	for _, report := range attached {
		a := report.Attachment
		if report.SubnetGone {
			continue // nobody is to read half an entry, nor to wait for the other half
		}
		if a.SubnetCIDR == "" {
			return nil, false // the subnet is about to be described
		}
		interfaces = append(interfaces, NodeInterface{
			NodeENI: report.NodeENIName, ENIID: a.ENIID, MACAddress: a.MACAddress, PrivateIP: a.PrivateIP,
			SubnetID: a.SubnetID, SubnetCIDR: a.SubnetCIDR, NetworkCardIndex: *a.NetworkCardIndex, DeviceIndex: a.DeviceIndex,
		})
	}
	slices.SortFunc(interfaces, func(a, b NodeInterface) int {
		return cmp.Or(cmp.Compare(a.NetworkCardIndex, b.NetworkCardIndex), cmp.Compare(a.DeviceIndex, b.DeviceIndex))
	})
	// Strings and numbers have no way to fail.
	data, _ := json.Marshal(interfaces)
	if has && stored == string(data) {
		return nil, false
	}
	return new(string(data)), false
}
