package simulation

import (
	"bytes"
	"runtime"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/strictapi"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// wrote sees every write to the API server, the moment it takes effect.
func (w *watcher) wrote(write strictapi.Write) {
	switch write.Resource {
	case "leases":
		if w.leased(write) {
			w.trace.add("LEASE", "written by %s, held: %v", write.Client, holder(write.New) != "")
			w.restarted()
		}
		return
	case "nodeenis":
		if write.Gone {
			w.gone(write)
		}
	}
	if write.Verb == "expire" {
		return
	}
	if e, ok := write.New.(*corev1.Event); ok && e != nil && e.Reason == v1alpha1.ReasonCleanupHalted && e.InvolvedObject.Kind == "Lease" {
		w.mu.Lock()
		w.halted = true
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
	s := w.sim.Snapshot()
	w.lost(s)
	for _, e := range s.Interfaces {
		w.mu.Lock()
		uid, forgotten := w.made[e.ID], w.forgotten[e.ID]
		w.mu.Unlock()
		if uid == string(write.UID) && !forgotten {
			w.violated(4, "NodeENI %s goes while %s of it exists", write.Name, e.ID)
		}
	}
}

// quiet is clause 6: an hour in which nothing is changed and little is asked.
func (r *run) quiet() {
	r.watch.mu.Lock()
	acted, writes, calls := r.watch.acted, len(r.watch.writes), r.describes()
	r.watch.mu.Unlock()
	time.Sleep(quietTime)
	r.watch.mu.Lock()
	gotActed, gotWrites, first := r.watch.acted-acted, len(r.watch.writes)-writes, ""
	if gotWrites > 0 {
		first = r.watch.writes[writes]
	}
	r.watch.mu.Unlock()
	if gotActed > 0 {
		r.watch.violated(6, "%d calls changed EC2 in an hour in which nothing happened", gotActed)
	}
	if gotWrites > 0 {
		r.watch.violated(6, "%d writes in an hour in which nothing happened, the first: %s", gotWrites, first)
	}
	if got := r.describes() - calls; got > maxDescribes {
		r.watch.violated(6, "%d describes in an hour in which nothing happened, want at most %d", got, maxDescribes)
	}
}

// maxDescribes is how many describes an hour may cost: three lists each resync period, and one look each half minute
// at each of instances, interfaces and subnets that something is wrong with.
const maxDescribes = 3*60/2 + 3*2*60

func (r *run) describes() (count int) {
	for action, codes := range r.sim.Calls() {
		if strings.HasPrefix(action, "Describe") {
			for _, n := range codes {
				count += n
			}
		}
	}
	return count
}

// leaks finds goroutines that have outlived all processes.
func (r *run) leaks() {
	own := make([]byte, 256)
	own = own[:runtime.Stack(own, false)]
	_, bubble, _ := bytes.Cut(own, []byte("synctest bubble "))
	bubble, _, _ = bytes.Cut(bubble, []byte("]"))
	all := make([]byte, 4<<20)
	all = all[:runtime.Stack(all, true)]
	for g := range strings.SplitSeq(string(all), "\n\n") {
		head, rest, _ := strings.Cut(g, "\n")
		if strings.Contains(head, "synctest bubble "+string(bubble)+"]") && !strings.Contains(rest, "simulation.Run(") && !strings.Contains(rest, "testing/synctest") && !strings.Contains(rest, "internal/synctest.Run") {
			r.watch.violated(6, "a goroutine is left when all processes have ended:\n%s", g)
		}
	}
}
