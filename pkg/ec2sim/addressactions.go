package ec2sim

import (
	"net/netip"
	"slices"
)

var (
	assignParams = paramsOf([]param{
		id("NetworkInterfaceId", interfaceID).must(), address("PrivateIpAddress.N"), checked("SecondaryPrivateIpAddressCount", atLeastOne),
		checked("Ipv4Prefix.N", aPrefix4), checked("Ipv4PrefixCount", atLeastOne), boolean("AllowReassignment"),
	}).needing(anyOfThese("PrivateIpAddress", "SecondaryPrivateIpAddressCount", "Ipv4Prefix", "Ipv4PrefixCount"))
	unassignParams = paramsOf([]param{id("NetworkInterfaceId", interfaceID).must(), address("PrivateIpAddress.N"), checked("Ipv4Prefix.N", aPrefix4)}).needing(anyOfThese("PrivateIpAddress", "Ipv4Prefix"))
	assign6Params  = paramsOf([]param{
		id("NetworkInterfaceId", interfaceID).must(), address6("Ipv6Addresses.N"), checked("Ipv6AddressCount", atLeastOne),
		checked("Ipv6Prefix.N", aPrefix6), checked("Ipv6PrefixCount", atLeastOne),
	}).needing(anyOfThese("Ipv6Addresses", "Ipv6AddressCount", "Ipv6Prefix", "Ipv6PrefixCount"))
	unassign6Params = paramsOf([]param{id("NetworkInterfaceId", interfaceID).must(), address6("Ipv6Addresses.N"), checked("Ipv6Prefix.N", aPrefix6)}).needing(anyOfThese("Ipv6Addresses", "Ipv6Prefix"))
)

// assignPrivateIPAddresses adds secondary addresses or prefixes: all that were asked
// for, or none.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignPrivateIpAddresses.html
func assignPrivateIPAddresses(s *Simulator, c *call, w *xmlWriter) error {
	want := addressWish{
		secondary: c.form.texts("PrivateIpAddress"), more: c.form.number("SecondaryPrivateIpAddressCount", 0),
		prefixes: c.form.texts("Ipv4Prefix"), morePrefixes: c.form.number("Ipv4PrefixCount", 0),
	}
	e, err := s.addressable(c, want)
	if err != nil {
		return err
	}
	s.keepSubnet(e.subnet)
	extra := &networkInterface{subnet: e.subnet}
	if err := s.assignOrTake(extra, e, want, c.form.boolean("AllowReassignment")); err != nil {
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

// checkAddressable refuses prefixes that the type of an interface's instance does not
// take, and more addresses than it takes, or any type where there is no instance.
func checkAddressable(e *networkInterface, more addressWish) error {
	limit := mostAddresses
	if a := e.attachment; a != nil {
		if more.blocks() > 0 {
			if err := checkPrefixes(a.instance.typ); err != nil {
				return err
			}
		}
		limit = addressLimit{a.instance.typ.ipv4, a.instance.typ.ipv6}
	}
	if len(e.addresses)+len(e.prefixes)+more.secondaries() > limit.ipv4 || len(e.six)+len(e.prefixes6)+more.six.count() > limit.ipv6 {
		return errAddressLimit()
	}
	return nil
}

// assignOrTake gives extra the addresses for an interface, and those that others have
// where they may be taken away. Nobody loses one before all the rest is there.
func (s *Simulator) assignOrTake(extra, to *networkInterface, want addressWish, reassign bool) error {
	owners := map[netip.Addr]*networkInterface{}
	if reassign {
		var err error
		if owners, err = s.owners(to, want.secondary); err != nil {
			return err
		}
	}
	free := want
	free.secondary = slices.DeleteFunc(slices.Clone(want.secondary), func(text string) bool { return owners[netip.MustParseAddr(text)] != nil })
	if err := s.assignMore(extra, free); err != nil {
		return err
	}
	for _, text := range want.secondary {
		a := netip.MustParseAddr(text)
		if owner := owners[a]; owner != nil {
			s.release(owner, []netip.Addr{a}, nil)
			if err := s.claim(extra, text); err != nil {
				return err
			}
		}
	}
	return nil
}

// owners finds the interfaces that have addresses as secondary ones, if nothing speaks
// against taking all of these away.
func (s *Simulator) owners(to *networkInterface, addresses []string) (map[netip.Addr]*networkInterface, error) {
	out := map[netip.Addr]*networkInterface{}
	for _, text := range addresses {
		a := netip.MustParseAddr(text)
		for _, e := range s.interfaces.index[indexKey{"private-ip-address", text}] {
			switch {
			case e.subnet != to.subnet:
			case e == to:
				return nil, fail("InvalidParameterValue", "Address %s is assigned to interface %s already", text, e.id)
			case e.addresses[0] == a || e.managed() || out[a] != nil:
				return nil, fail("InvalidIPAddress.InUse", "Address %s is in use.", text)
			default:
				out[a] = e
			}
		}
	}
	return out, nil
}

// release takes secondary addresses and prefixes from an interface, of either family.
func (s *Simulator) release(e *networkInterface, addresses []netip.Addr, prefixes []netip.Prefix) {
	gone := &networkInterface{subnet: e.subnet}
	for _, a := range addresses {
		if a.Is4() {
			gone.addresses = append(gone.addresses, a)
		} else {
			gone.six = append(gone.six, a)
		}
	}
	for _, p := range prefixes {
		if p.Addr().Is4() {
			gone.prefixes = append(gone.prefixes, p)
		} else {
			gone.prefixes6 = append(gone.prefixes6, p)
		}
	}
	s.keepSubnet(e.subnet)
	s.change(e, func() {
		e.addresses, e.prefixes = without(e.addresses, gone.addresses), without(e.prefixes, gone.prefixes)
		e.six, e.prefixes6 = without(e.six, gone.six), without(e.prefixes6, gone.prefixes6)
	})
	gone.giveBack()
}

func errAddressLimit() error {
	return fail("PrivateIpAddressLimitExceeded", "Number of private addresses will exceed limit.")
}

// addressable is the interface that a call gives more addresses to, if it takes them.
func (s *Simulator) addressable(c *call, more addressWish) (*networkInterface, error) {
	if err := more.oneKind(); err != nil {
		return nil, err
	}
	e, err := s.ownInterface(c)
	if err != nil {
		return nil, err
	}
	if e.kind == efaOnly {
		return nil, fail("UnsupportedOperation", "An IP address can't be assigned to an EFA-only network interface")
	}
	return e, checkAddressable(e, more)
}

// ownInterface is the interface that a call names, unless it is AWS's.
func (s *Simulator) ownInterface(c *call) (*networkInterface, error) {
	e, err := s.interfaceByID(c.form.get("NetworkInterfaceId"))
	if err != nil {
		return nil, err
	}
	return e, managedBySomebody(e)
}

// unassignPrivateIPAddresses takes secondary addresses or prefixes away; the primary
// address stays as long as its interface.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UnassignPrivateIpAddresses.html
func unassignPrivateIPAddresses(s *Simulator, c *call, w *xmlWriter) error {
	addresses, prefixes := c.form.texts("PrivateIpAddress"), c.form.texts("Ipv4Prefix")
	e, err := s.ownInterface(c)
	if err != nil {
		return err
	}
	first, err := named(e, addresses, e.secondary(), "secondary addresses")
	if err != nil {
		return err
	}
	blocks, err := named(e, prefixes, e.prefixes, "prefixes")
	if err != nil {
		return err
	}
	s.release(e, first, blocks)
	w.boolean("return", true)
	return nil
}

// named finds what a call names among what an interface has.
func named[T interface {
	comparable
	String() string
}](e *networkInterface, names []string, has []T, what string) ([]T, error) {
	var out []T
	for _, name := range names {
		i := slices.IndexFunc(has, func(v T) bool { return v.String() == name })
		if i < 0 {
			return nil, fail("InvalidParameterValue", "Some of [%s] are not %s of interface %s", name, what, e.id)
		}
		out = append(out, has[i])
	}
	return out, nil
}

func without[T comparable](list, gone []T) []T {
	return slices.DeleteFunc(slices.Clone(list), func(v T) bool { return slices.Contains(gone, v) })
}

// assignIPv6Addresses adds IPv6 addresses or prefixes.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssignIpv6Addresses.html
func assignIPv6Addresses(s *Simulator, c *call, w *xmlWriter) error {
	want := addressWish{six: wish6{
		named: c.form.texts("Ipv6Addresses"), more: c.form.number("Ipv6AddressCount", 0),
		prefixes: c.form.texts("Ipv6Prefix"), morePrefixes: c.form.number("Ipv6PrefixCount", 0),
	}}
	e, err := s.addressable(c, want)
	if err != nil {
		return err
	}
	extra := &networkInterface{subnet: e.subnet}
	if err := s.assign6(extra, want.six); err != nil {
		extra.giveBack()
		return err
	}
	s.change(e, func() {
		e.six, e.prefixes6 = slices.Concat(e.six, extra.six), slices.Concat(e.prefixes6, extra.prefixes6)
	})
	w.text("networkInterfaceId", e.id)
	set(w, "assignedIpv6Addresses", extra.six, func(a netip.Addr) { w.raw(a.String()) })
	set(w, "assignedIpv6PrefixSet", extra.prefixes6, func(p netip.Prefix) { w.raw(p.String()) })
	return nil
}

// unassignIPv6Addresses takes IPv6 addresses or prefixes away; a primary one stays.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_UnassignIpv6Addresses.html
func unassignIPv6Addresses(s *Simulator, c *call, w *xmlWriter) error {
	addresses, prefixes := c.form.texts("Ipv6Addresses"), c.form.texts("Ipv6Prefix")
	e, err := s.ownInterface(c)
	if err != nil {
		return err
	}
	loose := e.six
	if e.primary6 {
		loose = loose[1:]
	}
	gone, err := named(e, canonical(addresses), loose, "IPv6 addresses that can be taken away")
	if err != nil {
		return err
	}
	blocks, err := named(e, prefixes, e.prefixes6, "prefixes")
	if err != nil {
		return err
	}
	s.release(e, gone, blocks)
	w.text("networkInterfaceId", e.id)
	set(w, "unassignedIpv6Addresses", gone, func(a netip.Addr) { w.raw(a.String()) })
	set(w, "unassignedIpv6PrefixSet", blocks, func(p netip.Prefix) { w.raw(p.String()) })
	return nil
}

// canonical writes IPv6 addresses in the one form in which they are compared.
func canonical(addresses []string) []string {
	out := make([]string, len(addresses))
	for i, text := range addresses {
		if a, err := netip.ParseAddr(text); err == nil {
			text = a.String()
		}
		out[i] = text
	}
	return out
}
