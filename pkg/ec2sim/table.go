package ec2sim

import (
	"slices"
	"sort"
	"strings"
)

// indexKey is one fact to look records up by: a filter's name and a value of it.
type indexKey struct{ field, value string }

// record is what a table holds. Its facts are the index keys; the ID itself is not one.
type record interface {
	recordID() string
	facts() []indexKey
}

// table holds records by ID, in the order of their IDs, and by their facts. The order
// is by ID because EC2 promises none: a client that took creation order for granted
// would be misled by anything else.
type table[T record] struct {
	byID   map[string]T
	sorted []T
	index  map[indexKey][]T
}

func newTable[T record]() *table[T] {
	return &table[T]{byID: map[string]T{}, index: map[indexKey][]T{}}
}

func (t *table[T]) add(r T) {
	t.byID[r.recordID()] = r
	t.sorted = insert(t.sorted, r)
	for _, k := range r.facts() {
		t.index[k] = insert(t.index[k], r)
	}
}

func (t *table[T]) remove(r T) {
	delete(t.byID, r.recordID())
	t.sorted = cut(t.sorted, r)
	for _, k := range r.facts() {
		t.drop(k, r)
	}
}

// reindex moves r from the facts it had to those it has now.
func (t *table[T]) reindex(r T, before []indexKey) {
	now := r.facts()
	for _, k := range before {
		if !slices.Contains(now, k) {
			t.drop(k, r)
		}
	}
	for _, k := range now {
		if !slices.Contains(before, k) {
			t.index[k] = insert(t.index[k], r)
		}
	}
}

func (t *table[T]) drop(k indexKey, r T) {
	left := cut(t.index[k], r)
	if len(left) == 0 {
		delete(t.index, k)
		return
	}
	t.index[k] = left
}

func position[T record](list []T, id string) int {
	return sort.Search(len(list), func(i int) bool { return list[i].recordID() >= id })
}

// insert keeps the list sorted; a record that is there already stays once.
func insert[T record](list []T, r T) []T {
	at := position(list, r.recordID())
	if at < len(list) && list[at].recordID() == r.recordID() {
		return list
	}
	return slices.Insert(list, at, r)
}

func cut[T record](list []T, r T) []T {
	at := position(list, r.recordID())
	if at == len(list) || list[at].recordID() != r.recordID() {
		return list
	}
	return slices.Delete(list, at, at+1)
}

// candidates is the shortest list that the filters' exact values lead to, in ID order;
// every record that matches all filters is in it.
func (t *table[T]) candidates(filters []filter, idFilter string, indexed func(string) bool) []T {
	best, found := t.sorted, false
	for _, f := range filters {
		if !f.exact || (f.name != idFilter && !indexed(f.name)) {
			continue
		}
		if list := t.lookup(f, idFilter); !found || len(list) < len(best) {
			best, found = list, true
		}
	}
	return best
}

func (t *table[T]) lookup(f filter, idFilter string) []T {
	if len(f.values) == 1 && f.name != idFilter {
		return t.index[indexKey{f.name, f.values[0]}]
	}
	var out []T
	for _, v := range f.values {
		if f.name != idFilter {
			out = append(out, t.index[indexKey{f.name, v}]...)
		} else if r, ok := t.byID[v]; ok {
			out = append(out, r)
		}
	}
	return inOrder(out)
}

// merged joins two lists that are in the order of their IDs.
func merged[T record](a, b []T) []T {
	out := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := strings.Compare(a[0].recordID(), b[0].recordID()); {
		case c < 0:
			out, a = append(out, a[0]), a[1:]
		case c > 0:
			out, b = append(out, b[0]), b[1:]
		default:
			out, a, b = append(out, a[0]), a[1:], b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// inOrder sorts by ID and drops what is there twice.
func inOrder[T record](list []T) []T {
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(a.recordID(), b.recordID()) })
	return slices.CompactFunc(list, func(a, b T) bool { return a.recordID() == b.recordID() })
}
