package ec2sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type createInput = ec2.CreateNetworkInterfaceInput

func doCreate(subnet string, change ...func(*createInput)) func(*lab) error {
	return func(l *lab) error {
		in := &createInput{SubnetId: &subnet}
		for _, f := range change {
			f(in)
		}
		out, err := l.ec2.CreateNetworkInterface(l.Context(), in)
		if err == nil {
			l.eni, l.said = *out.NetworkInterface.NetworkInterfaceId, out.NetworkInterface
		}
		return err
	}
}

func tagSpec(kind types.ResourceType, pairs ...string) func(*createInput) {
	return func(in *createInput) {
		spec := types.TagSpecification{ResourceType: kind}
		for i := 0; i+1 < len(pairs); i += 2 {
			spec.Tags = append(spec.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		in.TagSpecifications = append(in.TagSpecifications, spec)
	}
}

func groups(ids ...string) func(*createInput) { return func(in *createInput) { in.Groups = ids } }
func token(s string) func(*createInput)       { return func(in *createInput) { in.ClientToken = &s } }

func ip(s string) func(*createInput) { return func(in *createInput) { in.PrivateIpAddress = &s } }

func more(n int32) func(*createInput) {
	return func(in *createInput) { in.SecondaryPrivateIpAddressCount = &n }
}

func prefixes(n int32) func(*createInput) { return func(in *createInput) { in.Ipv4PrefixCount = &n } }
func about(s string) func(*createInput)   { return func(in *createInput) { in.Description = &s } }

func manyTags(n int) []string {
	var out []string
	for i := range n {
		out = append(out, fmt.Sprintf("k%d", i), "v")
	}
	return out
}

func efaOnlyKind(in *createInput) { in.InterfaceType = types.NetworkInterfaceCreationTypeEfaOnly }

// full takes the tiny subnet's eleven addresses.
func full(l *lab) {
	for range 11 {
		l.create(tiny)
	}
}

func createRows() []row {
	eni := types.ResourceTypeNetworkInterface
	return []row{
		{action: "CreateNetworkInterface", situation: "subnet only", source: docAPI, when: doCreate(subnetA), code: "OK", then: func(l *lab) {
			e := l.said.(*types.NetworkInterface)
			l.want("the group", *e.Groups[0].GroupName, "default")
			l.want("the status in the answer", string(e.Status), "pending")
			l.want("the status", l.state(l.eni), "available")
			l.want("the zone", *e.AvailabilityZone+" "+*e.AvailabilityZoneId, "us-east-1a use1-az1")
			if e.Attachment != nil || !*e.SourceDestCheck || e.InterfaceType != types.NetworkInterfaceTypeInterface {
				l.Errorf("a new interface looks like %+v", e)
			}
		}},
		{action: "CreateNetworkInterface", situation: "everything", source: docAPI, when: doCreate(subnetA, groups(workers, other), about("hello"), tagSpec(eni, "a", "1", "b", "")), code: "OK", then: func(l *lab) {
			e := l.describe(l.eni)
			l.want("the description", *e.Description, "hello")
			if len(e.Groups) != 2 || len(e.TagSet) != 2 || *e.TagSet[1].Value != "" {
				l.Errorf("the interface looks like %+v", e)
			}
		}},
		{action: "CreateNetworkInterface", situation: "address by name", source: docAPI, when: doCreate(subnetA, ip("10.0.3.7")), code: "OK", then: func(l *lab) { l.want("the address", *l.describe(l.eni).PrivateIpAddress, "10.0.3.7") }},
		{action: "CreateNetworkInterface", situation: "secondary addresses", source: docAPI, when: doCreate(subnetA, more(3)), code: "OK", then: func(l *lab) {
			if n := len(l.describe(l.eni).PrivateIpAddresses); n != 4 {
				l.Errorf("it has %d addresses, want 4", n)
			}
		}},
		{action: "CreateNetworkInterface", situation: "prefixes", source: docAPI, when: doCreate(subnetA, prefixes(2)), code: "OK", then: func(l *lab) {
			if n := len(l.describe(l.eni).Ipv4Prefixes); n != 2 {
				l.Errorf("it has %d prefixes, want 2", n)
			}
		}},
		{action: "CreateNetworkInterface", situation: "address of the network", source: assumedCode(docSizing), when: doCreate(subnetA, ip("10.0.0.0")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "reserved address", source: assumedCode(docSizing), when: doCreate(subnetA, ip("10.0.0.3")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "broadcast address", source: assumedCode(docSizing), when: doCreate(subnetA, ip("10.0.15.255")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "address of another subnet", source: seenRange, when: doCreate(subnetA, ip("10.0.16.9")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "address in use", source: docErrors, given: created(subnetA, ip("10.0.3.7")), when: doCreate(subnetA, ip("10.0.3.7")), code: "InvalidIPAddress.InUse"},
		{action: "CreateNetworkInterface", situation: "not an address", source: seenAddress, when: doCreate(subnetA, ip("10.0.3")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "subnet unknown", source: docErrors, when: doCreate("subnet-0fffffffffffffff0"), code: "InvalidSubnetID.NotFound"},
		{action: "CreateNetworkInterface", situation: "subnet malformed", source: docErrors, when: doCreate("subnet-zzz"), code: "InvalidSubnetID.Malformed"},
		{action: "CreateNetworkInterface", situation: "subnet missing", source: docErrors, when: func(l *lab) error { return l.form("Action=CreateNetworkInterface") }, code: "MissingParameter"},
		{action: "CreateNetworkInterface", situation: "group unknown", source: docErrors, when: doCreate(subnetA, groups("sg-0fffffffffffffff0")), code: "InvalidGroup.NotFound"},
		{action: "CreateNetworkInterface", situation: "group malformed", source: docErrors, when: doCreate(subnetA, groups("workers")), code: "InvalidGroupId.Malformed"},
		{action: "CreateNetworkInterface", situation: "group of another VPC", source: assumed, when: doCreate(subnetA, groups(foreign)), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "too many groups", source: docErrors, world: func(w *World) { w.Quotas.SecurityGroupsPerInterface = 1 }, when: doCreate(subnetA, groups(workers, other)), code: "SecurityGroupsPerInterfaceLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "Region's quota", source: docErrors, world: func(w *World) { w.Quotas.InterfacesPerRegion = 6 }, given: created(subnetA), when: doCreate(subnetA), code: "NetworkInterfaceLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "subnet full", source: docErrors, given: full, when: doCreate(tiny), code: "InsufficientFreeAddressesInSubnet"},
		{action: "CreateNetworkInterface", situation: "subnet full, variant value", source: seenFull, world: func(w *World) { w.Variants.SubnetFull = "InvalidParameterValue" }, given: full, when: doCreate(tiny), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "subnet full, variant blocks", source: codeCNI, world: func(w *World) { w.Variants.SubnetFull = "InsufficientCidrBlocks" }, given: full, when: doCreate(tiny), code: "InsufficientFreeAddressesInSubnet"},
		{action: "CreateNetworkInterface", situation: "subnet too full for all addresses", source: docErrors, when: doCreate(tiny, more(11)), code: "InsufficientFreeAddressesInSubnet", then: func(l *lab) {
			if n := l.sim.subnets.byID[tiny].pool.available(); n != 11 {
				l.Errorf("a failed create left %d addresses free, want 11", n)
			}
		}},
		{action: "CreateNetworkInterface", situation: "no whole prefix", source: assumed, when: doCreate(tiny, prefixes(1)), code: "InsufficientFreeAddressesInSubnet"},
		{action: "CreateNetworkInterface", situation: "no whole prefix, variant blocks", source: codeCNI, world: func(w *World) { w.Variants.SubnetFull = "InsufficientCidrBlocks" }, when: doCreate(tiny, prefixes(1)), code: "InsufficientCidrBlocks"},
		{action: "CreateNetworkInterface", situation: "no whole prefix, variant value", source: seenFull, world: func(w *World) { w.Variants.SubnetFull = "InvalidParameterValue" }, when: doCreate(tiny, prefixes(1)), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "addresses and prefixes", source: docAPI, when: doCreate(subnetA, more(1), prefixes(1)), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "tags for another kind", source: assumedCode(docTags), when: doCreate(subnetA, tagSpec(types.ResourceTypeInstance, "a", "b")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "tag twice", source: assumedCode(docTags), when: doCreate(subnetA, tagSpec(eni, "a", "1", "a", "2")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "tag key reserved", source: seenReserved, when: doCreate(subnetA, tagSpec(eni, "aws:x", "1")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "tag key reserved in capitals", source: docTags, when: doCreate(subnetA, tagSpec(eni, "AWS:x", "1")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "tag key too long", source: assumedCode(docTags), when: doCreate(subnetA, tagSpec(eni, strings.Repeat("k", 129), "1")), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "tag value too long", source: assumedCode(docTags), when: doCreate(subnetA, tagSpec(eni, "k", strings.Repeat("v", 257))), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "fifty tags", source: docTags, when: doCreate(subnetA, tagSpec(eni, manyTags(50)...)), code: "OK"},
		{action: "CreateNetworkInterface", situation: "fifty-one tags", source: docErrors, when: doCreate(subnetA, tagSpec(eni, manyTags(51)...)), code: "TagLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "description too long", source: assumed, when: doCreate(subnetA, about(strings.Repeat("d", 256))), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "interface type unknown", source: docAPI, when: doCreate(subnetA, func(in *createInput) { in.InterfaceType = "wifi" }), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "description of 255 characters that are more bytes", source: assumed, when: doCreate(subnetA, about(strings.Repeat("ü", 255))), code: "OK"},
		{action: "CreateNetworkInterface", situation: "description of 256 characters, cut between characters", source: assumed, when: doCreate(subnetA, about(strings.Repeat("ü", 256))), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "interface type that only AWS makes", source: docAPI, when: doCreate(subnetA, func(in *createInput) { in.InterfaceType = "branch" }), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "tag specification without tags", source: assumed, when: doCreate(subnetA, tagSpec(eni)), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "too many tags come after a subnet that is not there", source: order, when: doCreate("subnet-0fffffffffffffff0", tagSpec(eni, manyTags(51)...)), code: "InvalidSubnetID.NotFound"},
		{action: "CreateNetworkInterface", situation: "primary without an address", source: assumed, when: func(l *lab) error {
			return l.form("Action=CreateNetworkInterface&SubnetId=" + subnetA + "&PrivateIpAddresses.1.Primary=true")
		}, code: "MissingParameter"},
		{action: "CreateNetworkInterface", situation: "answers available, variant", source: choice, world: func(w *World) { w.Variants.CreateStatus = "available" }, when: doCreate(subnetA), code: "OK", then: func(l *lab) {
			l.want("the status", string(l.said.(*types.NetworkInterface).Status), "available")
		}},
		{action: "CreateNetworkInterface", situation: "group of another VPC, variant", source: docErrors, world: func(w *World) { w.Variants.GroupOfOtherVPC = "InvalidGroup.NotFound" }, when: doCreate(subnetA, groups(foreign)), code: "InvalidGroup.NotFound"},
		{action: "CreateNetworkInterface", situation: "tracking timeout out of bounds", source: docAPI, when: doCreate(subnetA, func(in *createInput) {
			in.ConnectionTrackingSpecification = &types.ConnectionTrackingSpecificationRequest{UdpTimeout: aws.Int32(61)}
		}), code: "InvalidParameterValue"},
		{action: "CreateNetworkInterface", situation: "EFA-only, which has no address", source: docEFA, given: func(l *lab) { l.create(subnetA, efaOnlyKind) }, when: doCreate(subnetA, efaOnlyKind), code: "OK", then: func(l *lab) {
			if e := l.describe(l.eni); e.PrivateIpAddress != nil || e.PrivateDnsName != nil || len(e.PrivateIpAddresses) > 0 {
				l.Errorf("it looks like %+v", e)
			}
			if free := l.sim.subnets.byID[subnetA].pool.available(); free != 4096-5-5 {
				l.Errorf("%d addresses are free beside those of five instances", free)
			}
		}},
		{action: "CreateNetworkInterface", situation: "EFA-only with an address", source: assumedCode(docEFA), when: doCreate(subnetA, efaOnlyKind, ip("10.0.3.7")), code: "InvalidParameterCombination"},
		{action: "CreateNetworkInterface", situation: "more addresses than any type takes", source: assumed, when: doCreate(subnetA, more(1000)), code: "PrivateIpAddressLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "dry run", source: docErrors, when: doCreate(subnetA, func(in *createInput) { in.DryRun = aws.Bool(true) }), code: "DryRunOperation", status: 412},
		{action: "CreateNetworkInterface", situation: "parameter unknown", source: docErrors, when: func(l *lab) error { return l.form("Action=CreateNetworkInterface&SubnetId=" + subnetA + "&Colour=red") }, code: "UnknownParameter"},
		{action: "CreateNetworkInterface", situation: "parameter of a list unnumbered", source: assumed, when: func(l *lab) error {
			return l.form("Action=CreateNetworkInterface&SubnetId=" + subnetA + "&SecurityGroupId=" + workers)
		}, code: "UnknownParameter"},
		{action: "CreateNetworkInterface", situation: "unknown comes before missing", source: order, when: func(l *lab) error { return l.form("Action=CreateNetworkInterface&Colour=red") }, code: "UnknownParameter"},
	}
}

func clientTokenRows() []row {
	again := func(l *lab) { l.want("the replayed interface", l.eni, l.att) }
	remember := func(l *lab) { l.att = l.eni }
	return []row{
		{action: "CreateNetworkInterface", situation: "same again", source: docTokens, given: given(created(subnetA, token("t")), remember), when: doCreate(subnetA, token("t")), code: "OK", then: again},
		{
			action: "CreateNetworkInterface", situation: "same again once attached, answered as at first", source: docTokens, given: given(created(subnetA, token("t")), remember, func(l *lab) { l.attach(l.eni, node, 0, 1) }, func(l *lab) { l.att = l.eni }),
			when: doCreate(subnetA, token("t")), code: "OK", then: func(l *lab) {
				if e := l.said.(*types.NetworkInterface); e.Attachment != nil || e.Status != "pending" {
					l.Errorf("the replay shows %+v, not the first answer", e)
				}
			},
		},
		{action: "CreateNetworkInterface", situation: "other subnet", source: docTokens, given: created(subnetA, token("t")), when: doCreate(subnetA2, token("t")), code: "IdempotentParameterMismatch"},
		{action: "CreateNetworkInterface", situation: "other description", source: docTokens, given: created(subnetA, token("t")), when: doCreate(subnetA, token("t"), about("x")), code: "IdempotentParameterMismatch"},
		{action: "CreateNetworkInterface", situation: "other tags", source: docTokens, given: created(subnetA, token("t")), when: doCreate(subnetA, token("t"), tagSpec(types.ResourceTypeNetworkInterface, "a", "b")), code: "IdempotentParameterMismatch"},
		{action: "CreateNetworkInterface", situation: "token has case", source: docTokens, given: given(created(subnetA, token("t")), remember), when: doCreate(subnetA, token("T")), code: "OK", then: func(l *lab) {
			if l.eni == l.att {
				l.Error("T replayed t")
			}
		}},
		{action: "CreateNetworkInterface", situation: "deleted since", source: assumed, given: given(created(subnetA, token("t")), remember, func(l *lab) { l.must(doDelete(nil)(l)) }), when: doCreate(subnetA, token("t")), code: "OK", then: given(again, stateIs("gone"))},
		{action: "CreateNetworkInterface", situation: "deleted since, variant", source: choice, world: func(w *World) { w.Variants.TokenOfDeleted = "mismatch" }, given: given(created(subnetA, token("t")), func(l *lab) { l.must(doDelete(nil)(l)) }), when: doCreate(subnetA, token("t")), code: "IdempotentParameterMismatch"},
		{action: "CreateNetworkInterface", situation: "forgotten after its life", source: assumed, world: func(w *World) { w.Variants.TokenLife = Exactly(time.Hour) }, given: given(created(subnetA, token("t")), remember, func(l *lab) { l.clock.Advance(2 * time.Hour) }), when: doCreate(subnetA, token("t")), code: "OK", then: func(l *lab) {
			if l.eni == l.att {
				l.Error("the token still replays")
			}
		}},
		{action: "CreateNetworkInterface", situation: "burnt by a failed create", source: assumed, given: given(func(l *lab) { _ = doCreate(subnetA, token("t"), groups("sg-0fffffffffffffff0"))(l) }), when: doCreate(subnetA, token("t")), code: "IdempotentParameterMismatch"},
		{action: "CreateNetworkInterface", situation: "not burnt by a create that was not allowed to try", source: assumed, given: given(func(l *lab) {
			_ = doCreate(subnetA, token("t"), func(in *createInput) { in.DryRun = aws.Bool(true) })(l)
		}), when: doCreate(subnetA, token("t")), code: "OK"},
		{action: "CreateNetworkInterface", situation: "replay when the quota is used up, variant", source: choice, world: func(w *World) { w.Quotas.InterfacesPerRegion, w.Variants.ReplayAtQuota = 6, "fail" }, given: created(subnetA, token("t")), when: doCreate(subnetA, token("t")), code: "NetworkInterfaceLimitExceeded"},
		{action: "CreateNetworkInterface", situation: "free after a failed create, variant", source: choice, world: func(w *World) { w.Variants.TokenOfFailed = "free" }, given: given(func(l *lab) { _ = doCreate(subnetA, token("t"), groups("sg-0fffffffffffffff0"))(l) }), when: doCreate(subnetA, token("t")), code: "OK"},
		{action: "CreateNetworkInterface", situation: "sixty-four characters", source: docTokens, when: doCreate(subnetA, token(strings.Repeat("x", 64))), code: "OK"},
		{action: "CreateNetworkInterface", situation: "sixty-five characters", source: assumedCode(docTokens), when: doCreate(subnetA, token(strings.Repeat("x", 65))), code: "InvalidClientToken"},
		{action: "CreateNetworkInterface", situation: "not ASCII", source: assumedCode(docTokens), when: doCreate(subnetA, token("ü")), code: "InvalidClientToken"},
		{action: "CreateNetworkInterface", situation: "replay when the quota is used up", source: assumed, world: func(w *World) { w.Quotas.InterfacesPerRegion = 6 }, given: given(created(subnetA, token("t")), remember), when: doCreate(subnetA, token("t")), code: "OK", then: again},
	}
}
