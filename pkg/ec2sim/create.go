package ec2sim

import (
	"slices"
	"strings"
)

// interfaceTypes are those that CreateNetworkInterface takes.
var interfaceTypes = []string{"interface", "efa", "efa-only", "trunk", "branch"}

var createParams = paramsOf([]param{
	id("SubnetId", subnetID).must(), text("Description"), address("PrivateIpAddress"),
	address("PrivateIpAddresses.N.PrivateIpAddress"), boolean("PrivateIpAddresses.N.Primary"),
	number("SecondaryPrivateIpAddressCount"), text("Ipv4Prefix.N.Ipv4Prefix"), number("Ipv4PrefixCount"),
	id("SecurityGroupId.N", groupID), text("InterfaceType"), text("ClientToken"),
	number("ConnectionTrackingSpecification.TcpEstablishedTimeout"),
	number("ConnectionTrackingSpecification.UdpStreamTimeout"), number("ConnectionTrackingSpecification.UdpTimeout"),
}, tagSpecificationParams, unsupported("Ipv6AddressCount", "Ipv6Addresses.N.Ipv6Address", "Ipv6Addresses.N.IsPrimaryIpv6",
	"Ipv6Prefix.N.Ipv6Prefix", "Ipv6PrefixCount", "EnablePrimaryIpv6", "Operator.Principal"))

func createNetworkInterface(s *Simulator, c *call, w *xmlWriter) error {
	form, err := readCreate(c)
	if err != nil {
		return err
	}
	e, err := s.create(form, c)
	if err != nil {
		return err
	}
	c.made = e
	w.in("networkInterface", func() { w.networkInterface(e) })
	w.optional("clientToken", c.form.get("ClientToken"))
	return nil
}

// createForm is a create's parameters once they are known to make sense by themselves.
type createForm struct {
	subnet, description, kind string
	groups                    []string
	tags                      map[string]string
	addresses                 addressWish
	tracking                  tracking
}

func readCreate(c *call) (createForm, error) {
	f := createForm{
		subnet: c.form.get("SubnetId"), description: c.form.get("Description"),
		kind: orDefault(c.form.get("InterfaceType"), "interface"), groups: c.form.texts("SecurityGroupId"),
	}
	var err error
	if f.tags, err = tagSpecification(c.form, "network-interface"); err != nil {
		return f, err
	}
	if !slices.Contains(interfaceTypes, f.kind) {
		return f, badValue("InterfaceType", f.kind, "Expecting one of "+strings.Join(interfaceTypes, ", ")+".")
	}
	if len(f.description) > 255 {
		return f, badValue("Description", f.description[:16]+"…", "Expecting at most 255 characters.")
	}
	if f.tracking, err = readTracking(c.form); err != nil {
		return f, err
	}
	f.addresses, err = readWish(c.form)
	return f, err
}

// readWish reads the addresses asked for; names, numbers and prefixes exclude each other.
func readWish(form *value) (addressWish, error) {
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
	return want, want.oneKind()
}

// create makes an interface, checking the world in the order that the package promises:
// existence, VPC, limits, addresses.
func (s *Simulator) create(f createForm, c *call) (*networkInterface, error) {
	sn, err := s.subnetByID(f.subnet)
	if err != nil {
		return nil, err
	}
	groups, err := s.groupsOf(sn.vpc, f.groups)
	if err != nil {
		return nil, err
	}
	if err := s.checkGroupLimit(len(groups)); err != nil {
		return nil, err
	}
	if err := s.checkRegionLimit(1); err != nil {
		return nil, err
	}
	e := &networkInterface{
		id: newID(s.rng, interfaceID), subnet: sn, groups: groups, description: f.description, kind: f.kind,
		mac: newMAC(s.rng), sourceDest: true, tags: f.tags, tracking: f.tracking, clientToken: c.form.get("ClientToken"), createdAt: c.now,
	}
	if err := s.assign(e, f.addresses); err != nil {
		return nil, err
	}
	s.addInterface(e)
	return e, nil
}

func (s *Simulator) checkRegionLimit(more int) error {
	if len(s.interfaces.sorted)+more > s.quotas.InterfacesPerRegion {
		return fail("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces (%d) has been reached.", s.quotas.InterfacesPerRegion)
	}
	return nil
}
