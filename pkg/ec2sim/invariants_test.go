package ec2sim

import (
	"bytes"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
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
		if size := s.sizeOf(name); b.tokens < 0 || b.tokens > size {
			t.Errorf("bucket %s of %v holds %v", name, size, b.tokens)
		}
	}
}

// sizeOf is how much a bucket of that name holds at most.
func (s *Simulator) sizeOf(name string) float64 {
	action, kind, _ := strings.Cut(name, "/")
	switch {
	case name == "mutating":
		return mutatingBucket.Bucket
	case kind == "resources":
		return resourceBuckets[action].Bucket
	}
	c := &call{action: action, form: &value{}}
	if kind == "" {
		c.form.put("MaxResults", "5")
	}
	_, size := s.bucketOf(c)
	return max(1, size.Bucket)
}

// checkAddresses: no address belongs to two interfaces, or to one and another's prefix;
// and what is not somebody's is free.
func checkAddresses(t failer, s *Simulator) {
	t.Helper()
	for _, n := range s.subnets.sorted {
		owner := map[netip.Addr]string{}
		take := func(a netip.Addr, id string) {
			if first, twice := owner[a]; twice {
				t.Errorf("address %s belongs to %s and %s", a, first, id)
			}
			owner[a] = id
		}
		for _, e := range s.interfaces.sorted {
			if e.subnet != n {
				continue
			}
			for _, a := range e.addresses {
				take(a, e.id)
			}
			for _, p := range e.prefixes {
				for a := p.Addr(); p.Contains(a); a = a.Next() {
					take(a, e.id)
				}
			}
		}
		for a, id := range owner {
			if n.pool.at[n.pool.offset(a)] >= 0 {
				t.Errorf("address %s of %s is free", a, id)
			}
		}
		if total := len(n.pool.at) - reservedFirst - reservedLast; n.pool.available()+len(owner) != total {
			t.Errorf("subnet %s: %d free and %d used of %d", n.id, n.pool.available(), len(owner), total)
		}
		n.pool.check(t)
		checkAddresses6(t, s, n)
	}
}

// check: every free offset knows its place, and every block how many of it are free.
func (p *addressPool) check(t failer) {
	t.Helper()
	blocks := make([]int16, len(p.blockFree))
	for i, offset := range p.free {
		blocks[offset/prefixSize]++
		if p.at[offset] != int32(i) {
			t.Errorf("offset %d is at %d of the free list, not %d", offset, i, p.at[offset])
		}
	}
	if !slices.Equal(blocks, p.blockFree) {
		t.Errorf("pool %s: its blocks are counted wrong", p.prefix)
	}
}

func checkAddresses6(t failer, s *Simulator, n *subnet) {
	t.Helper()
	addresses, blocks := map[netip.Addr]bool{}, map[netip.Prefix]bool{}
	for _, e := range s.interfaces.sorted {
		if e.subnet != n {
			continue
		}
		for _, p := range e.prefixes6 {
			if blocks[p] {
				t.Errorf("prefix %s belongs to two interfaces", p)
			}
			blocks[p] = true
		}
		for _, a := range e.six {
			if addresses[a] {
				t.Errorf("address %s belongs to two interfaces", a)
			}
			addresses[a] = true
		}
	}
	for a := range addresses {
		if blocks[blockOf(a)] {
			t.Errorf("address %s is in somebody's prefix", a)
		}
	}
	if n.pool6 != nil && (!maps.Equal(addresses, n.pool6.taken) || !maps.Equal(blocks, n.pool6.blocks)) {
		t.Errorf("subnet %s: its IPv6 pool and its interfaces disagree", n.id)
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
			// Queues make room, and what has come with their help may outlive them.
			if n := in.onCard(card); n > in.typ.perCard+in.typ.more {
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
