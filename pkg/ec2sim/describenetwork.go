package ec2sim

import (
	"net/netip"
	"strconv"
	"strings"
)

var subnetFilters = silent(filterSet[*subnet]{
	// Some have a second name.
	"availability-zone":    one(func(n *subnet) string { return n.zone }),
	"availabilityZone":     one(func(n *subnet) string { return n.zone }),
	"availability-zone-id": one(func(n *subnet) string { return n.zoneID }),
	"availabilityZoneId":   one(func(n *subnet) string { return n.zoneID }),
	"cidr":                 one(func(n *subnet) string { return n.cidr.String() }),
	"cidrBlock":            one(func(n *subnet) string { return n.cidr.String() }),
	"defaultForAz":         always[*subnet]("false"),
	"available-ip-address-count": one(func(n *subnet) string {
		return strconv.Itoa(n.available())
	}),
	"cidr-block":                      one(func(n *subnet) string { return n.cidr.String() }),
	"default-for-az":                  always[*subnet]("false"),
	"enable-dns64":                    always[*subnet]("false"),
	"map-public-ip-on-launch":         always[*subnet]("false"),
	"map-customer-owned-ip-on-launch": always[*subnet]("false"),
	"ipv6-native":                     always[*subnet]("false"),
	"ipv6-cidr-block-association.ipv6-cidr-block": oneIf((*subnet).ipv6),
	"ipv6-cidr-block-association.association-id":  oneIf((*subnet).ipv6Association),
	"ipv6-cidr-block-association.state": oneIf(func(n *subnet) string {
		if n.ipv6() == "" {
			return ""
		}
		return "associated"
	}),
	"owner-id":   one(func(n *subnet) string { return n.vpc.owner }),
	"state":      always[*subnet](available),
	"subnet-id":  one(func(n *subnet) string { return n.id }),
	"subnet-arn": one((*subnet).arn),
	"vpc-id":     one(func(n *subnet) string { return n.vpc.id }),
	"private-dns-name-options-on-launch.enable-resource-name-dns-a-record":    always[*subnet]("false"),
	"private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record": always[*subnet]("false"),
	"private-dns-name-options-on-launch.hostname-type":                        always[*subnet](hostnameType),
}, "customer-owned-ipv4-pool", "enable-lni-at-device-index", "outpost-arn")

// always makes the answer of a filter that all records answer alike.
func always[T any](v string) func(T, func(string) bool) bool {
	return func(_ T, yield func(string) bool) bool { return yield(v) }
}

func (s *subnet) arn() string {
	return "arn:aws:ec2:" + s.vpc.region + ":" + s.vpc.owner + ":subnet/" + s.id
}

func (s *subnet) ipv6() string {
	if !s.cidr6.IsValid() {
		return ""
	}
	return s.cidr6.String()
}

func (s *subnet) ipv6Association() string {
	if !s.cidr6.IsValid() {
		return ""
	}
	return "subnet-cidr-assoc-" + strings.TrimPrefix(s.id, subnetID.prefix)
}

func describeSubnets(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*subnet]{
		table: s.subnets, missing: subnetID.missing, idParam: "SubnetId", idFilter: "subnet-id",
		filters: subnetFilters, indexed: noIndex, pages: usualPages, seen: lagged(s, c, s.unsettled.subnets, (*subnet).recordID),
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "subnetSet", found, w.subnet)
	w.nextToken(next)
	return nil
}

func (w *xmlWriter) subnet(n *subnet) {
	w.text("subnetId", n.id)
	w.text("subnetArn", n.arn())
	w.text("state", available)
	w.text("vpcId", n.vpc.id)
	w.text("cidrBlock", n.cidr.String())
	w.number("availableIpAddressCount", n.available())
	w.text("availabilityZone", n.zone)
	w.text("availabilityZoneId", n.zoneID)
	w.text("ownerId", n.vpc.owner)
	w.boolean("defaultForAz", false)
	w.boolean("mapPublicIpOnLaunch", false)
	w.boolean("assignIpv6AddressOnCreation", false)
	w.boolean("enableDns64", false)
	w.boolean("ipv6Native", false)
	w.open("ipv6CidrBlockAssociationSet")
	if block := n.ipv6(); block != "" {
		w.in("item", func() {
			w.text("associationId", n.ipv6Association())
			w.text("ipv6CidrBlock", block)
			w.in("ipv6CidrBlockState", func() { w.text("state", "associated") })
		})
	}
	w.close("ipv6CidrBlockAssociationSet")
	w.boolean("mapCustomerOwnedIpOnLaunch", false)
	w.in("privateDnsNameOptionsOnLaunch", w.hostnames)
	w.someTags(n.tags)
}

// hostnames are how instances are named where nobody has chosen otherwise.
func (w *xmlWriter) hostnames() {
	w.text("hostnameType", hostnameType)
	w.boolean("enableResourceNameDnsARecord", false)
	w.boolean("enableResourceNameDnsAAAARecord", false)
}

const hostnameType = "ip-name"

var groupFilters = silent(filterSet[*securityGroup]{
	"description": one(func(g *securityGroup) string { return g.description }),
	"group-id":    one(func(g *securityGroup) string { return g.id }),
	"group-name":  one(func(g *securityGroup) string { return g.name }),
	"owner-id":    one(func(g *securityGroup) string { return g.vpc.owner }),
	"vpc-id":      one(func(g *securityGroup) string { return g.vpc.id }),
}, "ip-permission.cidr", "ip-permission.from-port", "ip-permission.group-id", "ip-permission.group-name", "ip-permission.ipv6-cidr",
	"ip-permission.prefix-list-id", "ip-permission.protocol", "ip-permission.to-port", "ip-permission.user-id",
	"egress.ip-permission.cidr", "egress.ip-permission.from-port", "egress.ip-permission.group-id", "egress.ip-permission.group-name",
	"egress.ip-permission.ipv6-cidr", "egress.ip-permission.prefix-list-id", "egress.ip-permission.protocol",
	"egress.ip-permission.to-port", "egress.ip-permission.user-id")

func describeSecurityGroups(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*securityGroup]{
		table: s.groups, missing: groupID.missing, idParam: "GroupId", idFilter: "group-id",
		filters: groupFilters, indexed: noIndex, pages: usualPages, seen: lagged(s, c, s.unsettled.groups, (*securityGroup).recordID),
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "securityGroupInfo", found, func(g *securityGroup) {
		w.group(g)
		w.text("groupDescription", g.description)
		w.text("vpcId", g.vpc.id)
		w.text("ownerId", g.vpc.owner)
		// Rules are not simulated: a group shows none, not even the one that EC2 gives it.
		set(w, "ipPermissions", nil, w.raw)
		set(w, "ipPermissionsEgress", nil, w.raw)
		w.someTags(g.tags)
	})
	w.nextToken(next)
	return nil
}

var vpcFilters = silent(filterSet[*vpc]{
	"cidr": oneIf((*vpc).cidr),
	"cidr-block-association.cidr-block": func(v *vpc, yield func(string) bool) bool {
		return anyOf(v.blocks, netip.Prefix.String, yield)
	},
	"cidr-block-association.association-id": func(v *vpc, yield func(string) bool) bool {
		return anyOf(v.blocks, v.association, yield)
	},
	"cidr-block-association.state": oneIf(func(v *vpc) string {
		if len(v.blocks) == 0 {
			return ""
		}
		return "associated"
	}),
	"dhcp-options-id": always[*vpc](dhcpOptions),
	"is-default":      always[*vpc]("false"),
	"owner-id":        one(func(v *vpc) string { return v.owner }),
	"state":           always[*vpc](available),
	"vpc-id":          one(func(v *vpc) string { return v.id }),
}, "ipv6-cidr-block-association.association-id", "ipv6-cidr-block-association.ipv6-cidr-block",
	"ipv6-cidr-block-association.ipv6-pool", "ipv6-cidr-block-association.state")

// dhcpOptions are what every VPC shows; nothing depends on them.
const dhcpOptions = "dopt-0123456789abcdef0"

// anyOf yields the texts of a record's several values.
func anyOf[T any](list []T, text func(T) string, yield func(string) bool) bool {
	for _, v := range list {
		if yield(text(v)) {
			return true
		}
	}
	return false
}

func (v *vpc) cidr() string {
	if len(v.blocks) == 0 {
		return ""
	}
	return v.blocks[0].String()
}

func (v *vpc) association(p netip.Prefix) string {
	for i, block := range v.blocks {
		if block == p {
			return "vpc-cidr-assoc-" + strings.TrimPrefix(v.id, vpcID.prefix) + strconv.Itoa(i)
		}
	}
	return ""
}

// cover makes the VPC's blocks from those of its subnets: the smallest that hold them,
// of at least a /16 each, as a VPC's must be.
func (v *vpc) cover(subnet netip.Prefix) {
	for i, block := range v.blocks {
		bits := block.Bits()
		for bits > 16 && !netip.PrefixFrom(block.Addr(), bits).Masked().Contains(subnet.Addr()) {
			bits--
		}
		if wider := netip.PrefixFrom(block.Addr(), min(bits, subnet.Bits())).Masked(); wider.Contains(subnet.Addr()) {
			v.blocks[i] = wider
			return
		}
	}
	v.blocks = append(v.blocks, subnet)
}

func describeVpcs(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*vpc]{
		table: s.vpcs, missing: vpcID.missing, idParam: "VpcId", idFilter: "vpc-id",
		filters: vpcFilters, indexed: noIndex, pages: usualPages, seen: lagged(s, c, s.unsettled.vpcs, (*vpc).recordID),
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "vpcSet", found, w.vpc)
	w.nextToken(next)
	return nil
}

func (w *xmlWriter) vpc(v *vpc) {
	w.text("vpcId", v.id)
	w.text("state", available)
	w.text("ownerId", v.owner)
	w.optional("cidrBlock", v.cidr())
	set(w, "cidrBlockAssociationSet", v.blocks, func(p netip.Prefix) {
		w.text("associationId", v.association(p))
		w.text("cidrBlock", p.String())
		w.in("cidrBlockState", func() { w.text("state", "associated") })
	})
	w.text("dhcpOptionsId", dhcpOptions)
	w.text("instanceTenancy", "default")
	w.boolean("isDefault", false)
	w.someTags(v.tags)
}

// zone is an availability zone, which exists because a subnet is in it.
type zone struct{ name, id, region string }

func (z *zone) recordID() string          { return z.name }
func (z *zone) facts() []indexKey         { return nil }
func (z *zone) tagMap() map[string]string { return nil }

func (z *zone) group() string { return z.region + "-zg-1" }

var zoneFilters = silent(filterSet[*zone]{
	"group-name":    one((*zone).group),
	"opt-in-status": always[*zone]("opt-in-not-required"),
	"region-name":   one(func(z *zone) string { return z.region }),
	"state":         always[*zone](available),
	"zone-id":       one(func(z *zone) string { return z.id }),
	"zone-name":     one(func(z *zone) string { return z.name }),
	"zone-type":     always[*zone]("availability-zone"),
}, "group-long-name", "message", "parent-zone-id", "parent-zone-name")

func zoneMissing(names ...string) error {
	return fail("InvalidParameterValue", "Invalid availability zone: [%s]", strings.Join(names, ", "))
}

func describeAvailabilityZones(s *Simulator, c *call, w *xmlWriter) error {
	zones := newTable[*zone]()
	names := map[string]string{}
	for _, n := range s.subnets.sorted {
		zones.add(&zone{n.zone, n.zoneID, s.region})
		names[n.zoneID] = n.zone
	}
	wanted := c.form.texts("ZoneName")
	for _, id := range c.form.texts("ZoneId") {
		name, ok := names[id]
		if !ok {
			return zoneMissing(id)
		}
		wanted = append(wanted, name)
	}
	list := listing[*zone]{table: zones, missing: zoneMissing, filters: zoneFilters, pages: usualPages}
	if len(wanted) == 0 {
		for _, z := range zones.sorted {
			wanted = append(wanted, z.name)
		}
	}
	found, err := list.byIDs(wanted, c.filters)
	if err != nil {
		return err
	}
	set(w, "availabilityZoneInfo", found, func(z *zone) {
		w.text("zoneName", z.name)
		w.text("zoneId", z.id)
		w.text("zoneState", available)
		w.text("zoneType", "availability-zone")
		w.text("regionName", z.region)
		w.text("groupName", z.group())
		w.text("networkBorderGroup", z.region)
		w.text("optInStatus", "opt-in-not-required")
		set(w, "messageSet", nil, w.raw)
	})
	return nil
}
