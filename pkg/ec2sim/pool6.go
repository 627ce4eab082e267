package ec2sim

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// prefix6Bits is the unit of IPv6 prefix delegation.
const prefix6Bits = 80

// addressPool6 hands out a subnet's IPv6 addresses and /80 prefixes. A /64 is never
// full, so what is taken is all that it keeps. AWS keeps the first four addresses and
// the last.
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
type addressPool6 struct {
	prefix netip.Prefix
	taken  map[netip.Addr]bool
	blocks map[netip.Prefix]bool
	// inBlock counts the single addresses of each /80.
	inBlock map[netip.Prefix]int
}

func newAddressPool6(prefix netip.Prefix) *addressPool6 {
	return &addressPool6{prefix, map[netip.Addr]bool{}, map[netip.Prefix]bool{}, map[netip.Prefix]int{}}
}

func blockOf(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, prefix6Bits).Masked() }

// host is an address of the subnet by the 64 bits that follow its network.
func (p *addressPool6) host(n uint64) netip.Addr {
	b := p.prefix.Addr().As16()
	binary.BigEndian.PutUint64(b[8:], n)
	return netip.AddrFrom16(b)
}

func reserved6(a netip.Addr) bool {
	b := a.As16()
	n := binary.BigEndian.Uint64(b[8:])
	return n < reservedFirst || n == ^uint64(0)
}

// claim takes the address that the caller names.
func (p *addressPool6) claim(a netip.Addr) error {
	switch {
	case !a.Is6() || !p.prefix.Contains(a):
		return fail("InvalidParameterValue", "Address %s does not fall within the subnet's address range", a)
	case reserved6(a):
		return fail("InvalidParameterValue", "Address %s is in subnet's reserved address range", a)
	case p.taken[a] || p.blocks[blockOf(a)]:
		return fail("InvalidIPAddress.InUse", "Address %s is in use.", a)
	}
	p.taken[a] = true
	p.inBlock[blockOf(a)]++
	return nil
}

func (p *addressPool6) draw(r *rand.Rand) netip.Addr {
	for {
		if a := p.host(r.Uint64()); p.claim(a) == nil {
			return a
		}
	}
}

func (p *addressPool6) claimPrefix(want netip.Prefix) error {
	switch {
	case want.Bits() != prefix6Bits || want.Masked() != want || !p.prefix.Contains(want.Addr()):
		return fail("InvalidParameterValue", "Prefix %s is not a /80 of the subnet", want)
	case want == blockOf(p.host(0)) || want == blockOf(p.host(^uint64(0))):
		return fail("InvalidParameterValue", "Prefix %s is in subnet's reserved address range", want)
	case p.blocks[want] || p.inBlock[want] > 0:
		return fail("InvalidIPAddress.InUse", "Prefix %s is in use.", want)
	}
	p.blocks[want] = true
	return nil
}

// drawPrefix takes a free /80: there are 65,536 of them in a subnet. ok is false when
// all are in use.
func (p *addressPool6) drawPrefix(r *rand.Rand) (netip.Prefix, bool) {
	const blocks = 1 << 16
	start := r.Uint64N(blocks)
	for i := range uint64(blocks) {
		block := blockOf(p.host((start + i) % blocks << 48))
		if p.claimPrefix(block) == nil {
			return block, true
		}
	}
	return netip.Prefix{}, false
}

func (p *addressPool6) release(a netip.Addr) {
	if !p.taken[a] {
		return
	}
	delete(p.taken, a)
	if p.inBlock[blockOf(a)]--; p.inBlock[blockOf(a)] == 0 {
		delete(p.inBlock, blockOf(a))
	}
}

func (p *addressPool6) releasePrefix(block netip.Prefix) { delete(p.blocks, block) }
