package ec2sim

import (
	"net/netip"
	"slices"
)

// interfaceTypes are those that CreateNetworkInterface takes.
var interfaceTypes = []string{"interface", "efa", efaOnly, "trunk"}

// worldInterfaceTypes are those that an interface may have which AWS, or somebody with
// more rights, has made: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html
var worldInterfaceTypes = append(slices.Clone(interfaceTypes), "branch", "natGateway", "load_balancer", "network_load_balancer",
	"gateway_load_balancer", "gateway_load_balancer_endpoint", "vpc_endpoint", "transit_gateway", "lambda", "quicksight",
	"global_accelerator_managed", "api_gateway_managed", "iot_rules_managed", "aws_codestar_connections_managed", "evs")

var createParams = paramsOf([]param{
	id("SubnetId", subnetID).must(), checked("Description", aDescription), address("PrivateIpAddress"),
	address("PrivateIpAddresses.N.PrivateIpAddress"), boolean("PrivateIpAddresses.N.Primary"),
	number("SecondaryPrivateIpAddressCount"), checked("Ipv4Prefix.N.Ipv4Prefix", aPrefix4), number("Ipv4PrefixCount"),
	number("Ipv6AddressCount"), address6("Ipv6Addresses.N.Ipv6Address"), boolean("Ipv6Addresses.N.IsPrimaryIpv6"),
	checked("Ipv6Prefix.N.Ipv6Prefix", aPrefix6), number("Ipv6PrefixCount"), boolean("EnablePrimaryIpv6"),
	id("SecurityGroupId.N", groupID), checked("InterfaceType", oneOf(interfaceTypes)), checked("ClientToken", aToken),
}, trackingParams(""), tagSpecificationParams, unsupported("Operator.Principal")).needing(addressesNamed, tagsNamed)

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
	shown := *e
	shown.fresh = s.variants.CreateStatus == pending
	w.in("networkInterface", func() { w.networkInterface(&shown) })
	w.optional("clientToken", c.form.get("ClientToken"))
	return nil
}

// createForm is an interface's parameters once they are known to make sense by themselves.
type createForm struct {
	subnet, description, kind string
	groups                    []string
	tags                      map[string]string
	addresses                 addressWish
	tracking                  tracking
}

func readCreate(c *call) (createForm, error) {
	f, err := readInterface(c.form, "EnablePrimaryIpv6")
	if err != nil {
		return f, err
	}
	f.tags, err = tagSpecification(c.form, "network-interface")
	return f, err
}

// readInterface reads what a create and a launch say alike of an interface.
func readInterface(form *value, primary6 string) (createForm, error) {
	f := createForm{
		subnet: form.get("SubnetId"), description: form.get("Description"),
		kind: orDefault(form.get("InterfaceType"), "interface"), groups: form.texts("SecurityGroupId"),
		tracking: readTracking(form, tracking{}),
	}
	var err error
	if f.addresses, err = readWish(form, primary6); err != nil {
		return f, err
	}
	f.addresses, err = f.addresses.of(f.kind)
	return f, err
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
	if f.addresses.secondaries() >= mostAddresses.ipv4 || f.addresses.six.count() > mostAddresses.ipv6 {
		return nil, errAddressLimit()
	}
	if err := s.checkGroupLimit(len(groups)); err != nil {
		return nil, err
	}
	if err := s.checkRegionLimit(1); err != nil {
		return nil, err
	}
	if err := checkTagLimit(len(f.tags)); err != nil {
		return nil, err
	}
	e, err := s.makeInterface(interfaceSpec{
		subnet: sn, groups: groups, description: f.description, kind: f.kind, tags: f.tags,
		tracking: f.tracking, clientToken: c.form.get("ClientToken"), addresses: f.addresses,
	})
	if err != nil {
		return nil, err
	}
	s.addInterface(e)
	return e, nil
}

// interfaceSpec is an interface that can be made: all that it names has been found.
type interfaceSpec struct {
	id, description, kind, clientToken string
	requester, operator                string
	subnet                             *subnet
	groups                             []*securityGroup
	tags                               map[string]string
	tracking                           tracking
	addresses                          addressWish
}

// makeInterface makes an interface with its addresses. Nobody sees it before it is put
// into the world, so that what comes with it (tags, an attachment) is seen with it.
func (s *Simulator) makeInterface(spec interfaceSpec) (*networkInterface, error) {
	e := &networkInterface{
		id: orDefault(spec.id, newID(s.rng, interfaceID)), subnet: spec.subnet, groups: spec.groups, description: spec.description,
		kind: spec.kind, mac: newMAC(s.rng), sourceDest: true, tags: spec.tags, tracking: spec.tracking,
		requester: spec.requester, operator: spec.operator, clientToken: spec.clientToken, createdAt: s.when,
	}
	if e.kind == efaOnly {
		return e, nil
	}
	return e, s.assign(e, spec.addresses)
}

// sketch is an interface with as many addresses as it is to have, or more than any type
// takes, for limits to judge.
func (spec interfaceSpec) sketch() *networkInterface {
	e := &networkInterface{subnet: spec.subnet, kind: spec.kind, six: make([]netip.Addr, min(spec.addresses.six.count(), 1+mostAddresses.ipv6))}
	if !spec.addresses.none {
		e.addresses = make([]netip.Addr, min(1+spec.addresses.secondaries(), 1+mostAddresses.ipv4))
	}
	return e
}

func (s *Simulator) checkRegionLimit(more int) error {
	if len(s.interfaces.sorted)+more > s.quotas.InterfacesPerRegion {
		return fail("NetworkInterfaceLimitExceeded", "The maximum number of network interfaces (%d) has been reached.", s.quotas.InterfacesPerRegion)
	}
	return nil
}
