package ec2sim

import (
	"net/netip"
	"slices"
	"strconv"
	"time"
)

// States of a network interface and of its attachment. While an attachment comes or
// goes the interface itself is in-use: available and in-use are the two values that
// the status filter documents.
const (
	available = "available"
	inUse     = "in-use"

	attaching = "attaching"
	attached  = "attached"
	detaching = "detaching"
)

// networkInterface is one interface. Its slices and its map are never changed in
// place, only replaced, so that a shallow copy is a true picture of the past.
type networkInterface struct {
	id          string
	subnet      *subnet
	groups      []*securityGroup
	description string
	kind        string
	mac         string
	addresses   []netip.Addr // the primary first; none on EFA-only ones
	prefixes    []netip.Prefix
	six         []netip.Addr // the primary first, where there is one
	prefixes6   []netip.Prefix
	// primary6 tells that the first IPv6 address is primary.
	primary6   bool
	sourceDest bool
	tags       map[string]string
	attachment *attachment
	tracking   tracking
	// public is a wish only: there are no public addresses.
	public bool
	// associated are the IDs of further subnets.
	associated []string
	// requester is the AWS service that has made the interface, and operator the one that
	// runs it, for those that are not their account's own.
	requester, operator string
	clientToken         string
	// fresh marks the picture that a create answers with.
	fresh     bool
	deleted   bool
	createdAt time.Time
}

// attachment is an interface's place in an instance. It too is replaced, never changed.
type attachment struct {
	id                  string
	instance            *instance
	card, device        int
	status              string
	deleteOnTermination bool
	// launched marks an attachment that came with its instance's launch, and is complete
	// when the launch is.
	launched bool
	ena      enaOptions
	at       time.Time
}

func (a *attachment) slot() slot { return slot{a.card, a.device} }

// tracking are idle timeouts in seconds; 0 is EC2's default.
type tracking struct{ tcpEstablished, udpStream, udp int }

func (e *networkInterface) recordID() string          { return e.id }
func (e *networkInterface) tagMap() map[string]string { return e.tags }

// secondary are the IPv4 addresses but the first.
func (e *networkInterface) secondary() []netip.Addr { return e.addresses[min(1, len(e.addresses)):] }

// privateIP and dnsName are empty for an interface without addresses.
func (e *networkInterface) privateIP() string {
	if len(e.addresses) == 0 {
		return ""
	}
	return e.addresses[0].String()
}

func (e *networkInterface) dnsName() string {
	if len(e.addresses) == 0 {
		return ""
	}
	return string(appendPrivateDNS(nil, e.subnet.vpc.region, e.addresses[0]))
}

func (e *networkInterface) status() string {
	switch a := e.attachment; {
	case e.fresh:
		return pending
	case a == nil:
		return available
	case e.subnet.vpc.transitional && a.status != attached:
		return a.status
	}
	return inUse
}

// managed tells whether it is AWS's to change, not the account's.
func (e *networkInterface) managed() bool { return e.requester != "" || e.operator != "" }

func managedBySomebody(e *networkInterface) error {
	if e.managed() {
		return fail("AuthFailure", "You do not have permission to access the specified resource.")
	}
	return nil
}

// hidden are the resources of AWS services, unless the caller asks for them or the
// account shows them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaces.html
func (s *Simulator) hidden(e *networkInterface, c *call) bool {
	return e.operator != "" && s.variants.ManagedResources == "hidden" && !c.form.boolean("IncludeManagedResources")
}

// indexedInterfaceFilters are those that facts answers.
func indexedInterfaceFilters(name string) bool {
	switch name {
	case "attachment.instance-id", "attachment.attachment-id", "attachment.status", "status", "subnet-id",
		"vpc-id", "availability-zone", "group-id", "private-ip-address", "mac-address":
		return true
	}
	return isTagFilter(name)
}

func (e *networkInterface) facts() []indexKey {
	out := make([]indexKey, 0, 12+2*len(e.tags))
	out = append(out,
		indexKey{"status", e.status()},
		indexKey{"subnet-id", e.subnet.id},
		indexKey{"vpc-id", e.subnet.vpc.id},
		indexKey{"availability-zone", e.subnet.zone},
		indexKey{"mac-address", e.mac})
	for _, a := range e.addresses {
		out = append(out, indexKey{"private-ip-address", a.String()})
	}
	for _, g := range e.groups {
		out = append(out, indexKey{"group-id", g.id})
	}
	for k, v := range e.tags {
		out = append(out, indexKey{"tag-key", k}, indexKey{"tag:" + k, v})
	}
	if a := e.attachment; a != nil {
		out = append(out,
			indexKey{"attachment.instance-id", a.instance.id},
			indexKey{"attachment.attachment-id", a.id},
			indexKey{"attachment.status", a.status})
	}
	return out
}

// change is the one way to alter an interface: it keeps the picture that lagging
// readers still see, and the indexes.
func (s *Simulator) change(e *networkInterface, alter func()) {
	s.keepInterface(e)
	before := e.facts()
	alter()
	s.interfaces.reindex(e, before)
}

// addInterface puts a new interface into the world; its addresses are taken already.
func (s *Simulator) addInterface(e *networkInterface) {
	s.hideInterface(e)
	s.interfaces.add(e)
}

// removeInterface takes an interface out of the world and gives its addresses back.
func (s *Simulator) removeInterface(e *networkInterface) {
	s.keepSubnet(e.subnet)
	s.keepInterface(e)
	s.interfaces.remove(e)
	e.deleted = true
	e.giveBack()
}

func (s *Simulator) interfaceByID(id string) (*networkInterface, error) {
	if e, ok := s.interfaces.byID[id]; ok && !unseen(s, s.unsettled.interfaces.byID[id]) {
		return e, nil
	}
	return nil, interfaceID.missing(id)
}

var interfaceFilters = silent(filterSet[*networkInterface]{
	"addresses.primary": func(e *networkInterface, yield func(string) bool) bool {
		return len(e.addresses) > 0 && yield("true") || len(e.addresses) > 1 && yield("false")
	},
	"addresses.private-ip-address": eachAddress,
	"attachment.attach-time":       ofAttachment(func(a *attachment) string { return instantText(a.at) }),
	"attachment.attachment-id":     ofAttachment(func(a *attachment) string { return a.id }),
	"attachment.delete-on-termination": ofAttachment(func(a *attachment) string {
		return strconv.FormatBool(a.deleteOnTermination)
	}),
	"attachment.device-index":       ofAttachment(func(a *attachment) string { return strconv.Itoa(a.device) }),
	"attachment.network-card-index": ofAttachment(func(a *attachment) string { return strconv.Itoa(a.card) }),
	"attachment.instance-id":        ofAttachment(func(a *attachment) string { return a.instance.id }),
	"attachment.instance-owner-id":  ofAttachment(func(a *attachment) string { return a.instance.owner }),
	"attachment.status":             ofAttachment(func(a *attachment) string { return a.status }),
	"availability-zone":             one(func(e *networkInterface) string { return e.subnet.zone }),
	"availability-zone-id":          one(func(e *networkInterface) string { return e.subnet.zoneID }),
	"description":                   one(func(e *networkInterface) string { return e.description }),
	"group-id":                      eachGroup(func(g *securityGroup) string { return g.id }),
	"group-name":                    eachGroup(func(g *securityGroup) string { return g.name }),
	"interface-type":                one(func(e *networkInterface) string { return e.kind }),
	"mac-address":                   one(func(e *networkInterface) string { return e.mac }),
	"ipv6-addresses.ipv6-address":   eachAddress6,
	"network-interface-id":          one(func(e *networkInterface) string { return e.id }),
	"operator.managed":              one(func(e *networkInterface) string { return strconv.FormatBool(e.operator != "") }),
	"operator.principal":            oneIf(func(e *networkInterface) string { return e.operator }),
	"owner-id":                      one(func(e *networkInterface) string { return e.subnet.vpc.owner }),
	"private-dns-name":              oneIf((*networkInterface).dnsName),
	"private-ip-address":            eachAddress,
	"requester-id":                  oneIf(func(e *networkInterface) string { return e.requester }),
	"requester-managed":             one(func(e *networkInterface) string { return strconv.FormatBool(e.requester != "") }),
	"source-dest-check":             one(func(e *networkInterface) string { return strconv.FormatBool(e.sourceDest) }),
	"status":                        one(func(e *networkInterface) string { return e.status() }),
	"subnet-id":                     one(func(e *networkInterface) string { return e.subnet.id }),
	"vpc-id":                        one(func(e *networkInterface) string { return e.subnet.vpc.id }),
}, "association.allocation-id", "association.association-id", "association.ip-owner-id", "association.public-ip",
	"association.public-dns-name", "addresses.association.owner-id", "addresses.association.public-ip",
	"association.carrier-ip", "association.customer-owned-ip", "addresses.association.carrier-ip")

func ofAttachment(get func(*attachment) string) func(*networkInterface, func(string) bool) bool {
	return func(e *networkInterface, yield func(string) bool) bool {
		return e.attachment != nil && yield(get(e.attachment))
	}
}

func eachGroup(get func(*securityGroup) string) func(*networkInterface, func(string) bool) bool {
	return func(e *networkInterface, yield func(string) bool) bool {
		for _, g := range e.groups {
			if yield(get(g)) {
				return true
			}
		}
		return false
	}
}

func eachAddress6(e *networkInterface, yield func(string) bool) bool {
	return slices.ContainsFunc(e.six, func(a netip.Addr) bool { return yield(a.String()) })
}

func eachAddress(e *networkInterface, yield func(string) bool) bool {
	for _, a := range e.addresses {
		if yield(a.String()) {
			return true
		}
	}
	return false
}
