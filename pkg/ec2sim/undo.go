package ec2sim

// poolChange is one step of a pool's free list: an offset that was taken from a place,
// or given back to the end.
type poolChange struct {
	offset, from int32
	given        bool
}

// wholly runs what may fail with addresses in hand. By then they have been given back;
// this puts the free lists in their old order too, which decides what is drawn next, so
// that a call that is refused changes nothing at all.
func (s *Simulator) wholly(f func() error) error {
	for _, n := range s.subnets.sorted {
		n.pool.changes, n.pool.noting = n.pool.changes[:0], true
	}
	err := f()
	for _, n := range s.subnets.sorted {
		if n.pool.noting = false; err != nil {
			n.pool.undo()
		}
	}
	return err
}

func (p *addressPool) note(c poolChange) {
	if p.noting {
		p.changes = append(p.changes, c)
	}
}

// undo goes back over the changes, the latest first.
func (p *addressPool) undo() {
	for i := len(p.changes) - 1; i >= 0; i-- {
		c, last := p.changes[i], len(p.free)
		if c.given {
			p.free = p.free[:last-1]
			p.at[c.offset] = -1
			p.blockFree[c.offset/prefixSize]--
			continue
		}
		p.free = append(p.free, c.offset)
		// What had moved to the place that became empty goes back to the end.
		moved := p.free[c.from]
		p.free[last], p.free[c.from] = moved, c.offset
		p.at[moved], p.at[c.offset] = int32(last), c.from
		p.blockFree[c.offset/prefixSize]++
	}
}
