package ec2sim

import (
	"net/netip"
	"slices"
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
	w.optional("requesterId", e.requester)
	w.boolean("requesterManaged", e.requester != "")
	w.boolean("denyAllIgwTraffic", false)
	if len(e.six) > 0 {
		w.addr("ipv6Address", e.six[0])
	}
	if len(e.associated) > 0 {
		set(w, "associatedSubnetSet", e.associated, w.raw)
	}
	if a := e.attachment; a != nil {
		w.in("attachment", func() { w.wholeAttachment(a) })
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
	if len(e.addresses) > 0 {
		w.addr("privateIpAddress", e.addresses[0])
		w.dns("privateDnsName", region, e.addresses[0])
	}
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
	w.ipv6(e)
	if len(e.prefixes) > 0 {
		set(w, "ipv4PrefixSet", e.prefixes, func(p netip.Prefix) { w.text("ipv4Prefix", p.String()) })
	}
	w.tracking(e.tracking)
	w.in("operator", func() {
		w.boolean("managed", e.operator != "")
		w.optional("principal", e.operator)
	})
}

func (w *xmlWriter) ipv6(e *networkInterface) {
	w.open("ipv6AddressesSet")
	for i, a := range e.six {
		w.open("item")
		w.addr("ipv6Address", a)
		w.boolean("isPrimaryIpv6", e.primary6 && i == 0)
		w.close("item")
	}
	w.close("ipv6AddressesSet")
	if len(e.prefixes6) > 0 {
		set(w, "ipv6PrefixSet", e.prefixes6, func(p netip.Prefix) { w.text("ipv6Prefix", p.String()) })
	}
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
	w.ena(a.ena)
}

func (w *xmlWriter) wholeAttachment(a *attachment) {
	w.attachment(a)
	w.text("instanceId", a.instance.id)
	w.text("instanceOwnerId", a.instance.owner)
}

func (w *xmlWriter) group(g *securityGroup) {
	w.text("groupId", g.id)
	w.text("groupName", g.name)
}

// someTags leaves the set out where there are no tags, as EC2 does for everything but
// interfaces.
func (w *xmlWriter) someTags(tags map[string]string) {
	if len(tags) > 0 {
		w.tags(tags)
	}
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
