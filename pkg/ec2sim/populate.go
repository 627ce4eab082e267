package ec2sim

import (
	"fmt"
	"maps"
	"net/netip"
)

// populate builds what a world describes. The world has been validated; what only
// building can show (no address or slot left) is told by the field that asked for it.
func (s *Simulator) populate(w World) error {
	s.subnets, s.groups, s.vpcs = newTable[*subnet](), newTable[*securityGroup](), newTable[*vpc]()
	s.instances, s.interfaces = newTable[*instance](), newTable[*networkInterface]()
	for _, form := range w.Subnets {
		n := s.newSubnet(form)
		n.vpc.cover(n.cidr)
		s.subnets.add(n)
	}
	s.addGroups(w.SecurityGroups)
	s.reserve(w)
	now := s.now()
	s.when = now
	for i, in := range w.Instances {
		if _, err := s.launchWorlds(in, now); err != nil {
			return &FieldError{Field: fmt.Sprintf("instances[%d]", i), Problem: err.Error()}
		}
	}
	for i, e := range w.Interfaces {
		if _, err := s.place(e); err != nil {
			return &FieldError{Field: fmt.Sprintf("interfaces[%d]", i), Problem: err.Error()}
		}
	}
	// What a world starts with has been there long enough for everybody to see.
	s.unsettled = newUnsettled()
	s.reserved = nil
	return nil
}

// newSubnet makes a subnet with all its addresses free.
func (s *Simulator) newSubnet(form Subnet) *subnet {
	prefix := netip.MustParsePrefix(form.CIDR)
	n := &subnet{
		id: form.ID, vpc: s.vpc(form.VPC), zone: form.Zone, zoneID: zoneIDOf(s.region, form.Zone),
		cidr: prefix, tags: maps.Clone(form.Tags), pool: newAddressPool(prefix),
	}
	if form.IPv6CIDR != "" {
		n.cidr6 = netip.MustParsePrefix(form.IPv6CIDR)
		n.pool6 = newAddressPool6(n.cidr6)
	}
	return n
}

// reserve notes the addresses that the world names, so that none of them is drawn for
// somebody else before its owner is made.
func (s *Simulator) reserve(w World) {
	s.reserved = map[netip.Addr]bool{}
	for _, in := range w.Instances {
		if a, err := netip.ParseAddr(in.PrivateIP); err == nil {
			s.reserved[a] = true
		}
	}
	for _, e := range w.Interfaces {
		if a, err := netip.ParseAddr(e.PrivateIP); err == nil {
			s.reserved[a] = true
		}
	}
}

// addGroups also makes each VPC's default group where the world has none.
func (s *Simulator) addGroups(list []SecurityGroup) {
	for _, g := range list {
		sg := &securityGroup{id: g.ID, name: g.Name, description: orDefault(g.Description, g.Name), vpc: s.vpc(g.VPC), tags: maps.Clone(g.Tags)}
		if g.Name == "default" {
			sg.vpc.standard = sg
		}
		s.groups.add(sg)
	}
	for _, v := range s.vpcs.sorted {
		if v.standard == nil {
			v.standard = &securityGroup{id: newID(s.rng, groupID), name: "default", description: "default VPC security group", vpc: v}
			s.groups.add(v.standard)
		}
	}
}

// place makes an interface that somebody else has made, attached at once if it is to be.
func (s *Simulator) place(form Interface) (*networkInterface, error) {
	sn, err := s.subnetByID(form.Subnet)
	if err != nil {
		return nil, err
	}
	addresses, err := addressWish{primary: form.PrivateIP, six: wish6{named: form.IPv6}}.of(form.Type)
	if err != nil {
		return nil, err
	}
	spec := interfaceSpec{
		id: form.ID, subnet: sn, kind: orDefault(form.Type, "interface"), description: form.Description,
		tags: maps.Clone(form.Tags), addresses: addresses,
		requester: form.Requester, operator: form.Operator,
	}
	if spec.groups, err = s.groupsOf(sn.vpc, form.SecurityGroups); err != nil {
		return nil, err
	}
	if err := s.checkGroupLimit(len(spec.groups)); err != nil {
		return nil, err
	}
	if _, taken := s.interfaces.byID[form.ID]; taken {
		return nil, fail("InvalidParameterValue", "The interface ID '%s' is in use", form.ID)
	}
	e, err := s.makeInterface(spec)
	if err != nil {
		return nil, err
	}
	if form.Attachment != nil {
		if err := s.placeAt(e, *form.Attachment); err != nil {
			e.giveBack()
			return nil, err
		}
	}
	s.addInterface(e)
	return e, nil
}

// placeAt attaches an interface without any latency, where EC2 would attach it too.
func (s *Simulator) placeAt(e *networkInterface, form Attachment) error {
	in, ok := s.instances.byID[form.Instance]
	if !ok {
		return instanceID.missing(form.Instance)
	}
	if err := checkPlacement(e, in); err != nil {
		return err
	}
	if in.state == terminated {
		return notRunning(in)
	}
	at := slot{form.CardIndex, form.DeviceIndex}
	if err := s.checkPlace(e, in, at, true); err != nil {
		return err
	}
	s.plug(e, in, attachment{card: at.card, device: at.device, status: attached, deleteOnTermination: form.DeleteOnTermination})
	return nil
}
