package controller

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// What of a Node can be fought over.
const (
	fieldNodeTaint      plan.Field = "readiness taint"
	fieldNodeAnnotation plan.Field = "annotation " + v1alpha1.AnnotationENIs
	fieldNodeCondition  plan.Field = "condition " + v1alpha1.NodeConditionENIsReady
)

// errNodesDenied says what is to be done when the API server does not let Nodes be written.
var errNodesDenied = errors.New("the API server denies it; the taint and the annotation need the role of manifests/examples/node-readiness/rbac.yaml, the condition that of rbac-condition.yaml beside it")

// nodeKey stands for a Node among the slots.
func nodeKey(uid types.UID) plan.SlotKey { return objectKey(uid) }

// bearsTaint reports whether the taint is among them.
func bearsTaint(taints []corev1.Taint, key string) bool {
	return slices.ContainsFunc(taints, func(taint corev1.Taint) bool { return taint.Key == key })
}

// borne is what a Node shows, by field.
func (e *nodeEdits) borne(node *corev1.Node) map[plan.Field]string {
	shown := map[plan.Field]string{
		fieldNodeTaint:      strconv.FormatBool(bearsTaint(node.Spec.Taints, e.options.Taint)),
		fieldNodeAnnotation: annotationOf(node),
		fieldNodeCondition:  "",
	}
	for i := range node.Status.Conditions {
		if node.Status.Conditions[i].Type == v1alpha1.NodeConditionENIsReady {
			shown[fieldNodeCondition] = said(&node.Status.Conditions[i])
		}
	}
	return shown
}

// annotationOf is the annotation that a Node bears; empty for none. One with an empty value is there.
func annotationOf(node *corev1.Node) string {
	if value, has := node.Annotations[v1alpha1.AnnotationENIs]; has {
		return cmp.Or(value, `""`)
	}
	return ""
}

// said is what a condition says, whenever that was.
func said(condition *corev1.NodeCondition) string {
	return fmt.Sprintf("%s %s %s", condition.Status, condition.Reason, condition.Message)
}

// wantedBy is what an edit makes of a Node, by field.
func (e *nodeEdits) wantedBy(edit plan.NodeEdit) map[plan.Field]string {
	wanted := map[plan.Field]string{}
	if edit.Taints != nil {
		wanted[fieldNodeTaint] = strconv.FormatBool(bearsTaint(*edit.Taints, e.options.Taint))
	}
	switch {
	case edit.Annotation != nil:
		wanted[fieldNodeAnnotation] = *edit.Annotation
	case edit.RemoveAnnotation:
		wanted[fieldNodeAnnotation] = ""
	}
	if edit.Condition != nil {
		wanted[fieldNodeCondition] = said(edit.Condition)
	}
	return wanted
}

// without is the edit less one field.
func without(edit plan.NodeEdit, field plan.Field) plan.NodeEdit {
	switch field {
	case fieldNodeTaint:
		edit.Taints = nil
	case fieldNodeAnnotation:
		edit.Annotation, edit.RemoveAnnotation = nil, false
	case fieldNodeCondition:
		edit.Condition = nil
	}
	return edit
}

// noticeNodeUndone looks whether an update of the Node takes away what we wrote.
func (c *Controller) noticeNodeUndone(old, node *corev1.Node) {
	now := c.nodeEdits.borne(node)
	for field, before := range c.nodeEdits.borne(old) {
		if before != now[field] {
			c.contests.undone(nodeKey(node.UID), field, before)
		}
	}
}

// uncontestedOnNode is what of an edit is not held back since something else keeps undoing it, and when the rest is due.
func (c *Controller) uncontestedOnNode(node *corev1.Node, edit plan.NodeEdit, now time.Time) (_ plan.NodeEdit, due time.Time) {
	fights := c.contests.fights(nodeKey(node.UID), now)
	for field, value := range c.nodeEdits.wantedBy(edit) {
		if fight, fought := fights[field]; fought && fight.Wanted == value && now.Before(fight.Next) {
			edit, due = without(edit, field), sooner(due, fight.Next)
		}
	}
	return edit, due
}

// wroteNode counts what was put right, and tells of what something else keeps undoing.
func (c *Controller) wroteNode(node *corev1.Node, edit plan.NodeEdit) {
	wanted, now := c.nodeEdits.wantedBy(edit), time.Now()
	for field, value := range wanted {
		c.contests.wrote(nodeKey(node.UID), now, plan.Correction{Field: field, Wanted: value})
	}
	fights := c.contests.fights(nodeKey(node.UID), now)
	maps.DeleteFunc(fights, func(field plan.Field, fight plan.Contest) bool {
		value, wrote := wanted[field]
		return !wrote || fight.Wanted != value
	})
	if len(fights) == 0 {
		return
	}
	var fields []string
	for _, field := range slices.Sorted(maps.Keys(fights)) {
		fields = append(fields, string(field))
	}
	c.recorder.Event(node, corev1.EventTypeWarning, eventNodeContested, nodeContestedMessage(fields, node.Name))
}

func nodeContestedMessage(fields []string, name string) string {
	return fmt.Sprintf("something else keeps changing the %s of this Node; find it and stop it (kubectl get node %s --show-managed-fields -o yaml); until that ends it is put right less and less often",
		strings.Join(fields, " and the "), name)
}

// admitted is what of an edit may be asked for now, and when the rest may. When the API server has denied a write, one
// Node asks again for all, less and less often.
func (e *nodeEdits) admitted(edit plan.NodeEdit, now time.Time) (_ plan.NodeEdit, due time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for subresource, fields := range map[string][]plan.Field{"": {fieldNodeTaint, fieldNodeAnnotation}, statusOfNode: {fieldNodeCondition}} {
		until := e.denied[subresource].askable(now)
		for _, field := range fields {
			less := without(edit, field)
			if until.After(now) && less != edit {
				edit, due = less, sooner(due, until)
			}
		}
		if b := e.denied[subresource]; b != nil && !until.After(now) && fieldsLeft(edit, fields) {
			b.probing = now
		}
	}
	return edit, due
}

// askable is when somebody may ask again; the past or zero when that is now.
func (s *setback) askable(now time.Time) time.Time {
	switch {
	case s == nil:
		return time.Time{}
	case s.probed(now) && !s.Until.After(now):
		return now.Add(probePause)
	}
	return s.Until
}

// fieldsLeft reports whether the edit changes one of the fields.
func fieldsLeft(edit plan.NodeEdit, fields []plan.Field) bool {
	return slices.ContainsFunc(fields, func(field plan.Field) bool { return without(edit, field) != edit })
}

// answered takes in how the API server answered a write, and returns when the next may be made if it denied it. That is
// never long: a policy may deny it for one Node alone.
func (e *nodeEdits) answered(subresource string, err error, now time.Time) time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err == nil || isAbsent(err) || apierrors.IsConflict(err):
		delete(e.denied, subresource)
	case apierrors.IsForbidden(err):
		b := remember(&e.denied, subresource)
		if b.probing = (time.Time{}); !b.Until.After(now) { // else a write was under way when another one was denied
			b.step = min(max(2*b.step, firstSetback), maxPause)
			b.Until = now.Add(b.step)
		}
		return b.Until
	case e.denied[subresource] != nil:
		e.denied[subresource].probing = time.Time{}
	}
	return time.Time{}
}
