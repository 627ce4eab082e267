package ec2sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Restore goes back to a snapshot that Save has made, of this simulator or of another:
// its time, its world and all that decides what comes next. The log of calls goes on.
func (s *Simulator) Restore(from Snapshot) error {
	if from.State == nil {
		return errors.New("state: is missing; restore what GET /_sim/world has given, as a whole")
	}
	next := &Simulator{clock: s.clock}
	l := loader{Simulator: next, from: from}
	if err := l.load(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	next.offset = from.Time.Sub(s.clock.Now())
	s.state = next.state
	return nil
}

// loader builds a simulator from a snapshot. What a snapshot says twice, for people and
// for Restore, must agree: who edits one alone is told so, and not ignored.
type loader struct {
	*Simulator
	from Snapshot
}

func (l *loader) load() error {
	for _, step := range []func() error{l.settings, l.network, l.loadInstances, l.loadInterfaces, l.pools, l.loadTokens, l.loadUnsettled, l.agrees} {
		if err := step(); err != nil {
			return fmt.Errorf("state: %w", err)
		}
	}
	return nil
}

func (l *loader) settings() error {
	st, s := l.from.State, l.Simulator
	s.region, s.account, s.when = l.from.Region, l.from.Account, l.from.Time
	s.source = &rand.PCG{}
	if err := s.source.UnmarshalBinary(st.Random); err != nil {
		return fmt.Errorf("random: %w", err)
	}
	s.rng = rand.New(s.source)
	if copy(s.pageKey[:], st.PageKey) != len(s.pageKey) {
		return errors.New("pageKey: is not a key")
	}
	settings := World{Latency: st.Latency, Quotas: st.Quotas, Variants: st.Variants, Consistency: st.Lag, Principals: st.Principals}
	if err := settings.Validate(); err != nil {
		return err
	}
	s.latency, s.quotas, s.variants, s.lag = st.Latency.withDefaults(), st.Quotas.withDefaults(), st.Variants.withDefaults(), st.Lag.Lag
	var err error
	if s.access, err = newAccess(st.Principals); err != nil {
		return err
	}
	s.principals, s.faultN, s.leftOut = st.Principals, st.FaultN, maps.Clone(st.LeftOut)
	for _, r := range st.Faults {
		if err := r.validate(); err != nil {
			return fmt.Errorf("faults: %w", err)
		}
		rule := *r
		s.faults = append(s.faults, &rule)
	}
	s.due = eventQueue{list: slices.Clone(st.Events), seq: st.EventSeq}
	// In order is a heap too.
	slices.SortFunc(s.due.list, func(a, b event) int { return a.compare(b) })
	s.buckets = map[string]*bucket{}
	for _, b := range st.Buckets {
		s.buckets[b.Name] = &bucket{tokens: b.Tokens, at: b.At}
	}
	return nil
}

func (l *loader) network() error {
	s := l.Simulator
	s.subnets, s.groups, s.vpcs = newTable[*subnet](), newTable[*securityGroup](), newTable[*vpc]()
	world := World{SecurityGroups: l.from.Groups}
	for _, n := range l.from.Subnets {
		world.Subnets = append(world.Subnets, n.Subnet)
	}
	if err := world.Validate(); err != nil {
		return err
	}
	for _, v := range l.from.State.VPCs {
		made := s.vpc(v.ID)
		made.tags, made.blocks = v.Tags, v.Blocks
	}
	for _, n := range world.Subnets {
		s.subnets.add(s.newSubnet(n))
	}
	for _, v := range s.vpcs.sorted {
		if !slices.ContainsFunc(world.SecurityGroups, func(g SecurityGroup) bool { return g.VPC == v.id && g.Name == "default" }) {
			return fmt.Errorf("vpcs: %s has no default group", v.id)
		}
	}
	s.addGroups(world.SecurityGroups)
	return nil
}

func (l *loader) loadInstances() error {
	l.instances = newTable[*instance]()
	for _, form := range l.from.State.Instances {
		in, err := l.instance(&form)
		if err != nil {
			return err
		}
		in.slots = map[slot]*networkInterface{}
		l.instances.add(in)
	}
	return nil
}

func (l *loader) instance(form *savedInstance) (*instance, error) {
	t, ok := instanceTypes.byID[form.Type]
	n, there := l.subnets.byID[form.Subnet]
	if !ok || !there {
		return nil, fmt.Errorf("instance %s: there is no type %s or no subnet %s", form.ID, form.Type, form.Subnet)
	}
	if _, ok := stateCodes[form.State]; !ok {
		return nil, fmt.Errorf("instance %s: %s is not a state", form.ID, form.State)
	}
	in := &instance{
		id: form.ID, owner: l.account, reservation: form.Reservation, typ: t, subnet: n, state: form.State, turn: form.Turn,
		image: form.Image, clientTok: form.ClientToken, keyName: form.KeyName, tags: form.Tags, launchedAt: form.LaunchedAt,
		reason: form.Reason, stateReason: stateReason{form.StateReason[0], form.StateReason[1]}, index: form.Index,
	}
	for _, at := range form.Spoilt {
		if in.spoilt == nil {
			in.spoilt = map[slot]bool{}
		}
		in.spoilt[slot{at.Card, at.Device}] = true
	}
	return in, nil
}

func (l *loader) groupsNamed(ids []string) ([]*securityGroup, error) {
	var out []*securityGroup
	for _, id := range ids {
		g, ok := l.groups.byID[id]
		if !ok {
			return nil, fmt.Errorf("there is no security group %s", id)
		}
		out = append(out, g)
	}
	return out, nil
}

// loadInterfaces also fills the slots that they are attached to.
func (l *loader) loadInterfaces() error {
	l.interfaces, l.attachments = newTable[*networkInterface](), map[string]*networkInterface{}
	for _, form := range l.from.State.Interfaces {
		e, err := l.networkInterface(&form)
		if err != nil {
			return err
		}
		if a := e.attachment; a != nil {
			in, ok := l.instances.byID[a.instance.id]
			if !ok || in.slots[a.slot()] != nil || a.primary() && e.kind == efaOnly {
				return fmt.Errorf("interface %s: there is no instance %s, or its slot is not for it", e.id, a.instance.id)
			}
			in.slots[a.slot()] = e
			l.attachments[a.id] = e
		}
		l.interfaces.add(e)
	}
	// An instance is indexed by its primary too, which was not there when it was added.
	for _, in := range l.instances.sorted {
		bare := *in
		bare.slots = nil
		l.instances.reindex(in, bare.facts())
	}
	return nil
}

func (l *loader) networkInterface(form *savedInterface) (*networkInterface, error) {
	n, ok := l.subnets.byID[form.Subnet]
	if !ok || (len(form.Addresses) == 0) != (form.Kind == efaOnly) {
		return nil, fmt.Errorf("interface %s: there is no subnet %s, or its addresses are wrong for its kind", form.ID, form.Subnet)
	}
	groups, err := l.groupsNamed(form.Groups)
	e := &networkInterface{
		id: form.ID, subnet: n, groups: groups, description: form.Description, kind: form.Kind, mac: form.MAC,
		addresses: form.Addresses, prefixes: form.Prefixes, six: form.Six, prefixes6: form.Prefixes6, primary6: form.Primary6,
		sourceDest: form.SourceDest, tags: form.Tags, public: form.Public, associated: form.Associated,
		tracking:  tracking{form.Tracking[0], form.Tracking[1], form.Tracking[2]},
		requester: form.Requester, operator: form.Operator, clientToken: form.ClientToken, createdAt: form.CreatedAt,
	}
	if a := form.Attachment; a != nil {
		e.attachment = &attachment{
			id: a.ID, instance: l.instanceNamed(a.Instance), card: a.Card, device: a.Device, status: a.Status,
			deleteOnTermination: a.DeleteOnTermination, launched: a.Launched, ena: enaOptions{a.SRD, a.UDP, a.Queues}, at: a.At,
		}
	}
	return e, err
}

// instanceNamed is an instance of the world, or one that is only known by name any more,
// to which a picture of the past is attached.
func (l *loader) instanceNamed(id string) *instance {
	if in, ok := l.instances.byID[id]; ok {
		return in
	}
	return &instance{id: id, owner: l.account}
}

// pools takes the interfaces' addresses out of their subnets' pools, and puts the free
// ones into the order that they had.
func (l *loader) pools() error {
	for _, e := range l.interfaces.sorted {
		for _, a := range e.addresses {
			if err := e.subnet.pool.claim(a); err != nil {
				return fmt.Errorf("interface %s: %w", e.id, err)
			}
		}
		for _, p := range e.prefixes {
			if err := e.subnet.pool.claimPrefix(p); err != nil {
				return fmt.Errorf("interface %s: %w", e.id, err)
			}
		}
		if err := claim6(e); err != nil {
			return fmt.Errorf("interface %s: %w", e.id, err)
		}
	}
	for _, form := range l.from.State.Subnets {
		n, ok := l.subnets.byID[form.ID]
		if !ok || !n.pool.reorder(form.Free, form.Moved) {
			return fmt.Errorf("subnets: %s is not there, or its free addresses are not those that its interfaces leave", form.ID)
		}
	}
	return nil
}

func claim6(e *networkInterface) error {
	if len(e.six)+len(e.prefixes6) > 0 && e.subnet.pool6 == nil {
		return fmt.Errorf("subnet %s has no IPv6 CIDR block", e.subnet.id)
	}
	for _, a := range e.six {
		if err := e.subnet.pool6.claim(a); err != nil {
			return err
		}
	}
	for _, p := range e.prefixes6 {
		if err := e.subnet.pool6.claimPrefix(p); err != nil {
			return err
		}
	}
	return nil
}

// reorder puts the free list into a saved order. It refuses one that has not exactly the
// addresses that are free.
func (p *addressPool) reorder(free int, moved [][2]int32) bool {
	if free != len(p.free) {
		return false
	}
	list := make([]int32, free)
	for i := range list {
		list[i] = int32(i) + reservedFirst
	}
	for _, m := range moved {
		if m[0] < 0 || int(m[0]) >= free {
			return false
		}
		list[m[0]] = m[1]
	}
	at := make([]int32, len(p.at))
	for i := range at {
		at[i] = -1
	}
	for i, offset := range list {
		if offset < 0 || int(offset) >= len(p.at) || p.at[offset] < 0 || at[offset] >= 0 {
			return false
		}
		at[offset] = int32(i)
	}
	p.free, p.at = list, at
	return true
}

func (l *loader) loadTokens() error {
	l.tokens = map[tokenKey]tokenRecord{}
	for _, form := range l.from.State.Tokens {
		r := tokenRecord{digest: string(form.Digest), answer: []byte(form.Answer), burnt: form.Burnt, expires: form.Expires}
		if form.Made != "" {
			var there bool
			if r.made, there = l.interfaces.byID[form.Made]; !there {
				r.made = &networkInterface{id: form.Made, deleted: true}
			}
		}
		l.tokens[tokenKey{form.Action, form.Token}] = r
	}
	l.tokenSweep = max(minSweep, 2*len(l.tokens))
	return nil
}

func (l *loader) loadUnsettled() error {
	st := l.from.State
	l.unsettled = newUnsettled()
	return errors.Join(
		loadHistories(l.unsettled.interfaces, st.UnsettledInterfaces, l.interfaces.byID, func(_ *networkInterface, p *savedInterface) (*networkInterface, error) {
			return l.networkInterface(p)
		}, func(e *networkInterface) { e.deleted = true }),
		loadHistories(l.unsettled.instances, st.UnsettledInstances, l.instances.byID, l.instancePicture, func(in *instance) { in.forgotten = true }),
		loadHistories(l.unsettled.subnets, st.UnsettledSubnets, l.subnets.byID, func(n *subnet, p *savedPicture) (*subnet, error) {
			picture := *n
			picture.tags, picture.free, picture.pool = p.Tags, p.Free, nil
			return &picture, nil
		}, nil),
		loadHistories(l.unsettled.groups, st.UnsettledGroups, l.groups.byID, func(g *securityGroup, p *savedPicture) (*securityGroup, error) {
			picture := *g
			picture.tags = p.Tags
			return &picture, nil
		}, nil),
		loadHistories(l.unsettled.vpcs, st.UnsettledVPCs, l.vpcs.byID, func(v *vpc, p *savedPicture) (*vpc, error) {
			picture := *v
			picture.tags = p.Tags
			return &picture, nil
		}, nil),
	)
}

// instancePicture shares its slots with the instance itself, as pictures do.
func (l *loader) instancePicture(in *instance, p *savedInstance) (*instance, error) {
	picture, err := l.instance(p)
	if err != nil {
		return nil, err
	}
	picture.slots = map[slot]*networkInterface{}
	if in != nil {
		picture.slots = in.slots
	}
	return picture, nil
}

func loadHistories[T, P any](into *histories[T], saved map[string]savedHistory[P], there map[string]*T, load func(*T, *P) (*T, error), leave func(*T)) error {
	for _, id := range sortedKeysOf(saved) {
		form := saved[id]
		h := &history[T]{present: there[id]}
		if form.Gone != nil && leave != nil {
			gone, err := load(nil, form.Gone)
			if err != nil {
				return err
			}
			leave(gone)
			h.present = gone
		}
		if h.present == nil {
			return fmt.Errorf("unsettled: there is no %s", id)
		}
		for _, v := range form.Past {
			next := version[T]{until: v.Until}
			if v.Picture != nil {
				var err error
				if next.picture, err = load(h.present, v.Picture); err != nil {
					return err
				}
			}
			h.past = append(h.past, next)
		}
		into.byID[id] = h
	}
	into.sweepAt = max(minSweep, 2*len(into.byID))
	return nil
}

// agrees compares what people read in the snapshot with what has come of its state.
func (l *loader) agrees() error {
	given, got := l.from, l.snapshot(l.from.Time)
	given.State = nil
	a, errA := json.Marshal(given)
	b, errB := json.Marshal(got)
	if err := errors.Join(errA, errB); err != nil {
		return err
	}
	if !bytes.Equal(a, b) {
		return errors.New("does not agree with the rest of the snapshot; restore a snapshot as it is, and change the world by calls")
	}
	return nil
}
