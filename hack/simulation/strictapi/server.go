package strictapi

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
)

// keepHistory is for how long old states can be read and watched from, as with a real server, which has etcd
// compacted every five minutes to what is older than that.
const keepHistory = 10 * time.Minute

// Server is the store of all objects.
type Server struct {
	seed uint64

	// mu guards everything below, the state of all clients included. Nobody waits while holding it.
	mu      sync.Mutex
	version uint64
	stores  map[schema.GroupVersionResource]*store
	// kinds are the stores in a fixed order.
	kinds   []*store
	clients []*Client
	log     []Write
	// struck counts the faults that took effect, by what they are.
	struck map[string]int
	hooks  []func(Write)
}

// store has the objects of one kind.
type store struct {
	*kind
	// unserved: the API server does not know the resource.
	unserved bool
	objects  map[key]object
	// keys are those of objects, sorted.
	keys []key
	// history has what changed, in the order of the resourceVersions, all above floor.
	history []change
	// floor is the oldest resourceVersion to read or watch from.
	floor uint64
	// born counts the objects created under a name.
	born map[key]uint64
	// written has when each object was written last, and expired when objects went by themselves last, for a
	// kind whose objects do.
	written map[key]time.Time
	expired time.Time
}

type key struct{ namespace, name string }

func (k key) String() string {
	if k.namespace == "" {
		return k.name
	}
	return k.namespace + "/" + k.name
}

func compareKeys(a, b key) int {
	if a.namespace != b.namespace {
		if a.namespace < b.namespace {
			return -1
		}
		return 1
	}
	switch {
	case a.name < b.name:
		return -1
	case a.name > b.name:
		return 1
	}
	return 0
}

// change is one write that changed an object.
type change struct {
	version uint64
	at      time.Time
	verb    watch.EventType
	key     key
	// before is nil for the first change of an object. after is, for the last one, the object as it was when
	// it went, with the resourceVersion of that.
	before, after object
}

// Write is a write that the server accepted.
type Write struct {
	Time   time.Time
	Client string
	// Verb is create, update, patch or delete, and expire for what the server let go by itself.
	Verb            string
	Resource        string
	Subresource     string
	Namespace, Name string
	UID             types.UID
	ResourceVersion string
	// NoOp: the object was like that already, so nothing changed, not even its resourceVersion.
	NoOp bool
	// Gone: the object does not exist any more.
	Gone bool
	// Old and New are the object before and after, nil where there was none, for hooks only. They are the
	// server's own: they must not be changed.
	Old, New runtime.Object
}

// String says who wrote what.
func (w Write) String() string {
	what := w.Resource
	if w.Subresource != "" {
		what += "/" + w.Subresource
	}
	text := fmt.Sprintf("%s %s %s %s %s", w.Client, w.Verb, what, key{w.Namespace, w.Name}, w.ResourceVersion)
	if w.NoOp {
		text += " (nothing changed)"
	}
	if w.Gone {
		text += " (gone)"
	}
	return text
}

// New returns a server with the namespaces that every cluster has. Everything that chance decides comes from
// the seed.
func New(seed uint64) *Server {
	s := &Server{seed: seed, stores: map[schema.GroupVersionResource]*store{}}
	for _, k := range kinds() {
		st := &store{kind: k, objects: map[key]object{}, born: map[key]uint64{}, written: map[key]time.Time{}}
		s.stores[k.resource] = st
		s.kinds = append(s.kinds, st)
	}
	for _, name := range []string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease} {
		o := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}, Status: corev1.NamespaceStatus{Phase: corev1.NamespaceActive}}
		st := s.stores[corev1.SchemeGroupVersion.WithResource("namespaces")]
		s.mark(st, o)
		s.put(st, key{name: name}, o)
	}
	return s
}

// Writes returns what was written since the start or the last TakeWrites, oldest first.
func (s *Server) Writes() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log)
}

// TakeWrites returns what Writes returns and forgets it, so that a long run does not fill the memory.
func (s *Server) TakeWrites() []Write {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.log
	s.log = nil
	return taken
}

// Struck counts the faults that took effect, of all clients.
func (s *Server) Struck() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.struck)
}

// strike counts a fault that takes effect; the lock is held.
func (s *Server) strike(what string) {
	if s.struck == nil {
		s.struck = map[string]int{}
	}
	s.struck[what]++
}

// OnWrite has a hook called at every write, the moment it has taken effect and before anybody is told. The
// hooks run under the server's lock, in the order of the writes: a hook must neither wait nor call the server or
// a client of it. What it needs of the object is in the Write.
func (s *Server) OnWrite(hook func(Write)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = append(s.hooks, hook)
}

// ResourceVersion is the one of the last change.
func (s *Server) ResourceVersion() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return format(s.version)
}

// Compact forgets all states but the present one: whoever continues a list or a watch from an older one gets
// 410 Gone. A watch that has delivered everything goes on.
func (s *Server) Compact() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.kinds {
		for _, w := range s.watches(st) {
			if w.position >= st.newest() {
				w.position = s.version
			}
		}
		st.history, st.floor = nil, s.version
	}
	s.strike("compacted")
	s.wake(s.kinds...)
}

// SetServed has the server not know a resource, as one whose CRD is missing, or know it again. Its objects are
// kept. The watches of it end.
func (s *Server) SetServed(resource string, served bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.kinds {
		if st.resource.Resource != resource {
			continue
		}
		st.unserved = !served
		for _, w := range s.watches(st) {
			w.drop()
		}
	}
}

// newest is the version of the newest change known.
func (st *store) newest() uint64 {
	if len(st.history) == 0 {
		return st.floor
	}
	return st.history[len(st.history)-1].version
}

// put stores an object as its next version. It returns the one it replaces.
func (s *Server) put(st *store, k key, o object) {
	s.version++
	o.SetResourceVersion(format(s.version))
	before, exists := st.objects[k]
	c := change{version: s.version, at: time.Now(), verb: watch.Modified, key: k, before: before, after: o}
	if !exists {
		c.verb, c.before = watch.Added, nil
		at, _ := slices.BinarySearchFunc(st.keys, k, compareKeys)
		st.keys = slices.Insert(st.keys, at, k)
	}
	st.objects[k] = o
	if st.lives > 0 {
		st.written[k] = c.at
	}
	s.note(st, c)
}

// remove lets an object go, as it is given.
func (s *Server) remove(st *store, k key, o object) {
	s.version++
	o.SetResourceVersion(format(s.version))
	before := st.objects[k]
	delete(st.objects, k)
	delete(st.written, k)
	at, _ := slices.BinarySearchFunc(st.keys, k, compareKeys)
	st.keys = slices.Delete(st.keys, at, at+1)
	s.note(st, change{version: s.version, at: time.Now(), verb: watch.Deleted, key: k, before: before, after: o})
}

// note adds a change to the history, and forgets what is too old, half of the history or more at a time.
func (s *Server) note(st *store, c change) {
	tooOld := func(i int) bool { return c.at.Sub(st.history[i].at) > keepHistory }
	if n := len(st.history); n > 0 && tooOld(n/2) {
		old := n / 2
		for old < n && tooOld(old) {
			st.floor = st.history[old].version
			old++
		}
		st.history = slices.Delete(st.history, 0, old)
	}
	st.history = append(st.history, c)
	s.wake(st)
}

// record logs a write and has the hooks look at it.
func (s *Server) record(w Write) {
	w.Time = time.Now()
	for _, hook := range s.hooks {
		hook(w)
	}
	w.Old, w.New = nil, nil
	s.log = append(s.log, w)
}

// watches are the open watches of a kind, in the order in which they were opened.
func (s *Server) watches(st *store) (list []*watcher) {
	for _, c := range s.clients {
		for _, w := range c.watches {
			if w.store == st {
				list = append(list, w)
			}
		}
	}
	return list
}

// wake has the watches look for changes.
func (s *Server) wake(stores ...*store) {
	for _, c := range s.clients {
		for _, w := range c.watches {
			if slices.Contains(stores, w.store) {
				w.wake()
			}
		}
	}
}

// expire lets the objects go whose time is over.
func (s *Server) expire(st *store) {
	if st.lives == 0 || time.Since(st.expired) < time.Minute {
		return
	}
	st.expired = time.Now()
	for _, k := range slices.Clone(st.keys) {
		o := st.objects[k]
		if time.Since(st.written[k]) <= st.lives {
			continue
		}
		gone := copyOf(o)
		s.remove(st, k, gone)
		delete(st.born, k) // nobody names such objects twice, and there is no end of them
		s.record(st.describe(Write{Verb: "expire", Gone: true, Old: o}, gone))
	}
}

// describe fills in which object a write is about.
func (st *store) describe(w Write, o object) Write {
	w.Resource, w.Namespace, w.Name = st.resource.Resource, o.GetNamespace(), o.GetName()
	w.UID, w.ResourceVersion = o.GetUID(), o.GetResourceVersion()
	return w
}

func format(version uint64) string { return strconv.FormatUint(version, 10) }
