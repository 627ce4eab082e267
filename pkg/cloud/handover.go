package cloud

import (
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// handover finds out, from what describes show of our interfaces until the first complete list is there, what a
// predecessor has left of EC2's quotas: nobody tells, and who begins with full buckets where EC2's are empty is
// throttled until he knows better. The predecessor's last act is the latest that he can have emptied a bucket at, so
// that at least what has come in since is there.
type handover struct {
	mu     sync.Mutex
	latest time.Time
	over   bool
}

// shown takes in an interface of ours, as a call showed it that began at the given time.
func (h *handover) shown(began time.Time, in *types.NetworkInterface) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at := lastAct(began, in); !h.over && at.After(h.latest) {
		h.latest = at
	}
}

// lastAct is when an interface was last acted on, as far as it shows. Of one that is attached nowhere, or on its way, it
// does not: it may be that it just was.
func lastAct(now time.Time, in *types.NetworkInterface) time.Time {
	a := in.Attachment
	if a == nil || a.Status != types.AttachmentStatusAttached || a.AttachTime == nil || a.AttachTime.After(now) {
		return now
	}
	return *a.AttachTime
}

// listed says that all interfaces have been shown. What is known then holds for the buckets once.
func (h *handover) listed(l *limiter) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over && !h.latest.IsZero() {
		l.assumeSpent(h.latest)
	}
	h.over = true
}
