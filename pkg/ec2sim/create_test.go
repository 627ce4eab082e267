package ec2sim

import (
	"fmt"
	"strings"
	"testing"
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

// full takes the tiny subnet's eleven addresses.
func full(l *lab) {
	for range 11 {
		l.create(tiny)
	}
}

func TestCreate(t *testing.T) {
	t.Parallel()
	eni := types.ResourceTypeNetworkInterface
	runRows(t, []row{
		{situation: "subnet only", when: doCreate(subnetA), code: "OK", then: func(l *lab) {
			e := l.said.(*types.NetworkInterface)
			l.want("the group", *e.Groups[0].GroupName, "default")
			l.want("the status in the answer", string(e.Status), "pending")
			l.want("the status", l.state(l.eni), "available")
			l.want("the zone", *e.AvailabilityZone+" "+*e.AvailabilityZoneId, "us-east-1a use1-az1")
			if e.Attachment != nil || !*e.SourceDestCheck || e.InterfaceType != types.NetworkInterfaceTypeInterface {
				l.Errorf("a new interface looks like %+v", e)
			}
		}},
		{situation: "everything", when: doCreate(subnetA, groups(workers, other), about("hello"), tagSpec(eni, "a", "1", "b", "")), code: "OK", then: func(l *lab) {
			e := l.describe(l.eni)
			l.want("the description", *e.Description, "hello")
			if len(e.Groups) != 2 || len(e.TagSet) != 2 || *e.TagSet[1].Value != "" {
				l.Errorf("the interface looks like %+v", e)
			}
		}},
		{situation: "address by name", when: doCreate(subnetA, ip("10.0.3.7")), code: "OK", then: func(l *lab) { l.want("the address", *l.describe(l.eni).PrivateIpAddress, "10.0.3.7") }},
		{situation: "secondary addresses", when: doCreate(subnetA, more(3)), code: "OK", then: func(l *lab) {
			if n := len(l.describe(l.eni).PrivateIpAddresses); n != 4 {
				l.Errorf("it has %d addresses, want 4", n)
			}
		}},
		{situation: "prefixes", when: doCreate(subnetA, prefixes(2)), code: "OK", then: func(l *lab) {
			if n := len(l.describe(l.eni).Ipv4Prefixes); n != 2 {
				l.Errorf("it has %d prefixes, want 2", n)
			}
		}},
		{situation: "address of the network", when: doCreate(subnetA, ip("10.0.0.0")), code: "InvalidParameterValue"},
		{situation: "reserved address", when: doCreate(subnetA, ip("10.0.0.3")), code: "InvalidParameterValue"},
		{situation: "broadcast address", when: doCreate(subnetA, ip("10.0.15.255")), code: "InvalidParameterValue"},
		{situation: "address of another subnet", when: doCreate(subnetA, ip("10.0.16.9")), code: "InvalidParameterValue"},
		{situation: "address in use", given: created(subnetA, ip("10.0.3.7")), when: doCreate(subnetA, ip("10.0.3.7")), code: "InvalidIPAddress.InUse"},
		{situation: "not an address", when: doCreate(subnetA, ip("10.0.3")), code: "InvalidParameterValue"},
		{situation: "subnet unknown", when: doCreate("subnet-0fffffffffffffff0"), code: "InvalidSubnetID.NotFound"},
		{situation: "subnet malformed", when: doCreate("subnet-zzz"), code: "InvalidSubnetID.Malformed"},
		{situation: "subnet missing", when: func(l *lab) error { return l.form("Action=CreateNetworkInterface") }, code: "MissingParameter"},
		{situation: "group unknown", when: doCreate(subnetA, groups("sg-0fffffffffffffff0")), code: "InvalidGroup.NotFound"},
		{situation: "group malformed", when: doCreate(subnetA, groups("workers")), code: "InvalidGroupId.Malformed"},
		{situation: "group of another VPC", when: doCreate(subnetA, groups(foreign)), code: "InvalidParameterCombination"},
		{situation: "too many groups", world: func(w *World) { w.Quotas.SecurityGroupsPerInterface = 1 }, when: doCreate(subnetA, groups(workers, other)), code: "SecurityGroupsPerInterfaceLimitExceeded"},
		{situation: "Region's quota", world: func(w *World) { w.Quotas.InterfacesPerRegion = 6 }, given: created(subnetA), when: doCreate(subnetA), code: "NetworkInterfaceLimitExceeded"},
		{situation: "subnet full", given: full, when: doCreate(tiny), code: "InsufficientFreeAddressesInSubnet"},
		{situation: "subnet full, variant value", world: func(w *World) { w.Variants.SubnetFull = "InvalidParameterValue" }, given: full, when: doCreate(tiny), code: "InvalidParameterValue"},
		{situation: "subnet full, variant blocks", world: func(w *World) { w.Variants.SubnetFull = "InsufficientCidrBlocks" }, given: full, when: doCreate(tiny), code: "InsufficientFreeAddressesInSubnet"},
		{situation: "subnet too full for all addresses", when: doCreate(tiny, more(11)), code: "InsufficientFreeAddressesInSubnet", then: func(l *lab) {
			if n := l.sim.subnets.byID[tiny].pool.available(); n != 11 {
				l.Errorf("a failed create left %d addresses free, want 11", n)
			}
		}},
		{situation: "no whole prefix", when: doCreate(tiny, prefixes(1)), code: "InsufficientFreeAddressesInSubnet"},
		{situation: "no whole prefix, variant blocks", world: func(w *World) { w.Variants.SubnetFull = "InsufficientCidrBlocks" }, when: doCreate(tiny, prefixes(1)), code: "InsufficientCidrBlocks"},
		{situation: "no whole prefix, variant value", world: func(w *World) { w.Variants.SubnetFull = "InvalidParameterValue" }, when: doCreate(tiny, prefixes(1)), code: "InvalidParameterValue"},
		{situation: "addresses and prefixes", when: doCreate(subnetA, more(1), prefixes(1)), code: "InvalidParameterCombination"},
		{situation: "tags for another kind", when: doCreate(subnetA, tagSpec(types.ResourceTypeInstance, "a", "b")), code: "InvalidParameterValue"},
		{situation: "tag twice", when: doCreate(subnetA, tagSpec(eni, "a", "1", "a", "2")), code: "InvalidParameterValue"},
		{situation: "tag key reserved", when: doCreate(subnetA, tagSpec(eni, "aws:x", "1")), code: "InvalidParameterValue"},
		{situation: "tag key reserved in capitals", when: doCreate(subnetA, tagSpec(eni, "AWS:x", "1")), code: "InvalidParameterValue"},
		{situation: "tag key too long", when: doCreate(subnetA, tagSpec(eni, strings.Repeat("k", 129), "1")), code: "InvalidParameterValue"},
		{situation: "tag value too long", when: doCreate(subnetA, tagSpec(eni, "k", strings.Repeat("v", 257))), code: "InvalidParameterValue"},
		{situation: "fifty tags", when: doCreate(subnetA, tagSpec(eni, manyTags(50)...)), code: "OK"},
		{situation: "fifty-one tags", when: doCreate(subnetA, tagSpec(eni, manyTags(51)...)), code: "TagLimitExceeded"},
		{situation: "description too long", when: doCreate(subnetA, about(strings.Repeat("d", 256))), code: "InvalidParameterValue"},
		{situation: "interface type unknown", when: doCreate(subnetA, func(in *createInput) { in.InterfaceType = "wifi" }), code: "InvalidParameterValue"},
		{situation: "description of 255 characters that are more bytes", when: doCreate(subnetA, about(strings.Repeat("ü", 255))), code: "OK"},
		{situation: "description of 256 characters, cut between characters", when: doCreate(subnetA, about(strings.Repeat("ü", 256))), code: "InvalidParameterValue"},
		{situation: "interface type that only AWS makes", when: doCreate(subnetA, func(in *createInput) { in.InterfaceType = "branch" }), code: "InvalidParameterValue"},
		{situation: "tag specification without tags", when: doCreate(subnetA, tagSpec(eni)), code: "InvalidParameterValue"},
		{situation: "too many tags come after a subnet that is not there", when: doCreate("subnet-0fffffffffffffff0", tagSpec(eni, manyTags(51)...)), code: "InvalidSubnetID.NotFound"},
		{situation: "primary without an address", when: func(l *lab) error {
			return l.form("Action=CreateNetworkInterface&SubnetId=" + subnetA + "&PrivateIpAddresses.1.Primary=true")
		}, code: "MissingParameter"},
		{situation: "answers available, variant", world: func(w *World) { w.Variants.CreateStatus = "available" }, when: doCreate(subnetA), code: "OK", then: func(l *lab) {
			l.want("the status", string(l.said.(*types.NetworkInterface).Status), "available")
		}},
		{situation: "group of another VPC, variant", world: func(w *World) { w.Variants.GroupOfOtherVPC = "InvalidGroup.NotFound" }, when: doCreate(subnetA, groups(foreign)), code: "InvalidGroup.NotFound"},
		{situation: "tracking timeout out of bounds", when: doCreate(subnetA, func(in *createInput) {
			in.ConnectionTrackingSpecification = &types.ConnectionTrackingSpecificationRequest{UdpTimeout: aws.Int32(61)}
		}), code: "InvalidParameterValue"},
		{situation: "dry run", when: doCreate(subnetA, func(in *createInput) { in.DryRun = aws.Bool(true) }), code: "DryRunOperation", status: 412},
		{situation: "parameter unknown", when: func(l *lab) error { return l.form("Action=CreateNetworkInterface&SubnetId=" + subnetA + "&Colour=red") }, code: "UnknownParameter"},
		{situation: "parameter of a list unnumbered", when: func(l *lab) error {
			return l.form("Action=CreateNetworkInterface&SubnetId=" + subnetA + "&SecurityGroupId=" + workers)
		}, code: "UnknownParameter"},
		{situation: "unknown comes before missing", when: func(l *lab) error { return l.form("Action=CreateNetworkInterface&Colour=red") }, code: "UnknownParameter"},
	})
}

func TestClientToken(t *testing.T) {
	t.Parallel()
	again := func(l *lab) { l.want("the replayed interface", l.eni, l.att) }
	remember := func(l *lab) { l.att = l.eni }
	runRows(t, []row{
		{situation: "same again", given: given(created(subnetA, token("t")), remember), when: doCreate(subnetA, token("t")), code: "OK", then: again},
		{
			situation: "same again once attached, answered as at first", given: given(created(subnetA, token("t")), remember, func(l *lab) { l.attach(l.eni, node, 0, 1) }, func(l *lab) { l.att = l.eni }),
			when: doCreate(subnetA, token("t")), code: "OK", then: func(l *lab) {
				if e := l.said.(*types.NetworkInterface); e.Attachment != nil || e.Status != "pending" {
					l.Errorf("the replay shows %+v, not the first answer", e)
				}
			},
		},
		{situation: "other subnet", given: created(subnetA, token("t")), when: doCreate(subnetA2, token("t")), code: "IdempotentParameterMismatch"},
		{situation: "other description", given: created(subnetA, token("t")), when: doCreate(subnetA, token("t"), about("x")), code: "IdempotentParameterMismatch"},
		{situation: "other tags", given: created(subnetA, token("t")), when: doCreate(subnetA, token("t"), tagSpec(types.ResourceTypeNetworkInterface, "a", "b")), code: "IdempotentParameterMismatch"},
		{situation: "token has case", given: given(created(subnetA, token("t")), remember), when: doCreate(subnetA, token("T")), code: "OK", then: func(l *lab) {
			if l.eni == l.att {
				l.Error("T replayed t")
			}
		}},
		{situation: "deleted since", given: given(created(subnetA, token("t")), remember, func(l *lab) { l.must(doDelete(nil)(l)) }), when: doCreate(subnetA, token("t")), code: "OK", then: given(again, stateIs("gone"))},
		{situation: "deleted since, variant", world: func(w *World) { w.Variants.TokenOfDeleted = "mismatch" }, given: given(created(subnetA, token("t")), func(l *lab) { l.must(doDelete(nil)(l)) }), when: doCreate(subnetA, token("t")), code: "IdempotentParameterMismatch"},
		{situation: "forgotten after its life", world: func(w *World) { w.Variants.TokenLife = Exactly(time.Hour) }, given: given(created(subnetA, token("t")), remember, func(l *lab) { l.clock.Advance(2 * time.Hour) }), when: doCreate(subnetA, token("t")), code: "OK", then: func(l *lab) {
			if l.eni == l.att {
				l.Error("the token still replays")
			}
		}},
		{situation: "burnt by a failed create", given: given(func(l *lab) { _ = doCreate(subnetA, token("t"), groups("sg-0fffffffffffffff0"))(l) }), when: doCreate(subnetA, token("t")), code: "IdempotentParameterMismatch"},
		{situation: "not burnt by a create that was not allowed to try", given: given(func(l *lab) {
			_ = doCreate(subnetA, token("t"), func(in *createInput) { in.DryRun = aws.Bool(true) })(l)
		}), when: doCreate(subnetA, token("t")), code: "OK"},
		{situation: "replay when the quota is used up, variant", world: func(w *World) { w.Quotas.InterfacesPerRegion, w.Variants.ReplayAtQuota = 6, "fail" }, given: created(subnetA, token("t")), when: doCreate(subnetA, token("t")), code: "NetworkInterfaceLimitExceeded"},
		{situation: "free after a failed create, variant", world: func(w *World) { w.Variants.TokenOfFailed = "free" }, given: given(func(l *lab) { _ = doCreate(subnetA, token("t"), groups("sg-0fffffffffffffff0"))(l) }), when: doCreate(subnetA, token("t")), code: "OK"},
		{situation: "sixty-four characters", when: doCreate(subnetA, token(strings.Repeat("x", 64))), code: "OK"},
		{situation: "sixty-five characters", when: doCreate(subnetA, token(strings.Repeat("x", 65))), code: "InvalidClientToken"},
		{situation: "not ASCII", when: doCreate(subnetA, token("ü")), code: "InvalidClientToken"},
		{situation: "replay when the quota is used up", world: func(w *World) { w.Quotas.InterfacesPerRegion = 6 }, given: given(created(subnetA, token("t")), remember), when: doCreate(subnetA, token("t")), code: "OK", then: again},
	})
}
