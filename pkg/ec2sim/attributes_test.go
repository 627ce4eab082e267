package ec2sim

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func doAttribute(name types.NetworkInterfaceAttribute) func(*lab) error {
	return func(l *lab) error {
		out, err := l.ec2.DescribeNetworkInterfaceAttribute(l.Context(), &ec2.DescribeNetworkInterfaceAttributeInput{NetworkInterfaceId: &l.eni, Attribute: name})
		l.said = out
		return err
	}
}

func said(f func(*lab, *ec2.DescribeNetworkInterfaceAttributeOutput)) func(*lab) {
	return func(l *lab) { l.Helper(); f(l, l.said.(*ec2.DescribeNetworkInterfaceAttributeOutput)) }
}

func interfaceAttributeRows() []row {
	made := created(subnetA, about("it"), groups(workers))
	return []row{
		{action: "DescribeNetworkInterfaceAttribute", situation: "description", source: docAPI, given: made, when: doAttribute("description"), code: "OK", then: said(func(l *lab, o *ec2.DescribeNetworkInterfaceAttributeOutput) {
			l.want("the description", *o.Description.Value, "it")
			l.want("the interface", *o.NetworkInterfaceId, l.eni)
		})},
		{action: "DescribeNetworkInterfaceAttribute", situation: "groups", source: docAPI, given: made, when: doAttribute("groupSet"), code: "OK", then: said(func(l *lab, o *ec2.DescribeNetworkInterfaceAttributeOutput) {
			l.want("the group", *o.Groups[0].GroupId, workers)
		})},
		{action: "DescribeNetworkInterfaceAttribute", situation: "source/destination check", source: docAPI, given: made, when: doAttribute("sourceDestCheck"), code: "OK", then: said(func(l *lab, o *ec2.DescribeNetworkInterfaceAttributeOutput) {
			if !*o.SourceDestCheck.Value {
				l.Error("the check is off")
			}
		})},
		{action: "DescribeNetworkInterfaceAttribute", situation: "attachment", source: docAPI, given: func(l *lab) { l.attached(node, 1) }, when: doAttribute("attachment"), code: "OK", then: said(func(l *lab, o *ec2.DescribeNetworkInterfaceAttributeOutput) {
			l.want("the attachment", *o.Attachment.AttachmentId, l.att)
			l.want("the instance", *o.Attachment.InstanceId, node)
		})},
		{action: "DescribeNetworkInterfaceAttribute", situation: "attachment of none", source: assumed, given: made, when: doAttribute("attachment"), code: "OK", then: said(func(l *lab, o *ec2.DescribeNetworkInterfaceAttributeOutput) {
			if o.Attachment != nil {
				l.Errorf("the attachment is %+v", o.Attachment)
			}
		})},
		{action: "DescribeNetworkInterfaceAttribute", situation: "unknown attribute", source: docAPI, given: made, when: doAttribute("colour"), code: "InvalidParameterValue"},
		{action: "DescribeNetworkInterfaceAttribute", situation: "no attribute", source: docErrors, given: made, when: func(l *lab) error {
			return l.form("Action=DescribeNetworkInterfaceAttribute&NetworkInterfaceId=" + l.eni)
		}, code: "MissingParameter"},
		{action: "DescribeNetworkInterfaceAttribute", situation: "unknown interface", source: docErrors, given: func(l *lab) { l.eni = nobody }, when: doAttribute("description"), code: "InvalidNetworkInterfaceID.NotFound"},
		{action: "DescribeNetworkInterfaceAttribute", situation: "malformed interface", source: docErrors, given: func(l *lab) { l.eni = "eni-1" }, when: doAttribute("description"), code: "InvalidNetworkInterfaceId.Malformed"},
	}
}

func instanceAttributeRows() []row {
	attribute := func(id string, name types.InstanceAttributeName) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeInstanceAttribute(l.Context(), &ec2.DescribeInstanceAttributeInput{InstanceId: &id, Attribute: name})
			l.said = out
			return err
		}
	}
	return []row{
		{action: "DescribeInstanceAttribute", situation: "type", source: docAPI, when: attribute(node, "instanceType"), code: "OK", then: func(l *lab) {
			l.want("the type", *l.said.(*ec2.DescribeInstanceAttributeOutput).InstanceType.Value, "m5.xlarge")
		}},
		{action: "DescribeInstanceAttribute", situation: "groups", source: docAPI, when: attribute(node, "groupSet"), code: "OK", then: func(l *lab) {
			l.want("the group", *l.said.(*ec2.DescribeInstanceAttributeOutput).Groups[0].GroupName, "default")
		}},
		{action: "DescribeInstanceAttribute", situation: "termination protection", source: docAPI, when: attribute(node, "disableApiTermination"), code: "OK", then: func(l *lab) {
			if *l.said.(*ec2.DescribeInstanceAttributeOutput).DisableApiTermination.Value {
				l.Error("it is protected")
			}
		}},
		{action: "DescribeInstanceAttribute", situation: "unknown attribute", source: docAPI, when: attribute(node, "colour"), code: "InvalidParameterValue"},
		{action: "DescribeInstanceAttribute", situation: "unknown instance", source: docErrors, when: attribute("i-0fffffffffffffff0", "instanceType"), code: "InvalidInstanceID.NotFound"},
	}
}

func instanceStatusRows() []row {
	status := func(in ec2.DescribeInstanceStatusInput) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeInstanceStatus(l.Context(), &in)
			var got []string
			if err == nil {
				for _, i := range out.InstanceStatuses {
					got = append(got, string(i.InstanceState.Name)+"/"+string(i.InstanceStatus.Status))
				}
			}
			l.said = strings.Join(got, " ")
			return err
		}
	}
	are := func(want string) func(*lab) {
		return func(l *lab) { l.Helper(); l.want("the statuses", l.said.(string), want) }
	}
	return []row{
		{action: "DescribeInstanceStatus", situation: "only those that run", source: docAPI, when: status(ec2.DescribeInstanceStatusInput{}), code: "OK", then: are("running/ok running/ok running/ok")},
		{action: "DescribeInstanceStatus", situation: "all", source: docAPI, when: status(ec2.DescribeInstanceStatusInput{IncludeAllInstances: aws.Bool(true)}), code: "OK", then: are("running/ok running/ok running/ok stopped/not-applicable pending/initializing")},
		{action: "DescribeInstanceStatus", situation: "one that does not run", source: assumed, when: status(ec2.DescribeInstanceStatusInput{InstanceIds: []string{halted}}), code: "OK", then: are("")},
		{action: "DescribeInstanceStatus", situation: "by filter", source: docAPI, when: status(ec2.DescribeInstanceStatusInput{Filters: filtered("instance-status.status", "initializing"), IncludeAllInstances: aws.Bool(true)}), code: "OK", then: are("pending/initializing")},
		{action: "DescribeInstanceStatus", situation: "unknown instance", source: docErrors, when: status(ec2.DescribeInstanceStatusInput{InstanceIds: []string{"i-0fffffffffffffff0"}}), code: "InvalidInstanceID.NotFound"},
		{action: "DescribeInstanceStatus", situation: "tags are no filter of it", source: seenStatusFilter, when: status(ec2.DescribeInstanceStatusInput{Filters: filtered("tag:a", "b")}), code: "InvalidParameterValue"},
	}
}

// TestStatusWaiter: the SDK's own waiter ends once the instance runs.
func TestStatusWaiter(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.clock.Advance(5 * time.Second)
	waiter := ec2.NewInstanceStatusOkWaiter(l.ec2)
	if err := waiter.Wait(t.Context(), &ec2.DescribeInstanceStatusInput{InstanceIds: []string{fresh}}, time.Second); err != nil {
		t.Error(err)
	}
}

func zoneRows() []row {
	zones := func(in ec2.DescribeAvailabilityZonesInput) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeAvailabilityZones(l.Context(), &in)
			var got []string
			if err == nil {
				for _, z := range out.AvailabilityZones {
					got = append(got, *z.ZoneName+"="+*z.ZoneId)
				}
			}
			l.said = strings.Join(got, " ")
			return err
		}
	}
	are := func(want string) func(*lab) {
		return func(l *lab) { l.Helper(); l.want("the zones", l.said.(string), want) }
	}
	return []row{
		{action: "DescribeAvailabilityZones", situation: "all", source: docAPI, when: zones(ec2.DescribeAvailabilityZonesInput{}), code: "OK", then: are("us-east-1a=use1-az1 us-east-1b=use1-az2")},
		{action: "DescribeAvailabilityZones", situation: "by name", source: docAPI, when: zones(ec2.DescribeAvailabilityZonesInput{ZoneNames: []string{"us-east-1b"}}), code: "OK", then: are("us-east-1b=use1-az2")},
		{action: "DescribeAvailabilityZones", situation: "by ID", source: docAPI, when: zones(ec2.DescribeAvailabilityZonesInput{ZoneIds: []string{"use1-az1"}}), code: "OK", then: are("us-east-1a=use1-az1")},
		{action: "DescribeAvailabilityZones", situation: "by filter", source: docAPI, when: zones(ec2.DescribeAvailabilityZonesInput{Filters: filtered("zone-name", "*b", "state", "available")}), code: "OK", then: are("us-east-1b=use1-az2")},
		{action: "DescribeAvailabilityZones", situation: "unknown", source: assumed, when: zones(ec2.DescribeAvailabilityZonesInput{ZoneNames: []string{"us-east-1z"}}), code: "InvalidParameterValue"},
		{action: "DescribeAvailabilityZones", situation: "unknown ID", source: assumed, when: zones(ec2.DescribeAvailabilityZonesInput{ZoneIds: []string{"use1-az9"}}), code: "InvalidParameterValue"},
		{action: "DescribeAvailabilityZones", situation: "unknown filter", source: seenFilter, when: zones(ec2.DescribeAvailabilityZonesInput{Filters: filtered("colour", "red")}), code: "InvalidParameterValue"},
	}
}

func describeTagsRows() []row {
	tags := func(in ec2.DescribeTagsInput) func(*lab) error {
		return func(l *lab) error {
			out, err := l.ec2.DescribeTags(l.Context(), &in)
			var got []string
			if err == nil {
				for _, g := range out.Tags {
					got = append(got, string(g.ResourceType)+":"+*g.Key+"="+*g.Value)
				}
			}
			l.said = strings.Join(got, " ")
			return err
		}
	}
	are := func(want string) func(*lab) {
		return func(l *lab) { l.Helper(); l.want("the tags", l.said.(string), want) }
	}
	given := func(l *lab) {
		l.create(subnetA, tagSpec(types.ResourceTypeNetworkInterface, "a", "1", "b", "2"))
		l.must(doTag([]string{node, workers, "vpc-1"}, "a", "3")(l))
	}
	return []row{
		{action: "DescribeTags", situation: "all", source: docAPI, given: given, when: tags(ec2.DescribeTagsInput{}), code: "OK", then: are("network-interface:a=1 network-interface:b=2 instance:a=3 security-group:a=3 subnet:Name=a vpc:a=3")},
		{action: "DescribeTags", situation: "by key and type", source: docAPI, given: given, when: tags(ec2.DescribeTagsInput{Filters: filtered("key", "a", "resource-type", "network-interface,instance")}), code: "OK", then: are("network-interface:a=1 instance:a=3")},
		{action: "DescribeTags", situation: "by tag", source: docAPI, given: given, when: tags(ec2.DescribeTagsInput{Filters: filtered("tag:a", "3", "resource-id", node)}), code: "OK", then: are("instance:a=3")},
		{action: "DescribeTags", situation: "by value", source: docAPI, given: given, when: tags(ec2.DescribeTagsInput{Filters: filtered("value", "2")}), code: "OK", then: are("network-interface:b=2")},
		{action: "DescribeTags", situation: "in pages", source: docPages, given: given, when: tags(ec2.DescribeTagsInput{MaxResults: aws.Int32(5)}), code: "OK", then: are("network-interface:a=1 network-interface:b=2 instance:a=3 security-group:a=3 subnet:Name=a")},
		{action: "DescribeTags", situation: "unknown filter", source: seenFilter, given: given, when: tags(ec2.DescribeTagsInput{Filters: filtered("colour", "red")}), code: "InvalidParameterValue"},
	}
}
