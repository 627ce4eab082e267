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

// remindAfter is when an event is made again whose cause lasts and which nothing but events tells: each may get lost, and
// the API server forgets it, by default within an hour.
const remindAfter = 10 * time.Minute

// complaints remembers what was said about the annotations of each NodeENI, and about each interface without one, so
// that it is not said all the time.
type complaints struct {
	mu   sync.Mutex
	said map[types.UID]complaint
}

type complaint struct {
	text string
	at   time.Time
}

// news reports whether the text has not been said about the NodeENI, or the interface, last.
func (c *complaints) news(uid types.UID, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said[uid].text != text && c.say(uid, text)
}

// due reports whether the text is news, or has been said for long.
func (c *complaints) due(uid types.UID, text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.said[uid]
	return (last.text != text || time.Since(last.at) >= remindAfter) && c.say(uid, text)
}

// say remembers the text, and reports whether there is one.
func (c *complaints) say(uid types.UID, text string) bool {
	if text == "" {
		delete(c.said, uid)
		return false
	}
	if c.said == nil {
		c.said = map[types.UID]complaint{}
	}
	c.said[uid] = complaint{text, time.Now()}
	return true
}

// complain tells a person that an annotation can not be followed.
func (c *Controller) complain(n *v1alpha1.NodeENI) {
	if text := strings.Join(plan.AnnotationComplaints(n, time.Now()), "; "); c.complaints.news(n.UID, text) {
		c.recorder.Event(n, corev1.EventTypeWarning, eventInvalidAnnotation, text)
	}
}
