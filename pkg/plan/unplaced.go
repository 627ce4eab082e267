package plan

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// recheckUnplaced is how often an instance is looked at whose Node may be one that names no instance yet.
const recheckUnplaced = time.Minute

// anonymousFor is for how long after its creation a Node is taken for anybody's that shows nothing by which its instance
// could be told, and for how long such Nodes speak for one instance: where new ones come all the time, there is always one.
const anonymousFor = 10 * time.Minute

// Likeness is what an instance is known by beside its ID, which a Node has in spec.providerID.
type Likeness struct {
	InstanceID string
	// Names are the names that its Nodes had.
	Names map[string]bool
	// DNSName is EC2's name of it, Addresses are its private addresses, as far as these are known.
	DNSName   string
	Addresses map[string]bool
	// NodeGoneSince is since when no Node names it; zero when that is not known.
	NodeGoneSince time.Time
}

// MayBe reports whether a Node that names no instance may turn out to be that of this one: by its name or its addresses,
// or because it is young and has no address that could tell.
func (l Likeness) MayBe(node *corev1.Node, now time.Time) bool {
	if l.Names[node.Name] || l.named(node.Name) {
		return true
	}
	told := false
	for _, address := range node.Status.Addresses {
		switch address.Type {
		case corev1.NodeInternalIP:
			if l.Addresses[address.Address] {
				return true
			}
			ip, err := netip.ParseAddr(address.Address)
			told = told || (err == nil && ip.Is4()) // of an instance's other addresses not all are known
		case corev1.NodeHostName, corev1.NodeInternalDNS:
			if l.named(address.Address) {
				return true
			}
		}
	}
	return !told && now.Sub(node.CreationTimestamp.Time) < anonymousFor &&
		(l.NodeGoneSince.IsZero() || now.Sub(l.NodeGoneSince) < anonymousFor)
}

// named reports whether a name is one that EC2 gives the instance: by its address, or by its ID.
func (l Likeness) named(name string) bool {
	first, _, _ := strings.Cut(name, ".")
	return first == l.InstanceID || (l.DNSName != "" && name == l.DNSName)
}

// nodeUndecided reports whether it is not known yet that the instance has no Node: one that is like its last Node names no
// instance so far. A kubelet that registers anew leaves that to the cloud provider, which takes its time. What
// has no instance any more needs no Node.
func (v *view) nodeUndecided() bool {
	return v.Node == nil && v.Unplaced != "" && !v.instanceGone()
}

// awaitNode leaves the interface where it is until the Node names an instance, or is gone, of which no event tells.
func (r *releaser) awaitNode() {
	if due := r.Instance.ObservedAt.Add(recheckUnplaced); r.Now.Before(due) {
		r.result.again(due)
	} else {
		r.refreshInstance()
	}
	r.pending(fmt.Sprintf("waits until Node %s, which names no instance in spec.providerID yet, does so or is deleted", r.Unplaced))
}
