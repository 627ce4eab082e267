package ec2sim

import "strconv"

var instanceFilters = silent(filterSet[*instance]{
	"availability-zone-id":                   one(func(in *instance) string { return in.subnet.zoneID }),
	"availability-zone":                      one(func(in *instance) string { return in.subnet.zone }),
	"image-id":                               one(func(in *instance) string { return in.image }),
	"instance-id":                            one(func(in *instance) string { return in.id }),
	"instance-state-code":                    one(func(in *instance) string { return strconv.Itoa(stateCodes[in.state]) }),
	"instance-state-name":                    one(func(in *instance) string { return in.state }),
	"instance-type":                          one(func(in *instance) string { return in.typ.name }),
	"owner-id":                               one(func(in *instance) string { return in.owner }),
	"private-dns-name":                       ofPrimary((*networkInterface).dnsName),
	"private-ip-address":                     ofPrimary(func(e *networkInterface) string { return e.addresses[0].String() }),
	"reservation-id":                         one(func(in *instance) string { return in.reservation }),
	"subnet-id":                              ofPrimary(func(e *networkInterface) string { return e.subnet.id }),
	"vpc-id":                                 ofPrimary(func(e *networkInterface) string { return e.subnet.vpc.id }),
	"instance.group-id":                      inPrimaryGroups(func(g *securityGroup) string { return g.id }),
	"instance.group-name":                    inPrimaryGroups(func(g *securityGroup) string { return g.name }),
	"architecture":                           one(func(in *instance) string { return in.typ.arch }),
	"client-token":                           one(func(in *instance) string { return in.clientTok }),
	"network-interface.network-interface-id": ofInterfaces(func(e *networkInterface) string { return e.id }),
	"network-interface.subnet-id":            ofInterfaces(func(e *networkInterface) string { return e.subnet.id }),
	"network-interface.addresses.private-ip-address": ofInterfaces(func(e *networkInterface) string {
		return e.addresses[0].String()
	}),
	"network-interface.attachment.attachment-id": ofInterfaces(func(e *networkInterface) string { return e.attachment.id }),
	"network-interface.attachment.status":        ofInterfaces(func(e *networkInterface) string { return e.attachment.status }),
	"network-interface.attachment.device-index": ofInterfaces(func(e *networkInterface) string {
		return strconv.Itoa(e.attachment.device)
	}),
}, "instance-lifecycle", "key-name", "ip-address", "dns-name", "spot-instance-request-id", "host-id", "requester-id",
	"iam-instance-profile.arn", "placement-group-name", "platform", "tenancy")

func ofPrimary(get func(*networkInterface) string) func(*instance, func(string) bool) bool {
	return func(in *instance, yield func(string) bool) bool {
		p := in.primary()
		return p != nil && yield(get(p))
	}
}

func inPrimaryGroups(get func(*securityGroup) string) func(*instance, func(string) bool) bool {
	groups := eachGroup(get)
	return func(in *instance, yield func(string) bool) bool {
		p := in.primary()
		return p != nil && groups(p, yield)
	}
}

func ofInterfaces(get func(*networkInterface) string) func(*instance, func(string) bool) bool {
	return func(in *instance, yield func(string) bool) bool {
		for _, e := range in.slots {
			if yield(get(e)) {
				return true
			}
		}
		return false
	}
}
