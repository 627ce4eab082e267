package simulation

import (
	"fmt"
	"maps"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// This file is what the mass-release guard promises: of all attached interfaces no more than half go within ten
// minutes because their Nodes, these Nodes' labels or their NodeENIs vanished, unless they are fewer than ten or somebody
// has approved. It does not ask the controller why an interface goes: it knows what users did last.

const (
	exodusWindow = 10 * time.Minute
	// alwaysGo is how many may go whatever their share.
	alwaysGo = 9
	// lateAttached is for how long a controller may hold for attached what is not any more.
	lateAttached = 2 * exodusWindow
	// orderedAtFirst is for how long after a NodeENI was forced away a live read may still show that it is being deleted.
	orderedAtFirst = time.Minute
)

// exodus is what the watcher knows of interfaces that nobody has ordered to go.
type exodus struct {
	nodes    map[string]*corev1.Node
	nodeENIs map[types.UID]*v1alpha1.NodeENI
	// approvedOnLease says that the Lease bears an approval.
	approvedOnLease bool
	// lost are the interfaces that an accident made unwanted, with their NodeENI and since when.
	lost map[string]accident
	// leaving are the attachments of those whose detach is in progress, left when the interfaces went.
	leaving map[string]string
	left    map[string]time.Time
	// sizes are how many were attached or had just left, by when.
	sizes []size
}

type accident struct {
	uid string
	at  time.Time
}

type size struct {
	at    time.Time
	count int
}

func newExodus() exodus {
	return exodus{
		nodes: map[string]*corev1.Node{}, nodeENIs: map[types.UID]*v1alpha1.NodeENI{}, lost: map[string]accident{},
		leaving: map[string]string{}, left: map[string]time.Time{},
	}
}

// reassess takes in a write of a Node, a NodeENI or the Lease, and whom it has made unwanted, and by what.
func (w *watcher) reassess(write strictapi.Write) {
	if write.Resource == "leases" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.mirror(write)
		return
	}
	if write.Subresource == "status" {
		return
	}
	s := w.sim.Snapshot()
	w.learn(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.count(s)
	before := map[string]bool{}
	for _, e := range w.attachedOurs(s) {
		before[e.ID] = w.selected(e)
	}
	w.mirror(write)
	forced := write.Resource == "nodeenis" && write.Gone && write.Client == "user"
	for _, e := range w.attachedOurs(s) {
		uid := w.made[e.ID]
		switch {
		case w.selected(e):
			delete(w.exodus.lost, e.ID)
		case forced && uid == string(write.UID), write.Resource == "nodes" && before[e.ID]:
			w.exodus.lost[e.ID] = accident{uid, time.Now()}
		case uid == string(write.UID): // an edit or a deletion, which is an order, whatever was before
			delete(w.exodus.lost, e.ID)
		}
	}
}

// mirror keeps what the API server holds. Hooks must not ask it.
func (w *watcher) mirror(write strictapi.Write) {
	switch object := write.New.(type) {
	case *corev1.Node:
		w.exodus.nodes[write.Name] = object
	case *v1alpha1.NodeENI:
		w.exodus.nodeENIs[write.UID] = object
	case *coordinationv1.Lease:
		_, w.exodus.approvedOnLease = object.Annotations[v1alpha1.AnnotationAllowReleaseUntil]
	}
	switch {
	case !write.Gone:
	case write.Resource == "nodes":
		delete(w.exodus.nodes, write.Name)
	case write.Resource == "nodeenis":
		delete(w.exodus.nodeENIs, write.UID)
	}
}

// attachedOurs are our interfaces that are attached and stay so.
func (w *watcher) attachedOurs(s ec2sim.Snapshot) (list []*ec2sim.InterfaceNow) {
	for i := range s.Interfaces {
		e := &s.Interfaces[i]
		if _, ours := w.made[e.ID]; ours && e.Attachment != nil && e.Attachment.Status != "detaching" {
			list = append(list, e)
		}
	}
	return list
}

// selected reports whether the interface's NodeENI selects a Node of the instance to which it is attached.
func (w *watcher) selected(e *ec2sim.InterfaceNow) bool {
	n := w.exodus.nodeENIs[types.UID(w.made[e.ID])]
	if n == nil || n.DeletionTimestamp != nil || len(n.Spec.NodeSelector) == 0 {
		return false
	}
	for _, node := range w.exodus.nodes {
		if lastPart(node.Spec.ProviderID) == e.Attachment.Instance && bears(node, n.Spec.NodeSelector) {
			return true
		}
	}
	return false
}

func bears(node *corev1.Node, labels map[string]string) bool {
	for key, value := range labels {
		if is, ok := node.Labels[key]; !ok || is != value {
			return false
		}
	}
	return true
}

// count keeps how many are attached, beside those that have just left.
func (w *watcher) count(s ec2sim.Snapshot) {
	now := time.Now()
	maps.DeleteFunc(w.exodus.left, func(_ string, at time.Time) bool { return now.Sub(at) >= exodusWindow })
	w.exodus.sizes = slices.DeleteFunc(w.exodus.sizes, func(s size) bool { return now.Sub(s.at) > lateAttached })
	count := len(w.attachedOurs(s)) + len(w.exodus.left)
	if last := len(w.exodus.sizes) - 1; last >= 0 && w.exodus.sizes[last].at.Equal(now) {
		count = max(count, w.exodus.sizes[last].count)
		w.exodus.sizes = w.exodus.sizes[:last]
	}
	w.exodus.sizes = append(w.exodus.sizes, size{now, count})
}

// departs judges whether an interface may go that is about to be detached.
func (w *watcher) departs(who string, e *ec2sim.InterfaceNow, s ec2sim.Snapshot) {
	w.mu.Lock()
	w.count(s)
	by, lost := w.exodus.lost[e.ID]
	if !lost || w.excused(e, by, s) {
		w.mu.Unlock()
		return
	}
	w.exodus.leaving[e.Attachment.ID] = e.ID
	_, again := w.exodus.left[e.ID]
	going, all := len(w.exodus.left)+1, 0
	for _, s := range w.exodus.sizes {
		all = max(all, s.count)
	}
	w.mu.Unlock()
	if !again && going > alwaysGo && 2*going > all {
		w.violated(0, "the guard: %s detaches %s, which makes %d of %d within %v that nobody has ordered or approved", who, e.ID, going, all, exodusWindow)
	}
}

// excused reports whether the interface goes for another reason than the accident, as far as anybody can tell.
func (w *watcher) excused(e *ec2sim.InterfaceNow, by accident, s ec2sim.Snapshot) bool {
	at := e.Attachment
	if w.made[e.ID] != by.uid || at.Status == "detaching" || !livesIn(s, at.Instance) {
		return true
	}
	if _, dead := w.died[at.Instance]; dead {
		return true
	}
	if e.Tags[eni.TagInstanceID] != at.Instance || e.Tags[eni.TagSlot] != fmt.Sprintf("%d-%d", at.CardIndex, at.DeviceIndex) {
		return true // misplaced
	}
	n := w.exodus.nodeENIs[types.UID(by.uid)]
	if n == nil {
		return w.exodus.approvedOnLease || time.Since(by.at) < orderedAtFirst
	}
	until, err := time.Parse(time.RFC3339, n.Annotations[v1alpha1.AnnotationAllowReleaseUntil])
	return err == nil && time.Now().Before(until.Add(orderedAtFirst)) || n.Spec.SubnetID != e.Subnet || n.Spec.DeviceIndex != int32(at.DeviceIndex)
}

// livesIn reports whether an instance is one from which things are taken.
func livesIn(s ec2sim.Snapshot, id string) bool {
	for i := range s.Instances {
		if s.Instances[i].ID == id {
			return slices.Contains([]string{"pending", "running", "stopped"}, s.Instances[i].State)
		}
	}
	return false
}

// departed takes in what became of such a detach. It is called with the lock held.
func (w *watcher) departed(attachment string, done bool) {
	id, ok := w.exodus.leaving[attachment]
	if delete(w.exodus.leaving, attachment); ok && done {
		w.exodus.left[id] = time.Now()
	}
}
