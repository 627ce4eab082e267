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

func (v *version[T]) settledBy(now time.Time) bool {
	for _, t := range v.until {
		if t.After(now) {
			return false
		}
	}
	return true
}

// history is a resource with writes that some reader has not seen.
type history[T any] struct {
	past []version[T]
	// present is the resource itself, also once it is gone.
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

// prune drops the pictures that nobody can see any more.
func (h *history[T]) prune(now time.Time) {
	for len(h.past) > 0 && h.past[0].settledBy(now) {
		h.past = h.past[1:]
	}
}

func (h *history[T]) settledBy(now time.Time) bool {
	for i := range h.past {
		if !h.past[i].settledBy(now) {
			return false
		}
	}
	return true
}

// histories are those of one kind of resource. They are empty while reads are consistent.
type histories[T any] struct {
	byID map[string]*history[T]
	// sweepAt is how many there may be before those that have settled are dropped, so
	// that writes which nobody looks at do not pile up.
	sweepAt int
}

// minSweep is how many histories or client tokens are kept without asking whether they
// are still of use.
const minSweep = 128

func newHistories[T any]() *histories[T] {
	return &histories[T]{byID: map[string]*history[T]{}, sweepAt: minSweep}
}

// settle lets go of what everybody sees alike by now.
func (hs *histories[T]) settle(now time.Time) {
	for id, h := range hs.byID {
		if h.settledBy(now) {
			delete(hs.byID, id)
		}
	}
}

// moving are the resources whose writes not everybody sees.
func (hs *histories[T]) moving(now time.Time) []*T {
	hs.settle(now)
	out := make([]*T, 0, len(hs.byID))
	for _, h := range hs.byID {
		out = append(out, h.present)
	}
	return out
}

// seen is a resource as one read path shows it; nil where it does not.
func (hs *histories[T]) seen(id string, present *T, path int, now time.Time) *T {
	if h, ok := hs.byID[id]; ok {
		return h.on(path, now)
	}
	return present
}

// unsettled holds all that is not yet seen alike by everybody.
type unsettled struct {
	interfaces *histories[networkInterface]
	instances  *histories[instance]
	subnets    *histories[subnet]
	groups     *histories[securityGroup]
	vpcs       *histories[vpc]
}

func newUnsettled() unsettled {
	return unsettled{newHistories[networkInterface](), newHistories[instance](), newHistories[subnet](), newHistories[securityGroup](), newHistories[vpc]()}
}

func (s *Simulator) lagging() bool { return s.lag.P50 > 0 }

// keep notes a write on a resource; picture is how it looked before. The lag counts from
// the write's own time, which for what happens by itself is earlier than the call that
// finds it out.
func keep[T any](s *Simulator, hs *histories[T], id string, picture, present *T) {
	h, ok := hs.byID[id]
	if !ok {
		if len(hs.byID) >= hs.sweepAt {
			hs.settle(s.when)
			hs.sweepAt = max(minSweep, 2*len(hs.byID))
		}
		h = &history[T]{}
		hs.byID[id] = h
	}
	h.prune(s.when)
	v := version[T]{picture: picture}
	for i := range v.until {
		v.until[i] = s.when.Add(s.lag.draw(s.rng))
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
		e = s.unsettled.interfaces.seen(e.id, e, s.readPath, c.now)
		return e, e != nil && !e.deleted && !s.hidden(e, c)
	}
}

// keepSubnet is called before a subnet's addresses or tags change. Its picture has the
// number of free addresses, not the addresses.
func (s *Simulator) keepSubnet(n *subnet) {
	if s.lagging() {
		picture := *n
		picture.pool, picture.free = nil, n.available()
		keep(s, s.unsettled.subnets, n.id, &picture, n)
	}
}

func (s *Simulator) keepGroup(g *securityGroup) {
	if s.lagging() {
		picture := *g
		keep(s, s.unsettled.groups, g.id, &picture, g)
	}
}

func (s *Simulator) keepVPC(v *vpc) {
	if s.lagging() {
		picture := *v
		keep(s, s.unsettled.vpcs, v.id, &picture, v)
	}
}

// lagged shows a resource that never comes or goes as the call's read path does.
func lagged[T any](s *Simulator, c *call, hs *histories[T], id func(*T) string) func(*T) (*T, bool) {
	return func(r *T) (*T, bool) { return hs.seen(id(r), r, s.readPath, c.now), true }
}

func (s *Simulator) unsettledInterfaces(c *call) func() []*networkInterface {
	return func() []*networkInterface { return s.unsettled.interfaces.moving(c.now) }
}

// unseenAttachment is the like for an attachment: the interface may be seen as it was
// before it.
func (s *Simulator) unseenAttachment(e *networkInterface) bool {
	seen := s.unsettled.interfaces.seen(e.id, e, s.readPath, s.when)
	return seen == nil || seen.attachment == nil || seen.attachment.id != e.attachment.id
}

// unseen tells whether the read path of the call in hand has not heard yet that a
// resource was made. Calls that change things miss it too: CreateTags and attaches of
// what has just been made are refused with NotFound now and then.
func unseen[T any](s *Simulator, h *history[T]) bool {
	return h != nil && h.on(s.readPath, s.when) == nil
}
