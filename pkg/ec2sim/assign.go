package ec2sim

import (
	"net/netip"
)

// addressWish is what a create asks for: addresses by name, a number of secondary ones,
// or /28 prefixes.
type addressWish struct {
	primary      string
	secondary    []string
	more         int
	prefixes     []string
	morePrefixes int
}

// assign takes an interface's addresses from its subnet: all of them, or none and an error.
func (s *Simulator) assign(e *networkInterface, want addressWish) error {
	if want.primary != "" {
		if err := s.claim(e, want.primary); err != nil {
			return err
		}
	} else if err := s.draw(e); err != nil {
		return err
	}
	if err := s.assignMore(e, want); err != nil {
		e.giveBack()
		e.addresses, e.prefixes = nil, nil
		return err
	}
	return nil
}

// assignMore takes what comes beside the primary address; the caller undoes it.
func (s *Simulator) assignMore(e *networkInterface, want addressWish) error {
	for _, text := range want.secondary {
		if err := s.claim(e, text); err != nil {
			return err
		}
	}
	for range want.more {
		if err := s.draw(e); err != nil {
			return err
		}
	}
	for _, text := range want.prefixes {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return badValue("Ipv4Prefix", text, "Expecting a /28 prefix.")
		}
		if err := e.subnet.pool.claimPrefix(p); err != nil {
			return err
		}
		e.prefixes = append(e.prefixes, p)
	}
	for range want.morePrefixes {
		p, ok := e.subnet.pool.drawPrefix(s.rng)
		if !ok {
			return fail("InsufficientCidrBlocks", "The specified subnet does not have enough free cidr blocks to satisfy the request.")
		}
		e.prefixes = append(e.prefixes, p)
	}
	return nil
}

func (s *Simulator) claim(e *networkInterface, text string) error {
	a, err := netip.ParseAddr(text)
	if err != nil || !a.Is4() {
		return badValue("PrivateIpAddress", text, "Expecting an IPv4 address.")
	}
	if err := e.subnet.pool.claim(a); err != nil {
		return err
	}
	e.addresses = append(e.addresses, a)
	return nil
}

// draw takes any free address. While a world is being built, addresses that it names
// are kept for those they are meant for.
func (s *Simulator) draw(e *networkInterface) error {
	var kept []netip.Addr
	defer func() {
		for _, a := range kept {
			e.subnet.pool.release(a)
		}
	}()
	for {
		a, ok := e.subnet.pool.draw(s.rng)
		if !ok {
			return s.subnetFull(e.subnet)
		}
		if !s.reserved[a] {
			e.addresses = append(e.addresses, a)
			return nil
		}
		kept = append(kept, a)
	}
}

// subnetFull is one of the answers that EC2 has been seen to give.
func (s *Simulator) subnetFull(sn *subnet) error {
	switch s.variants.SubnetFull {
	case "InvalidParameterValue":
		return fail("InvalidParameterValue", "There aren't sufficient free Ipv4 addresses or prefixes")
	case "InsufficientCidrBlocks":
		return fail("InsufficientCidrBlocks", "The specified subnet does not have enough free cidr blocks to satisfy the request.")
	}
	return fail("InsufficientFreeAddressesInSubnet", "The specified subnet '%s' does not have enough free addresses to satisfy the request.", sn.id)
}
