package controller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// nodeWorkers is how many Nodes are written at a time.
const nodeWorkers = 4

// statusOfNode is the subresource.
const statusOfNode = "status"

// nodeEdits keeps on Nodes what they are to show of their interfaces.
type nodeEdits struct {
	kube    kubernetes.Interface
	options plan.NodeOptions

	mu sync.Mutex
	// written has, by the Node's UID, the resource version of our last write.
	written map[types.UID]string
	// denied has, by subresource, what stands against writing any Node since the API server has denied it.
	denied map[string]*setback
}

// pending reports whether the cached Node is older than our last write.
func (e *nodeEdits) pending(node *corev1.Node) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	last, ok := e.written[node.UID]
	return ok && older(node.ResourceVersion, last)
}

func (e *nodeEdits) record(node *corev1.Node) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.written == nil {
		e.written = map[types.UID]string{}
	}
	e.written[node.UID] = node.ResourceVersion
}

func (e *nodeEdits) forget(uid types.UID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.written, uid)
}

// concern reports whether a Node's change may call for an edit: somebody changed what we keep there.
func (e *nodeEdits) concern(old, node *corev1.Node) bool {
	return e.options.Taint != "" && !equality.Semantic.DeepEqual(old.Spec.Taints, node.Spec.Taints) ||
		e.options.Annotation && annotationOf(old) != annotationOf(node) ||
		e.options.Condition && !equality.Semantic.DeepEqual(old.Status.Conditions, node.Status.Conditions)
}

func namedNode(logger klog.Logger, name string) klog.Logger {
	return logger.WithValues("node", klog.KRef("", name))
}

// showOnNodes has the Nodes written on which something else is to be shown than they bear.
func (c *Controller) showOnNodes(snapshot plan.Snapshot, result plan.Result) {
	if !c.nodeEdits.options.Any() || snapshot.Node == nil {
		return
	}
	for _, node := range append([]*corev1.Node{snapshot.Node}, snapshot.Duplicates...) {
		if !plan.Node(node, result.Attachments, c.nodeEdits.options).Empty() {
			c.nodeQueue.Add(node.Name)
		}
	}
}

// syncNode keeps what one Node shows of its interfaces.
func (c *Controller) syncNode(ctx context.Context, name string) (time.Time, error) {
	if c.stopping() {
		return time.Time{}, nil
	}
	node, err := c.nodes.Get(name)
	if apierrors.IsNotFound(err) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading Node %s from the cache: %w", name, err)
	}
	if c.nodeEdits.pending(node) {
		return time.Now().Add(recheckMetadata), nil
	}
	reports, err := c.reportsOn(node)
	if err != nil {
		return time.Time{}, err
	}
	edit, due := c.uncontestedOnNode(node, plan.Node(node, reports, c.nodeEdits.options), time.Now())
	if edit.Taints != nil {
		if edit.Taints, err = c.taintsLive(ctx, node); err != nil {
			return time.Time{}, fmt.Errorf("deciding again about the taint of Node %s: %w", name, err)
		}
		due = sooner(due, time.Now().Add(recheckMetadata))
	}
	edit, askable := c.nodeEdits.admitted(edit, time.Now())
	due = sooner(due, askable)
	if edit.Empty() {
		return due, nil
	}
	again, err := c.editNode(ctx, node, edit)
	if err != nil {
		return time.Time{}, fmt.Errorf("writing Node %s: %w", name, err)
	}
	return sooner(sooner(due, again), time.Now().Add(recheckMetadata)), nil
}

// reportsOn says how the interfaces that are wanted on a Node stand.
func (c *Controller) reportsOn(node *corev1.Node) ([]plan.AttachmentReport, error) {
	id, placed := plan.InstanceID(node.Spec.ProviderID)
	if !placed {
		return plan.UnplacedReports(node, c.allNodeENIs()), nil
	}
	snapshot, err := c.gather(id)
	if err != nil {
		return nil, err
	}
	return plan.Instance(snapshot).Attachments, nil
}

// taintsLive decides again about the taint, on a live list of NodeENIs: one that the cache does not show yet may want an
// interface, and pods that have come to a node do not leave it when its taint comes back. That the Node is as the cache
// shows it the patch sees to.
func (c *Controller) taintsLive(ctx context.Context, node *corev1.Node) (*[]corev1.Taint, error) {
	all, err := c.liveNodeENIs(ctx)
	if err != nil {
		return nil, err
	}
	reports := plan.UnplacedReports(node, all)
	if id, placed := plan.InstanceID(node.Spec.ProviderID); placed {
		nodes, err := c.nodeIndex.ByTypedIndex(instanceIndex, id)
		if err != nil {
			return nil, fmt.Errorf("looking up the nodes of instance %s: %w", id, err)
		}
		reports = plan.Instance(c.compose(id, nodes, all, c.inventory.InterfacesOf(id))).Attachments
	}
	return plan.Node(node, reports, c.nodeEdits.options).Taints, nil
}

// editNode writes the condition last: who waits for it finds the rest done. It returns when to look again.
func (c *Controller) editNode(ctx context.Context, node *corev1.Node, edit plan.NodeEdit) (again time.Time, err error) {
	logger := klog.FromContext(ctx)
	metadata, condition := without(edit, fieldNodeCondition), plan.NodeEdit{Condition: edit.Condition}
	if patch := metadataPatch(node, edit); patch != nil {
		if again, err = c.patchNode(ctx, node, metadata, types.MergePatchType, patch); !again.IsZero() || err != nil {
			return again, err
		}
	}
	if edit.Taints != nil {
		logger.V(2).Info("Changed the readiness taint", "taint", c.nodeEdits.options.Taint, "tainted", len(*edit.Taints) > len(node.Spec.Taints))
	}
	if edit.Condition == nil {
		return time.Time{}, nil
	}
	if again, err = c.patchNode(ctx, node, condition, types.StrategicMergePatchType, conditionPatch(node, *edit.Condition, time.Now()), statusOfNode); !again.IsZero() || err != nil {
		return again, err
	}
	logger.V(2).Info("Changed the condition of the Node", "condition", edit.Condition.Type, "status", edit.Condition.Status, "reason", edit.Condition.Reason)
	return time.Time{}, nil
}

// patchNode patches the very Node that the cache shows. It returns when to look again if that was not to be.
func (c *Controller) patchNode(ctx context.Context, node *corev1.Node, edit plan.NodeEdit, format types.PatchType, patch map[string]any, subresources ...string) (again time.Time, err error) {
	data, err := json.Marshal(patch)
	if err != nil {
		return time.Time{}, fmt.Errorf("encoding the patch: %w", err)
	}
	updated, err := c.nodeEdits.kube.CoreV1().Nodes().Patch(ctx, node.Name, format, data, metav1.PatchOptions{FieldManager: fieldManager}, subresources...)
	until := c.nodeEdits.answered(strings.Join(subresources, "/"), err, time.Now())
	switch {
	case apierrors.IsForbidden(err):
		countNodeWrite(node, edit, true)
		klog.FromContext(ctx).Error(errors.Join(errNodesDenied, err), "Nodes can not be written", "next", until)
		return until, nil
	case isAbsent(err):
		return time.Now().Add(recheckMetadata), nil
	case apierrors.IsConflict(err):
		return time.Time{}, fmt.Errorf("the Node is not as the cache shows it: %w", eni.KindNotSent)
	case err != nil:
		return time.Time{}, err
	}
	countNodeWrite(node, edit, false)
	c.nodeEdits.record(updated)
	c.wroteNode(node, edit)
	return time.Time{}, nil
}

// metadataPatch is the patch of what is not status, or nil. Taints are one list for everybody who sets some: they are
// replaced only if nothing has changed since.
func metadataPatch(node *corev1.Node, edit plan.NodeEdit) map[string]any {
	metadata := map[string]any{"uid": node.UID}
	patch := map[string]any{"metadata": metadata}
	switch {
	case edit.Annotation != nil:
		metadata["annotations"] = map[string]any{v1alpha1.AnnotationENIs: *edit.Annotation}
	case edit.RemoveAnnotation:
		metadata["annotations"] = map[string]any{v1alpha1.AnnotationENIs: nil}
	case edit.Taints == nil:
		return nil
	}
	if edit.Taints != nil {
		metadata["resourceVersion"] = node.ResourceVersion
		patch["spec"] = map[string]any{"taints": *edit.Taints}
	}
	return patch
}

// conditionPatch merges the condition into those of others. Its heartbeat is the write itself: there is no other.
func conditionPatch(node *corev1.Node, condition corev1.NodeCondition, now time.Time) map[string]any {
	condition.LastHeartbeatTime, condition.LastTransitionTime = metav1.NewTime(now), metav1.NewTime(now)
	for _, stored := range node.Status.Conditions {
		if stored.Type == condition.Type && stored.Status == condition.Status {
			condition.LastTransitionTime = stored.LastTransitionTime
		}
	}
	return map[string]any{
		"metadata": map[string]any{"uid": node.UID},
		"status":   map[string]any{"conditions": []corev1.NodeCondition{condition}},
	}
}
