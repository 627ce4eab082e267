"""What EC2's answers hold beside what the models promise, as recordings of EC2 show it.

A client that reads these without asking works with EC2; one that forgets what EC2 leaves
out does not.
"""

import xml.etree.ElementTree as ElementTree

import lab
import model


class Presence(lab.Case):
    """Keys that are always there, and keys that are not."""

    def assertHolds(self, seen, expected):
        self.assertEqual({key: seen.get(key, "nothing") for key in expected}, expected)

    def test_create_answers_pending(self):
        made = self.create()
        self.assertEqual(made["Status"], "pending")
        self.assertEqual(self.interface(made["NetworkInterfaceId"])["Status"], "available")

    def test_instance(self):
        self.assertHolds(self.instance(lab.NODE), {
            "BlockDeviceMappings": [], "ProductCodes": [], "StateTransitionReason": "", "PublicDnsName": "", "ClientToken": "",
            "EbsOptimized": False, "Hypervisor": "xen"})
        self.assertEqual(self.instance(lab.NODE)["Placement"]["GroupName"], "")

    def test_only_a_change_of_state_has_a_reason(self):
        made = self.launch()["Instances"][0]
        self.assertEqual(made["StateReason"], {"Code": "pending", "Message": "pending"})
        self.sim.advance("1s")
        seen = self.instance(made["InstanceId"])
        self.assertEqual(seen["State"]["Name"], "running")
        self.assertNotIn("StateReason", seen)

    def test_terminated_instance(self):
        instance = self.launch()["Instances"][0]["InstanceId"]
        self.sim.advance("1s")
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.sim.advance("1s")
        seen = self.instance(instance)
        self.assertHolds(seen, {
            "NetworkInterfaces": [], "SecurityGroups": [], "BlockDeviceMappings": [], "PrivateDnsName": "", "PublicDnsName": "",
            "StateReason": {"Code": "Client.UserInitiatedShutdown", "Message": "Client.UserInitiatedShutdown: User initiated shutdown"}})
        self.assertRegex(seen["StateTransitionReason"], r"^User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)$")

    def test_stopped_instance_says_why(self):
        instance = self.launch()["Instances"][0]["InstanceId"]
        self.sim.advance("1s")
        self.ec2.stop_instances(InstanceIds=[instance])
        self.sim.advance("1s")
        self.assertRegex(self.instance(instance).get("StateTransitionReason", ""), r"^User initiated \(.* GMT\)$")

    def test_subnet(self):
        self.assertHolds(self.ec2.describe_subnets(SubnetIds=[lab.SUBNET])["Subnets"][0], {
            "Ipv6CidrBlockAssociationSet": [], "MapCustomerOwnedIpOnLaunch": False, "EnableDns64": False, "Ipv6Native": False,
            "PrivateDnsNameOptionsOnLaunch": {
                "HostnameType": "ip-name", "EnableResourceNameDnsARecord": False, "EnableResourceNameDnsAAAARecord": False}})

    def test_security_group(self):
        seen = self.ec2.describe_security_groups(GroupIds=[lab.WORKERS])["SecurityGroups"][0]
        self.assertIsInstance(seen.get("IpPermissions"), list)
        self.assertIsInstance(seen.get("IpPermissionsEgress"), list)

    def test_vpc(self):
        seen = self.ec2.describe_vpcs(VpcIds=["vpc-0aaaaaaaaaaaaaaa1"])["Vpcs"][0]
        self.assertLessEqual({"CidrBlock", "CidrBlockAssociationSet", "DhcpOptionsId", "InstanceTenancy"}, set(seen))

    def test_no_tags_no_key(self):
        """EC2 leaves Tags out where there are none; only an interface's TagSet is always there."""
        self.assertNotIn("Tags", self.instance(lab.SMALL))
        self.assertNotIn("Tags", self.ec2.describe_subnets(SubnetIds=[lab.TINY_SUBNET])["Subnets"][0])
        self.assertNotIn("Tags", self.ec2.describe_security_groups(GroupIds=[lab.STORAGE])["SecurityGroups"][0])
        self.assertNotIn("Tags", self.ec2.describe_vpcs(VpcIds=["vpc-0aaaaaaaaaaaaaaa1"])["Vpcs"][0])
        self.assertEqual(self.create()["TagSet"], [])


class Values(lab.Case):
    """Values that the models enumerate."""

    def test_enumerations(self):
        for action in "DescribeInstances", "DescribeNetworkInterfaces", "DescribeSubnets", "DescribeVpcs", "DescribeInstanceTypes":
            with self.subTest(action):
                _, document = self.sim.signed({"Action": action})
                reading = model.Reading(model.service().operation_model(action), document)
                self.assertEqual(sorted(set(reading.strange)), [])


class Matches(lab.Case):
    """Filters on what answers show, which therefore match what they should."""

    def test_instances(self):
        everyone = {i["InstanceId"] for r in self.ec2.describe_instances()["Reservations"] for i in r["Instances"]}
        alive = everyone - {lab.DEAD}
        address = self.interface(lab.THEIRS)["PrivateIpAddress"]
        for name, value, expected in (
                ("network-interface.network-interface-id", lab.THEIRS, {lab.NODE}),
                ("network-interface.addresses.private-ip-address", address, {lab.NODE}),
                ("network-interface.attachment.device-index", "2", {lab.NODE}),
                ("network-interface.attachment.delete-on-termination", "false", {lab.NODE}),
                ("network-interface.description", "Somebody*", {lab.NODE}),
                ("network-interface.status", "in-use", alive),
                ("network-interface.vpc-id", "vpc-0aaaaaaaaaaaaaaa1", alive),
                ("source-dest-check", "true", alive),
                ("root-device-type", "ebs", everyone),
                ("virtualization-type", "hvm", everyone),
                ("hypervisor", "xen", everyone)):
            with self.subTest(name):
                found = self.ec2.describe_instances(Filters=[{"Name": name, "Values": [value]}])["Reservations"]
                self.assertEqual({i["InstanceId"] for r in found for i in r["Instances"]}, expected)

    def test_subnets(self):
        for name in "map-public-ip-on-launch", "enable-dns64", "ipv6-native", "map-customer-owned-ip-on-launch":
            with self.subTest(name):
                self.assertEqual(len(self.ec2.describe_subnets(Filters=[{"Name": name, "Values": ["false"]}])["Subnets"]), 4)
                self.assertEqual(self.ec2.describe_subnets(Filters=[{"Name": name, "Values": ["true"]}])["Subnets"], [])


class Actions(lab.Case):
    """Actions beside those of an interface's plain life."""

    def attribute(self, name):
        return self.ec2.describe_network_interface_attribute(NetworkInterfaceId=lab.THEIRS, Attribute=name)

    def test_interface_attribute_description(self):
        self.assertEqual(self.attribute("description")["Description"], {"Value": "Somebody else's"})

    def test_interface_attribute_source_dest_check(self):
        self.assertEqual(self.attribute("sourceDestCheck")["SourceDestCheck"], {"Value": True})

    def test_interface_attribute_groups(self):
        self.assertEqual(self.attribute("groupSet")["Groups"], self.interface(lab.THEIRS)["Groups"])

    def test_interface_attribute_attachment(self):
        self.assertEqual(self.attribute("attachment")["Attachment"], self.interface(lab.THEIRS)["Attachment"])

    def test_zones(self):
        found = self.ec2.describe_availability_zones()["AvailabilityZones"]
        self.assertEqual({(z["ZoneName"], z["ZoneId"], z["State"], z["RegionName"]) for z in found},
                         {("us-east-1a", "use1-az1", "available", "us-east-1"), ("us-east-1b", "use1-az2", "available", "us-east-1")})
        self.assertEqual({z["ZoneType"] for z in found}, {"availability-zone"})

    def test_zones_by_name_and_filter(self):
        found = self.ec2.describe_availability_zones(ZoneNames=["us-east-1b"])["AvailabilityZones"]
        self.assertEqual([z["ZoneId"] for z in found], ["use1-az2"])
        found = self.ec2.describe_availability_zones(Filters=[{"Name": "zone-id", "Values": ["use1-az1"]}])["AvailabilityZones"]
        self.assertEqual([z["ZoneName"] for z in found], ["us-east-1a"])
        self.refused("InvalidParameterValue", 400, self.ec2.describe_availability_zones, ZoneNames=["us-east-1z"])

    def test_ipv6_actions_are_known(self):
        """Whatever the subnet allows, the actions are there."""
        for action, params in (
                ("AssignIpv6Addresses", {"Ipv6AddressCount": 1}), ("UnassignIpv6Addresses", {"Ipv6Addresses.1": "fd00::1"})):
            with self.subTest(action):
                _, document = self.sim.signed({"Action": action, "NetworkInterfaceId": lab.THEIRS, **params})
                code = ElementTree.fromstring(document).findtext("Errors/Error/Code")
                self.assertNotIn(code, ("InvalidAction", "UnsupportedOperation"))
