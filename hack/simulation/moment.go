package simulation

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// This file is what must be true of every call that changes EC2, at the moment when it is made.

const (
	// knownDead is within what time a controller has heard that an instance dies, whatever it reads from: an
	// instance is described at least every 5 minutes before anything is created for it, and a create is followed by
	// its attach.
	knownDead = 7 * time.Minute
	// readAgain is how old the description of an instance may be from which something is taken, with how long EC2's
	// reads lag and a call may take.
	readAgain = 90 * time.Second
	// outlives is for how long an attachment may outlive its instance.
	outlives = 10 * time.Minute
)

// lease is the controllers' Lease as it is in the API server.
type lease struct {
	identity, client string
	// taken is when its holder began to hold it, until when it ends at the earliest: others count from when they
	// see a renewal, which is not before it was written.
	taken, until time.Time
}

// leased takes in a write to the Lease, and reports whether another one holds it now.
func (w *watcher) leased(write strictapi.Write) bool {
	l, ok := write.New.(*coordinationv1.Lease)
	if !ok || l == nil || write.Gone {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now, before := time.Now(), w.lease.identity
	if identity := holder(l); identity != before {
		if w.lease.client != "" && w.lease.client != write.Client {
			w.tally.add("another replica leads")
		}
		w.lease.identity, w.lease.client, w.lease.taken = identity, write.Client, now
	}
	if l.Spec.LeaseDurationSeconds != nil && !sameSpec(write.Old, l) {
		w.lease.until = now.Add(time.Duration(*l.Spec.LeaseDurationSeconds) * time.Second)
	}
	return w.lease.identity != before
}

// sameSpec reports whether a write of a Lease is no renewal: its annotations are the controller's and people's.
func sameSpec(old runtime.Object, l *coordinationv1.Lease) bool {
	before, ok := old.(*coordinationv1.Lease)
	return ok && before != nil && equality.Semantic.DeepEqual(before.Spec, l.Spec)
}

// unleased says why a process that began at a time must not change EC2 now; empty where it may. A call counts from
// when it is handed to the network: what is on its way when its process is stopped arrives when it goes on.
func (w *watcher) unleased(name string, began time.Time) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch l := w.lease; {
	case l.identity == "":
		return "nobody holds the lease"
	case l.client != name || l.taken.Before(began):
		return fmt.Sprintf("the lease is held by %s since %v", l.client, l.taken.Sub(w.trace.began))
	case time.Now().After(l.until):
		return fmt.Sprintf("the lease has ended at %v", l.until.Sub(w.trace.began))
	}
	return ""
}

// leads reports whether a replica holds the lease.
func (w *watcher) leads(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lease.identity != "" && w.lease.client == name
}

// allowed are the actions by which a controller may change EC2.
var allowed = []string{
	"CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface",
	"ModifyNetworkInterfaceAttribute", "CreateTags", "DeleteTags",
}

// before sees a call that is about to change EC2: it must concern nothing but what is ours, and what is alive.
func (w *watcher) before(who, action string, form url.Values, unleased string) {
	if unleased != "" {
		w.violated(0, "I9: %s calls %s %s, and %s", who, action, subject(form), unleased)
	}
	if !slices.Contains(allowed, action) {
		w.violated(3, "%s calls %s", who, action)
	}
	s := w.sim.Snapshot()
	w.learn(s)
	w.remember()
	if action == "CreateNetworkInterface" {
		w.creates(who, form)
	}
	for key, values := range form {
		if key != "NetworkInterfaceId" && key != "AttachmentId" && key != "Attachment.AttachmentId" && !strings.HasPrefix(key, "ResourceId.") {
			continue
		}
		w.concerns(who, action, values[0], form, s)
	}
}

// dry sees a dry run, which changes nothing: it must not be about what is not ours all the same.
func (w *watcher) dry(who, action string, form url.Values) {
	if !strings.HasPrefix(action, "Describe") && !slices.Contains(allowed, action) {
		w.violated(3, "%s asks for leave to call %s", who, action)
	}
	s := w.sim.Snapshot()
	w.learn(s)
	w.mu.Lock()
	w.dries[action]++
	w.mu.Unlock()
	w.tally.add("asked for leave: " + action)
	for _, values := range form {
		if w.ledger.isForeign(values[0]) {
			w.violated(3, "%s asks for leave to call %s on %s, which is not ours", who, action, values[0])
		}
	}
}

// concerns judges what a call is about.
func (w *watcher) concerns(who, action, id string, form url.Values, s ec2sim.Snapshot) {
	i := slices.IndexFunc(s.Interfaces, func(e ec2sim.InterfaceNow) bool {
		return e.ID == id || e.Attachment != nil && e.Attachment.ID == id
	})
	if i < 0 {
		if !strings.HasPrefix(id, "eni-") && !strings.HasPrefix(id, "eni-attach-") {
			w.violated(3, "%s calls %s on %s, which is no interface", who, action, id)
		}
		return // it is gone
	}
	e := &s.Interfaces[i]
	w.mu.Lock()
	_, ours := w.made[e.ID]
	w.mu.Unlock()
	if !ours || w.ledger.isForeign(e.ID) {
		w.violated(3, "%s calls %s on %s, which is not ours (%q)", who, action, e.ID, e.Description)
	}
	switch action {
	case "AttachNetworkInterface":
		w.attaches(who, e, form, s)
	case "DetachNetworkInterface":
		w.detaches(who, e)
		w.departs(who, e, s)
	case "CreateTags":
		for key, values := range form {
			if values[0] == eni.TagNodeENIUID && strings.HasSuffix(key, ".Key") {
				w.tally.add("adopted")
			}
		}
	case "DeleteTags":
		for key, values := range form {
			if strings.HasSuffix(key, ".Key") && values[0] == "seen-by" {
				w.violated(3, "%s takes the tag seen-by of somebody from %s", who, e.ID)
			}
		}
	}
}

// creates judges for whom an interface is made.
func (w *watcher) creates(who string, form url.Values) {
	for key, values := range form {
		if values[0] != eni.TagInstanceID || !strings.HasSuffix(key, ".Key") {
			continue
		}
		instance := form.Get(strings.TrimSuffix(key, "Key") + "Value")
		if since := w.deadFor(instance); since > knownDead {
			w.violated(0, "I10: %s creates an interface for %s, which has been told to terminate %v ago", who, instance, since)
		}
	}
}

// attaches judges where an interface is attached: where it was made for, to what lives, and not as a second one.
func (w *watcher) attaches(who string, e *ec2sim.InterfaceNow, form url.Values, s ec2sim.Snapshot) {
	instance, slot := form.Get("InstanceId"), form.Get("NetworkCardIndex")
	if slot == "" {
		slot = "0"
	}
	slot += "-" + form.Get("DeviceIndex")
	if is := e.Tags[eni.TagInstanceID]; is != "" && is != instance {
		w.violated(0, "%s attaches %s of %s to %s", who, e.ID, is, instance)
	}
	if is := e.Tags[eni.TagSlot]; is != "" && is != slot {
		w.violated(0, "%s attaches %s of slot %s at %s", who, e.ID, is, slot)
	}
	deceived := w.deceived() // by reads of all kinds: then who believes them is not to blame, and EC2 gives no slot away twice
	if at := e.Attachment; at != nil && at.Instance == instance && at.Status != "detaching" && w.hasAttached(who, e.ID) {
		w.violated(0, "%s attaches %s to %s again, which it has attached itself", who, e.ID, instance)
	}
	if since := w.deadFor(instance); since > knownDead {
		w.violated(0, "I10: %s attaches %s to %s, which has been told to terminate %v ago", who, e.ID, instance, since)
	}
	for i := range s.Interfaces {
		other := &s.Interfaces[i]
		if !deceived && other.ID != e.ID && other.Attachment != nil && other.Attachment.Status != "detaching" && other.Attachment.Instance == instance &&
			e.Tags[eni.TagNodeENIUID] != "" && other.Tags[eni.TagNodeENIUID] == e.Tags[eni.TagNodeENIUID] && other.Tags[eni.TagClusterID] == w.cluster &&
			other.Tags[eni.TagInstanceID] == instance && other.Tags[eni.TagSlot] == slot {
			w.violated(1, "%s attaches %s for slot %s of %s, for which %s is attached", who, e.ID, slot, instance, other.ID)
		}
	}
}

// hasAttached reports whether the present leader is the one whose attach of the interface was answered with success.
func (w *watcher) hasAttached(who, id string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.attached[id] == who
}

// detaches judges from what an interface is taken: the dying are left alone.
func (w *watcher) detaches(who string, e *ec2sim.InterfaceNow) {
	if e.Attachment == nil {
		return
	}
	if since := w.deadFor(e.Attachment.Instance); since > readAgain && since < outlives {
		w.violated(0, "I10: %s detaches %s from %s, which has been told to terminate %v ago", who, e.ID, e.Attachment.Instance, since)
	}
}

// dies notes that an instance has been told to terminate.
func (w *watcher) dies(instance string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.died[instance]; !known {
		w.died[instance] = time.Now()
	}
}

func (w *watcher) deadFor(instance string) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at, dead := w.died[instance]; dead {
		return time.Since(at)
	}
	return 0
}
