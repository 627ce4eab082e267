"""Signatures, principals and policies."""

import os
import xml.etree.ElementTree as ElementTree

import boto3
import botocore

import lab

OURS, THEIRS = "i-0aaaaaaaaaaaaaaa1", "i-0aaaaaaaaaaaaaaa2"  # by their tag cluster, in worlds/access.yaml


class Signatures(lab.Case):
    """Who signs, and for what."""

    world = "access.yaml"

    def test_clean_environment(self):
        """Nothing of the machine's own configuration reaches the clients."""
        self.assertEqual(os.environ["AWS_EC2_METADATA_DISABLED"], "true")
        self.assertEqual(os.stat(os.environ["AWS_CONFIG_FILE"]).st_size, 0)
        self.assertEqual(boto3.Session().available_profiles, [])
        self.assertTrue(botocore.__file__.startswith("/usr/lib/"), botocore.__file__)

    def test_unknown_key(self):
        self.refused("AuthFailure", 401, self.client("AKIDNOBODY").describe_subnets)

    def test_unknown_key_may_not_even_try(self):
        self.refused("AuthFailure", 401, self.client("AKIDNOBODY").describe_subnets, DryRun=True)

    def test_known_key(self):
        self.assertEqual(len(self.ec2.describe_subnets()["Subnets"]), 1)

    def test_credentials_of_the_environment(self):
        client = boto3.client("ec2", endpoint_url=self.sim.url)
        self.addCleanup(client.close)
        self.assertEqual(len(client.describe_subnets()["Subnets"]), 1)

    def test_other_region(self):
        self.refused("AuthFailure", 401, self.client(region="eu-west-1").describe_subnets)

    def test_no_signature(self):
        client = self.client(signature_version=botocore.UNSIGNED)
        self.refused("MissingAuthenticationToken", 403, client.describe_subnets)

    def test_presigned_address(self):
        address = self.ec2.generate_presigned_url("describe_subnets", HttpMethod="GET")
        status, document = self.sim.request("GET", address.removeprefix(self.sim.url))
        self.assertEqual(status, 200, document)
        self.assertEqual(ElementTree.fromstring(document).tag.partition("}")[2], "DescribeSubnetsResponse")


class Policies(lab.Case):
    """What the policy of worlds/controller.json allows, and what it does not."""

    world = "access.yaml"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.controller = cls.client("AKIDCONTROLLER")

    def made(self, **params):
        eni = self.controller.create_network_interface(
            SubnetId=lab.SUBNET, TagSpecifications=lab.tag_specification(cluster="ours"), **params)["NetworkInterface"]["NetworkInterfaceId"]
        self.addCleanup(self.sim.request, "POST", f"/_sim/interfaces/{eni}/delete")
        return eni

    def test_create_needs_the_tag(self):
        for tags in {}, {"TagSpecifications": lab.tag_specification(cluster="theirs")}, {"TagSpecifications": lab.tag_specification(clusters="ours")}:
            with self.subTest(tags):
                message = self.refused("UnauthorizedOperation", 403, self.controller.create_network_interface, SubnetId=lab.SUBNET, **tags)
                self.assertRegex(message, "not authorized")
        self.assertEqual(self.interface(self.made())["Status"], "available")

    def test_condition_keys_have_no_case(self):
        """IAM compares the names of condition keys, tag keys in them included, without regard to case."""
        made = self.controller.create_network_interface(
            SubnetId=lab.SUBNET, TagSpecifications=lab.tag_specification(Cluster="ours"))["NetworkInterface"]
        self.assertEqual(lab.tags_of(made["TagSet"]), {"Cluster": "ours"})
        self.controller.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])

    def test_attach_needs_both(self):
        eni = self.made()
        def attach(interface, instance):
            return {"NetworkInterfaceId": interface, "InstanceId": instance, "DeviceIndex": 1}
        self.refused("UnauthorizedOperation", 403, self.controller.attach_network_interface, **attach(eni, THEIRS))
        self.refused("UnauthorizedOperation", 403, self.controller.attach_network_interface, **attach(lab.THEIRS, OURS))
        self.assertNotIn("Attachment", self.interface(eni))
        attachment = self.controller.attach_network_interface(**attach(eni, OURS))["AttachmentId"]
        self.controller.detach_network_interface(AttachmentId=attachment)
        self.controller.delete_network_interface(NetworkInterfaceId=eni)

    def test_denied_actions(self):
        eni = self.made()
        for action, params in {
                "modify_network_interface_attribute": {"NetworkInterfaceId": eni, "Description": {"Value": "x"}},
                "create_tags": {"Resources": [eni], "Tags": [{"Key": "a", "Value": "b"}]},
                "delete_tags": {"Resources": [eni], "Tags": [{"Key": "cluster"}]},
                "terminate_instances": {"InstanceIds": [OURS]},
                "delete_network_interface": {"NetworkInterfaceId": lab.THEIRS}}.items():
            with self.subTest(action):
                self.refused("UnauthorizedOperation", 403, getattr(self.controller, action), **params)
        self.assertEqual(lab.tags_of(self.interface(eni)["TagSet"]), {"cluster": "ours"})

    def test_dry_run_tells_which(self):
        eni = self.made()
        self.refused("DryRunOperation", 412, self.controller.delete_network_interface, NetworkInterfaceId=eni, DryRun=True)
        self.refused("UnauthorizedOperation", 403, self.controller.delete_network_interface, NetworkInterfaceId=lab.THEIRS, DryRun=True)
        self.refused("UnauthorizedOperation", 403, self.controller.terminate_instances, InstanceIds=[OURS], DryRun=True)

    def test_denial_comes_before_existence(self):
        self.refused("UnauthorizedOperation", 403, self.controller.delete_network_interface, NetworkInterfaceId=lab.NO_INTERFACE)

    def test_admin_may(self):
        eni = self.made()
        self.ec2.create_tags(Resources=[eni], Tags=[{"Key": "a", "Value": "b"}])
        self.assertEqual(lab.tags_of(self.interface(eni)["TagSet"]), {"cluster": "ours", "a": "b"})
