package strictapi

import (
	"context"
	"slices"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

const (
	// bookmarkInterval is how often a watch that wants bookmarks gets one while nothing happens.
	bookmarkInterval = time.Minute
	// watchLimit is how long a watch lasts that names no timeout.
	watchLimit = time.Hour
)

// watcher is one open watch. It reads the changes from the store's history when it gets to them, so that one
// which lags behind a compaction ends as a real one does.
type watcher struct {
	client *Client
	store  *store
	id     uint64
	selection
	bookmarks bool
	ctx       context.Context

	// initial are the events before those from the history, and lastInitial, if any, ends them.
	initial []watch.Event
	// position is the version up to which the watch has read the history. The server's lock guards it.
	position uint64
	// late is before when nothing may be delivered, as what came before it has not been.
	late time.Time
	ends time.Time

	awake   chan struct{}
	results chan watch.Event
	dropped chan struct{}
	drop    func()
}

// ResultChan has the events. It is closed when the watch has ended.
func (w *watcher) ResultChan() <-chan watch.Event { return w.results }

// Stop ends the watch.
func (w *watcher) Stop() { w.drop() }

// wake has the watch look for changes.
func (w *watcher) wake() {
	select {
	case w.awake <- struct{}{}:
	default:
	}
}

// watch opens a watch.
func (s *Server) watch(ctx context.Context, c *Client, st *store, r *request, stale time.Duration) (*watcher, error) {
	options := r.listOptions
	options.Watch = true
	sel, err := st.options(r.namespace, options, !c.faults.NoWatchList)
	if err != nil {
		if c.faults.NoWatchList {
			s.strike("no initial events")
		}
		return nil, err
	}
	w := &watcher{
		client: c, store: st, id: c.next("watch", st.resource.Resource, ""), selection: sel, bookmarks: options.AllowWatchBookmarks, ctx: ctx,
		awake: make(chan struct{}, 1), results: make(chan watch.Event), dropped: make(chan struct{}),
	}
	w.drop = sync.OnceFunc(func() { close(w.dropped) })
	if err := s.begin(w, options, stale); err != nil {
		return nil, err
	}
	limit := watchLimit
	if seconds := options.TimeoutSeconds; seconds != nil && *seconds > 0 {
		limit = time.Duration(*seconds) * time.Second
	}
	if life := c.faults.WatchLife.draw(w.dice("life", 0)); life > 0 {
		limit = min(limit, life)
		s.strike("short watch")
	}
	w.ends = time.Now().Add(limit)
	c.watches = append(c.watches, w)
	go w.run()
	return w, nil
}

// begin sets where a watch starts.
func (s *Server) begin(w *watcher, options metav1.ListOptions, stale time.Duration) error {
	version, err := parse(options.ResourceVersion)
	initialList := options.SendInitialEvents != nil && *options.SendInitialEvents
	if err != nil || version > s.version {
		return s.badVersion(version, err)
	}
	if options.SendInitialEvents == nil && version == 0 {
		initialList = true // the old way to ask for what is there, without a mark of its end
	}
	if !initialList {
		if version < w.store.floor {
			return apierrors.NewResourceExpired("too old resource version: " + options.ResourceVersion)
		}
		w.position = version
		w.repeat()
		return nil
	}
	if w.position, err = s.listVersion(w.store, options, stale); err != nil {
		return err
	}
	for _, o := range w.store.sorted(w.selection, w.position) {
		w.initial = append(w.initial, watch.Event{Type: watch.Added, Object: copyOf(o)})
	}
	if options.SendInitialEvents != nil && w.bookmarks {
		end := w.bookmark(w.position)
		end.Object.(object).SetAnnotations(map[string]string{metav1.InitialEventsAnnotationKey: "true"})
		w.initial = append(w.initial, end)
	}
	return nil
}

// repeat has a watch that goes on from somewhere begin, by chance, with the last event before that, which who
// watches has seen already.
func (w *watcher) repeat() {
	if !w.dice("repeat", 0).chance(w.client.faults.Repeats) {
		return
	}
	for _, c := range slices.Backward(w.store.history) {
		if c.version > w.position {
			continue
		}
		if event, ok := w.event(c); ok && event.Type != watch.Deleted {
			w.client.server.strike("repeated event")
			w.initial = append(w.initial, event)
		}
		return
	}
}

func (w *watcher) bookmark(version uint64) watch.Event {
	o := w.store.newObject()
	o.SetResourceVersion(format(version))
	return watch.Event{Type: watch.Bookmark, Object: o}
}

// dice decides by chance about the watch, or about one event of it.
func (w *watcher) dice(about string, version uint64) dice {
	return newDice(w.client.server.seed, version, about, w.client.name, w.store.resource.Resource, format(w.id))
}

// run delivers events until the watch ends.
func (w *watcher) run() {
	defer close(w.results)
	defer w.client.forget(w)
	for _, event := range w.initial {
		if !w.send(event) {
			return
		}
	}
	w.initial = nil
	next := time.Now().Add(bookmarkInterval)
	for {
		event, at, ok := w.take()
		switch {
		case !ok && !w.bookmarks:
			if !w.wait(w.ends) {
				return
			}
		case !ok && time.Now().Before(next):
			if !w.wait(next) {
				return
			}
		default:
			if !ok {
				event = w.bookmark(at.version)
				next = time.Now().Add(bookmarkInterval)
			}
			if !w.sleep(at.due) || w.client.flow(w.ctx, w.dropped) != nil || !w.send(event) || event.Type == watch.Error {
				return
			}
		}
	}
}

// when says which version an event is of, and when it is delivered.
type when struct {
	version uint64
	due     time.Time
}

// take reads the next event from the history. When there is none, it returns up to which version there is none.
func (w *watcher) take() (event watch.Event, at when, ok bool) {
	s := w.client.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.position < w.store.floor {
		expired := apierrors.NewResourceExpired("The resourceVersion for the provided watch is too old.")
		return watch.Event{Type: watch.Error, Object: &expired.ErrStatus}, when{}, true
	}
	history := w.store.history
	i, found := slices.BinarySearchFunc(history, w.position, func(c change, version uint64) int {
		switch {
		case c.version < version:
			return -1
		case c.version > version:
			return 1
		}
		return 0
	})
	if found {
		i++
	}
	for ; i < len(history); i++ {
		c := history[i]
		w.position = c.version
		event, ok := w.event(c)
		if !ok {
			continue
		}
		lag := w.client.faults.WatchLag.draw(w.dice("lag", c.version))
		if lag > 0 {
			s.strike("late event")
		}
		due := c.at.Add(lag)
		if due.Before(w.late) {
			due = w.late
		}
		w.late = due
		return event, when{c.version, due}, true
	}
	w.position = s.version
	return event, when{version: s.version}, false
}

// event is what a change means to who watches a selection.
func (w *watcher) event(c change) (watch.Event, bool) {
	was, is := w.store.selects(w.selection, c.before), c.verb != watch.Deleted && w.store.selects(w.selection, c.after)
	switch {
	case was && is:
		return watch.Event{Type: watch.Modified, Object: copyOf(c.after)}, true
	case is:
		return watch.Event{Type: watch.Added, Object: copyOf(c.after)}, true
	case was:
		// What leaves is shown as it last was among those selected, with the version of the change.
		last := copyOf(c.before)
		last.SetResourceVersion(format(c.version))
		return watch.Event{Type: watch.Deleted, Object: last}, true
	}
	return watch.Event{}, false
}

// send delivers an event, and reports whether the watch goes on.
func (w *watcher) send(event watch.Event) bool {
	if w.over() {
		return false
	}
	timer := time.NewTimer(time.Until(w.ends))
	defer timer.Stop()
	select {
	case w.results <- event:
		return true
	case <-w.dropped:
	case <-w.client.killed:
	case <-w.ctx.Done():
	case <-timer.C:
	}
	return false
}

// wait waits until there may be more to deliver, but no longer than to a point in time.
func (w *watcher) wait(until time.Time) bool {
	return w.pause(until, w.awake)
}

// sleep waits for a point in time.
func (w *watcher) sleep(until time.Time) bool {
	if !time.Now().Before(until) {
		return true
	}
	return w.pause(until, nil)
}

func (w *watcher) pause(until time.Time, awake <-chan struct{}) bool {
	if until.After(w.ends) {
		until = w.ends
	}
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-awake:
	case <-timer.C:
	case <-w.dropped:
	case <-w.client.killed:
	case <-w.ctx.Done():
	}
	return !w.over()
}

// over reports whether the watch has ended.
func (w *watcher) over() bool {
	select {
	case <-w.dropped:
		return true
	case <-w.client.killed:
		return true
	case <-w.ctx.Done():
		return true
	default:
		return !time.Now().Before(w.ends)
	}
}
