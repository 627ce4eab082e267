package ec2sim

import (
	"net/netip"
	"slices"
)

// planNICs makes every check of a launch's interfaces, in the order that the package
// promises, so that nothing is made of a launch that fails. The primary comes first.
func (s *Simulator) planNICs(f runForm) ([]nic, error) {
	forms := f.nics
	if len(forms) == 0 {
		forms = []nicForm{{createForm: createForm{subnet: f.subnet, groups: f.groups, kind: "interface", addresses: f.addresses}}}
	}
	out := make([]nic, 0, len(forms))
	for _, form := range forms {
		n, err := s.planNIC(form, f)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	for _, n := range out {
		if n.existing != nil {
			if err := managedBySomebody(n.existing); err != nil {
				return nil, err
			}
		}
	}
	slices.SortFunc(out, func(a, b nic) int { return a.at.compare(b.at) })
	if err := s.checkNICPlaces(out, f); err != nil {
		return nil, err
	}
	for _, n := range out {
		if n.existing != nil && n.existing.attachment != nil {
			return nil, fail("InvalidNetworkInterface.InUse", "Interface: [%s] in use.", n.existing.id)
		}
	}
	return out, s.checkNICLimits(out, f)
}

// planNIC finds all that one interface of a launch names.
func (s *Simulator) planNIC(form nicForm, f runForm) (nic, error) {
	n := nic{at: form.at, keep: form.keep, ena: form.ena}
	if form.existing != "" {
		var err error
		n.existing, err = s.interfaceByID(form.existing)
		return n, err
	}
	sn, err := s.subnetByID(form.subnet)
	if err != nil {
		return n, err
	}
	groups, err := s.groupsByID(form.groups)
	if len(groups) == 0 {
		groups = []*securityGroup{sn.vpc.standard}
	}
	n.spec = interfaceSpec{
		subnet: sn, groups: groups, description: form.description, kind: form.kind, tags: f.nicTags,
		tracking: form.tracking, addresses: form.addresses,
	}
	return n, err
}

// checkNICPlaces looks at zones and VPCs: all interfaces are where the primary is, and
// where the placement says.
func (s *Simulator) checkNICPlaces(nics []nic, f runForm) error {
	home := nics[0].subnetOf()
	if f.zone != "" && f.zone != home.zone || f.zoneID != "" && f.zoneID != home.zoneID {
		return fail("InvalidParameterValue", "The subnet '%s' is not in the availability zone of the placement", home.id)
	}
	like := &instance{typ: f.typ, subnet: home}
	for _, n := range nics {
		// A launch has a code of its own for this.
		// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
		if stray := strayGroup(n.subnetOf().vpc, n.spec.groups); stray != nil {
			return fail("InvalidParameter", "Security group %s and subnet %s belong to different networks.", stray.id, n.subnetOf().id)
		}
		e := n.existing
		if e == nil {
			e = &networkInterface{subnet: n.spec.subnet, kind: n.spec.kind, prefixes: make([]netip.Prefix, n.spec.addresses.blocks())}
		}
		if e.kind == efaOnly && n.at == (slot{}) {
			return fail("InvalidParameterCombination", "An EFA-only network interface cannot be the primary one")
		}
		if err := checkPlacement(e, like); err != nil {
			return err
		}
	}
	return nil
}

// checkNICLimits looks at what the type takes, and at the account's limits.
func (s *Simulator) checkNICLimits(nics []nic, f runForm) error {
	like := &instance{typ: f.typ, subnet: nics[0].subnetOf(), slots: map[slot]*networkInterface{}}
	for _, n := range nics {
		e := n.existing
		if e == nil {
			e = n.spec.sketch()
			if err := s.checkGroupLimit(len(n.spec.groups)); err != nil {
				return err
			}
		}
		if err := s.checkPlace(e, like, n.at, true); err != nil {
			return err
		}
		if err := n.ena.check(f.typ); err != nil {
			return err
		}
		like.slots[n.at] = e
	}
	if err := s.checkRegionLimit(f.min * newNICs(nics)); err != nil {
		return err
	}
	return checkTagLimit(max(len(f.tags), len(f.nicTags)))
}

// newNICs counts the interfaces that each instance of a launch makes.
func newNICs(nics []nic) int {
	n := 0
	for _, nic := range nics {
		if nic.existing == nil {
			n++
		}
	}
	return n
}

// roomFor is how many instances the Region's quota and the subnets have room for.
func (s *Simulator) roomFor(f runForm, nics []nic) (int, error) {
	n := f.max
	if each := newNICs(nics); each > 0 {
		n = min(n, (s.quotas.InterfacesPerRegion-len(s.interfaces.sorted))/each)
	}
	need := map[*subnet]int{}
	for _, nic := range nics {
		if nic.existing != nil || nic.spec.kind == efaOnly {
			continue
		}
		sn := nic.spec.subnet
		need[sn] += nic.spec.addresses.count()
		if need[sn] == 0 {
			continue
		}
		if room := sn.pool.available() / need[sn]; room < n {
			n = room
		}
		if n < f.min {
			return 0, s.subnetFull(sn, false)
		}
	}
	return n, nil
}

func runResources(s *Simulator, c *call) []resource {
	made := map[string]resource{
		"instance":          {arn: s.arn("instance", "*"), keys: map[string]string{"ec2:instancetype": c.form.get("InstanceType")}},
		"network-interface": {arn: s.arn("network-interface", "*")},
		"volume":            {arn: s.arn("volume", "*")},
	}
	subnets, groups := []string{c.form.get("SubnetId")}, s.groupsMeant(c.form.get("SubnetId"), c.form.texts("SecurityGroupId"))
	var out []resource
	for _, m := range c.form.members("NetworkInterface") {
		subnets, groups = append(subnets, m.get("SubnetId")), append(groups, s.groupsMeant(m.get("SubnetId"), m.texts("SecurityGroupId"))...)
		if id := m.get("NetworkInterfaceId"); id != "" {
			out = append(out, s.interfaceResource(id))
		}
	}
	for _, kind := range sortedKeysOf(made) {
		r := made[kind]
		if sn, ok := s.subnets.byID[subnets[len(subnets)-1]]; ok && kind == "network-interface" {
			r.keys = s.networkKeys(sn)
		}
		r.requestTags = requestTagsOf(c.form, kind)
		out = append(out, r)
		out = append(out, tagOnCreate(r, c)...)
	}
	out = append(out, resource{arn: "arn:aws:ec2:" + s.region + "::image/" + c.form.get("ImageId")})
	for _, id := range distinct(subnets) {
		out = append(out, s.subnetResource(id))
	}
	for _, id := range distinct(groups) {
		out = append(out, s.groupResource(id))
	}
	return out
}

// distinct are the values that are given, each once.
func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" })
}
