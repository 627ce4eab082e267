package controller

import (
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// complaints remembers what was said about the annotations of each NodeENI, and about each interface without one, so
// that it is said once.
type complaints struct {
	mu   sync.Mutex
	said map[types.UID]string
}

// news reports whether the text has not been said about the NodeENI, or the interface, last.
func (c *complaints) news(uid types.UID, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said[uid] == text {
		return false
	}
	if c.said == nil {
		c.said = map[types.UID]string{}
	}
	if c.said[uid] = text; text == "" {
		delete(c.said, uid)
	}
	return text != ""
}

// complain tells a person that an annotation can not be followed.
func (c *Controller) complain(n *v1alpha1.NodeENI) {
	if text := strings.Join(plan.AnnotationComplaints(n, time.Now()), "; "); c.complaints.news(n.UID, text) {
		c.recorder.Event(n, corev1.EventTypeWarning, eventInvalidAnnotation, text)
	}
}
