"""What answers are made of: Python's types, and elements that the models of EC2 have."""

import datetime
import xml.etree.ElementTree as ElementTree

import lab
import model


class Types(lab.Case):
    """What arrives is what botocore's model says it is."""

    def test_interface(self):
        seen = self.interface(lab.THEIRS)
        attachment = seen["Attachment"]
        made = attachment["AttachTime"]
        self.assertIsInstance(made, datetime.datetime)
        now = datetime.datetime.fromisoformat(self.sim.control("GET", "clock")["now"])
        self.assertLess(abs(now - made), datetime.timedelta(minutes=10))
        for boolean in attachment["DeleteOnTermination"], seen["SourceDestCheck"], seen["RequesterManaged"], seen["PrivateIpAddresses"][0]["Primary"]:
            self.assertIsInstance(boolean, bool)
        for number in attachment["DeviceIndex"], attachment["NetworkCardIndex"]:
            self.assertIs(type(number), int)
        self.assertEqual(seen["OwnerId"], "123456789012")
        self.assertRegex(seen["MacAddress"], "^([0-9a-f]{2}:){5}[0-9a-f]{2}$")
        self.assertEqual(seen["InterfaceType"], "interface")

    def test_empty_lists(self):
        seen = self.create()
        self.assertEqual((seen["TagSet"], seen["Ipv6Addresses"]), ([], []))
        self.assertEqual(self.ec2.describe_network_interfaces(
            Filters=[{"Name": "status", "Values": ["none"]}])["NetworkInterfaces"], [])
        self.assertEqual(self.ec2.describe_instances(Filters=[{"Name": "image-id", "Values": ["none"]}])["Reservations"], [])
        self.assertEqual(self.ec2.describe_instances(InstanceIds=[lab.NODE])["Reservations"][0]["Groups"], [])

    def test_instance(self):
        seen = self.instance(lab.NODE)
        self.assertIsInstance(seen["LaunchTime"], datetime.datetime)
        self.assertIs(type(seen["AmiLaunchIndex"]), int)
        self.assertIs(seen["EnaSupport"], True)
        self.assertEqual(seen["Placement"]["AvailabilityZone"], "us-east-1a")
        nested = seen["NetworkInterfaces"]
        self.assertEqual([e["Attachment"]["DeviceIndex"] for e in nested], [0, 2])
        for e in nested:
            self.assertNotIn("TagSet", e)
            self.assertNotIn("InstanceId", e["Attachment"])

    def test_a_dead_instance_has_no_interfaces(self):
        seen = self.instance(lab.DEAD)
        self.assertEqual(seen["NetworkInterfaces"], [])
        self.assertNotIn("SubnetId", seen)

    def test_subnet(self):
        seen = self.ec2.describe_subnets(SubnetIds=[lab.SUBNET])["Subnets"][0]
        self.assertIs(type(seen["AvailableIpAddressCount"]), int)
        self.assertIs(seen["DefaultForAz"], False)
        self.assertEqual((seen["State"], seen["CidrBlock"], seen["AvailabilityZoneId"]), ("available", "10.0.0.0/20", "use1-az1"))
        self.assertEqual(lab.tags_of(seen["Tags"]), {"Name": "a"})

    def test_security_group(self):
        seen = self.ec2.describe_security_groups(GroupIds=[lab.WORKERS])["SecurityGroups"][0]
        self.assertEqual((seen["GroupName"], seen["Description"], seen["VpcId"]), ("workers", "Of the workers", "vpc-0aaaaaaaaaaaaaaa1"))
        self.assertEqual(lab.tags_of(seen["Tags"]), {"team": "a"})

    def test_instance_type(self):
        found = self.ec2.describe_instance_types(InstanceTypes=["m5.xlarge", "p4d.24xlarge"])["InstanceTypes"]
        network = {t["InstanceType"]: t["NetworkInfo"] for t in found}
        self.assertEqual((network["m5.xlarge"]["MaximumNetworkInterfaces"], network["m5.xlarge"]["Ipv4AddressesPerInterface"]), (4, 15))
        self.assertIs(network["m5.xlarge"]["EfaSupported"], False)
        cards = network["p4d.24xlarge"]["NetworkCards"]
        self.assertEqual([(c["NetworkCardIndex"], c["MaximumNetworkInterfaces"]) for c in cards], [(i, 15) for i in range(4)])
        self.assertEqual(network["p4d.24xlarge"]["EfaInfo"]["MaximumEfaInterfaces"], 4)

    def test_attach(self):
        made = self.ec2.attach_network_interface(
            NetworkInterfaceId=self.create()["NetworkInterfaceId"], InstanceId=lab.BIG, DeviceIndex=1, NetworkCardIndex=2)
        self.assertRegex(made["AttachmentId"], "^eni-attach-[0-9a-f]{17}$")
        self.assertEqual(made["NetworkCardIndex"], 2)

    def test_request_ids_differ(self):
        ids = {self.ec2.describe_subnets()["ResponseMetadata"]["RequestId"] for _ in range(3)}
        self.assertEqual(len(ids), 3)


class Elements(lab.Case):
    """Answers element by element. The clients of all the other tests look for lost elements
    too; here each answer is asked for in its fullest form."""

    def readings(self):
        """Makes a call for each answer, and reads it."""
        made = self.sim.signed({
            "Action": "CreateNetworkInterface", "SubnetId": lab.SUBNET, "Description": "<full>", "ClientToken": "full",
            "Ipv4PrefixCount": 1, "SecurityGroupId.1": lab.WORKERS, "ConnectionTrackingSpecification.TcpEstablishedTimeout": 60,
            "ConnectionTrackingSpecification.UdpStreamTimeout": 60, "ConnectionTrackingSpecification.UdpTimeout": 30,
            "TagSpecification.1.ResourceType": "network-interface", "TagSpecification.1.Tag.1.Key": "a",
            "TagSpecification.1.Tag.1.Value": "b"})
        yield "CreateNetworkInterface", made
        eni = ElementTree.fromstring(made[1]).findtext(f".//{model.NAMESPACE}networkInterfaceId")
        for action, params in (
                ("AttachNetworkInterface", {"NetworkInterfaceId": eni, "InstanceId": lab.BIG, "DeviceIndex": 1, "NetworkCardIndex": 1}),
                ("DescribeNetworkInterfaces", {}),
                ("DescribeNetworkInterfaces", {"MaxResults": 5}),
                ("DescribeInstances", {}),
                ("DescribeInstances", {"MaxResults": 5}),
                ("DescribeSubnets", {}),
                ("DescribeSecurityGroups", {}),
                ("DescribeVpcs", {}),
                ("DescribeInstanceTypes", {}),
                ("ModifyNetworkInterfaceAttribute", {"NetworkInterfaceId": eni, "SourceDestCheck.Value": "false"}),
                ("AssignPrivateIpAddresses", {"NetworkInterfaceId": eni, "SecondaryPrivateIpAddressCount": 1}),
                ("AssignPrivateIpAddresses", {"NetworkInterfaceId": eni, "Ipv4PrefixCount": 1}),
                ("CreateTags", {"ResourceId.1": eni, "Tag.1.Key": "k", "Tag.1.Value": "v"}),
                ("DeleteTags", {"ResourceId.1": eni, "Tag.1.Key": "k"}),
                ("RunInstances", {
                    "ImageId": "ami-0aaaaaaaaaaaaaaa1", "InstanceType": "m5.large", "SubnetId": lab.SUBNET, "MinCount": 1, "MaxCount": 2}),
                ("StopInstances", {"InstanceId.1": lab.NODE_OF_OTHER_ZONE}),
                ("StartInstances", {"InstanceId.1": lab.HALTED}),
                ("RebootInstances", {"InstanceId.1": lab.NODE}),
                ("TerminateInstances", {"InstanceId.1": lab.SMALL})):
            yield action, self.sim.signed({"Action": action, **params})

    def test_nothing_is_lost(self):
        read = set()
        for action, (status, document) in self.readings():
            with self.subTest(action):
                self.assertEqual(status, 200, document)
                self.assertEqual(model.Reading(model.service().operation_model(action), document).lost, [])
                read.add(action)
        self.assertEqual(len(read), 17)

    def test_the_reading_itself(self):
        """Answers that are wrong on purpose are found to be."""
        operation = model.service().operation_model("DescribeSubnets")
        def answer(item, root="DescribeSubnetsResponse", space="http://ec2.amazonaws.com/doc/2016-11-15/"):
            return f'<{root} xmlns="{space}"><requestId>1</requestId><subnetSet>{item}</subnetSet></{root}>'
        for situation, document, right in (
                ("right", answer("<item><subnetId>s</subnetId></item>"), True),
                ("newer than botocore", answer("<item><type>x</type></item>"), True),
                ("other case", answer("<item><SubnetId>s</SubnetId></item>"), False),
                ("made up", answer("<item><colour>red</colour></item>"), False),
                ("no item", answer("<member><subnetId>s</subnetId></member>"), False),
                ("number", answer("<item><availableIpAddressCount>many</availableIpAddressCount></item>"), False),
                ("boolean", answer("<item><defaultForAz>True</defaultForAz></item>"), False),
                ("twice", answer("<item><vpcId>a</vpcId><vpcId>b</vpcId></item>"), False),
                ("text where a list is due", answer("<item><tagSet><key>a</key></tagSet></item>"), False),
                ("text beside elements", answer("<item>s<subnetId>s</subnetId></item>"), False),
                ("other root", answer("", root="DescribeSubnetsResult"), False),
                ("other version", answer("", space="http://ec2.amazonaws.com/doc/2014-02-01/"), False)):
            with self.subTest(situation):
                self.assertEqual(model.Reading(operation, document).lost == [], right)
