package controller

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// What of a NodeENI itself can be fought over.
const (
	fieldFinalizer  plan.Field = "finalizer " + v1alpha1.Finalizer
	fieldAnnotation plan.Field = "annotation " + v1alpha1.AnnotationManagedTagKeys
	fieldSelectors  plan.Field = "annotation " + v1alpha1.AnnotationSelectors
	fieldStatus     plan.Field = "status"
)

// objectKey stands for a NodeENI itself among the slots.
func objectKey(uid types.UID) plan.SlotKey { return plan.SlotKey{NodeENI: uid} }

// uncontested is what of a change of metadata is not held back, and when the rest is due; zero when nothing is.
func (c *Controller) uncontested(n *v1alpha1.NodeENI, want plan.MetadataPatch) (plan.MetadataPatch, time.Time) {
	var due time.Time
	held := func(field plan.Field, value string) bool {
		fight, ok := c.contests.fights(objectKey(n.UID), time.Now())[field]
		if !ok || fight.Wanted != value || !time.Now().Before(fight.Next) {
			return false
		}
		due = sooner(due, fight.Next)
		return true
	}
	want.AddFinalizer = want.AddFinalizer && !held(fieldFinalizer, "")
	want.SetManagedTagKeys = want.SetManagedTagKeys && !held(fieldAnnotation, want.ManagedTagKeys)
	want.SetSelectors = want.SetSelectors && !held(fieldSelectors, want.Selectors)
	return want, due
}

// noticeUndone looks whether an update of the NodeENI takes away what we wrote.
func (c *Controller) noticeUndone(old, n *v1alpha1.NodeENI) {
	if slices.Contains(old.Finalizers, v1alpha1.Finalizer) && !slices.Contains(n.Finalizers, v1alpha1.Finalizer) {
		c.contests.undone(objectKey(n.UID), fieldFinalizer, "")
	}
	if before, now := old.Annotations[v1alpha1.AnnotationManagedTagKeys], n.Annotations[v1alpha1.AnnotationManagedTagKeys]; before != now {
		c.contests.undone(objectKey(n.UID), fieldAnnotation, before)
	}
	if before, now := old.Annotations[v1alpha1.AnnotationSelectors], n.Annotations[v1alpha1.AnnotationSelectors]; before != now {
		c.contests.undone(objectKey(n.UID), fieldSelectors, before)
	}
}

// wroteMetadata counts what was put right.
func (c *Controller) wroteMetadata(ctx context.Context, n *v1alpha1.NodeENI, wrote plan.MetadataPatch) {
	if wrote.AddFinalizer {
		c.madeOnObject(ctx, n, fieldFinalizer, "")
	}
	if wrote.SetManagedTagKeys {
		c.madeOnObject(ctx, n, fieldAnnotation, wrote.ManagedTagKeys)
	}
	if wrote.SetSelectors {
		c.madeOnObject(ctx, n, fieldSelectors, wrote.Selectors)
	}
}

func (c *Controller) madeOnObject(ctx context.Context, n *v1alpha1.NodeENI, field plan.Field, value string) {
	c.contests.wrote(objectKey(n.UID), time.Now(), plan.Correction{Field: field, Wanted: value, Found: c.otherManagers(ctx, n)})
}

// otherManagers are those who have written the NodeENI beside us, as the live object says: the cache holds no
// managedFields. It is empty when nobody can tell.
func (c *Controller) otherManagers(ctx context.Context, n *v1alpha1.NodeENI) string {
	live, found, err := c.live.nodeENIs.read(ctx, n.Name)
	if err != nil || !found || live.UID != n.UID {
		return ""
	}
	entries := slices.SortedStableFunc(slices.Values(live.ManagedFields), func(a, b metav1.ManagedFieldsEntry) int {
		return cmp.Or(writtenAt(b).Compare(writtenAt(a)), cmp.Compare(a.Manager, b.Manager))
	})
	var managers []string
	for _, entry := range entries {
		if entry.Manager != fieldManager && !slices.Contains(managers, entry.Manager) {
			managers = append(managers, entry.Manager)
		}
	}
	return strings.Join(managers, ", ")
}

func writtenAt(entry metav1.ManagedFieldsEntry) time.Time {
	if entry.Time == nil {
		return time.Time{}
	}
	return entry.Time.Time
}

// contestedObject says which parts of the NodeENI itself are fought over, and when to look again. missing are those that
// lack our value now.
func (c *Controller) contestedObject(n *v1alpha1.NodeENI, missing plan.MetadataPatch, now time.Time) (message string, again time.Time) {
	fights := c.contests.fights(objectKey(n.UID), now)
	var parts []string
	var others string
	for _, field := range []plan.Field{fieldAnnotation, fieldSelectors, fieldFinalizer, fieldStatus} {
		fight, ok := fights[field]
		lacking := field == fieldFinalizer && missing.AddFinalizer || field == fieldAnnotation && missing.SetManagedTagKeys ||
			field == fieldSelectors && missing.SetSelectors ||
			field == fieldStatus && c.written.rewritten(n)
		switch {
		case !ok:
			continue
		case lacking:
		case now.Before(fight.Over):
			again = sooner(again, fight.Over)
		default:
			continue
		}
		parts, others = append(parts, string(field)), cmp.Or(fight.Found, others)
	}
	if len(parts) == 0 {
		return "", time.Time{}
	}
	return contestedMessage(parts, others, n.Name), again
}

func contestedMessage(parts []string, others, name string) string {
	return fmt.Sprintf("something else keeps changing the %s of this NodeENI; stop it: those who have written it, the latest first, are %s (kubectl get nodeeni %s --show-managed-fields -o yaml); until that ends it is put right less and less often",
		strings.Join(parts, " and the "), cmp.Or(others, "unknown"), name)
}

// statusFight reports whether a status that says what we wrote last was rewritten by somebody else, and, if that happens
// again and again, until when it is left so.
func (c *Controller) statusFight(n *v1alpha1.NodeENI, status *v1alpha1.NodeENIStatus, now time.Time) (rewritten bool, until time.Time) {
	last, _ := c.written.last(n.UID)
	if !c.written.rewritten(n) || !equality.Semantic.DeepEqual(timeless(&last.status), timeless(status)) {
		return false, time.Time{}
	}
	if fight, ok := c.contests.fights(objectKey(n.UID), now)[fieldStatus]; ok && now.Before(fight.Next) {
		until = fight.Next
	}
	return true, until
}

// timeless is a copy of a status without its times.
func timeless(status *v1alpha1.NodeENIStatus) *v1alpha1.NodeENIStatus {
	s := status.DeepCopy()
	for i := range s.Conditions {
		s.Conditions[i].LastTransitionTime = metav1.Time{}
	}
	for i := range s.Attachments {
		s.Attachments[i].LastTransitionTime = metav1.Time{}
	}
	for i := range s.Releasing {
		s.Releasing[i].LastTransitionTime = metav1.Time{}
	}
	return s
}

// sooner is the earlier of two times, of which a zero one does not count.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
