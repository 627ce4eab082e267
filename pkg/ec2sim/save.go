package ec2sim

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// State is all that decides a simulator's answers, in a form that can be written down.
// It is for Restore to read; people read the rest of a Snapshot.
type State struct {
	Random     []byte       `json:"random"`
	PageKey    []byte       `json:"pageKey"`
	Latency    Latency      `json:"latency"`
	Quotas     Quotas       `json:"quotas"`
	Variants   Variants     `json:"variants"`
	Lag        Consistency  `json:"consistency"`
	Principals []Principal  `json:"principals,omitempty"`
	Faults     []*faultRule `json:"faults,omitempty"`
	FaultN     int          `json:"faultCount"`
	// LeftOut is what a fault left out of the last list that should have shown it.
	LeftOut map[string]bool `json:"leftOut,omitempty"`

	VPCs       []savedVPC       `json:"vpcs"`
	Subnets    []savedSubnet    `json:"subnets"`
	Instances  []savedInstance  `json:"instances"`
	Interfaces []savedInterface `json:"interfaces"`
	Events     []event          `json:"events,omitempty"`
	EventSeq   uint64           `json:"eventSeq"`
	Buckets    []savedBucket    `json:"buckets,omitempty"`
	Tokens     []savedToken     `json:"tokens,omitempty"`

	UnsettledInterfaces map[string]savedHistory[savedInterface] `json:"unsettledInterfaces,omitempty"`
	UnsettledInstances  map[string]savedHistory[savedInstance]  `json:"unsettledInstances,omitempty"`
	UnsettledSubnets    map[string]savedHistory[savedPicture]   `json:"unsettledSubnets,omitempty"`
	UnsettledGroups     map[string]savedHistory[savedPicture]   `json:"unsettledGroups,omitempty"`
	UnsettledVPCs       map[string]savedHistory[savedPicture]   `json:"unsettledVpcs,omitempty"`
}

type savedVPC struct {
	ID     string            `json:"id"`
	Tags   map[string]string `json:"tags,omitempty"`
	Blocks []netip.Prefix    `json:"blocks,omitempty"`
}

// savedSubnet has its pool's free list, whose order decides which address comes next:
// how many are free, and the places that do not hold what they held at first.
type savedSubnet struct {
	ID    string     `json:"id"`
	Free  int        `json:"free"`
	Moved [][2]int32 `json:"moved,omitempty"`
}

// savedPicture is the past of what changes only in its tags and its free addresses.
type savedPicture struct {
	Tags map[string]string `json:"tags,omitempty"`
	Free int               `json:"free,omitempty"`
}

type savedInstance struct {
	ID          string            `json:"id"`
	Reservation string            `json:"reservation"`
	Type        string            `json:"type"`
	Subnet      string            `json:"subnet"`
	State       string            `json:"state"`
	Turn        int               `json:"turn"`
	Image       string            `json:"image"`
	ClientToken string            `json:"clientToken,omitempty"`
	KeyName     string            `json:"keyName,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	LaunchedAt  time.Time         `json:"launchedAt"`
	Reason      string            `json:"reason,omitempty"`
	StateReason [2]string         `json:"stateReason"`
	Index       int               `json:"index,omitempty"`
	Spoilt      []savedSlot       `json:"spoilt,omitempty"`
}

type savedSlot struct {
	Card   int `json:"card"`
	Device int `json:"device"`
}

type savedInterface struct {
	ID          string            `json:"id"`
	Subnet      string            `json:"subnet"`
	Groups      []string          `json:"groups,omitempty"`
	Description string            `json:"description,omitempty"`
	Kind        string            `json:"kind"`
	MAC         string            `json:"mac"`
	Addresses   []netip.Addr      `json:"addresses"`
	Prefixes    []netip.Prefix    `json:"prefixes,omitempty"`
	Six         []netip.Addr      `json:"ipv6,omitempty"`
	Prefixes6   []netip.Prefix    `json:"ipv6Prefixes,omitempty"`
	Primary6    bool              `json:"primaryIpv6,omitempty"`
	SourceDest  bool              `json:"sourceDest"`
	Tags        map[string]string `json:"tags,omitempty"`
	Attachment  *savedAttachment  `json:"attachment,omitempty"`
	Tracking    [3]int            `json:"tracking"`
	Public      bool              `json:"public,omitempty"`
	Associated  []string          `json:"associated,omitempty"`
	Requester   string            `json:"requester,omitempty"`
	Operator    string            `json:"operator,omitempty"`
	ClientToken string            `json:"clientToken,omitempty"`
	CreatedAt   time.Time         `json:"createdAt"`
}

type savedAttachment struct {
	savedSlot
	ID                  string    `json:"id"`
	Instance            string    `json:"instance"`
	Status              string    `json:"status"`
	DeleteOnTermination bool      `json:"deleteOnTermination,omitempty"`
	Launched            bool      `json:"launched,omitempty"`
	SRD                 bool      `json:"enaSrd,omitempty"`
	UDP                 bool      `json:"enaSrdUdp,omitempty"`
	Queues              int       `json:"enaQueues,omitempty"`
	At                  time.Time `json:"at"`
}

type savedBucket struct {
	Name   string    `json:"name"`
	Tokens float64   `json:"tokens"`
	At     time.Time `json:"at"`
}

type savedToken struct {
	Action  string    `json:"action"`
	Token   string    `json:"token"`
	Digest  []byte    `json:"digest"`
	Answer  string    `json:"answer"`
	Made    string    `json:"made,omitempty"`
	Burnt   bool      `json:"burnt,omitempty"`
	Expires time.Time `json:"expires"`
}

type savedVersion[P any] struct {
	Until   [readPaths]time.Time `json:"until"`
	Picture *P                   `json:"picture"`
}

// savedHistory has the resource itself where it is gone and so not in the world.
type savedHistory[P any] struct {
	Past []savedVersion[P] `json:"past"`
	Gone *P                `json:"gone,omitempty"`
}

// Save is a snapshot that Restore can go back to: from then on the same calls get the
// same answers, to the byte.
func (s *Simulator) Save() Snapshot {
	var out Snapshot
	s.locked(func(now time.Time) {
		out = s.snapshot(now)
		out.State = s.save()
	})
	return out
}

func (s *Simulator) save() *State {
	// A PCG never fails to write its state down.
	random, _ := s.source.MarshalBinary()
	out := &State{
		Random: random, PageKey: slices.Clone(s.pageKey[:]), Latency: s.latency, Quotas: s.quotas, Variants: s.variants,
		Lag: Consistency{s.lag}, Principals: slices.Clone(s.principals), FaultN: s.faultN, LeftOut: maps.Clone(s.leftOut), EventSeq: s.due.seq, Events: slices.Clone(s.due.list),
	}
	slices.SortFunc(out.Events, func(a, b event) int { return a.compare(b) })
	for _, r := range s.faults {
		rule := *r
		out.Faults = append(out.Faults, &rule)
	}
	for _, v := range s.vpcs.sorted {
		out.VPCs = append(out.VPCs, savedVPC{v.id, maps.Clone(v.tags), slices.Clone(v.blocks)})
	}
	for _, n := range s.subnets.sorted {
		free, moved := n.pool.save()
		out.Subnets = append(out.Subnets, savedSubnet{n.id, free, moved})
	}
	for _, in := range s.instances.sorted {
		out.Instances = append(out.Instances, *in.save())
	}
	for _, e := range s.interfaces.sorted {
		out.Interfaces = append(out.Interfaces, *e.save())
	}
	for _, name := range sortedKeysOf(s.buckets) {
		out.Buckets = append(out.Buckets, savedBucket{name, s.buckets[name].tokens, s.buckets[name].at})
	}
	s.saveTokens(out)
	s.saveUnsettled(out)
	return out
}

func (s *Simulator) saveTokens(out *State) {
	for key, r := range s.tokens {
		saved := savedToken{Action: key.action, Token: key.token, Digest: []byte(r.digest), Answer: string(r.answer), Burnt: r.burnt, Expires: r.expires}
		if r.made != nil {
			saved.Made = r.made.id
		}
		out.Tokens = append(out.Tokens, saved)
	}
	slices.SortFunc(out.Tokens, func(a, b savedToken) int {
		return strings.Compare(a.Action+" "+a.Token, b.Action+" "+b.Token)
	})
}

func (s *Simulator) saveUnsettled(out *State) {
	u := s.unsettled
	out.UnsettledInterfaces = saveHistories(u.interfaces, s.when, (*networkInterface).save, func(e *networkInterface) bool { return e.deleted })
	out.UnsettledInstances = saveHistories(u.instances, s.when, (*instance).save, func(in *instance) bool { return in.forgotten })
	out.UnsettledSubnets = saveHistories(u.subnets, s.when, func(n *subnet) *savedPicture { return &savedPicture{n.tags, n.available()} }, nil)
	out.UnsettledGroups = saveHistories(u.groups, s.when, func(g *securityGroup) *savedPicture { return &savedPicture{Tags: g.tags} }, nil)
	out.UnsettledVPCs = saveHistories(u.vpcs, s.when, func(v *vpc) *savedPicture { return &savedPicture{Tags: v.tags} }, nil)
}

func saveHistories[T, P any](hs *histories[T], now time.Time, save func(*T) *P, gone func(*T) bool) map[string]savedHistory[P] {
	out := map[string]savedHistory[P]{}
	hs.settle(now)
	for id, h := range hs.byID {
		var saved savedHistory[P]
		for _, v := range h.past {
			next := savedVersion[P]{Until: v.until}
			if v.picture != nil {
				next.Picture = save(v.picture)
			}
			saved.Past = append(saved.Past, next)
		}
		if gone != nil && gone(h.present) {
			saved.Gone = save(h.present)
		}
		out[id] = saved
	}
	return out
}

func (in *instance) save() *savedInstance {
	out := &savedInstance{
		ID: in.id, Reservation: in.reservation, Type: in.typ.name, Subnet: in.subnet.id, State: in.state, Turn: in.turn,
		Image: in.image, ClientToken: in.clientTok, KeyName: in.keyName, Tags: maps.Clone(in.tags),
		LaunchedAt: in.launchedAt, Reason: in.reason, StateReason: [2]string{in.stateReason.code, in.stateReason.message}, Index: in.index,
	}
	for _, at := range slices.SortedFunc(maps.Keys(in.spoilt), slot.compare) {
		out.Spoilt = append(out.Spoilt, savedSlot{at.card, at.device})
	}
	return out
}

func (e *networkInterface) save() *savedInterface {
	out := &savedInterface{
		ID: e.id, Subnet: e.subnet.id, Groups: groupIDs(e.groups), Description: e.description, Kind: e.kind, MAC: e.mac,
		Addresses: slices.Clone(e.addresses), Prefixes: slices.Clone(e.prefixes), Six: slices.Clone(e.six), Prefixes6: slices.Clone(e.prefixes6),
		Primary6: e.primary6, SourceDest: e.sourceDest, Tags: maps.Clone(e.tags), Public: e.public, Associated: slices.Clone(e.associated),
		Tracking:  [3]int{e.tracking.tcpEstablished, e.tracking.udpStream, e.tracking.udp},
		Requester: e.requester, Operator: e.operator, ClientToken: e.clientToken, CreatedAt: e.createdAt,
	}
	if a := e.attachment; a != nil {
		out.Attachment = &savedAttachment{
			savedSlot: savedSlot{a.card, a.device}, ID: a.id, Instance: a.instance.id, Status: a.status,
			DeleteOnTermination: a.deleteOnTermination, Launched: a.launched, SRD: a.ena.srd, UDP: a.ena.udp, Queues: a.ena.queues, At: a.at,
		}
	}
	return out
}

// save writes the free list down as what has changed in it since the pool was new.
func (p *addressPool) save() (free int, moved [][2]int32) {
	for i, offset := range p.free {
		if offset != int32(i)+reservedFirst {
			moved = append(moved, [2]int32{int32(i), offset})
		}
	}
	return len(p.free), moved
}
