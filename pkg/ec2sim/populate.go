package ec2sim

import (
	"fmt"
	"maps"
	"net/netip"
	"time"
)

// populate builds what a world describes. The world has been validated; what only
// building can show (no address or slot left) is told by the field that asked for it.
func (s *Simulator) populate(w World) error {
	s.subnets, s.groups, s.vpcs = newTable[*subnet](), newTable[*securityGroup](), newTable[*vpc]()
	s.instances, s.interfaces = newTable[*instance](), newTable[*networkInterface]()
	for _, sn := range w.Subnets {
		prefix := netip.MustParsePrefix(sn.CIDR)
		s.subnets.add(&subnet{
			id: sn.ID, vpc: s.vpc(sn.VPC), zone: sn.Zone, zoneID: zoneIDOf(s.region, sn.Zone),
			cidr: prefix, tags: maps.Clone(sn.Tags), pool: newAddressPool(prefix),
		})
	}
	s.addGroups(w.SecurityGroups)
	s.reserve(w)
	now := s.now()
	for i, in := range w.Instances {
		if _, err := s.launch(in, now); err != nil {
			return &FieldError{Field: fmt.Sprintf("instances[%d]", i), Problem: err.Error()}
		}
	}
	for i, e := range w.Interfaces {
		if _, err := s.place(e, now); err != nil {
			return &FieldError{Field: fmt.Sprintf("interfaces[%d]", i), Problem: err.Error()}
		}
	}
	// What a world starts with has been there long enough for everybody to see.
	s.unsettled = newUnsettled()
	s.reserved = nil
	return nil
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

// worldImage is what instances run that nobody has launched with RunInstances.
const worldImage = "ami-0123456789abcdef0"

// launch makes an instance with its primary interface.
func (s *Simulator) launch(form Instance, now time.Time) (*instance, error) {
	sn, err := s.subnetByID(form.Subnet)
	if err != nil {
		return nil, err
	}
	t, ok := instanceTypes.byID[form.Type]
	if !ok {
		return nil, instanceTypeMissing(form.Type)
	}
	in := &instance{
		id: form.ID, owner: s.account, reservation: newID(s.rng, &idKind{prefix: "r-"}), typ: t, subnet: sn,
		state: orDefault(form.State, running), image: worldImage, tags: maps.Clone(form.Tags),
		launchedAt: now, slots: map[slot]*networkInterface{},
	}
	if in.id == "" {
		in.id = newID(s.rng, instanceID)
	}
	if _, taken := s.instances.byID[in.id]; taken {
		return nil, fail("InvalidParameterValue", "The instance ID '%s' is in use", in.id)
	}
	if in.state != terminated {
		if err := s.addPrimary(in, form, now); err != nil {
			return nil, err
		}
	}
	s.hideInstance(in)
	s.instances.add(in)
	s.scheduleStart(in, now)
	return in, nil
}

// scheduleStart lets an instance that starts in a passing state pass on.
func (s *Simulator) scheduleStart(in *instance, now time.Time) {
	next := map[string]*Distribution{pending: &s.latency.Start, stopping: &s.latency.Stop, shuttingDown: &s.latency.Terminate}[in.state]
	if next != nil {
		s.at(now.Add(next.draw(s.rng)), instanceMoves, in.id, in.turn)
	}
	if in.state == terminated {
		s.at(now.Add(terminatedLife), instanceFades, in.id, in.turn)
	}
}

func (s *Simulator) addPrimary(in *instance, form Instance, now time.Time) error {
	groups, err := s.groupsOf(in.subnet.vpc, form.SecurityGroups)
	if err != nil {
		return err
	}
	in.groups = groups
	e := &networkInterface{
		id: newID(s.rng, interfaceID), subnet: in.subnet, groups: groups, kind: "interface",
		mac: newMAC(s.rng), sourceDest: true, createdAt: now,
	}
	if err := s.assign(e, addressWish{primary: form.PrivateIP}); err != nil {
		return err
	}
	s.addInterface(e)
	s.plug(e, in, slot{}, now)
	status := attached
	if in.state == pending {
		status = attaching
	}
	s.setAttachment(e, func(a *attachment) { a.deleteOnTermination, a.status = true, status })
	return nil
}

// place makes an interface that somebody else has made, attached at once if it is to be.
func (s *Simulator) place(form Interface, now time.Time) (*networkInterface, error) {
	sn, err := s.subnetByID(form.Subnet)
	if err != nil {
		return nil, err
	}
	groups, err := s.groupsOf(sn.vpc, form.SecurityGroups)
	if err != nil {
		return nil, err
	}
	e := &networkInterface{
		id: form.ID, subnet: sn, groups: groups, kind: orDefault(form.Type, "interface"), description: form.Description,
		mac: newMAC(s.rng), sourceDest: true, createdAt: now, tags: maps.Clone(form.Tags),
	}
	if e.id == "" {
		e.id = newID(s.rng, interfaceID)
	}
	if _, taken := s.interfaces.byID[e.id]; taken {
		return nil, fail("InvalidParameterValue", "The interface ID '%s' is in use", e.id)
	}
	in, at, err := s.placeOf(e, form.Attachment)
	if err != nil {
		return nil, err
	}
	if err := s.assign(e, addressWish{primary: form.PrivateIP}); err != nil {
		return nil, err
	}
	s.addInterface(e)
	if in != nil {
		s.plug(e, in, at, now)
		s.setAttachment(e, func(a *attachment) { a.deleteOnTermination, a.status = form.Attachment.DeleteOnTermination, attached })
	}
	return e, nil
}

func (s *Simulator) placeOf(e *networkInterface, a *Attachment) (*instance, slot, error) {
	if a == nil {
		return nil, slot{}, nil
	}
	in, ok := s.instances.byID[a.Instance]
	if !ok {
		return nil, slot{}, instanceID.missing(a.Instance)
	}
	at := slot{a.CardIndex, a.DeviceIndex}
	return in, at, s.checkPlace(e, in, at, true)
}
