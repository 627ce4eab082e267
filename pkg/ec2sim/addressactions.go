package ec2sim

import (
	"net/netip"
	"slices"
)

var (
	assignParams = paramsOf([]param{
		id("NetworkInterfaceId", interfaceID).must(), address("PrivateIpAddress.N"), number("SecondaryPrivateIpAddressCount"),
		text("Ipv4Prefix.N"), number("Ipv4PrefixCount"),
	}, unsupported("AllowReassignment"))
	unassignParams = paramsOf([]param{id("NetworkInterfaceId", interfaceID).must(), address("PrivateIpAddress.N"), text("Ipv4Prefix.N")})
)

// assignPrivateIPAddresses adds secondary addresses or prefixes: all that were asked
// for, or none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html
func assignPrivateIPAddresses(s *Simulator, c *call, w *xmlWriter) error {
	want := addressWish{
		secondary: c.form.texts("PrivateIpAddress"), more: c.form.number("SecondaryPrivateIpAddressCount", 0),
		prefixes: c.form.texts("Ipv4Prefix"), morePrefixes: c.form.number("Ipv4PrefixCount", 0),
	}
	if err := want.oneKind(); err != nil {
		return err
	}
	e, err := s.interfaceByID(c.form.get("NetworkInterfaceId"))
	if err != nil {
		return err
	}
	n := len(e.addresses) + len(e.prefixes) + len(want.secondary) + want.more + len(want.prefixes) + want.morePrefixes
	if a := e.attachment; a != nil && n > a.instance.typ.ipv4 {
		return fail("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")
	}
	extra := &networkInterface{subnet: e.subnet}
	if err := s.assignMore(extra, want); err != nil {
		extra.giveBack()
		return err
	}
	s.change(e, func() {
		e.addresses = slices.Concat(e.addresses, extra.addresses)
		e.prefixes = slices.Concat(e.prefixes, extra.prefixes)
	})
	w.text("networkInterfaceId", e.id)
	set(w, "assignedPrivateIpAddressesSet", extra.addresses, func(a netip.Addr) { w.addr("privateIpAddress", a) })
	set(w, "assignedIpv4PrefixSet", extra.prefixes, func(p netip.Prefix) { w.text("ipv4Prefix", p.String()) })
	w.boolean("return", true)
	return nil
}

// unassignPrivateIPAddresses takes secondary addresses or prefixes away; the primary
// address stays as long as its interface.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UnassignPrivateIpAddresses.html
func unassignPrivateIPAddresses(s *Simulator, c *call, w *xmlWriter) error {
	addresses, prefixes := c.form.texts("PrivateIpAddress"), c.form.texts("Ipv4Prefix")
	if len(addresses)+len(prefixes) == 0 {
		return missing("PrivateIpAddress")
	}
	e, err := s.interfaceByID(c.form.get("NetworkInterfaceId"))
	if err != nil {
		return err
	}
	gone := &networkInterface{subnet: e.subnet}
	for _, text := range addresses {
		i := slices.IndexFunc(e.addresses, func(a netip.Addr) bool { return a.String() == text })
		if i <= 0 {
			return fail("InvalidParameterValue", "Some of [%s] are not secondary addresses of interface %s", text, e.id)
		}
		gone.addresses = append(gone.addresses, e.addresses[i])
	}
	for _, text := range prefixes {
		i := slices.IndexFunc(e.prefixes, func(p netip.Prefix) bool { return p.String() == text })
		if i < 0 {
			return fail("InvalidParameterValue", "Some of [%s] are not prefixes of interface %s", text, e.id)
		}
		gone.prefixes = append(gone.prefixes, e.prefixes[i])
	}
	s.change(e, func() {
		e.addresses = without(e.addresses, gone.addresses)
		e.prefixes = without(e.prefixes, gone.prefixes)
	})
	gone.giveBack()
	w.boolean("return", true)
	return nil
}

func without[T comparable](list, gone []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return slices.Contains(gone, v) })
}

// giveBack returns all of an interface's addresses to its subnet.
func (e *networkInterface) giveBack() {
	for _, a := range e.addresses {
		e.subnet.pool.release(a)
	}
	for _, p := range e.prefixes {
		e.subnet.pool.releasePrefix(p)
	}
}

// oneKind refuses a wish for more than one kind of secondary addresses.
func (want addressWish) oneKind() error {
	kinds := 0
	for _, given := range []bool{len(want.secondary) > 0, want.more > 0, len(want.prefixes) > 0, want.morePrefixes > 0} {
		if given {
			kinds++
		}
	}
	if kinds > 1 {
		return fail("InvalidParameterCombination", "Secondary addresses, their count, prefixes and their count exclude each other")
	}
	return nil
}
