package ec2sim

import "time"

// readPaths is how many copies of the world describes are answered from. Each sees a
// write at its own time, and each call lands on any of them, so that two reads in a row
// may disagree, as https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html
// warns.
const readPaths = 3

// version is how something looked before a write, for the readers that have not seen
// the write yet; a nil picture says that it was not there.
type version[T any] struct {
	until   [readPaths]time.Time
	picture *T
}

// history is a resource with writes that some reader has not seen.
type history[T any] struct {
	past []version[T]
	// present is nil once the resource is gone.
	present *T
}

// on is what one read path shows at a time: the oldest picture that still covers a
// write unseen there, so that writes never overtake each other.
func (h *history[T]) on(path int, now time.Time) *T {
	for _, v := range h.past {
		if v.until[path].After(now) {
			return v.picture
		}
	}
	return h.present
}

func (h *history[T]) settledBy(now time.Time) bool {
	for _, v := range h.past {
		for _, t := range v.until {
			if t.After(now) {
				return false
			}
		}
	}
	return true
}

// unsettled holds all that is not yet seen alike by everybody. It is empty while reads
// are consistent.
type unsettled struct {
	interfaces map[string]*history[networkInterface]
	instances  map[string]*history[instance]
}

func newUnsettled() unsettled {
	return unsettled{map[string]*history[networkInterface]{}, map[string]*history[instance]{}}
}

func (s *Simulator) lagging() bool { return s.lag.P50 > 0 }

// keep notes a write on a resource; picture is how it looked before.
func keep[T any](s *Simulator, in map[string]*history[T], id string, picture, present *T) {
	h, ok := in[id]
	if !ok {
		h = &history[T]{}
		in[id] = h
	}
	now := s.now()
	v := version[T]{picture: picture}
	for i := range v.until {
		v.until[i] = now.Add(s.lag.draw(s.rng))
	}
	h.past, h.present = append(h.past, v), present
}

func (s *Simulator) hideInterface(e *networkInterface) {
	if s.lagging() {
		keep(s, s.unsettled.interfaces, e.id, nil, e)
	}
}

func (s *Simulator) keepInterface(e *networkInterface) {
	if s.lagging() {
		picture := *e
		keep(s, s.unsettled.interfaces, e.id, &picture, e)
	}
}

func (s *Simulator) hideInstance(in *instance) {
	if s.lagging() {
		keep(s, s.unsettled.instances, in.id, nil, in)
	}
}

func (s *Simulator) keepInstance(in *instance) {
	if s.lagging() {
		picture := *in
		keep(s, s.unsettled.instances, in.id, &picture, in)
	}
}

// seenInterface is an interface as this call's read path shows it.
func (s *Simulator) seenInterface(c *call) func(*networkInterface) (*networkInterface, bool) {
	return func(e *networkInterface) (*networkInterface, bool) {
		if h, ok := s.unsettled.interfaces[e.id]; ok {
			e = h.on(s.readPath, c.now)
		}
		return e, e != nil && !e.deleted
	}
}

func (s *Simulator) seenInstance(c *call) func(*instance) (*instance, bool) {
	return func(in *instance) (*instance, bool) {
		if h, ok := s.unsettled.instances[in.id]; ok {
			in = h.on(s.readPath, c.now)
		}
		return in, in != nil && !in.forgotten
	}
}

// unsettledIn lists what has writes that not everybody sees, and lets go of what has
// none any more.
func unsettledIn[T any](in map[string]*history[T], now time.Time) []*T {
	var out []*T
	for id, h := range in {
		if h.settledBy(now) {
			delete(in, id)
			continue
		}
		out = append(out, h.present)
	}
	return out
}

func (s *Simulator) unsettledInterfaces(c *call) func() []*networkInterface {
	return func() []*networkInterface { return unsettledIn(s.unsettled.interfaces, c.now) }
}

func (s *Simulator) unsettledInstances(c *call) func() []*instance {
	return func() []*instance { return unsettledIn(s.unsettled.instances, c.now) }
}

// unseen tells whether the read path of the call in hand has not heard yet that a
// resource was made. Calls that change things miss it too: CreateTags and attaches of
// what has just been made are refused with NotFound now and then.
func unseen[T any](s *Simulator, h *history[T]) bool {
	return h != nil && h.on(s.readPath, s.now()) == nil
}
