package simulation

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// watcher looks at every call and every write at its moment: what is about what was done, not about how things stand
// in the end.
type watcher struct {
	*run

	// truth is what is wanted.
	truth truth

	mu sync.Mutex
	// made are the interfaces that our controllers have created, with the UID of their NodeENI.
	made map[string]string
	// stripped are those of them whose ownership tags somebody took away; forgotten those of the stripped that no
	// process can know any more.
	stripped  map[string]string
	forgotten map[string]bool
	found     []property.Violation
	// acted and refused count calls, writes has the controllers' writes but those of Leases.
	refused map[string]int
	acted   int
	writes  []string
	// reads counts calls to the API server that change nothing, describes those to EC2, dries the dry runs of EC2's actions.
	reads, describes, dries map[string]int
	// toldStuck are the messages on the Lease about interfaces without a NodeENI that EC2 does not end to detach.
	toldStuck []string
	// began is when the present leader began, lie until when reads leave things out.
	began, lie time.Time
	// attached are the interfaces that the present leader has attached, with its name.
	attached map[string]string
	// led is called when another leader begins, once.
	led []func()
	// lease is the one by which a controller may change EC2, died has when instances were told to terminate.
	lease lease
	died  map[string]time.Time
	// forced are the UIDs of the NodeENIs that a user had go at once; halted says that the guard has told of
	// interfaces whose NodeENIs are gone.
	forced map[string]bool
	halted bool
	// ended are the UIDs of the NodeENIs whose finalizer a controller took away.
	ended map[string]bool
	nodeWatch
	exodus exodus
}

func newWatch(r *run) *watcher {
	return &watcher{run: r, made: map[string]string{}, stripped: map[string]string{}, forgotten: map[string]bool{}, refused: map[string]int{}, died: map[string]time.Time{}, forced: map[string]bool{}, ended: map[string]bool{}, reads: map[string]int{}, describes: map[string]int{}, dries: map[string]int{}, attached: map[string]string{}, exodus: newExodus()}
}

func (w *watcher) violated(clause int, format string, args ...any) {
	v := property.Violation{Clause: clause, Message: fmt.Sprintf(format, args...)}
	if w.prefix != "" {
		v.Message = "in the other cluster: " + v.Message
	}
	w.mu.Lock()
	w.found = append(w.found, v)
	w.mu.Unlock()
	w.trace.add("CHECK", "%s", v)
}

// after sees what became of a call that changes EC2.
func (w *watcher) after(who, action string, form url.Values, status int, err error) {
	w.trace.add(who, "%s %s: %s", action, subject(form), outcome(status, err))
	if action == "CreateNetworkInterface" && status == 200 {
		w.madeInVain(form)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if action == "DetachNetworkInterface" {
		w.departed(form.Get("AttachmentId"), status == 200)
	}
	if status == 200 && action == "AttachNetworkInterface" && err == nil {
		w.attached[form.Get("NetworkInterfaceId")] = who
	}
	if status == 200 {
		w.acted++
	} else {
		w.refused[action]++
	}
}

func outcome(status int, err error) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(status)
}

// subject is what a call is about, for people.
func subject(form url.Values) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(form)) {
		if slices.Contains([]string{"Action", "Version", "ClientToken", "Description"}, key) || strings.HasPrefix(key, "TagSpecification") {
			continue
		}
		parts = append(parts, key+"="+form.Get(key))
	}
	return strings.Join(parts, " ")
}

// learn takes in which interfaces of ours there are. It is called whenever somebody else is about to change one.
func (w *watcher) learn(s ec2sim.Snapshot) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range s.Interfaces {
		if uid := e.Tags[eni.TagNodeENIUID]; e.Tags[eni.TagClusterID] == w.cluster && uid != "" && !w.ledger.isForeign(e.ID) {
			w.made[e.ID] = uid
			delete(w.stripped, e.ID)
			delete(w.forgotten, e.ID)
		}
	}
	w.count(s)
}

// lost finds the interfaces of ours that bear no ownership tags any more.
func (w *watcher) lost(s ec2sim.Snapshot) {
	w.learn(s)
	w.mu.Lock()
	defer w.mu.Unlock()
	there := map[string]bool{}
	for _, e := range s.Interfaces {
		if uid, ours := w.made[e.ID]; ours {
			there[e.ID] = true
			if e.Tags[eni.TagClusterID] != w.cluster || e.Tags[eni.TagNodeENIUID] == "" {
				if still := e.Tags[eni.TagNodeENIUID]; still != "" {
					uid = still // another one, if it was adopted before anybody saw that the other tag is gone
				}
				w.stripped[e.ID] = uid
				if w.forced[uid] { // nobody can tell of it
					w.forgotten[e.ID] = true
				}
			}
		}
	}
	maps.DeleteFunc(w.stripped, func(id, _ string) bool { return !there[id] })
}

// lies says that reads leave things out for a while.
func (w *watcher) lies(while time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until := time.Now().Add(while); until.After(w.lie) {
		w.lie = until
	}
}

// deceived reports whether a controller may still believe what reads have left out: until the next complete list, which
// another fault may put off.
func (w *watcher) deceived() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.lie.IsZero() && time.Now().Before(w.lie.Add(w.world.resync+longest))
}

// firstLook is within what time a new leader has seen every interface, whatever goes wrong meanwhile.
const firstLook = 5 * time.Minute

// untagged says that an interface has just lost an ownership tag: a leader that is new may never have seen it.
func (w *watcher) untagged(id string) {
	w.lost(w.sim.Snapshot())
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, is := w.stripped[id]; is && time.Since(w.began) < firstLook {
		w.forgotten[id] = true
	}
}

// whenLed has something done when the next leader begins.
func (w *watcher) whenLed(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.led = append(w.led, do)
}

// ownerOf is the UID of the NodeENI of an interface of ours.
func (w *watcher) ownerOf(id string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.made[id]
}

// restarted says that a process begins which knows nothing of what was before.
func (w *watcher) restarted() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.began = time.Now()
	clear(w.attached)
	for _, do := range w.led {
		go do()
	}
	w.led = nil
	for id := range w.stripped {
		w.forgotten[id] = true
	}
}
