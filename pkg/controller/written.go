package controller

import (
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	// statusInterval is the least time between two writes of one status, statusIntervalLarge that of a
	// NodeENI with more than largeNodeENI nodes, whose status is large as well.
	statusInterval      = time.Second
	statusIntervalLarge = 5 * time.Second
	largeNodeENI        = 50
)

// writtenStatuses remembers what was written last, so that the informer's echo of it causes no work, a
// status is never compared with one older than our own, and writes keep their distance.
type writtenStatuses struct {
	mu     sync.Mutex
	byUID  map[types.UID]writtenStatus
	byName map[string]time.Time
	// metadata has the resourceVersions of our last writes of finalizer and annotation.
	metadata map[types.UID]string
}

type writtenStatus struct {
	name            string
	resourceVersion string
	status          v1alpha1.NodeENIStatus
	history         plan.History
}

// record remembers a write and when the next may follow.
func (w *writtenStatuses) record(n *v1alpha1.NodeENI, history plan.History, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.byUID == nil {
		w.byUID, w.byName = map[types.UID]writtenStatus{}, map[string]time.Time{}
	}
	interval := statusInterval
	if n.Status.MatchingNodes != nil && *n.Status.MatchingNodes > largeNodeENI {
		interval = statusIntervalLarge
	}
	w.byUID[n.UID] = writtenStatus{name: n.Name, resourceVersion: n.ResourceVersion, status: n.Status, history: history}
	w.byName[n.Name] = now.Add(interval)
}

// recordMetadata remembers a write of finalizer and annotation.
func (w *writtenStatuses) recordMetadata(n *v1alpha1.NodeENI) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.metadata == nil {
		w.metadata = map[types.UID]string{}
	}
	w.metadata[n.UID] = n.ResourceVersion
}

// metadataPending reports whether the cached NodeENI is older than our last write of its metadata.
func (w *writtenStatuses) metadataPending(n *v1alpha1.NodeENI) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.metadata[n.UID]
	return ok && older(n.ResourceVersion, last)
}

// older reports whether one resourceVersion of an object is known to come before another.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// due is when the NodeENI's status may be written next.
func (w *writtenStatuses) due(name string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.byName[name]
}

// wrote reports whether the NodeENI's status is the one written last.
func (w *writtenStatuses) wrote(n *v1alpha1.NodeENI) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.byUID[n.UID]
	return ok && sameStatus(&last.status, &n.Status)
}

// rewritten reports whether somebody else has changed the status that was written last.
func (w *writtenStatuses) rewritten(n *v1alpha1.NodeENI) bool {
	last, ok := w.last(n.UID)
	return ok && !older(n.ResourceVersion, last.resourceVersion) && !sameStatus(&last.status, &n.Status)
}

// latest returns the newer of the cached status and the one written last.
func (w *writtenStatuses) latest(n *v1alpha1.NodeENI) v1alpha1.NodeENIStatus {
	last, ok := w.last(n.UID)
	if ok && older(n.ResourceVersion, last.resourceVersion) {
		return last.status
	}
	return n.Status
}

// last returns what was written last.
func (w *writtenStatuses) last(uid types.UID) (writtenStatus, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.byUID[uid]
	return last, ok
}

func (w *writtenStatuses) forget(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.byName, w.byUID[uid].name)
	delete(w.byUID, uid)
	delete(w.metadata, uid)
}
