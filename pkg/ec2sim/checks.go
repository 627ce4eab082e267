package ec2sim

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What follows judges values by themselves, with nothing of the world: it comes before a
// dry run is told that it would succeed, and before a client token is used up.

func checked(name string, c check) param { return param{name: name, check: c} }

// atLeastOne takes counts of which none makes no sense.
func atLeastOne(name, s string) error {
	if n, err := strconv.ParseInt(s, 10, 32); err != nil || n < 1 {
		return badValue(name, s, "Expecting a whole number of at least 1.")
	}
	return nil
}

// between takes whole numbers within bounds.
func between(least, most int) check {
	return func(name, s string) error {
		if n, err := strconv.Atoi(s); err != nil || n < least || n > most {
			return badValue(name, s, fmt.Sprintf("Expecting a value between %d and %d.", least, most))
		}
		return nil
	}
}

func oneOf(words []string) check {
	return func(name, s string) error {
		if !slices.Contains(words, s) {
			return badValue(name, s, "Expecting one of "+strings.Join(words, ", ")+".")
		}
		return nil
	}
}

// aPrefix4 and aPrefix6 take the units of prefix delegation.
func aPrefix4(name, s string) error {
	if p, err := netip.ParsePrefix(s); err != nil || !p.Addr().Is4() || p.Bits() != prefix4Bits || p.Masked() != p {
		return badValue(name, s, "Expecting a /28 prefix.")
	}
	return nil
}

func aPrefix6(name, s string) error {
	if p, err := netip.ParsePrefix(s); err != nil || p.Addr().Is4() || p.Addr().Is4In6() || p.Bits() != prefix6Bits || p.Masked() != p {
		return badValue(name, s, "Expecting a /80 prefix.")
	}
	return nil
}

func anInstanceType(name, s string) error {
	if _, known := instanceTypes.byID[s]; !known {
		return badValue(name, s, "The instance type does not exist.")
	}
	return nil
}

// onlyTrue takes a flag that can be set and never cleared.
func onlyTrue(name, s string) error {
	if s == "false" {
		return badValue(name, s, "It cannot be disabled.")
	}
	return aBoolean(name, s)
}

// maxDescription is in characters, not bytes.
const maxDescription = 255

func aDescription(name, s string) error {
	if utf8.RuneCountInString(s) > maxDescription {
		return badValue(name, string([]rune(s)[:16])+"…", "Expecting at most 255 characters.")
	}
	return nil
}

// maxToken is how long a client token is at most.
const maxToken = 64

func aToken(_, s string) error {
	if len(s) > maxToken {
		return fail("InvalidClientToken", "The client token is longer than %d characters", maxToken)
	}
	for _, r := range s {
		if r < ' ' || r > '~' {
			return fail("InvalidClientToken", "The client token holds characters that are not ASCII")
		}
	}
	return nil
}

// trackingParams are idle timeouts in seconds, of an interface or of one in a list.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingSpecificationRequest.html
func trackingParams(prefix string) []param {
	prefix += "ConnectionTrackingSpecification."
	return []param{
		checked(prefix+"TcpEstablishedTimeout", between(60, 432000)), checked(prefix+"UdpStreamTimeout", between(60, 180)),
		checked(prefix+"UdpTimeout", between(30, 60)),
	}
}

// addressesNamed: a member of PrivateIpAddresses is nothing without its address.
func addressesNamed(form *value) error {
	for _, m := range form.members("PrivateIpAddresses") {
		if m.get("PrivateIpAddress") == "" {
			return missing("PrivateIpAddresses.PrivateIpAddress")
		}
	}
	return nil
}

// tagsNamed: a tag has a key, in a specification or by itself.
func tagsNamed(form *value) error {
	for _, spec := range append(form.members("TagSpecification"), form) {
		for _, t := range spec.members("Tag") {
			if !t.has("Key") {
				return missing("Tag.Key")
			}
		}
	}
	return nil
}

// anyOfThese: at least one of several parameters is there; the first is asked for.
func anyOfThese(names ...string) func(*value) error {
	return func(form *value) error {
		if slices.ContainsFunc(names, form.has) {
			return nil
		}
		return missing(names[0])
	}
}
