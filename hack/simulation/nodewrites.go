package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// This file is what must be true of every write of a Node, at the moment when it takes effect.

// decided is how long ago the list of NodeENIs may have been made on which a taint is taken, where nothing is wrong with
// the API server.
const decided = 30 * time.Second

// nodeWatch is what the watcher has to know to judge writes of Nodes. The watcher's lock guards it.
type nodeWatch struct {
	// present are the NodeENIs as they are, by name, with when what they want last changed.
	present map[string]wish
	// ever has where interfaces have been attached.
	ever map[spot]bool
	// trouble is until when a write may be on its way for long.
	trouble time.Time
}

type wish struct {
	*v1alpha1.NodeENI
	since time.Time
}

// spot is where an interface of a NodeENI is attached.
type spot struct {
	uid, instance string
	index         int32
}

// seen takes in a write of a NodeENI.
func (w *watcher) seen(write strictapi.Write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, _ := write.New.(*v1alpha1.NodeENI)
	if write.Gone || n == nil {
		delete(w.present, write.Name)
		return
	}
	if w.present == nil {
		w.present = map[string]wish{}
	}
	before, known := w.present[write.Name]
	since := time.Now()
	if known && before.UID == n.UID && equality.Semantic.DeepEqual(before.Spec, n.Spec) {
		since = before.since
	}
	w.present[write.Name] = wish{n, since}
}

// troubled says that calls to the API server may take long for a while, or a process may stand still.
func (w *watcher) troubled(while time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(while); until.After(w.trouble) {
		w.trouble = until
	}
}

// remember takes in what is attached. It is called before anybody changes that.
func (w *watcher) remember() {
	if w.world.onNodes.Taint != "" {
		s := w.sim.Snapshot()
		w.learn(s)
		w.rememberAll(s)
	}
}

func (w *watcher) rememberAll(s ec2sim.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ever == nil {
		w.ever = map[spot]bool{}
	}
	for i := range s.Interfaces {
		if at := s.Interfaces[i].Attachment; at != nil && at.Status == "attached" && w.made[s.Interfaces[i].ID] != "" {
			w.ever[spot{w.made[s.Interfaces[i].ID], at.Instance, int32(at.DeviceIndex)}] = true
		}
	}
}

// onNode sees a write of a Node.
func (w *watcher) onNode(write strictapi.Write) {
	before, _ := write.Old.(*corev1.Node)
	after, _ := write.New.(*corev1.Node)
	if write.Client == "user" {
		return
	}
	if before == nil || after == nil {
		w.violated(3, "%s makes or deletes Node %s", write.Client, write.Name)
		return
	}
	key := w.world.onNodes.Taint
	if diff := othersOnNode(before, after, w.world.onNodes); diff != "" {
		w.violated(3, "%s changes on Node %s what is not its own: %s", write.Client, write.Name, diff)
	}
	switch had, has := property.Bears(before, key), property.Bears(after, key); {
	case key == "":
	case !had && has:
		w.tally.add("the taint is put back")
		if !w.world.onNodes.Retaint {
			w.violated(5, "%s gives Node %s the readiness taint without --retaint", write.Client, write.Name)
		}
	case had && !has:
		w.tally.add("the taint is taken")
		w.remember()
		if why := w.takes(before); why != "" {
			w.violated(5, "%s takes the readiness taint from Node %s: %s", write.Client, write.Name, why)
		}
	}
}

// takes says why the taint must not be taken.
func (w *watcher) takes(node *corev1.Node) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	age := decided
	if time.Now().Before(w.trouble.Add(longest)) { // a write may wait for as long as one more fault lasts
		age += 2 * longest
	}
	var known []*v1alpha1.NodeENI
	for _, name := range slices.Sorted(maps.Keys(w.present)) {
		if wish := w.present[name]; time.Since(wish.since) >= age {
			known = append(known, wish.NodeENI)
		}
	}
	s := w.sim.Snapshot()
	lives := func(instance string) bool {
		return slices.ContainsFunc(s.Instances, func(i ec2sim.InstanceNow) bool {
			return i.ID == instance && i.State != "shutting-down" && i.State != "terminated"
		})
	}
	return property.Taken(node, known, func(n *v1alpha1.NodeENI, instance string) bool {
		if instance != "" && !lives(instance) {
			return true // it may have been attached for a moment before that
		}
		return w.ever[spot{string(n.UID), instance, n.Spec.DeviceIndex}] || slices.ContainsFunc(s.Interfaces, func(e ec2sim.InterfaceNow) bool {
			at := e.Attachment // of an earlier NodeENI of the name, which is adopted
			return at != nil && at.Status == "attached" && at.Instance == instance && int32(at.DeviceIndex) == n.Spec.DeviceIndex &&
				e.Tags[eni.TagClusterID] == w.cluster && e.Tags[eni.TagNodeENIName] == n.Name
		})
	})
}

// othersOnNode says what a write has changed of a Node beside what the flags allow; empty when nothing.
func othersOnNode(before, after *corev1.Node, allowed property.OnNodes) string {
	var diffs []string
	for _, part := range []struct {
		name string
		of   func(*corev1.Node) any
	}{
		{"taints", func(n *corev1.Node) any {
			return without(n.Spec.Taints, func(t corev1.Taint) bool { return t.Key == allowed.Taint })
		}},
		{"conditions", func(n *corev1.Node) any {
			return without(n.Status.Conditions, func(c corev1.NodeCondition) bool {
				return allowed.Condition && c.Type == v1alpha1.NodeConditionENIsReady
			})
		}},
		{"annotations", func(n *corev1.Node) any {
			others := maps.Clone(n.Annotations)
			maps.DeleteFunc(others, func(key, _ string) bool { return allowed.Annotation && key == v1alpha1.AnnotationENIs })
			return others
		}},
		{"all else", func(n *corev1.Node) any {
			rest := n.DeepCopy()
			rest.Spec.Taints, rest.Status.Conditions, rest.Annotations, rest.ResourceVersion = nil, nil, nil, ""
			return rest
		}},
	} {
		if was, is := part.of(before), part.of(after); !equality.Semantic.DeepEqual(was, is) {
			diffs = append(diffs, fmt.Sprintf("%s were %v, are %v", part.name, was, is))
		}
	}
	return strings.Join(diffs, "; ")
}

func without[T any](list []T, is func(T) bool) []T { return slices.DeleteFunc(slices.Clone(list), is) }

// nodeLine is what a Node shows, in a line.
func nodeLine(node *corev1.Node) string {
	var parts []string
	for _, t := range node.Spec.Taints {
		parts = append(parts, "taint "+t.Key)
	}
	for _, c := range node.Status.Conditions {
		parts = append(parts, fmt.Sprintf("%s %s %s%s", c.Type, c.Status, c.Reason, quoted(c.Message)))
	}
	if value, has := node.Annotations[v1alpha1.AnnotationENIs]; has {
		parts = append(parts, "enis "+value)
	}
	return strings.Join(parts, ", ")
}
