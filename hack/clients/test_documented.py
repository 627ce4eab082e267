"""What EC2 documents, taken from botocore's own copy: filters and parameters."""

import re

import botocore.exceptions

import lab
import model

DESCRIBES = {
    "DescribeNetworkInterfaces": "describe_network_interfaces",
    "DescribeInstances": "describe_instances",
    "DescribeInstanceTypes": "describe_instance_types",
    "DescribeSubnets": "describe_subnets",
    "DescribeSecurityGroups": "describe_security_groups",
    "DescribeVpcs": "describe_vpcs",
}

ACTIONS = [
    *DESCRIBES, "CreateNetworkInterface", "AttachNetworkInterface", "DetachNetworkInterface", "DeleteNetworkInterface",
    "ModifyNetworkInterfaceAttribute", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses", "CreateTags", "DeleteTags",
    "RunInstances", "StartInstances", "StopInstances", "RebootInstances", "TerminateInstances"]


def input_names(shape, prefix=""):
    """Lists the parameters of an action as they go over the wire, lists with one member."""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            wire = member.serialization.get("queryName") or upper(member.serialization.get("name", name))
            yield from input_names(member, f"{prefix}.{wire}" if prefix else wire)
    elif shape.type_name == "list":
        yield from input_names(shape.member, prefix + ".1")
    else:
        yield prefix, shape


def upper(name):
    return name[0].upper() + name[1:]


def documented_filters(operation):
    """Lists the filters that an action's documentation names."""
    text = operation.input_shape.members["Filters"].documentation
    return re.findall(r"<li> <p> ?<code>([a-z0-9.:-]+)</code>", text)


class Filters(lab.Case):
    """A filter that EC2 documents is never called invalid, whether it matches or not."""

    def refusals(self, operation):
        names = documented_filters(model.service().operation_model(operation))
        self.assertGreater(len(names), 10)
        call = getattr(self.ec2, DESCRIBES[operation])
        out = []
        for name in names:
            name = "tag:x" if name == "tag" else name
            try:
                call(Filters=[{"Name": name, "Values": ["nothing has this"]}])
            except botocore.exceptions.ClientError as refusal:
                out.append(f"{name}: {refusal.response['Error']['Code']}")
        return out

    def test_interfaces(self):
        self.assertEqual(self.refusals("DescribeNetworkInterfaces"), [])

    def test_instances(self):
        self.assertEqual(self.refusals("DescribeInstances"), [])

    def test_instance_types(self):
        self.assertEqual(self.refusals("DescribeInstanceTypes"), [])

    def test_subnets(self):
        self.assertEqual(self.refusals("DescribeSubnets"), [])

    def test_security_groups(self):
        self.assertEqual(self.refusals("DescribeSecurityGroups"), [])

    def test_vpcs(self):
        self.assertEqual(self.refusals("DescribeVpcs"), [])


class Parameters(lab.Case):
    """A parameter that EC2 documents is never called unknown: UnsupportedOperation is the
    answer where the simulator does not do what it asks for."""

    def test_known(self):
        for action in ACTIONS:
            with self.subTest(action):
                names = [name for name, _ in input_names(model.service().operation_model(action).input_shape)]
                unknown = [n for n in names if b"UnknownParameter" in self.sim.signed({"Action": action, n: "x"})[1]]
                self.assertEqual(unknown, [])

    def test_unknown_beside_known(self):
        """The same requests with one name more, so that the test above cannot pass unasked."""
        for action in ACTIONS:
            with self.subTest(action):
                _, answer = self.sim.signed({"Action": action, "DryRun": "true", "Nonsense": "x"})
                self.assertIn(b"<Code>UnknownParameter</Code>", answer)
                self.assertTrue(re.search(rb"<Message>[^<]*Nonsense", answer), answer)
