package ec2sim

import (
	"slices"
	"strconv"
)

func describeNetworkInterfaces(s *Simulator, c *call, w *xmlWriter) error {
	if err := s.checkUnpaged(c, "NetworkInterfaceId"); err != nil {
		return err
	}
	list := listing[*networkInterface]{
		table: s.interfaces, missing: interfaceID.missing, idParam: "NetworkInterfaceId",
		idFilter: "network-interface-id", filters: interfaceFilters, indexed: indexedInterfaceFilters, pages: usualPages,
		seen: s.seenInterface(c), unsettled: s.unsettledInterfaces(c),
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "networkInterfaceSet", found, w.networkInterface)
	w.nextToken(next)
	return nil
}

// checkUnpaged refuses, as EC2 does for big accounts, to describe everything at once.
func (s *Simulator) checkUnpaged(c *call, idParam string) error {
	if paged(c.form) || c.form.has("Filter") || c.form.has(idParam) || len(s.interfaces.sorted) <= s.quotas.UnpagedInterfaces {
		return nil
	}
	return fail("OperationNotPermitted", "The account has too many resources for a describe without pagination; use MaxResults.")
}

func (w *xmlWriter) networkInterface(e *networkInterface) {
	w.text("networkInterfaceId", e.id)
	w.text("subnetId", e.subnet.id)
	w.text("vpcId", e.subnet.vpc.id)
	w.text("availabilityZone", e.subnet.zone)
	w.text("availabilityZoneId", e.subnet.zoneID)
	w.interfaceBody(e)
	w.optional("requesterId", e.managedBy)
	w.boolean("requesterManaged", e.managedBy != "")
	if a := e.attachment; a != nil {
		w.in("attachment", func() {
			w.attachment(a)
			w.text("instanceId", a.instance.id)
			w.text("instanceOwnerId", a.instance.owner)
		})
	}
	w.tags(e.tags)
}

// interfaceBody is what an interface shows both by itself and inside an instance.
func (w *xmlWriter) interfaceBody(e *networkInterface) {
	region := e.subnet.vpc.region
	w.text("description", e.description)
	w.text("ownerId", e.subnet.vpc.owner)
	w.text("status", e.status())
	w.text("macAddress", e.mac)
	w.addr("privateIpAddress", e.addresses[0])
	w.dns("privateDnsName", region, e.addresses[0])
	w.boolean("sourceDestCheck", e.sourceDest)
	w.text("interfaceType", e.kind)
	set(w, "groupSet", e.groups, w.group)
	w.open("privateIpAddressesSet")
	for i, a := range e.addresses {
		w.open("item")
		w.addr("privateIpAddress", a)
		w.dns("privateDnsName", region, a)
		w.boolean("primary", i == 0)
		w.close("item")
	}
	w.close("privateIpAddressesSet")
	set(w, "ipv6AddressesSet", []string(nil), w.raw)
	if len(e.prefixes) > 0 {
		w.open("ipv4PrefixSet")
		for _, p := range e.prefixes {
			w.in("item", func() { w.text("ipv4Prefix", p.String()) })
		}
		w.close("ipv4PrefixSet")
	}
	w.tracking(e.tracking)
	w.in("operator", func() { w.boolean("managed", e.managedBy != "") })
}

func (w *xmlWriter) tracking(t tracking) {
	if t == (tracking{}) {
		return
	}
	w.in("connectionTrackingConfiguration", func() {
		for _, f := range []struct {
			name string
			v    int
		}{{"tcpEstablishedTimeout", t.tcpEstablished}, {"udpStreamTimeout", t.udpStream}, {"udpTimeout", t.udp}} {
			if f.v != 0 {
				w.number(f.name, f.v)
			}
		}
	})
}

// attachment is what an attachment shows in both places; only an interface by itself
// also names the instance.
func (w *xmlWriter) attachment(a *attachment) {
	w.text("attachmentId", a.id)
	w.number("deviceIndex", a.device)
	w.number("networkCardIndex", a.card)
	w.text("status", a.status)
	w.instant("attachTime", a.at)
	w.boolean("deleteOnTermination", a.deleteOnTermination)
}

func (w *xmlWriter) group(g *securityGroup) {
	w.text("groupId", g.id)
	w.text("groupName", g.name)
}

func (w *xmlWriter) tags(tags map[string]string) {
	w.open("tagSet")
	w.keys = w.keys[:0]
	for key := range tags {
		w.keys = append(w.keys, key)
	}
	slices.Sort(w.keys)
	for _, key := range w.keys {
		w.open("item")
		w.text("key", key)
		w.text("value", tags[key])
		w.close("item")
	}
	w.close("tagSet")
}

var subnetFilters = silent(filterSet[*subnet]{
	"availability-zone":    one(func(n *subnet) string { return n.zone }),
	"availability-zone-id": one(func(n *subnet) string { return n.zoneID }),
	"available-ip-address-count": one(func(n *subnet) string {
		return strconv.Itoa(n.pool.available())
	}),
	"cidr-block":     one(func(n *subnet) string { return n.cidr.String() }),
	"default-for-az": one(func(*subnet) string { return "false" }),
	"owner-id":       one(func(n *subnet) string { return n.vpc.owner }),
	"state":          one(func(*subnet) string { return "available" }),
	"subnet-id":      one(func(n *subnet) string { return n.id }),
	"subnet-arn":     one((*subnet).arn),
	"vpc-id":         one(func(n *subnet) string { return n.vpc.id }),
}, "ipv6-cidr-block-association.ipv6-cidr-block", "ipv6-cidr-block-association.association-id", "outpost-arn")

func (s *subnet) arn() string {
	return "arn:aws:ec2:" + s.vpc.region + ":" + s.vpc.owner + ":subnet/" + s.id
}

func describeSubnets(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*subnet]{
		table: s.subnets, missing: subnetID.missing, idParam: "SubnetId", idFilter: "subnet-id",
		filters: subnetFilters, indexed: noIndex, pages: usualPages,
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "subnetSet", found, func(n *subnet) {
		w.text("subnetId", n.id)
		w.text("subnetArn", n.arn())
		w.text("state", "available")
		w.text("vpcId", n.vpc.id)
		w.text("cidrBlock", n.cidr.String())
		w.number("availableIpAddressCount", n.pool.available())
		w.text("availabilityZone", n.zone)
		w.text("availabilityZoneId", n.zoneID)
		w.text("ownerId", n.vpc.owner)
		w.boolean("defaultForAz", false)
		w.boolean("mapPublicIpOnLaunch", false)
		w.boolean("assignIpv6AddressOnCreation", false)
		w.tags(n.tags)
	})
	w.nextToken(next)
	return nil
}

var groupFilters = silent(filterSet[*securityGroup]{
	"description": one(func(g *securityGroup) string { return g.description }),
	"group-id":    one(func(g *securityGroup) string { return g.id }),
	"group-name":  one(func(g *securityGroup) string { return g.name }),
	"owner-id":    one(func(g *securityGroup) string { return g.vpc.owner }),
	"vpc-id":      one(func(g *securityGroup) string { return g.vpc.id }),
}, "ip-permission.cidr", "ip-permission.from-port", "ip-permission.group-id", "ip-permission.protocol", "ip-permission.to-port",
	"egress.ip-permission.cidr", "egress.ip-permission.group-id", "egress.ip-permission.protocol")

func describeSecurityGroups(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*securityGroup]{
		table: s.groups, missing: groupID.missing, idParam: "GroupId", idFilter: "group-id",
		filters: groupFilters, indexed: noIndex, pages: usualPages,
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
		w.tags(g.tags)
	})
	w.nextToken(next)
	return nil
}

var vpcFilters = silent(filterSet[*vpc]{
	"owner-id": one(func(v *vpc) string { return v.owner }),
	"state":    one(func(*vpc) string { return "available" }),
	"vpc-id":   one(func(v *vpc) string { return v.id }),
}, "cidr", "cidr-block-association.cidr-block", "dhcp-options-id", "is-default")

func describeVpcs(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*vpc]{
		table: s.vpcs, missing: vpcID.missing, idParam: "VpcId", idFilter: "vpc-id",
		filters: vpcFilters, indexed: noIndex, pages: usualPages,
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "vpcSet", found, func(v *vpc) {
		w.text("vpcId", v.id)
		w.text("state", "available")
		w.text("ownerId", v.owner)
		w.boolean("isDefault", false)
		w.tags(v.tags)
	})
	w.nextToken(next)
	return nil
}
