package ec2sim

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

// controllerPolicy has the shape of a least-privilege policy for interfaces of one owner.
const controllerPolicy = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Sid": "Read", "Effect": "Allow", "Action": "ec2:Describe*", "Resource": "*"},
    {"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": "arn:aws:ec2:*:*:network-interface/*",
     "Condition": {"StringEquals": {"aws:RequestTag/owner": "me"}, "ForAllValues:StringLike": {"aws:TagKeys": ["owner", "n*"]}}},
    {"Effect": "Allow", "Action": "ec2:CreateNetworkInterface", "Resource": ["arn:aws:ec2:*:*:subnet/*", "arn:aws:ec2:*:*:security-group/*"],
     "Condition": {"StringLike": {"ec2:Vpc": "arn:aws:ec2:*:*:vpc/vpc-1"}}},
    {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:network-interface/*",
     "Condition": {"StringEquals": {"ec2:CreateAction": "CreateNetworkInterface"}}},
    {"Effect": "Allow", "Action": ["ec2:AttachNetworkInterface", "ec2:DetachNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute"],
     "Resource": "arn:aws:ec2:*:*:network-interface/*", "Condition": {"StringEquals": {"aws:ResourceTag/owner": "me"}}},
    {"Effect": "Allow", "Action": ["ec2:AttachNetworkInterface", "ec2:DetachNetworkInterface"], "Resource": "arn:aws:ec2:*:*:instance/*",
     "Condition": {"Null": {"ec2:ResourceTag/cluster": "false"}}},
    {"Effect": "Allow", "Action": "ec2:ModifyNetworkInterfaceAttribute", "Resource": "arn:aws:ec2:*:*:instance/*",
     "Condition": {"Null": {"ec2:ResourceTag/cluster": "false"}}},
    {"Effect": "Allow", "Action": "ec2:RunInstances", "Resource": "*"},
    {"Effect": "Allow", "Action": "ec2:CreateTags", "Resource": "arn:aws:ec2:*:*:instance/*", "Condition": {"StringEquals": {"ec2:CreateAction": "RunInstances"}}},
    {"Effect": "Deny", "Action": "ec2:ModifyNetworkInterfaceAttribute", "Resource": "*", "Condition": {"StringEquals": {"ec2:Attribute": "SourceDestCheck"}}},
    {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"ec2:ResourceTag/frozen": "true"}}}
  ]
}`

const rootPolicy = `{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}`

func guarded(w *World) {
	w.Principals = []Principal{
		{Name: "controller", AccessKey: "AKIDCONTROLLER", Documents: []string{controllerPolicy}},
		{Name: "root", AccessKey: "AKIDTEST", Documents: []string{rootPolicy}},
	}
	w.Instances[0].Tags = map[string]string{"cluster": "x"}
}

func asController(do func(*lab) error) func(*lab) error {
	return func(l *lab) error {
		root := l.ec2
		defer func() { l.ec2 = root }()
		l.ec2 = l.client("AKIDCONTROLLER")
		return do(l)
	}
}

func launchTagged(in *runInput) {
	in.TagSpecifications = []types.TagSpecification{{ResourceType: "instance", Tags: []types.Tag{{Key: new("a"), Value: new("1")}}}}
}

func nicTag(in *runInput) {
	in.TagSpecifications = append(in.TagSpecifications, types.TagSpecification{ResourceType: "network-interface", Tags: []types.Tag{{Key: new("a"), Value: new("1")}}})
}

// TestDenial: the message names who, what and why, and ends in what only IAM can read.
func TestDenial(t *testing.T) {
	t.Parallel()
	l := newLab(t, guarded)
	_, err := clientOf(l.sim.Transport(), "AKIDCONTROLLER").TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{node}})
	for _, part := range []string{"user/controller is not authorized to perform: ec2:TerminateInstances on resource: arn:aws:ec2:us-east-1:123456789012:instance/" + node, "because no identity-based policy allows", "Encoded authorization failure message: "} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("the denial %v lacks %q", err, part)
		}
	}
}

func accessRows() []row {
	eni := types.ResourceTypeNetworkInterface
	mine := tagSpec(eni, "owner", "me")
	const denied = "UnauthorizedOperation"
	rows := []row{
		{action: "RunInstances", situation: "launch with tags for both kinds", source: docIAM, when: doRun(1, launchTagged), code: "OK"},
		{action: "RunInstances", situation: "launch that tags an interface without leave", source: docIAM, when: doRun(1, launchTagged, nicTag), code: denied},
		{action: "DeleteNetworkInterface", situation: "delete mine while a Deny holds for the key in other letters", source: docConditions, given: created(subnetA, tagSpec(eni, "owner", "me", "Frozen", "true")), when: doDelete(nil), code: denied},
		{action: "ModifyNetworkInterfaceAttribute", situation: "modify the attachment of mine on a node of the cluster", source: docIAM, given: given(created(subnetA, mine), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doModify(dot(true)), code: "OK"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "modify the attachment of mine on another instance", source: docIAM, given: given(created(subnetA, mine), func(l *lab) { l.attach(l.eni, small, 0, 1) }), when: doModify(dot(true)), code: denied},
		{action: "ModifyNetworkInterfaceAttribute", situation: "modify an attribute that is denied", source: docIAM, given: created(subnetA, mine), when: doModify(func(_ *lab, in *modifyInput) {
			in.SourceDestCheck = &types.AttributeBooleanValue{Value: new(false)}
		}), code: denied},
		{action: "DescribeNetworkInterfaces", situation: "describe", source: docIAM, when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK"},
		{action: "CreateNetworkInterface", situation: "create with the tag", source: docIAM, when: doCreate(subnetA, mine), code: "OK"},
		{action: "CreateNetworkInterface", situation: "create with another key that is allowed", source: docIAM, when: doCreate(subnetA, tagSpec(eni, "owner", "me", "name", "x")), code: "OK"},
		{action: "CreateNetworkInterface", situation: "create with a key that is not", source: docIAM, when: doCreate(subnetA, tagSpec(eni, "owner", "me", "x", "x")), code: denied},
		{action: "CreateNetworkInterface", situation: "create with another value", source: docIAM, when: doCreate(subnetA, tagSpec(eni, "owner", "you")), code: denied},
		{action: "CreateNetworkInterface", situation: "create without tags", source: docIAM, when: doCreate(subnetA), code: denied},
		{action: "CreateNetworkInterface", situation: "create in another VPC", source: docIAM, when: doCreate(subnetX, mine), code: denied},
		{action: "CreateNetworkInterface", situation: "create with a group of another VPC", source: docIAM, when: doCreate(subnetA, mine, groups(foreign)), code: denied},
		{action: "CreateNetworkInterface", situation: "create in a subnet that is not there", source: order, when: doCreate("subnet-0fffffffffffffff0", mine), code: denied},
		{action: "AttachNetworkInterface", situation: "attach mine to a node of the cluster", source: docIAM, given: created(subnetA, mine), when: doAttach(nil, node, 0, 1), code: "OK"},
		{action: "AttachNetworkInterface", situation: "attach mine to another instance", source: docIAM, given: created(subnetA, mine), when: doAttach(nil, small, 0, 1), code: denied},
		{action: "AttachNetworkInterface", situation: "attach another's", source: docIAM, given: created(subnetA), when: doAttach(nil, node, 0, 1), code: denied},
		{action: "DetachNetworkInterface", situation: "detach mine", source: docIAM, given: given(created(subnetA, mine), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doDetach(nil, false), code: "OK"},
		{action: "DetachNetworkInterface", situation: "detach another's", source: docIAM, given: func(l *lab) { l.attached(node, 1) }, when: doDetach(nil, false), code: denied},
		{action: "DeleteNetworkInterface", situation: "delete mine", source: docIAM, given: created(subnetA, mine), when: doDelete(nil), code: "OK"},
		{action: "DeleteNetworkInterface", situation: "delete another's", source: docIAM, given: created(subnetA), when: doDelete(nil), code: denied},
		{action: "DeleteNetworkInterface", situation: "delete what is not there", source: order, when: doDelete(new(nobody)), code: denied},
		{action: "DeleteNetworkInterface", situation: "delete mine while a Deny holds", source: docIAM, given: created(subnetA, tagSpec(eni, "owner", "me", "frozen", "true")), when: doDelete(nil), code: denied},
		{action: "ModifyNetworkInterfaceAttribute", situation: "modify mine", source: docIAM, given: created(subnetA, mine), when: doModify(setAbout("x")), code: "OK"},
		{action: "ModifyNetworkInterfaceAttribute", situation: "modify groups without leave for groups", source: docIAM, given: created(subnetA, mine), when: doModify(setGroups(other)), code: denied},
		{action: "CreateTags", situation: "tag mine afterwards", source: docIAM, given: created(subnetA, mine), when: doTag(nil, "owner", "me"), code: denied},
		{action: "CreateNetworkInterface", situation: "dry run of what is allowed", source: docErrors, when: doCreate(subnetA, mine, func(in *createInput) { in.DryRun = new(true) }), code: "DryRunOperation", status: 412},
		{action: "CreateNetworkInterface", situation: "dry run of what is not", source: docIAM, when: doCreate(subnetA, func(in *createInput) { in.DryRun = new(true) }), code: denied},
		{action: "TerminateInstances", situation: "another action", source: docIAM, when: doLife("terminate", node), code: denied},
		{action: "DescribeNetworkInterfaces", situation: "unknown access key", source: docErrors, when: func(l *lab) error {
			l.ec2 = l.client("AKIDWHO")
			return list(ec2.DescribeNetworkInterfacesInput{})(l)
		}, code: "AuthFailure", status: 401},
	}
	for i := range rows {
		rows[i].world = guarded
		if rows[i].situation != "unknown access key" {
			rows[i].when = asController(rows[i].when)
		}
		if rows[i].code == denied {
			rows[i].status = 403
		}
	}
	return rows
}

func TestConditions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		operator, want string
		got            []string
		holds          bool
	}{
		{"StringEquals", "a", []string{"a"}, true},
		{"StringEquals", "a", []string{"A"}, false},
		{"StringEquals", "a", nil, false},
		{"StringEqualsIfExists", "a", nil, true},
		{"StringEqualsIgnoreCase", "a", []string{"A"}, true},
		{"StringNotEquals", "a", []string{"b"}, true},
		{"StringNotEquals", "a", []string{"a"}, false},
		{"StringNotEquals", "a", nil, true},
		{"StringLike", "a*", []string{"abc"}, true},
		{"StringNotLike", "a*", []string{"abc"}, false},
		{"ForAllValues:StringEquals", "a,b", []string{"a", "b"}, true},
		{"ForAllValues:StringEquals", "a,b", []string{"a", "c"}, false},
		{"ForAllValues:StringEquals", "a,b", nil, true},
		{"ForAllValues:StringNotEquals", "a,b", []string{"c"}, true},
		{"ForAllValues:StringNotEquals", "a,b", []string{"c", "a"}, false},
		{"ForAnyValue:StringEquals", "a,b", []string{"c", "a"}, true},
		{"ForAnyValue:StringEquals", "a,b", nil, false},
		{"Null", "true", nil, true},
		{"Null", "true", []string{"x"}, false},
		{"Null", "false", []string{"x"}, true},
		{"Bool", "true", []string{"True"}, true},
	} {
		op, err := parseOperator(c.operator)
		if err != nil {
			t.Fatal(err)
		}
		var want []scalar
		for w := range strings.SplitSeq(c.want, ",") {
			want = append(want, scalar(w))
		}
		if op.holds(c.got, want) != c.holds {
			t.Errorf("%s %s on %v: want %v", c.operator, c.want, c.got, c.holds)
		}
	}
}

func TestPolicyRefused(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		``, `{}`, `{"Statement": []}`, `{"Statement": {"Effect": "Maybe", "Action": "*", "Resource": "*"}}`,
		`{"Statement": {"Effect": "Allow", "Resource": "*"}}`, `{"Statement": {"Effect": "Allow", "Action": "*"}}`,
		`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Mood": 1}}`,
		`{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:ec2:*:${aws:PrincipalAccount}:*"}}`,
		`{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"StringNotEquals": {"aws:ResourceTag/owner": "${aws:username}"}}}}`,
		`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"DateEquals": {"aws:TagKeys": "x"}}}}`,
		`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"ForSome:StringEquals": {"aws:TagKeys": "x"}}}}`,
		`{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"StringEquals": {"aws:SourceIp": "x"}}}}`,
	} {
		w := labWorld()
		w.Principals = []Principal{{Name: "p", AccessKey: "k", Documents: []string{doc}}}
		if _, err := New(w, Options{}); err == nil || !strings.Contains(fmt.Sprint(err), "principals[0].policies[0]: policy document") {
			t.Errorf("policy %s is answered with %v", doc, err)
		}
	}
}
