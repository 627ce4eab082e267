package ec2sim

import "slices"

// instanceView shows instances as one read path does: each with the interfaces that
// this path sees in it, which is what its answers and its filters both go by.
type instanceView struct {
	s *Simulator
	c *call
	// moving are the interfaces that do not look alike to everybody, by ID.
	moving map[string]bool
	// plugged are those of them that this path sees attached, by instance.
	plugged map[string][]*networkInterface
	// touched are the instances that any of them is, was or seems attached to.
	touched map[string]bool
}

func (s *Simulator) viewInstances(c *call) *instanceView {
	v := &instanceView{s: s, c: c, moving: map[string]bool{}, plugged: map[string][]*networkInterface{}, touched: map[string]bool{}}
	hs := s.unsettled.interfaces
	hs.settle(c.now)
	for id, h := range hs.byID {
		v.moving[id] = true
		for i := range h.past {
			v.touch(h.past[i].picture)
		}
		v.touch(h.present)
		if e := h.on(s.readPath, c.now); e != nil && !e.deleted && e.attachment != nil {
			at := e.attachment.instance.id
			v.plugged[at] = append(v.plugged[at], e)
		}
	}
	return v
}

func (v *instanceView) touch(e *networkInterface) {
	if e != nil && e.attachment != nil {
		v.touched[e.attachment.instance.id] = true
	}
}

// seen is an instance as this path shows it. A picture shares its slots with the
// instance itself, so where interfaces are moving it gets slots of its own.
func (v *instanceView) seen(in *instance) (*instance, bool) {
	in = v.s.unsettled.instances.seen(in.id, in, v.s.readPath, v.c.now)
	if in == nil || in.forgotten {
		return nil, false
	}
	if !v.touched[in.id] {
		return in, true
	}
	shown := *in
	shown.slots = map[slot]*networkInterface{}
	for at, e := range in.slots {
		if !v.moving[e.id] {
			shown.slots[at] = e
		}
	}
	for _, e := range v.plugged[in.id] {
		at := slot{e.attachment.card, e.attachment.device}
		// Of two in one slot, one has left or the other has not come; the later one shows.
		if other, ok := shown.slots[at]; !ok || later(e, other) {
			shown.slots[at] = e
		}
	}
	return &shown, true
}

func later(a, b *networkInterface) bool {
	if !a.attachment.at.Equal(b.attachment.at) {
		return a.attachment.at.After(b.attachment.at)
	}
	return a.attachment.id > b.attachment.id
}

// unsettled are the instances whose indexed facts may differ from what this path shows.
func (v *instanceView) unsettled() []*instance {
	out := v.s.unsettled.instances.moving(v.c.now)
	for id := range v.touched {
		if in, ok := v.s.instances.byID[id]; ok {
			out = append(out, in)
		}
	}
	return inOrder(slices.Clip(out))
}
