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
		l.ec2 = clientOf(l.sim.Transport(), "AKIDCONTROLLER")
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

func TestAccess(t *testing.T) {
	t.Parallel()
	eni := types.ResourceTypeNetworkInterface
	mine := tagSpec(eni, "owner", "me")
	const denied = "UnauthorizedOperation"
	rows := []row{
		{situation: "launch with tags for both kinds", when: doRun(1, launchTagged), code: "OK"},
		{situation: "launch that tags an interface without leave", when: doRun(1, launchTagged, nicTag), code: denied},
		{situation: "delete mine while a Deny holds for the key in other letters", given: created(subnetA, tagSpec(eni, "owner", "me", "Frozen", "true")), when: doDelete(nil), code: denied},
		{situation: "modify the attachment of mine on a node of the cluster", given: given(created(subnetA, mine), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doModify(dot(true)), code: "OK"},
		{situation: "modify the attachment of mine on another instance", given: given(created(subnetA, mine), func(l *lab) { l.attach(l.eni, small, 0, 1) }), when: doModify(dot(true)), code: denied},
		{situation: "modify an attribute that is denied", given: created(subnetA, mine), when: doModify(func(_ *lab, in *modifyInput) {
			in.SourceDestCheck = &types.AttributeBooleanValue{Value: new(false)}
		}), code: denied},
		{situation: "describe", when: list(ec2.DescribeNetworkInterfacesInput{}), code: "OK"},
		{situation: "create with the tag", when: doCreate(subnetA, mine), code: "OK"},
		{situation: "create with another key that is allowed", when: doCreate(subnetA, tagSpec(eni, "owner", "me", "name", "x")), code: "OK"},
		{situation: "create with a key that is not", when: doCreate(subnetA, tagSpec(eni, "owner", "me", "x", "x")), code: denied},
		{situation: "create with another value", when: doCreate(subnetA, tagSpec(eni, "owner", "you")), code: denied},
		{situation: "create without tags", when: doCreate(subnetA), code: denied},
		{situation: "create in another VPC", when: doCreate(subnetX, mine), code: denied},
		{situation: "create with a group of another VPC", when: doCreate(subnetA, mine, groups(foreign)), code: denied},
		{situation: "create in a subnet that is not there", when: doCreate("subnet-0fffffffffffffff0", mine), code: denied},
		{situation: "attach mine to a node of the cluster", given: created(subnetA, mine), when: doAttach(nil, node, 0, 1), code: "OK"},
		{situation: "attach mine to another instance", given: created(subnetA, mine), when: doAttach(nil, small, 0, 1), code: denied},
		{situation: "attach another's", given: created(subnetA), when: doAttach(nil, node, 0, 1), code: denied},
		{situation: "detach mine", given: given(created(subnetA, mine), func(l *lab) { l.attach(l.eni, node, 0, 1) }), when: doDetach(nil, false), code: "OK"},
		{situation: "detach another's", given: func(l *lab) { l.attached(node, 1) }, when: doDetach(nil, false), code: denied},
		{situation: "delete mine", given: created(subnetA, mine), when: doDelete(nil), code: "OK"},
		{situation: "delete another's", given: created(subnetA), when: doDelete(nil), code: denied},
		{situation: "delete what is not there", when: doDelete(new(nobody)), code: denied},
		{situation: "delete mine while a Deny holds", given: created(subnetA, tagSpec(eni, "owner", "me", "frozen", "true")), when: doDelete(nil), code: denied},
		{situation: "modify mine", given: created(subnetA, mine), when: doModify(setAbout("x")), code: "OK"},
		{situation: "modify groups without leave for groups", given: created(subnetA, mine), when: doModify(setGroups(other)), code: denied},
		{situation: "tag mine afterwards", given: created(subnetA, mine), when: doTag(nil, "owner", "me"), code: denied},
		{situation: "dry run of what is allowed", when: doCreate(subnetA, mine, func(in *createInput) { in.DryRun = new(true) }), code: "DryRunOperation", status: 412},
		{situation: "dry run of what is not", when: doCreate(subnetA, func(in *createInput) { in.DryRun = new(true) }), code: denied},
		{situation: "another action", when: doLife("terminate", node), code: denied},
		{situation: "unknown access key", when: func(l *lab) error {
			l.ec2 = clientOf(l.sim.Transport(), "AKIDWHO")
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
	runRows(t, rows)
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
