package ec2sim

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

type modifyInput = ec2.ModifyNetworkInterfaceAttributeInput

func doModify(change ...func(*lab, *modifyInput)) func(*lab) error {
	return func(l *lab) error {
		in := &modifyInput{NetworkInterfaceId: &l.eni}
		for _, f := range change {
			f(l, in)
		}
		_, err := l.ec2.ModifyNetworkInterfaceAttribute(l.Context(), in)
		return err
	}
}

func dot(on bool) func(*lab, *modifyInput) {
	return func(l *lab, in *modifyInput) {
		in.Attachment = &types.NetworkInterfaceAttachmentChanges{AttachmentId: &l.att, DeleteOnTermination: &on}
	}
}

func setGroups(ids ...string) func(*lab, *modifyInput) {
	return func(_ *lab, in *modifyInput) { in.Groups = ids }
}

func setAbout(s string) func(*lab, *modifyInput) {
	return func(_ *lab, in *modifyInput) { in.Description = &types.AttributeValue{Value: &s} }
}

func enaSrd(on bool) func(*lab, *modifyInput) {
	return func(_ *lab, in *modifyInput) {
		in.EnaSrdSpecification = &types.EnaSrdSpecification{EnaSrdEnabled: &on}
	}
}

func queues(n int32) func(*lab, *modifyInput) {
	return func(l *lab, in *modifyInput) {
		in.Attachment = &types.NetworkInterfaceAttachmentChanges{AttachmentId: &l.att, EnaQueueCount: &n}
	}
}

// express makes the node a type with ENA Express and flexible ENA queues.
func express(w *World) { w.Instances[0].Type = "m6in.24xlarge" }

func modifyRows() []row {
	onNode := func(l *lab) { l.attached(node, 1) }
	return []row{
		{action: "ModifyNetworkInterfaceAttribute", situation: "delete-on-termination", source: docAPI, given: onNode, when: doModify(dot(true)), code: "OK", then: func(l *lab) {
			if !*l.describe(l.eni).Attachment.DeleteOnTermination {
				l.Error("the flag is not set")
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "delete-on-termination while attaching", source: codeCNI, given: given(created(subnetA), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doModify(dot(true)), code: "OK", then: given(settled, stateIs("in-use/attached"))},
		{action: "ModifyNetworkInterfaceAttribute", situation: "attachment of another interface", source: assumed, given: given(onNode, func(l *lab) { l.create(subnetA) }), when: doModify(dot(true)), code: "InvalidAttachmentID.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "attachment detached", source: docErrors, given: given(onNode, func(l *lab) { l.must(doDetach(nil, false)(l)) }, settled), when: doModify(dot(true)), code: "InvalidAttachmentID.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "attachment without its ID", source: docAPI, given: onNode, when: func(l *lab) error {
			return l.form("Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=" + l.eni + "&Attachment.DeleteOnTermination=true")
		}, code: "MissingParameter"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "source/destination check", source: docAPI, given: created(subnetA), when: doModify(func(_ *lab, in *modifyInput) {
			in.SourceDestCheck = &types.AttributeBooleanValue{Value: aws.Bool(false)}
		}), code: "OK", then: func(l *lab) {
			if *l.describe(l.eni).SourceDestCheck {
				l.Error("the check is still on")
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "description", source: docAPI, given: created(subnetA), when: doModify(setAbout("new")), code: "OK", then: func(l *lab) { l.want("it", *l.describe(l.eni).Description, "new") }},
		{action: "ModifyNetworkInterfaceAttribute", situation: "description too long", source: assumed, given: created(subnetA), when: doModify(setAbout(strings.Repeat("x", 256))), code: "InvalidParameterValue"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "groups are replaced", source: docAPI, given: created(subnetA, groups(workers)), when: doModify(setGroups(other)), code: "OK", then: func(l *lab) {
			if g := l.describe(l.eni).Groups; len(g) != 1 || *g[0].GroupId != other {
				l.Errorf("groups are %v", g)
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "group unknown", source: docErrors, given: created(subnetA), when: doModify(setGroups("sg-0fffffffffffffff0")), code: "InvalidGroup.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "group of another VPC", source: assumed, given: created(subnetA), when: doModify(setGroups(foreign)), code: "InvalidParameterCombination"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "too many groups", source: docErrors, world: func(w *World) { w.Quotas.SecurityGroupsPerInterface = 1 }, given: created(subnetA), when: doModify(setGroups(workers, other)), code: "SecurityGroupsPerInterfaceLimitExceeded"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "tracking", source: docAPI, given: created(subnetA), when: doModify(func(_ *lab, in *modifyInput) {
			in.ConnectionTrackingSpecification = &types.ConnectionTrackingSpecificationRequest{TcpEstablishedTimeout: aws.Int32(350)}
		}), code: "OK", then: func(l *lab) {
			if c := l.describe(l.eni).ConnectionTrackingConfiguration; c == nil || *c.TcpEstablishedTimeout != 350 {
				l.Errorf("tracking is %+v", c)
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "AWS's own", source: assumed, world: foreignInterfaces, given: func(l *lab) { l.eni = balancer }, when: doModify(setAbout("x")), code: "AuthFailure", status: 401},
		{action: "ModifyNetworkInterfaceAttribute", situation: "two attributes", source: docAPI, given: created(subnetA), when: doModify(setAbout("x"), setGroups(other)), code: "InvalidParameterCombination"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "no attribute", source: seenNothing, given: created(subnetA), when: doModify(), code: "InvalidParameterCombination"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "unknown interface", source: docErrors, given: func(l *lab) { l.eni = nobody }, when: doModify(setAbout("x")), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "tracking leaves the other timeouts", source: assumed, given: created(subnetA, func(in *createInput) {
			in.ConnectionTrackingSpecification = &types.ConnectionTrackingSpecificationRequest{UdpTimeout: aws.Int32(45)}
		}), when: doModify(func(_ *lab, in *modifyInput) {
			in.ConnectionTrackingSpecification = &types.ConnectionTrackingSpecificationRequest{TcpEstablishedTimeout: aws.Int32(350)}
		}), code: "OK", then: func(l *lab) {
			if c := l.describe(l.eni).ConnectionTrackingConfiguration; c.UdpTimeout == nil || *c.UdpTimeout != 45 || *c.TcpEstablishedTimeout != 350 {
				l.Errorf("tracking is %+v", c)
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA Express on a type without", source: assumedCode(docENAExpress), given: onNode, when: doModify(enaSrd(true)), code: "InvalidParameterValue"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA Express off on a type without", source: assumed, given: onNode, when: doModify(enaSrd(false)), code: "OK"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA Express of what is not attached", source: assumed, given: created(subnetA), when: doModify(enaSrd(true)), code: "IncorrectState"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA Express", source: docENAExpress, world: express, given: onNode, when: doModify(enaSrd(true)), code: "OK", then: func(l *lab) {
			if s := l.describe(l.eni).Attachment.EnaSrdSpecification; s == nil || !*s.EnaSrdEnabled || *s.EnaSrdUdpSpecification.EnaSrdUdpEnabled {
				l.Errorf("ENA Express is %+v", s)
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA queues on a type without", source: assumed, given: onNode, when: doModify(queues(4)), code: "InvalidParameterValue"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "ENA queues", source: docAPI, world: express, given: onNode, when: doModify(queues(4)), code: "OK", then: func(l *lab) {
			if n := l.describe(l.eni).Attachment.EnaQueueCount; n == nil || *n != 4 {
				l.Errorf("the attachment has %v queues", n)
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "public address is only noted", source: ours, given: created(subnetA), when: doModify(func(_ *lab, in *modifyInput) { in.AssociatePublicIpAddress = aws.Bool(true) }), code: "OK", then: func(l *lab) {
			out, err := l.ec2.DescribeNetworkInterfaceAttribute(l.Context(), &ec2.DescribeNetworkInterfaceAttributeInput{NetworkInterfaceId: &l.eni, Attribute: "associatePublicIpAddress"})
			l.must(err)
			if !*out.AssociatePublicIpAddress {
				l.Error("the wish is not noted")
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "associated subnets", source: docAPI, given: created(subnetA), when: doModify(func(_ *lab, in *modifyInput) { in.AssociatedSubnetIds = []string{subnetA2} }), code: "OK", then: func(l *lab) {
			if s := l.describe(l.eni).AssociatedSubnets; len(s) != 1 || s[0] != subnetA2 {
				l.Errorf("associated subnets are %v", s)
			}
		}},
		{action: "ModifyNetworkInterfaceAttribute", situation: "associated subnet of another zone", source: assumed, given: created(subnetA), when: doModify(func(_ *lab, in *modifyInput) { in.AssociatedSubnetIds = []string{subnetB} }), code: "InvalidParameterCombination"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "associated subnet unknown", source: docErrors, given: created(subnetA), when: doModify(func(_ *lab, in *modifyInput) { in.AssociatedSubnetIds = []string{"subnet-0fffffffffffffff0"} }), code: "InvalidSubnetID.NotFound"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "flag starts at false on each attach", source: codeCNI, given: given(onNode, func(l *lab) {
			l.must(doModify(dot(true))(l))
			l.must(doDetach(nil, false)(l))
			l.settle()
		}), when: doAttach(nil, node, 0, 1), code: "OK", then: func(l *lab) {
			if *l.describe(l.eni).Attachment.DeleteOnTermination {
				l.Error("the flag outlived its attachment")
			}
		}},
	}
}

func doTag(ids []string, pairs ...string) func(*lab) error {
	return func(l *lab) error {
		in := &ec2.CreateTagsInput{Resources: ids}
		if ids == nil {
			in.Resources = []string{l.eni}
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			in.Tags = append(in.Tags, types.Tag{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := l.ec2.CreateTags(l.Context(), in)
		return err
	}
}

func doUntag(tags ...types.Tag) func(*lab) error {
	return func(l *lab) error {
		_, err := l.ec2.DeleteTags(l.Context(), &ec2.DeleteTagsInput{Resources: []string{l.eni}, Tags: tags})
		return err
	}
}

func tagsAre(want string) func(*lab) {
	return func(l *lab) {
		l.Helper()
		var got []string
		for _, t := range l.describe(l.eni).TagSet {
			got = append(got, *t.Key+"="+*t.Value)
		}
		l.want("the tags", strings.Join(got, " "), want)
	}
}

func tagsRows() []row {
	tagged := created(subnetA, tagSpec(types.ResourceTypeNetworkInterface, "a", "1", "b", "2"))
	fifty := created(subnetA, tagSpec(types.ResourceTypeNetworkInterface, manyTags(50)...))
	return []row{
		{action: "CreateTags", situation: "create adds and overwrites", source: docAPI, given: tagged, when: doTag(nil, "b", "3", "c", ""), code: "OK", then: tagsAre("a=1 b=3 c=")},
		{action: "CreateTags", situation: "create on several kinds", source: docAPI, when: doTag([]string{node, subnetA, workers, "vpc-1"}, "k", "v"), code: "OK"},
		{action: "CreateTags", situation: "one resource unknown fails all", source: docErrors, given: tagged, when: func(l *lab) error { return doTag([]string{l.eni, nobody}, "c", "3")(l) }, code: "InvalidNetworkInterfaceID.NotFound", then: tagsAre("a=1 b=2")},
		{action: "CreateTags", situation: "malformed VPC", source: docErrors, when: doTag([]string{"vpc-NOT!hex"}, "k", "v"), code: "InvalidVpcID.Malformed"},
		{action: "CreateTags", situation: "malformed comes before what is not there", source: order, when: doTag([]string{nobody, "subnet-x"}, "k", "v"), code: "InvalidSubnetID.Malformed"},
		{action: "CreateTags", situation: "unknown kind", source: docErrors, when: doTag([]string{"thing-12345678"}, "k", "v"), code: "InvalidID"},
		{action: "CreateTags", situation: "unknown instance", source: docErrors, when: doTag([]string{"i-0fffffffffffffff0"}, "k", "v"), code: "InvalidInstanceID.NotFound"},
		{action: "CreateTags", situation: "unknown subnet", source: docErrors, when: doTag([]string{"subnet-0fffffffffffffff0"}, "k", "v"), code: "InvalidSubnetID.NotFound"},
		{action: "CreateTags", situation: "unknown group", source: docErrors, when: doTag([]string{"sg-0fffffffffffffff0"}, "k", "v"), code: "InvalidGroup.NotFound"},
		{action: "CreateTags", situation: "reserved key", source: seenReserved, given: tagged, when: doTag(nil, "aws:k", "v"), code: "InvalidParameterValue"},
		{action: "CreateTags", situation: "empty key", source: seenEmptyKey, given: tagged, when: doTag(nil, "", "v"), code: "InvalidParameterValue"},
		{action: "CreateTags", situation: "fifty-first tag", source: docErrors, given: fifty, when: doTag(nil, "new", "v"), code: "TagLimitExceeded"},
		{action: "CreateTags", situation: "overwriting one of fifty", source: docTags, given: fifty, when: doTag(nil, "k7", "w"), code: "OK"},
		{action: "CreateTags", situation: "no tag", source: seenNoTags, given: tagged, when: func(l *lab) error { return l.form("Action=CreateTags&ResourceId.1=" + l.eni) }, code: "InvalidParameterValue"},
		{action: "DeleteTags", situation: "delete by key", source: docAPI, given: tagged, when: doUntag(types.Tag{Key: aws.String("a")}), code: "OK", then: tagsAre("b=2")},
		{action: "DeleteTags", situation: "delete by key and value", source: docAPI, given: tagged, when: doUntag(types.Tag{Key: aws.String("a"), Value: aws.String("1")}), code: "OK", then: tagsAre("b=2")},
		{action: "DeleteTags", situation: "delete by key and other value", source: docAPI, given: tagged, when: doUntag(types.Tag{Key: aws.String("a"), Value: aws.String("9")}), code: "OK", then: tagsAre("a=1 b=2")},
		{action: "DeleteTags", situation: "delete by key and empty value", source: docAPI, given: tagged, when: doUntag(types.Tag{Key: aws.String("a"), Value: aws.String("")}), code: "OK", then: tagsAre("a=1 b=2")},
		{action: "DeleteTags", situation: "delete what is not there", source: assumed, given: tagged, when: doUntag(types.Tag{Key: aws.String("z")}), code: "OK", then: tagsAre("a=1 b=2")},
		{action: "DeleteTags", situation: "delete a reserved key", source: seenReserved, given: tagged, when: doUntag(types.Tag{Key: aws.String("aws:cloudformation:stack-name")}), code: "InvalidParameterValue", then: tagsAre("a=1 b=2")},
		{action: "DeleteTags", situation: "delete all", source: docAPI, given: tagged, when: doUntag(), code: "OK", then: tagsAre("")},
	}
}
