package controller

import (
	"maps"
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
	byInstance map[string]map[waiting]time.Time
}

// waiting is the interface that one NodeENI wants on one Node.
type waiting struct {
	nodeENI  types.UID
	nodeName string
}

// update takes in how the interfaces of one instance stand, and returns how long those waited that are attached now.
func (w *waits) update(instanceID string, reports []plan.AttachmentReport, now time.Time) (ended []time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := w.byInstance[instanceID]
	var after map[waiting]time.Time
	for _, report := range reports {
		key := waiting{report.NodeENI, report.Attachment.NodeName}
		since, waited := before[key]
		switch attached := report.Attachment.State == v1alpha1.AttachmentAttached; {
		case attached && waited:
			ended = append(ended, now.Sub(since))
		case attached:
		case waited:
			put(&after, key, since)
		default:
			put(&after, key, now)
		}
	}
	if len(after) == 0 {
		delete(w.byInstance, instanceID)
		return ended
	}
	put(&w.byInstance, instanceID, after)
	return ended
}

// forget drops a NodeENI that is gone.
func (w *waits) forget(uid types.UID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for instanceID, of := range w.byInstance {
		maps.DeleteFunc(of, func(key waiting, _ time.Time) bool { return key.nodeENI == uid })
		if len(of) == 0 {
			delete(w.byInstance, instanceID)
		}
	}
}

// oldest is since when the one waits that has waited longest; zero when none does.
func (w *waits) oldest() (oldest time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, of := range w.byInstance {
		for _, since := range of {
			if oldest.IsZero() || since.Before(oldest) {
				oldest = since
			}
		}
	}
	return oldest
}
