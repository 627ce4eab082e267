package controller

import (
	"slices"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// waits remembers, for each wanted interface that is not attached, since when this process knows that it is wanted, so
// that it can be said how long people wait. It holds those that wait, and nothing of the others.
type waits struct {
	mu         sync.Mutex
	byInstance map[string][]waiting
}

// waiting is the interface that one NodeENI wants on one Node, and since when.
type waiting struct {
	nodeENI  types.UID
	nodeName string
	since    time.Time
}

// update takes in how the interfaces of one instance stand, and returns how long those waited that are attached now.
func (w *waits) update(instanceID string, reports []plan.AttachmentReport, now time.Time) (ended []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.byInstance[instanceID]
	var after []waiting
	for _, report := range reports {
		i := slices.IndexFunc(before, func(one waiting) bool {
			return one.nodeENI == report.NodeENI && one.nodeName == report.Attachment.NodeName
		})
		switch attached := report.Attachment.State == v1alpha1.AttachmentAttached; {
		case attached && i >= 0:
			ended = append(ended, now.Sub(before[i].since))
		case attached:
		case i >= 0:
			after = append(after, before[i])
		default:
			after = append(after, waiting{report.NodeENI, report.Attachment.NodeName, now})
		}
	}
	w.set(instanceID, after)
	return ended
}

// set keeps those that wait on an instance.
func (w *waits) set(instanceID string, those []waiting) {
	if len(those) == 0 {
		delete(w.byInstance, instanceID)
		return
	}
	put(&w.byInstance, instanceID, those)
}

// forget drops a NodeENI that is gone.
func (w *waits) forget(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for instanceID, of := range w.byInstance {
		w.set(instanceID, slices.DeleteFunc(of, func(one waiting) bool { return one.nodeENI == uid }))
	}
}

// oldest is since when the one waits that has waited longest; zero when none does.
func (w *waits) oldest() (oldest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.byInstance {
		for _, one := range of {
			oldest = sooner(oldest, one.since)
		}
	}
	return oldest
}
