package ec2sim

import "slices"

// listing is what the describe actions have in common: an ID list or filters, and pages.
type listing[T interface {
	record
	tagged
}] struct {
	table    *table[T]
	missing  func(ids ...string) error
	idParam  string
	idFilter string
	filters  filterSet[T]
	indexed  func(string) bool
	pages    pageLimits
	// seen turns a record into what this reader sees of it; nil means seen as it is.
	seen func(T) (T, bool)
	// unsettled are records whose indexed facts may differ from what a reader sees.
	unsettled func() []T
	// shows leaves out, of a list without IDs and of one with, what the action does not show.
	shows func(T) bool
}

// find answers a describe: the records, and the token for the next page if there is one.
// What a fault leaves out is missing in its page; the next page goes on as ever.
func (l *listing[T]) find(s *Simulator, c *call) (found []T, next string, err error) {
	found, next, err = l.all(s, c)
	byID := c.form.has(l.idParam) || slices.ContainsFunc(c.filters, func(f filter) bool { return f.name == l.idFilter })
	switch {
	case c.fault != nil && c.fault.Effect == effectOmit:
		found = slices.DeleteFunc(found, func(r T) bool { return c.fault.omits(s, r.recordID(), byID) })
	case c.fault == nil && !byID && len(s.leftOut) > 0: // another fault may keep the answer from arriving
		for _, r := range found {
			delete(s.leftOut, r.recordID())
		}
	}
	return found, next, err
}

func (l *listing[T]) all(s *Simulator, c *call) (found []T, next string, err error) {
	filters, p := c.filters, c.page
	if c.form.has(l.idParam) && paged(c.form) {
		return nil, "", fail("InvalidParameterCombination", "The parameter %s cannot be used with the parameter MaxResults", l.idParam)
	}
	if c.form.has(l.idParam) {
		found, err = l.byIDs(c.form.texts(l.idParam), filters)
		return found, "", err
	}
	for _, r := range l.from(filters, p.after) {
		seen, ok := l.look(r)
		if !ok || !l.matches(seen, filters) {
			continue
		}
		if p.size > 0 && len(found) == p.size {
			return found, s.sealToken(found[len(found)-1].recordID(), p.query, c.now), nil
		}
		found = append(found, seen)
	}
	return found, "", nil
}

func (l *listing[T]) from(filters []filter, after string) []T {
	list := l.table.candidates(filters, l.idFilter, l.indexed)
	if l.unsettled != nil {
		if more := l.unsettled(); len(more) > 0 {
			list = merged(list, inOrder(more))
		}
	}
	if after == "" {
		return list
	}
	at := position(list, after)
	if at < len(list) && list[at].recordID() == after {
		at++
	}
	return list[at:]
}

func (l *listing[T]) look(r T) (T, bool) {
	if l.seen == nil {
		return r, true
	}
	return l.seen(r)
}

// byIDs fails as a whole when a single ID is not there, as EC2 does.
func (l *listing[T]) byIDs(ids []string, filters []filter) ([]T, error) {
	if len(ids) > l.pages.max {
		return nil, fail("InvalidParameterValue", "The parameter %s takes at most %d values", l.idParam, l.pages.max)
	}
	gone := map[string]T{}
	if l.unsettled != nil {
		for _, r := range l.unsettled() {
			gone[r.recordID()] = r
		}
	}
	var found []T
	var unknown []string
	for _, id := range ids {
		r, ok := l.table.byID[id]
		if !ok {
			r, ok = gone[id]
		}
		if ok {
			r, ok = l.look(r)
		}
		if !ok {
			unknown = append(unknown, id)
		} else if l.matches(r, filters) {
			found = append(found, r)
		}
	}
	if len(unknown) > 0 {
		return nil, l.missing(unknown...)
	}
	return inOrder(found), nil
}

func (l *listing[T]) matches(r T, filters []filter) bool {
	if l.shows != nil && !l.shows(r) {
		return false
	}
	for i := range filters {
		f := &filters[i]
		known, ok := matchTag(f, r)
		if !known {
			ok = l.filters[f.name](r, f.matches)
		}
		if !ok {
			return false
		}
	}
	return true
}

func (w *xmlWriter) nextToken(next string) { w.optional("nextToken", next) }
