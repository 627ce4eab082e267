package simulation

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// This file is what the API server's objects want, as they are stored and whatever anybody's caches say, and that
// nothing is taken away which they have wanted all along.

// believed is how old the objects may be from which it is decided that an interface goes. It does not count how late
// watches tell of a change, for no cache decides that alone: right before the call its NodeENI and its Node are read
// anew, by reads that serve everybody for a second and end within 2 s here. Where those of one decision take longer than
// 10 s together, the call must not be made. So an interface that has been wanted for longer than that, and the little
// that a call is on its way, has been seen to be wanted. A caller that is stopped is no excuse: what it was about to
// send counts from when it was handed to the network.
const believed = 15 * time.Second

// patience is for how long an interface that is attached nowhere, or does not end to attach, is kept as it is.
const patience = 5 * time.Minute

// wantedPlace is an interface that is wanted: for which NodeENI, by UID or by name, on which instance and where from.
type wantedPlace struct {
	uid, name, instance string
	index               int
	subnet              string
}

// wanting is since when it has been wanted without a break. As long as the Node of that name had no provider ID, it
// concerns only an interface that was made for it.
type wanting struct {
	since, placed time.Time
	node          string
}

// truth is what the API server stores, as far as it says what is wanted.
type truth struct {
	mu       sync.Mutex
	nodes    map[string]*corev1.Node
	nodeENIs map[string]*v1alpha1.NodeENI
	// instances are those that the Nodes named last, by the Nodes' names.
	instances map[string]string
	wanted    map[wantedPlace]wanting
}

// wrote takes in a write, the moment it takes effect.
func (t *truth) wrote(write strictapi.Write) {
	if write.NoOp {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nodes == nil {
		t.nodes, t.nodeENIs, t.instances = map[string]*corev1.Node{}, map[string]*v1alpha1.NodeENI{}, map[string]string{}
	}
	switch write.Resource {
	case "nodes":
		delete(t.nodes, write.Name)
		if node, ok := write.New.(*corev1.Node); ok && node != nil && !write.Gone {
			t.nodes[node.Name] = node
			if id := property.InstanceOf(node); id != "" {
				t.instances[node.Name] = id
			}
		}
	case "nodeenis":
		delete(t.nodeENIs, write.Name)
		if n, ok := write.New.(*v1alpha1.NodeENI); ok && n != nil && !write.Gone {
			t.nodeENIs[n.Name] = n
		}
	default:
		return
	}
	t.weigh(time.Now())
}

// weigh finds out what is wanted now, and keeps since when.
func (t *truth) weigh(now time.Time) {
	wanted := map[wantedPlace]wanting{}
	for id, node := range t.counting() {
		for _, n := range t.nodeENIs {
			if n.DeletionTimestamp != nil || !property.Wants(n, node) {
				continue
			}
			place := wantedPlace{string(n.UID), n.Name, id, int(n.Spec.DeviceIndex), n.Spec.SubnetID}
			w, before := t.wanted[place]
			if !before {
				w.since = now
			}
			w.node = node.Name
			switch {
			case property.InstanceOf(node) == "":
				w.placed = time.Time{}
			case w.placed.IsZero():
				w.placed = now
			}
			wanted[place] = w
		}
	}
	t.wanted = wanted
}

// counting are the Nodes that count, by instance: of those that name it the newest, and where none does one without a
// provider ID that has the name of the one that named it last.
func (t *truth) counting() map[string]*corev1.Node {
	found := map[string]*corev1.Node{}
	for _, node := range t.nodes {
		id := property.InstanceOf(node)
		if id == "" && node.Spec.ProviderID == "" {
			id = t.instances[node.Name]
		}
		if other := found[id]; id != "" && (other == nil || newer(node, other)) {
			found[id] = node
		}
	}
	return found
}

func newer(a, b *corev1.Node) bool {
	named := func(n *corev1.Node) int { return min(1, len(n.Spec.ProviderID)) }
	return cmp.Or(named(a)-named(b), a.CreationTimestamp.Compare(b.CreationTimestamp.Time), cmp.Compare(b.Name, a.Name)) > 0
}

// wantedFor is for how long an interface has been wanted where it is, or where it was made for, at a time; 0 where it
// is not. A NodeENI that has the name of one that is gone wants what that one had.
func (t *truth) wantedFor(e *ec2sim.InterfaceNow, at time.Time) (d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	uid, name := e.Tags[eni.TagNodeENIUID], e.Tags[eni.TagNodeENIName]
	lives := false
	for _, n := range t.nodeENIs {
		lives = lives || string(n.UID) == uid
	}
	for place, w := range t.wanted {
		if place.instance != e.Tags[eni.TagInstanceID] || slotName(place.index) != e.Tags[eni.TagSlot] || place.subnet != e.Subnet {
			continue
		}
		since := w.since
		if e.Tags[eni.TagNodeName] != w.node {
			since = w.placed
		}
		if (place.uid == uid || !lives && place.name == name) && !since.IsZero() {
			d = max(d, at.Sub(since))
		}
	}
	return d
}

// rivals are how many NodeENIs want the same slot.
func (t *truth) rivals(instance, slot string) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for place := range t.wanted {
		if place.instance == instance && slotName(place.index) == slot {
			count++
		}
	}
	return count
}

func slotName(index int) string { return fmt.Sprintf("0-%d", index) }

// releases sees a call that was handed to the network at a time and is about to take an interface away: it must not be one
// that has been wanted there all along.
func (w *watcher) releases(who, action string, form url.Values, handed time.Time) {
	if action != "DetachNetworkInterface" && action != "DeleteNetworkInterface" {
		return
	}
	s := w.sim.Snapshot()
	i := slices.IndexFunc(s.Interfaces, func(e ec2sim.InterfaceNow) bool {
		return e.ID == form.Get("NetworkInterfaceId") || e.Attachment != nil && e.Attachment.ID == form.Get("AttachmentId")
	})
	if i < 0 || s.Interfaces[i].Tags[eni.TagClusterID] != w.cluster {
		return
	}
	e := &s.Interfaces[i]
	d := w.truth.wantedFor(e, handed)
	if d < believed {
		return
	}
	w.tally.add("taken though wanted: " + w.excuse(e, &s))
	if w.excuse(e, &s) == "" {
		w.violated(0, "I6: %s calls %s on %s, which the API server's objects have wanted there for %v", who, action, e.ID, d.Round(time.Millisecond))
	}
}

// excuse says why an interface may be taken although it is wanted; empty when nothing speaks for that.
func (w *watcher) excuse(e *ec2sim.InterfaceNow, s *ec2sim.Snapshot) string {
	instance, slot := e.Tags[eni.TagInstanceID], e.Tags[eni.TagSlot]
	i := slices.IndexFunc(s.Instances, func(i ec2sim.InstanceNow) bool { return i.ID == instance })
	switch {
	case i < 0 || w.deadFor(instance) > 0 || s.Instances[i].State == "shutting-down" || s.Instances[i].State == "terminated":
		return "its instance is gone"
	case e.Attachment == nil:
		return w.excuseLoose(e, &s.Instances[i], s)
	case e.Attachment.Instance != instance || slotName(e.Attachment.DeviceIndex) != slot || e.Attachment.CardIndex != 0:
		return "it is elsewhere"
	case e.Attachment.Status == "attaching" && time.Since(e.Attachment.AttachTime) >= patience:
		return "it does not end to attach"
	case e.Attachment.Status == "detaching": // by force, as a person has allowed
		return "it is on its way out"
	}
	return ""
}

// excuseLoose is excuse for an interface that is attached nowhere: another one has its place, or it has waited for long
// for one that it does not get.
func (w *watcher) excuseLoose(e *ec2sim.InterfaceNow, instance *ec2sim.InstanceNow, s *ec2sim.Snapshot) string {
	slot, taken := e.Tags[eni.TagSlot], false
	for k := range s.Interfaces {
		other := &s.Interfaces[k]
		if other.ID == e.ID {
			continue
		}
		at := other.Attachment
		there := at != nil && at.Instance == instance.ID && at.CardIndex == 0 && slotName(at.DeviceIndex) == slot
		taken = taken || there
		meant := other.Tags[eni.TagInstanceID] == instance.ID && other.Tags[eni.TagSlot] == slot
		siblings := other.Tags[eni.TagNodeENIName] == e.Tags[eni.TagNodeENIName] || other.Tags[eni.TagNodeENIUID] == e.Tags[eni.TagNodeENIUID]
		if other.Tags[eni.TagClusterID] == w.cluster && siblings && (meant || there) { // where it is counts, whatever was made of its tags
			return "it is one too many"
		}
	}
	switch {
	case time.Since(e.CreateTime) < patience:
		return ""
	case taken, w.truth.rivals(instance.ID, slot) > 1:
		return "another one has its slot"
	case len(instance.Interfaces) >= limits[instance.Type]:
		return "the instance takes no more"
	case w.truth.wantedOn(instance.ID)+others(instance.ID, w.cluster, s) > limits[instance.Type]: // as it may have until a moment ago
		return "the instance does not take all that are wanted"
	}
	return ""
}

// others are how many interfaces an instance has that are not the cluster's.
func others(instance, cluster string, s *ec2sim.Snapshot) (count int) {
	for i := range s.Interfaces {
		if e := &s.Interfaces[i]; e.Attachment != nil && e.Attachment.Instance == instance && e.Tags[eni.TagClusterID] != cluster {
			count++
		}
	}
	return count
}

// wantedOn are how many interfaces are wanted on an instance.
func (t *truth) wantedOn(instance string) (count int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for place := range t.wanted {
		if place.instance == instance {
			count++
		}
	}
	return count
}
