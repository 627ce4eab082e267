package ec2sim

import (
	"net/netip"
	"strconv"
	"time"
)

// instanceFilters are all that EC2 documents.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
var instanceFilters = silent(filterSet[*instance]{
	"architecture":                        one(func(in *instance) string { return in.typ.arch }),
	"availability-zone":                   one(func(in *instance) string { return in.subnet.zone }),
	"availability-zone-id":                one(func(in *instance) string { return in.subnet.zoneID }),
	"client-token":                        oneIf(func(in *instance) string { return in.clientTok }),
	"ebs-optimized":                       always[*instance]("false"),
	"ena-support":                         one(func(in *instance) string { return strconv.FormatBool(in.typ.enaSupport() != "unsupported") }),
	"enclave-options.enabled":             always[*instance]("false"),
	"hibernation-options.configured":      always[*instance]("false"),
	"hypervisor":                          always[*instance](hypervisor),
	"image-id":                            one(func(in *instance) string { return in.image }),
	"instance-id":                         one(func(in *instance) string { return in.id }),
	"instance-state-code":                 one(func(in *instance) string { return strconv.Itoa(stateCodes[in.state]) }),
	"instance-state-name":                 one(func(in *instance) string { return in.state }),
	"instance-type":                       one(func(in *instance) string { return in.typ.name }),
	"instance.group-id":                   inPrimaryGroups(func(g *securityGroup) string { return g.id }),
	"instance.group-name":                 inPrimaryGroups(func(g *securityGroup) string { return g.name }),
	"ipv6-address":                        ofPrimaries(eachAddress6),
	"key-name":                            oneIf(func(in *instance) string { return in.keyName }),
	"launch-index":                        one(func(in *instance) string { return strconv.Itoa(in.index) }),
	"launch-time":                         one(func(in *instance) string { return instantText(in.launchedAt) }),
	"metadata-options.http-endpoint":      always[*instance]("enabled"),
	"metadata-options.state":              always[*instance]("applied"),
	"monitoring-state":                    always[*instance]("disabled"),
	"operator.managed":                    always[*instance]("false"),
	"owner-id":                            one(func(in *instance) string { return in.owner }),
	"private-dns-name":                    ofPrimary((*networkInterface).dnsName),
	"private-ip-address":                  ofPrimary(func(e *networkInterface) string { return e.privateIP() }),
	"reason":                              oneIf(func(in *instance) string { return in.reason }),
	"reservation-id":                      one(func(in *instance) string { return in.reservation }),
	"root-device-name":                    always[*instance](rootDevice),
	"root-device-type":                    always[*instance]("ebs"),
	"source-dest-check":                   ofPrimary(func(e *networkInterface) string { return strconv.FormatBool(e.sourceDest) }),
	"state-reason-code":                   oneIf(func(in *instance) string { return in.stateReason.code }),
	"state-reason-message":                oneIf(func(in *instance) string { return in.stateReason.message }),
	"subnet-id":                           ofPrimary(func(e *networkInterface) string { return e.subnet.id }),
	"tenancy":                             always[*instance]("default"),
	"virtualization-type":                 always[*instance]("hvm"),
	"vpc-id":                              ofPrimary(func(e *networkInterface) string { return e.subnet.vpc.id }),
	"network-interface.addresses.primary": ofInterfaces(interfaceFilters["addresses.primary"]),
	"network-interface.addresses.private-ip-address":     ofInterfaces(eachAddress),
	"network-interface.addresses.private-dns-name":       ofInterfaces(eachDNSName),
	"network-interface.attachment.attach-time":           ofInterfaces(interfaceFilters["attachment.attach-time"]),
	"network-interface.attachment.attachment-id":         ofInterfaces(interfaceFilters["attachment.attachment-id"]),
	"network-interface.attachment.delete-on-termination": ofInterfaces(interfaceFilters["attachment.delete-on-termination"]),
	"network-interface.attachment.device-index":          ofInterfaces(interfaceFilters["attachment.device-index"]),
	"network-interface.attachment.instance-id":           ofInterfaces(interfaceFilters["attachment.instance-id"]),
	"network-interface.attachment.instance-owner-id":     ofInterfaces(interfaceFilters["attachment.instance-owner-id"]),
	"network-interface.attachment.network-card-index":    ofInterfaces(interfaceFilters["attachment.network-card-index"]),
	"network-interface.attachment.status":                ofInterfaces(interfaceFilters["attachment.status"]),
	"network-interface.availability-zone":                ofInterfaces(interfaceFilters["availability-zone"]),
	"network-interface.deny-all-igw-traffic":             ofInterfaces(always[*networkInterface]("false")),
	"network-interface.description":                      ofInterfaces(interfaceFilters["description"]),
	"network-interface.group-id":                         ofInterfaces(interfaceFilters["group-id"]),
	"network-interface.group-name":                       ofInterfaces(interfaceFilters["group-name"]),
	"network-interface.ipv4-prefixes.ipv4-prefix":        ofInterfaces(eachPrefix),
	"network-interface.ipv6-address":                     ofInterfaces(eachAddress6),
	"network-interface.ipv6-addresses.ipv6-address":      ofInterfaces(eachAddress6),
	"network-interface.ipv6-addresses.is-primary-ipv6":   ofInterfaces(eachIsPrimary6),
	"network-interface.ipv6-native":                      ofInterfaces(always[*networkInterface]("false")),
	"network-interface.ipv6-prefixes.ipv6-prefix":        ofInterfaces(eachPrefix6),
	"network-interface.mac-address":                      ofInterfaces(interfaceFilters["mac-address"]),
	"network-interface.network-interface-id":             ofInterfaces(interfaceFilters["network-interface-id"]),
	"network-interface.operator.managed":                 ofInterfaces(interfaceFilters["operator.managed"]),
	"network-interface.operator.principal":               ofInterfaces(interfaceFilters["operator.principal"]),
	"network-interface.owner-id":                         ofInterfaces(interfaceFilters["owner-id"]),
	"network-interface.private-dns-name":                 ofInterfaces(interfaceFilters["private-dns-name"]),
	"network-interface.private-ip-address":               ofInterfaces(eachAddress),
	"network-interface.requester-id":                     ofInterfaces(interfaceFilters["requester-id"]),
	"network-interface.requester-managed":                ofInterfaces(interfaceFilters["requester-managed"]),
	"network-interface.source-dest-check":                ofInterfaces(interfaceFilters["source-dest-check"]),
	"network-interface.status":                           ofInterfaces(interfaceFilters["status"]),
	"network-interface.subnet-id":                        ofInterfaces(interfaceFilters["subnet-id"]),
	"network-interface.tag-key":                          ofInterfaces(eachTagKey),
	"network-interface.tag-value":                        ofInterfaces(eachTagValue),
	"network-interface.vpc-id":                           ofInterfaces(interfaceFilters["vpc-id"]),
}, "group-id", "group-name", // of EC2-Classic, in which there are no instances any more
	"affinity", "block-device-mapping.attach-time", "block-device-mapping.delete-on-termination", "block-device-mapping.device-name",
	"block-device-mapping.status", "block-device-mapping.volume-id", "boot-mode", "capacity-reservation-id",
	"capacity-reservation-specification.capacity-reservation-preference", "current-instance-boot-mode", "dns-name", "host-id",
	"iam-instance-profile.arn", "iam-instance-profile.id", "iam-instance-profile.name", "instance-lifecycle", "ip-address", "kernel-id",
	"maintenance-options.auto-recovery", "metadata-options.http-protocol-ipv4", "metadata-options.http-protocol-ipv6",
	"metadata-options.http-put-response-hop-limit", "metadata-options.http-tokens", "metadata-options.instance-metadata-tags",
	"network-interface.addresses.association.allocation-id", "network-interface.addresses.association.association-id",
	"network-interface.addresses.association.carrier-ip", "network-interface.addresses.association.customer-owned-ip",
	"network-interface.addresses.association.ip-owner-id", "network-interface.addresses.association.public-dns-name",
	"network-interface.addresses.association.public-ip", "network-interface.association.allocation-id",
	"network-interface.association.association-id", "network-interface.association.carrier-ip",
	"network-interface.association.customer-owned-ip", "network-interface.association.ip-owner-id",
	"network-interface.association.public-dns-name", "network-interface.association.public-ip", "network-interface.outpost-arn",
	"network-interface.public-dns-name", "network-performance-options.bandwidth-weighting", "operator.principal", "outpost-arn",
	"placement-group-name", "placement-partition-number", "platform", "platform-details",
	"private-dns-name-options.enable-resource-name-dns-a-record", "private-dns-name-options.enable-resource-name-dns-aaaa-record",
	"private-dns-name-options.hostname-type", "product-code", "product-code.type", "ramdisk-id", "requester-id",
	"spot-instance-request-id", "tpm-support", "usage-operation", "usage-operation-update-time")

// instantText is how answers and filters write a time.
func instantText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

type (
	instanceFilter  = func(*instance, func(string) bool) bool
	interfaceFilter = func(*networkInterface, func(string) bool) bool
)

func ofPrimary(get func(*networkInterface) string) instanceFilter { return ofPrimaries(one(get)) }

func ofPrimaries(each interfaceFilter) instanceFilter {
	return func(in *instance, yield func(string) bool) bool {
		p := in.primary()
		return p != nil && each(p, yield)
	}
}

func inPrimaryGroups(get func(*securityGroup) string) instanceFilter {
	return ofPrimaries(eachGroup(get))
}

func ofInterfaces(each interfaceFilter) instanceFilter {
	return func(in *instance, yield func(string) bool) bool {
		for _, e := range in.slots {
			if each(e, yield) {
				return true
			}
		}
		return false
	}
}

func eachDNSName(e *networkInterface, yield func(string) bool) bool {
	return anyOf(e.addresses, func(a netip.Addr) string { return string(appendPrivateDNS(nil, e.subnet.vpc.region, a)) }, yield)
}

func eachPrefix(e *networkInterface, yield func(string) bool) bool {
	return anyOf(e.prefixes, netip.Prefix.String, yield)
}

func eachPrefix6(e *networkInterface, yield func(string) bool) bool {
	return anyOf(e.prefixes6, netip.Prefix.String, yield)
}

func eachIsPrimary6(e *networkInterface, yield func(string) bool) bool {
	return len(e.six) > 0 && (yield(strconv.FormatBool(e.primary6)) || len(e.six) > 1 && yield("false"))
}

func eachTagKey(e *networkInterface, yield func(string) bool) bool {
	for key := range e.tags {
		if yield(key) {
			return true
		}
	}
	return false
}

func eachTagValue(e *networkInterface, yield func(string) bool) bool {
	for _, v := range e.tags {
		if yield(v) {
			return true
		}
	}
	return false
}
