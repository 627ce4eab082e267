package simulation

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// wrote sees every write to the API server, the moment it takes effect.
func (w *watcher) wrote(write strictapi.Write) {
	switch write.Resource {
	case "nodes", "nodeenis", "leases":
		w.reassess(write)
	}
	switch write.Resource {
	case "leases":
		if w.leased(write) {
			w.trace.add(w.prefix+"LEASE", "written by %s, held: %v", write.Client, holder(write.New) != "")
			w.lost(w.sim.Snapshot())
			w.restarted()
		}
		return
	case "nodeenis":
		w.seen(write)
		if write.Gone {
			w.gone(write)
		}
	case "nodes":
		w.onNode(write)
	}
	if write.Verb == "expire" {
		return
	}
	if e, ok := write.New.(*corev1.Event); ok && e != nil && e.InvolvedObject.Kind == "Lease" {
		w.mu.Lock()
		w.halted = w.halted || e.Reason == v1alpha1.ReasonCleanupHalted
		if e.Reason == v1alpha1.ReasonDetachStuck {
			w.toldStuck = append(w.toldStuck, e.Message)
		}
		w.mu.Unlock()
	}
	w.trace.add(write.Client, "%s %s/%s %s %s", write.Verb, strings.TrimSuffix(write.Resource+"/"+write.Subresource, "/"), write.Namespace, write.Name, told(write))
	if write.Client == "user" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes = append(w.writes, write.String())
}

func holder(lease any) string {
	if l, ok := lease.(*coordinationv1.Lease); ok && l != nil && l.Spec.HolderIdentity != nil {
		return *l.Spec.HolderIdentity
	}
	return ""
}

// gone sees a NodeENI go: none of its interfaces must be left.
func (w *watcher) gone(write strictapi.Write) {
	if write.Client == "user" { // by force: what is left of it is swept, or adopted
		w.mu.Lock()
		defer w.mu.Unlock()
		w.forced[string(write.UID)] = true
		return
	}
	w.mu.Lock()
	w.ended[string(write.UID)] = true
	w.mu.Unlock()
	s := w.sim.Snapshot()
	w.lost(s)
	for _, e := range s.Interfaces {
		w.mu.Lock()
		uid, forgotten := w.made[e.ID], w.forgotten[e.ID]
		w.mu.Unlock()
		if uid == string(write.UID) && (!forgotten || property.Tells(e.Tags, []string{w.cluster}, write.Name, uid)) {
			w.violated(4, "NodeENI %s goes while %s of it exists", write.Name, e.ID)
		}
	}
}

// spent is what has been done up to a time.
type spent struct {
	acted, refused, writes int
	// tokens counts the client tokens that turned out to be used up.
	tokens                  int
	describes, reads, dries map[string]int
}

func (r *run) spent() spent {
	r.watch.mu.Lock()
	defer r.watch.mu.Unlock()
	s := spent{
		acted: r.watch.acted, writes: len(r.watch.writes), reads: maps.Clone(r.watch.reads), dries: maps.Clone(r.watch.dries),
		describes: maps.Clone(r.watch.describes),
	}
	for _, n := range r.watch.refused {
		s.refused += n
	}
	s.tokens = r.sim.Calls()["CreateNetworkInterface"]["IdempotentParameterMismatch"]
	s.refused -= s.tokens
	return s
}

const (
	// maxProbes is how often an hour one cause may be tried: each 5 minutes, and once more for where the hour begins.
	maxProbes = 13
	// maxTokens is how many client tokens may turn out within an hour to have been used up by an earlier process, each
	// for one call: a new one begins with the first, and steps on with each refusal.
	maxTokens = 10
	// maxLooks is how many describes of a kind an hour may cost where somebody waits for something: one each half
	// minute, however many wait.
	maxLooks = 120
	// maxReads is how many calls an hour the API server may get that change nothing, from both replicas: each of
	// their watches lasts 5 to 10 minutes, and a blocked cause is decided on a live read.
	maxReads = 2 * 3 * 12
	// maxDries is how often an hour EC2 is asked what it allows: for each of the two things at most that an action is
	// asked about, once, and once more for where the hour begins.
	maxDries = 2 * 2
)

// quiet is clause 6: an hour in which nothing is changed and little is asked.
func (r *run) quiet() {
	before, causes := map[*run]spent{}, map[*run]int{}
	for _, c := range r.clusters() {
		before[c], causes[c] = c.spent(), len(property.Causes(c.nodeENIs(), c.nodes(), c.truth()))
	}
	time.Sleep(quietTime)
	for _, c := range r.clusters() {
		c.wasQuiet(before[c], c.spent(), causes[c])
	}
}

// wasQuiet judges such an hour of one cluster.
func (r *run) wasQuiet(before, after spent, causes int) {
	if n := after.acted - before.acted; n > 0 {
		r.watch.violated(6, "%d calls changed EC2 in an hour in which nothing happened", n)
	}
	if n := after.writes - before.writes; n > 0 {
		r.watch.mu.Lock()
		first := r.watch.writes[before.writes]
		r.watch.mu.Unlock()
		r.watch.violated(6, "%d writes in an hour in which nothing happened, the first: %s", n, first)
	}
	if n := after.refused - before.refused; n > causes*maxProbes {
		r.watch.violated(6, "%d calls were refused in an hour in which nothing happened, with %d causes", n, causes)
	}
	if n := after.tokens - before.tokens; n > maxTokens {
		r.watch.violated(6, "%d client tokens were used up already in an hour in which nothing happened", n)
	}
	resyncs := int(quietTime/r.world.resync) + 1
	reads := 0
	for call, n := range after.reads {
		reads += n - before.reads[call]
	}
	r.trace.add("CHECK", "in an hour with %d causes: %d refused, %v describes in %d resyncs, %d reads of the API server", causes, after.refused-before.refused, after.describes, resyncs, reads)
	want := resyncs + causes*maxProbes // what is refused is looked at
	if property.Waits(r.nodeENIs(), r.nodes(), r.truth()) {
		want += maxLooks
	}
	for action, n := range after.describes {
		most := want
		if action == "DescribeNetworkInterfaces" {
			most += r.looksAtStripped(resyncs)
		}
		if action == "DescribeInstances" && r.strangers() {
			most *= 2 // a list of IDs of which EC2 does not know one fails, and is asked for again without it
		}
		if n -= before.describes[action]; n > most {
			r.watch.violated(6, "%d calls of %s in an hour in which nothing happened, want at most %d", n, action, most)
		}
	}
	for action, n := range after.dries {
		if n -= before.dries[action]; n > maxDries {
			r.watch.violated(6, "%d dry runs of %s in an hour in which nothing happened, want at most %d", n, action, maxDries)
		}
	}
	if n := maxReads + causes*2*maxProbes; reads > n {
		r.watch.violated(6, "%d reads of the API server in an hour in which nothing happened, want at most %d", reads, n)
	}
}

// looksAtStripped is how many describes an hour the interfaces may cost that have lost their tags, for as long as they
// live: they are in no list, so each resync reads them by ID; and what attaches or detaches is waited for.
func (r *run) looksAtStripped(resyncs int) (most int) {
	truth := r.truth()
	for i := range truth.Snapshot.Interfaces {
		e := &truth.Snapshot.Interfaces[i]
		if _, stripped := truth.Stripped[e.ID]; !stripped {
			continue
		}
		most = max(most, resyncs)
		if e.Attachment != nil && e.Attachment.Status != "attached" {
			return resyncs + maxLooks
		}
	}
	return most
}

// stuckOrphans are the interfaces of which an event on the Lease has told that they are stuck.
func (w *watcher) stuckOrphans(s ec2sim.Snapshot) map[string]bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	told := map[string]bool{}
	for i := range s.Interfaces {
		id := s.Interfaces[i].ID
		told[id] = slices.ContainsFunc(w.toldStuck, func(message string) bool { return strings.Contains(message, id) })
	}
	return told
}

// strangers reports whether a Node names an instance that EC2 does not know.
func (r *run) strangers() bool {
	known := map[string]bool{}
	for _, i := range r.sim.Snapshot().Instances {
		known[i.ID] = true
	}
	return slices.ContainsFunc(r.nodes(), func(n corev1.Node) bool { return !known[path.Base(n.Spec.ProviderID)] })
}

// described counts a call to EC2 that changes nothing.
func (w *watcher) described(action string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.describes[action]++
}

// asked counts a call to the API server that changes nothing, but for those of the election.
func (w *watcher) asked(call strictapi.Call) {
	if call.IsWrite() || call.Resource == "leases" {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reads[call.Verb+" "+call.Resource]++
}
