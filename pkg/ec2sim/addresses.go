package ec2sim

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
)

// EC2 keeps a subnet's first four addresses and its last.
// https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
const (
	reservedFirst = 4
	reservedLast  = 1
	prefixSize    = 16 // addresses in a /28, the unit of prefix delegation
	prefix4Bits   = 28
)

// addressPool hands out a subnet's addresses. Free ones are kept as a list and by
// position, so that drawing one, claiming one by name and giving one back all take the
// same short time, and the number of free ones is always at hand.
type addressPool struct {
	prefix netip.Prefix
	base   uint32
	free   []int32
	// at is an offset's place in free, or -1 while somebody has it.
	at []int32
	// blockFree counts the free addresses of each /28.
	blockFree []int16
	// changes are noted while they may have to be undone.
	changes []poolChange
	noting  bool
}

func newAddressPool(prefix netip.Prefix) *addressPool {
	size := int32(1) << (32 - prefix.Bits())
	base := prefix.Masked().Addr().As4()
	p := &addressPool{
		prefix:    prefix.Masked(),
		base:      binary.BigEndian.Uint32(base[:]),
		at:        make([]int32, size),
		blockFree: make([]int16, (size+prefixSize-1)/prefixSize),
	}
	for i := range size {
		p.at[i] = -1
		if i >= reservedFirst && i < size-reservedLast {
			p.give(i)
		}
	}
	return p
}

func (p *addressPool) available() int { return len(p.free) }

func (p *addressPool) give(offset int32) {
	p.at[offset] = int32(len(p.free))
	p.free = append(p.free, offset)
	p.blockFree[offset/prefixSize]++
	p.note(poolChange{offset: offset, given: true})
}

func (p *addressPool) take(offset int32) {
	p.note(poolChange{offset: offset, from: p.at[offset]})
	last := p.free[len(p.free)-1]
	p.free[p.at[offset]] = last
	p.at[last] = p.at[offset]
	p.free = p.free[:len(p.free)-1]
	p.at[offset] = -1
	p.blockFree[offset/prefixSize]--
}

func (p *addressPool) addr(offset int32) netip.Addr {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], p.base+uint32(offset))
	return netip.AddrFrom4(b)
}

func (p *addressPool) offset(a netip.Addr) int32 {
	b := a.As4()
	return int32(binary.BigEndian.Uint32(b[:]) - p.base)
}

// draw takes any free address; ok is false when there is none.
func (p *addressPool) draw(r *rand.Rand) (a netip.Addr, ok bool) {
	if len(p.free) == 0 {
		return netip.Addr{}, false
	}
	offset := p.free[r.IntN(len(p.free))]
	p.take(offset)
	return p.addr(offset), true
}

// claim takes the address that the caller names.
func (p *addressPool) claim(a netip.Addr) error {
	if !p.prefix.Contains(a) {
		return fail("InvalidParameterValue", "Address %s does not fall within the subnet's address range", a)
	}
	offset := p.offset(a)
	if offset < reservedFirst || int(offset) >= len(p.at)-reservedLast {
		return fail("InvalidParameterValue", "Address %s is in subnet's reserved address range", a)
	}
	if p.at[offset] < 0 {
		return fail("InvalidIPAddress.InUse", "Address %s is in use.", a)
	}
	p.take(offset)
	return nil
}

// release gives an address back; giving one back twice is a defect of the simulator,
// and is ignored rather than handed out twice.
func (p *addressPool) release(a netip.Addr) {
	if offset := p.offset(a); p.at[offset] < 0 {
		p.give(offset)
	}
}

// drawPrefix takes a whole free /28. Fragmented subnets may have plenty of addresses
// and no prefix, as in EC2.
func (p *addressPool) drawPrefix(r *rand.Rand) (netip.Prefix, bool) {
	blocks := len(p.blockFree)
	start := r.IntN(blocks)
	for i := range blocks {
		b := (start + i) % blocks
		if p.blockFree[b] == prefixSize {
			return p.takeBlock(int32(b)), true
		}
	}
	return netip.Prefix{}, false
}

func (p *addressPool) takeBlock(b int32) netip.Prefix {
	for i := range int32(prefixSize) {
		p.take(b*prefixSize + i)
	}
	return netip.PrefixFrom(p.addr(b*prefixSize), 28)
}

func (p *addressPool) claimPrefix(want netip.Prefix) error {
	if want.Bits() != 28 || want.Masked() != want || !p.prefix.Contains(want.Addr()) {
		return fail("InvalidParameterValue", "Prefix %s is not a /28 of the subnet", want)
	}
	b := p.offset(want.Addr()) / prefixSize
	if p.blockFree[b] != prefixSize {
		return fail("InvalidIPAddress.InUse", "Prefix %s is in use.", want)
	}
	p.takeBlock(b)
	return nil
}

func (p *addressPool) releasePrefix(prefix netip.Prefix) {
	first := p.offset(prefix.Addr())
	for i := range int32(prefixSize) {
		p.release(p.addr(first + i))
	}
}
