package ec2sim

import (
	"bytes"
	"io"
	"net/http"
	"slices"
)

// rewriter replaces the body that the SDK has signed.
type rewriter struct {
	next http.RoundTripper
	body string
}

func (rw rewriter) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Body, r.ContentLength = io.NopCloser(bytes.NewBufferString(rw.body)), int64(len(rw.body))
	return rw.next.RoundTrip(r)
}

// checkInvariants holds after every call: no address and no slot twice, free addresses
// counted right, limits kept, indexes true.
func checkInvariants(t failer, s *Simulator) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	checkAddresses(t, s)
	checkSlots(t, s)
	checkIndex(t, s.interfaces)
	checkIndex(t, s.instances)
	for name, b := range s.buckets {
		if b.tokens < 0 {
			t.Errorf("bucket %s holds %v", name, b.tokens)
		}
	}
}

func checkAddresses(t failer, s *Simulator) {
	t.Helper()
	owner := map[*subnet]map[string]string{}
	for _, e := range s.interfaces.sorted {
		if owner[e.subnet] == nil {
			owner[e.subnet] = map[string]string{}
		}
		for _, a := range e.addresses {
			if first, twice := owner[e.subnet][a.String()]; twice {
				t.Errorf("address %s belongs to %s and %s", a, first, e.id)
			}
			owner[e.subnet][a.String()] = e.id
		}
	}
	for _, n := range s.subnets.sorted {
		used := len(owner[n])
		for _, e := range s.interfaces.sorted {
			if e.subnet == n {
				used += prefixSize * len(e.prefixes)
			}
		}
		if total := len(n.pool.at) - reservedFirst - reservedLast; n.pool.available()+used != total {
			t.Errorf("subnet %s: %d free and %d used of %d", n.id, n.pool.available(), used, total)
		}
	}
}

func checkSlots(t failer, s *Simulator) {
	t.Helper()
	plugged := 0
	for _, in := range s.instances.sorted {
		for at, e := range in.slots {
			plugged++
			if e.deleted || e.attachment == nil || e.attachment.instance != in || e.attachment.card != at.card || e.attachment.device != at.device {
				t.Errorf("slot %v of %s holds %s, which is not attached there", at, in.id, e.id)
			}
		}
		for card := range in.typ.cards {
			if n := in.onCard(card); n > in.typ.perCard {
				t.Errorf("%s has %d interfaces on card %d", in.id, n, card)
			}
		}
	}
	n := 0
	for _, e := range s.interfaces.sorted {
		if e.attachment != nil {
			n++
			if s.attachments[e.attachment.id] != e {
				t.Errorf("attachment %s of %s is not known", e.attachment.id, e.id)
			}
		}
	}
	if n != plugged || n != len(s.attachments) {
		t.Errorf("%d interfaces are attached, %d slots taken, %d attachments known", n, plugged, len(s.attachments))
	}
}

func checkIndex[T record](t failer, table *table[T]) {
	t.Helper()
	entries := 0
	for _, r := range table.sorted {
		facts := r.facts()
		slices.SortFunc(facts, func(a, b indexKey) int {
			if a.field != b.field {
				return bytes.Compare([]byte(a.field), []byte(b.field))
			}
			return bytes.Compare([]byte(a.value), []byte(b.value))
		})
		for _, k := range slices.Compact(facts) {
			entries++
			list := table.index[k]
			if at := position(list, r.recordID()); at == len(list) || list[at].recordID() != r.recordID() {
				t.Errorf("%s is not indexed under %v", r.recordID(), k)
			}
		}
	}
	for k, list := range table.index {
		entries -= len(list)
		if len(list) == 0 {
			t.Errorf("index %v is empty and kept", k)
		}
	}
	if entries != 0 || len(table.sorted) != len(table.byID) {
		t.Errorf("indexes hold %d entries too many or few; %d sorted, %d by ID", -entries, len(table.sorted), len(table.byID))
	}
}

// failer is what both a test and a property test are.
type failer interface {
	Helper()
	Errorf(format string, args ...any)
}
