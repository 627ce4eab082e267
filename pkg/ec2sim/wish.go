package ec2sim

// addressWish is what a call asks for: IPv4 addresses by name, a number of secondary
// ones, or /28 prefixes; and the like of IPv6.
type addressWish struct {
	primary      string
	secondary    []string
	more         int
	prefixes     []string
	morePrefixes int
	six          wish6
	// none is for interfaces that have no addresses at all.
	none bool
}

// wish6 asks for IPv6 addresses or /80 prefixes. With primary, the first address
// becomes the interface's primary one, for as long as the interface lives.
type wish6 struct {
	named        []string
	more         int
	prefixes     []string
	morePrefixes int
	primary      bool
}

// count is how many IPv4 addresses of the subnet a wish takes at least.
func (want addressWish) count() int {
	if want.none {
		return 0
	}
	return 1 + len(want.secondary) + want.more + prefixSize*(len(want.prefixes)+want.morePrefixes)
}

// secondaries counts what a type's limit counts beside the primary address.
func (want addressWish) secondaries() int {
	return len(want.secondary) + want.more + len(want.prefixes) + want.morePrefixes
}

// blocks counts the prefixes of both families.
func (want addressWish) blocks() int {
	return len(want.prefixes) + want.morePrefixes + len(want.six.prefixes) + want.six.morePrefixes
}

// of fits a wish to a kind of interface: EFA-only ones have no addresses.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-efa.html
func (want addressWish) of(kind string) (addressWish, error) {
	want.none = kind == efaOnly
	if want.none && (want.primary != "" || want.secondaries() > 0 || want.six.any()) {
		return want, fail("InvalidParameterCombination", "An IP address can't be assigned to an EFA-only network interface")
	}
	return want, nil
}

func (w wish6) count() int { return len(w.named) + w.more + len(w.prefixes) + w.morePrefixes }

func (w wish6) any() bool { return w.count() > 0 || w.primary }

// readWish reads the addresses of an interface that is to be made.
func readWish(form *value, primary6 string) (addressWish, error) {
	want := addressWish{
		primary: form.get("PrivateIpAddress"), more: form.number("SecondaryPrivateIpAddressCount", 0),
		morePrefixes: form.number("Ipv4PrefixCount", 0),
	}
	for _, m := range form.members("PrivateIpAddresses") {
		text := m.get("PrivateIpAddress")
		if !m.boolean("Primary") {
			want.secondary = append(want.secondary, text)
			continue
		}
		if want.primary != "" {
			return want, fail("InvalidParameterCombination", "Only one primary private IP address can be specified.")
		}
		want.primary = text
	}
	for _, m := range form.members("Ipv4Prefix") {
		want.prefixes = append(want.prefixes, m.get("Ipv4Prefix"))
	}
	return readWish6(form, want, "Ipv6Addresses", primary6)
}

// readWish6 adds the IPv6 part; two parameters have names that differ by action.
func readWish6(form *value, want addressWish, list, primary string) (addressWish, error) {
	want.six = wish6{more: form.number("Ipv6AddressCount", 0), morePrefixes: form.number("Ipv6PrefixCount", 0), primary: form.boolean(primary)}
	for _, m := range form.members(list) {
		if !m.boolean("IsPrimaryIpv6") {
			want.six.named = append(want.six.named, m.get("Ipv6Address"))
			continue
		}
		// The primary address comes first.
		want.six.primary = true
		want.six.named = append([]string{m.get("Ipv6Address")}, want.six.named...)
	}
	for _, m := range form.members("Ipv6Prefix") {
		want.six.prefixes = append(want.six.prefixes, m.get("Ipv6Prefix"))
	}
	if want.six.primary && len(want.six.named)+want.six.more == 0 {
		return want, fail("InvalidParameterCombination", "A primary IPv6 address needs an IPv6 address")
	}
	return want, want.oneKind()
}

// oneKind refuses a wish for more than one kind of secondary addresses.
func (want addressWish) oneKind() error {
	six := want.six
	if several(len(want.secondary), want.more, len(want.prefixes), want.morePrefixes) {
		return fail("InvalidParameterCombination", "Secondary addresses, their count, prefixes and their count exclude each other")
	}
	if several(len(six.named), six.more, len(six.prefixes), six.morePrefixes) {
		return fail("InvalidParameterCombination", "IPv6 addresses, their count, prefixes and their count exclude each other")
	}
	return nil
}

func several(kinds ...int) bool {
	n := 0
	for _, k := range kinds {
		n += min(k, 1)
	}
	return n > 1
}
