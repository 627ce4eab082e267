package ec2sim

import "net/netip"

// assign takes an interface's addresses from its subnet: all of them, or none and an error.
func (s *Simulator) assign(e *networkInterface, want addressWish) error {
	if want.none {
		return nil
	}
	s.keepSubnet(e.subnet)
	err := s.assignPrimary(e, want.primary)
	if err == nil {
		err = s.assignMore(e, want)
	}
	if err == nil {
		err = s.assign6(e, want.six)
	}
	if err != nil {
		e.giveBack()
		e.addresses, e.prefixes, e.six, e.prefixes6 = nil, nil, nil, nil
	}
	return err
}

func (s *Simulator) assignPrimary(e *networkInterface, name string) error {
	if name != "" {
		return s.claim(e, name)
	}
	return s.draw(e)
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
		p := netip.MustParsePrefix(text)
		if err := e.subnet.pool.claimPrefix(p); err != nil {
			return err
		}
		e.prefixes = append(e.prefixes, p)
	}
	for range want.morePrefixes {
		p, ok := e.subnet.pool.drawPrefix(s.rng)
		if !ok {
			return s.subnetFull(e.subnet, true)
		}
		e.prefixes = append(e.prefixes, p)
	}
	return nil
}

// assign6 takes IPv6 addresses and prefixes; the caller undoes it.
func (s *Simulator) assign6(e *networkInterface, want wish6) error {
	pool := e.subnet.pool6
	if !want.any() {
		return nil
	}
	if pool == nil {
		return fail("InvalidParameterValue", "The subnet '%s' has no IPv6 CIDR block", e.subnet.id)
	}
	for _, text := range want.named {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return badValue("Ipv6Address", text, "Expecting an IPv6 address.")
		}
		if err := pool.claim(a); err != nil {
			return err
		}
		e.six = append(e.six, a)
	}
	for range want.more {
		e.six = append(e.six, pool.draw(s.rng))
	}
	for _, text := range want.prefixes {
		p := netip.MustParsePrefix(text)
		if err := pool.claimPrefix(p); err != nil {
			return err
		}
		e.prefixes6 = append(e.prefixes6, p)
	}
	for range want.morePrefixes {
		p, ok := pool.drawPrefix(s.rng)
		if !ok {
			return s.subnetFull(e.subnet, true)
		}
		e.prefixes6 = append(e.prefixes6, p)
	}
	e.primary6 = want.primary
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
			return s.subnetFull(e.subnet, false)
		}
		if !s.reserved[a] {
			e.addresses = append(e.addresses, a)
			return nil
		}
		kept = append(kept, a)
	}
}

// giveBack returns all of an interface's addresses to its subnet.
func (e *networkInterface) giveBack() {
	for _, a := range e.addresses {
		e.subnet.pool.release(a)
	}
	for _, p := range e.prefixes {
		e.subnet.pool.releasePrefix(p)
	}
	for _, a := range e.six {
		e.subnet.pool6.release(a)
	}
	for _, p := range e.prefixes6 {
		e.subnet.pool6.releasePrefix(p)
	}
}

// subnetFull is one of the answers that EC2 has been seen to give; that of blocks is
// for prefixes only.
func (s *Simulator) subnetFull(sn *subnet, prefix bool) error {
	switch {
	case s.variants.SubnetFull == "InvalidParameterValue":
		return fail("InvalidParameterValue", "There aren't sufficient free Ipv4 addresses or prefixes")
	case s.variants.SubnetFull == "InsufficientCidrBlocks" && prefix:
		return fail("InsufficientCidrBlocks", "The specified subnet does not have enough free cidr blocks to satisfy the request.")
	}
	return fail("InsufficientFreeAddressesInSubnet", "The specified subnet '%s' does not have enough free addresses to satisfy the request.", sn.id)
}
