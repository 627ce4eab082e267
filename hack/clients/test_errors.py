"""Every family of EC2's errors, as botocore's ClientError shows it."""

import xml.etree.ElementTree as ElementTree

import lab

NO_SUBNET = "subnet-0fffffffffffffff0"
NO_GROUP = "sg-0fffffffffffffff0"
NO_ATTACHMENT = "eni-attach-0fffffffffffffff0"


class ErrorTables(lab.Case):
    """Rows of: what happens, code, status, action and its parameters."""

    def rows(self, *rows):
        for situation, code, status, action, params in rows:
            with self.subTest(situation):
                self.refused(code, status, getattr(self.ec2, action), **params)

    def test_not_found(self):
        self.rows(
            ("interface", "InvalidNetworkInterfaceID.NotFound", 400, "describe_network_interfaces", {"NetworkInterfaceIds": [lab.NO_INTERFACE]}),
            ("one of two interfaces", "InvalidNetworkInterfaceID.NotFound", 400, "describe_network_interfaces",
             {"NetworkInterfaceIds": [lab.THEIRS, lab.NO_INTERFACE]}),
            ("interface to attach", "InvalidNetworkInterfaceID.NotFound", 400, "attach_network_interface",
             {"NetworkInterfaceId": lab.NO_INTERFACE, "InstanceId": lab.NODE, "DeviceIndex": 1}),
            ("interface to delete", "InvalidNetworkInterfaceID.NotFound", 400, "delete_network_interface", {"NetworkInterfaceId": lab.NO_INTERFACE}),
            ("interface to tag", "InvalidNetworkInterfaceID.NotFound", 400, "create_tags",
             {"Resources": [lab.NO_INTERFACE], "Tags": [{"Key": "a", "Value": "b"}]}),
            ("instance", "InvalidInstanceID.NotFound", 400, "describe_instances", {"InstanceIds": [lab.NO_INSTANCE]}),
            ("instance to attach to", "InvalidInstanceID.NotFound", 400, "attach_network_interface",
             {"NetworkInterfaceId": lab.THEIRS, "InstanceId": lab.NO_INSTANCE, "DeviceIndex": 1}),
            ("instance to terminate", "InvalidInstanceID.NotFound", 400, "terminate_instances", {"InstanceIds": [lab.NO_INSTANCE]}),
            ("attachment", "InvalidAttachmentID.NotFound", 400, "detach_network_interface", {"AttachmentId": NO_ATTACHMENT}),
            ("subnet", "InvalidSubnetID.NotFound", 400, "create_network_interface", {"SubnetId": NO_SUBNET}),
            ("subnet to describe", "InvalidSubnetID.NotFound", 400, "describe_subnets", {"SubnetIds": [NO_SUBNET]}),
            ("group", "InvalidGroup.NotFound", 400, "describe_security_groups", {"GroupIds": [NO_GROUP]}),
            ("VPC", "InvalidVpcID.NotFound", 400, "describe_vpcs", {"VpcIds": ["vpc-0fffffffffffffff0"]}),
            ("instance type", "InvalidInstanceType", 400, "describe_instance_types", {"InstanceTypes": ["m5.tiny"]}),
        )

    def test_malformed(self):
        self.rows(
            ("interface", "InvalidNetworkInterfaceId.Malformed", 400, "describe_network_interfaces", {"NetworkInterfaceIds": ["eni-XYZ"]}),
            ("upper case", "InvalidNetworkInterfaceId.Malformed", 400, "delete_network_interface", {"NetworkInterfaceId": lab.THEIRS.upper()}),
            ("too short", "InvalidNetworkInterfaceId.Malformed", 400, "delete_network_interface", {"NetworkInterfaceId": "eni-1234567"}),
            ("too long", "InvalidNetworkInterfaceId.Malformed", 400, "delete_network_interface", {"NetworkInterfaceId": lab.THEIRS + "0"}),
            ("instance", "InvalidInstanceID.Malformed", 400, "describe_instances", {"InstanceIds": ["node-1"]}),
            ("subnet", "InvalidSubnetID.Malformed", 400, "create_network_interface", {"SubnetId": "subnet-"}),
            ("attachment", "InvalidNetworkInterfaceAttachmentId.Malformed", 400, "detach_network_interface", {"AttachmentId": lab.THEIRS}),
            ("group", "InvalidGroupId.Malformed", 400, "describe_security_groups", {"GroupIds": ["workers"]}),
            ("image", "InvalidAMIID.Malformed", 400, "run_instances",
             {"ImageId": "debian", "InstanceType": "m5.large", "MinCount": 1, "MaxCount": 1, "SubnetId": lab.SUBNET}),
        )

    def test_in_use(self):
        attachment = self.interface(lab.THEIRS)["Attachment"]["AttachmentId"]
        primary = self.instance(lab.NODE)["NetworkInterfaces"][0]["Attachment"]["AttachmentId"]
        free = self.create()["NetworkInterfaceId"]
        self.rows(
            ("attach what is attached", "InvalidNetworkInterface.InUse", 400, "attach_network_interface",
             {"NetworkInterfaceId": lab.THEIRS, "InstanceId": lab.NODE, "DeviceIndex": 3}),
            ("delete what is attached", "InvalidParameterValue", 400, "delete_network_interface", {"NetworkInterfaceId": lab.THEIRS}),
            ("attach to a slot that is taken", "InvalidParameterValue", 400, "attach_network_interface",
             {"NetworkInterfaceId": free, "InstanceId": lab.NODE, "DeviceIndex": 2}),
            ("detach the primary", "OperationNotPermitted", 400, "detach_network_interface", {"AttachmentId": primary}),
            ("detach the primary by force", "OperationNotPermitted", 400, "detach_network_interface", {"AttachmentId": primary, "Force": True}),
        )
        self.assertEqual(self.interface(lab.THEIRS)["Attachment"]["AttachmentId"], attachment)

    def test_places(self):
        elsewhere = self.create(lab.SUBNET_OF_OTHER_ZONE)["NetworkInterfaceId"]
        foreign = self.create(lab.SUBNET_OF_OTHER_VPC)["NetworkInterfaceId"]
        free = self.create()["NetworkInterfaceId"]
        efa = self.create(InterfaceType="efa")["NetworkInterfaceId"]
        def attach(eni, instance, **more):
            return {"NetworkInterfaceId": eni, "InstanceId": instance, "DeviceIndex": 1, **more}
        self.rows(
            ("other zone", "InvalidParameterCombination", 400, "attach_network_interface", attach(elsewhere, lab.NODE)),
            ("other VPC", "InvalidParameterCombination", 400, "attach_network_interface", attach(foreign, lab.NODE)),
            ("group of another VPC", "InvalidParameterCombination", 400, "create_network_interface",
             {"SubnetId": lab.SUBNET, "Groups": [lab.GROUP_OF_OTHER_VPC]}),
            ("dead instance", "IncorrectState", 400, "attach_network_interface", attach(free, lab.DEAD)),
            ("card that is not there", "InvalidParameterValue", 400, "attach_network_interface", attach(free, lab.NODE, NetworkCardIndex=1)),
            ("EFA to a running instance", "IncorrectState", 400, "attach_network_interface", attach(efa, lab.BIG)),
        )

    def test_limits(self):
        free, fat = self.create()["NetworkInterfaceId"], self.create(SecondaryPrivateIpAddressCount=2)["NetworkInterfaceId"]
        self.rows(
            ("more addresses than the type takes", "PrivateIpAddressLimitExceeded", 400, "attach_network_interface",
             {"NetworkInterfaceId": fat, "InstanceId": lab.SMALL, "DeviceIndex": 1}),
            ("more groups than an interface takes", "SecurityGroupsPerInterfaceLimitExceeded", 400, "create_network_interface",
             {"SubnetId": lab.SUBNET, "Groups": [lab.WORKERS, lab.STORAGE, lab.INGRESS]}),
            ("more groups by modify", "SecurityGroupsPerInterfaceLimitExceeded", 400, "modify_network_interface_attribute",
             {"NetworkInterfaceId": free, "Groups": [lab.WORKERS, lab.STORAGE, lab.INGRESS]}),
            ("51 tags", "TagLimitExceeded", 400, "create_tags",
             {"Resources": [free], "Tags": [{"Key": f"k{i}", "Value": ""} for i in range(51)]}),
            ("more addresses than are free", "InsufficientFreeAddressesInSubnet", 400, "create_network_interface",
             {"SubnetId": lab.TINY_SUBNET, "SecondaryPrivateIpAddressCount": 11}),
            ("201 values of a filter", "FilterLimitExceeded", 400, "describe_network_interfaces",
             {"Filters": [{"Name": "network-interface-id", "Values": [f"eni-{i:08x}" for i in range(201)]}]}),
        )
        self.assertEqual(self.ec2.describe_subnets(SubnetIds=[lab.TINY_SUBNET])["Subnets"][0]["AvailableIpAddressCount"], 11)

    def test_limit_of_slots(self):
        first, second = [self.create()["NetworkInterfaceId"] for _ in range(2)]
        self.attach(first, lab.SMALL, 1)
        self.refused("AttachmentLimitExceeded", 400, self.attach, second, lab.SMALL, 2)

    def test_limit_of_the_region(self):
        room = 40 - len(self.ec2.describe_network_interfaces()["NetworkInterfaces"])
        for _ in range(room):
            self.create()
        self.refused("NetworkInterfaceLimitExceeded", 400, self.ec2.create_network_interface, SubnetId=lab.SUBNET)

    def test_states(self):
        self.rows(
            ("start a dead instance", "IncorrectInstanceState", 400, "start_instances", {"InstanceIds": [lab.DEAD]}),
            ("stop a dead instance", "IncorrectInstanceState", 400, "stop_instances", {"InstanceIds": [lab.DEAD]}),
        )
        self.assertEqual(self.instance(lab.DEAD)["State"]["Name"], "terminated")

    def test_parameters(self):
        self.rows(
            ("unknown filter", "InvalidParameterValue", 400, "describe_network_interfaces", {"Filters": [{"Name": "colour", "Values": ["red"]}]}),
            ("no address", "InvalidParameterValue", 400, "create_network_interface", {"SubnetId": lab.SUBNET, "PrivateIpAddress": "ten"}),
            ("unknown type of interface", "InvalidParameterValue", 400, "create_network_interface", {"SubnetId": lab.SUBNET, "InterfaceType": "tun"}),
            ("long description", "InvalidParameterValue", 400, "create_network_interface", {"SubnetId": lab.SUBNET, "Description": "x" * 256}),
            ("reserved tag", "InvalidParameterValue", 400, "create_network_interface",
             {"SubnetId": lab.SUBNET, "TagSpecifications": lab.tag_specification(**{"aws:x": "y"})}),
            ("tags of something else", "InvalidParameterValue", 400, "create_network_interface",
             {"SubnetId": lab.SUBNET, "TagSpecifications": lab.tag_specification("volume", a="b")}),
            ("unknown type of instance", "InvalidParameterValue", 400, "run_instances",
             {"ImageId": "ami-0aaaaaaaaaaaaaaa1", "InstanceType": "m5.tiny", "SubnetId": lab.SUBNET, "MinCount": 1, "MaxCount": 1}),
            ("page too large", "InvalidParameterValue", 400, "describe_network_interfaces", {"MaxResults": 1001}),
            ("pages of an ID list", "InvalidParameterCombination", 400, "describe_network_interfaces",
             {"NetworkInterfaceIds": [lab.THEIRS], "MaxResults": 5}),
            ("token of nobody", "InvalidNextToken", 400, "describe_network_interfaces", {"NextToken": "c29tZXRoaW5n"}),
            ("long client token", "InvalidClientToken", 400, "create_network_interface", {"SubnetId": lab.SUBNET, "ClientToken": "x" * 65}),
            ("addresses and their number", "InvalidParameterCombination", 400, "create_network_interface",
             {"SubnetId": lab.SUBNET, "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.1"}], "SecondaryPrivateIpAddressCount": 1}),
            ("nothing to modify", "InvalidParameterCombination", 400, "modify_network_interface_attribute", {"NetworkInterfaceId": lab.THEIRS}),
        )

    def test_dry_runs(self):
        free = self.create()["NetworkInterfaceId"]
        attachment = self.interface(lab.THEIRS)["Attachment"]["AttachmentId"]
        self.rows(*[(action, "DryRunOperation", 412, action, {**params, "DryRun": True}) for action, params in {
            "create_network_interface": {"SubnetId": lab.SUBNET},
            "attach_network_interface": {"NetworkInterfaceId": free, "InstanceId": lab.NODE, "DeviceIndex": 1},
            "detach_network_interface": {"AttachmentId": attachment},
            "delete_network_interface": {"NetworkInterfaceId": free},
            "modify_network_interface_attribute": {"NetworkInterfaceId": free, "Description": {"Value": "x"}},
            "describe_network_interfaces": {}, "describe_instances": {}, "describe_subnets": {},
            "describe_security_groups": {}, "describe_vpcs": {}, "describe_instance_types": {},
            "create_tags": {"Resources": [free], "Tags": [{"Key": "a", "Value": "b"}]},
            "delete_tags": {"Resources": [free]},
            "stop_instances": {"InstanceIds": [lab.NODE]}, "terminate_instances": {"InstanceIds": [lab.NODE]},
            "run_instances": {"ImageId": "ami-0aaaaaaaaaaaaaaa1", "InstanceType": "m5.large", "SubnetId": lab.SUBNET, "MinCount": 1, "MaxCount": 1},
        }.items()])
        self.assertEqual(self.interface(free)["Status"], "available")
        self.assertEqual(self.interface(lab.THEIRS)["Attachment"]["Status"], "attached")
        self.assertEqual(self.instance(lab.NODE)["State"]["Name"], "running")


class RawErrors(lab.Case):
    """What boto3 would not send, by requests of our own with boto3's signature."""

    def refuse(self, code, status, params, **request):
        got, document = self.sim.signed(params, **request)
        root = ElementTree.fromstring(document)
        self.assertEqual([e.tag for e in root.iter()], ["Response", "Errors", "Error", "Code", "Message", "RequestID"])
        self.assertEqual((root.findtext("Errors/Error/Code"), got), (code, status), document)

    def test_requests(self):
        for situation, code, params in (
                ("unknown parameter", "UnknownParameter", {"Action": "DescribeSubnets", "Colour": "red"}),
                ("parameter of another action", "UnknownParameter", {"Action": "DescribeSubnets", "InstanceId.1": lab.NODE}),
                ("lower case", "UnknownParameter", {"Action": "DescribeSubnets", "subnetId.1": lab.SUBNET}),
                ("unknown before missing", "UnknownParameter", {"Action": "DeleteNetworkInterface", "Colour": "red"}),
                ("no interface", "MissingParameter", {"Action": "DeleteNetworkInterface"}),
                ("no device index", "MissingParameter",
                 {"Action": "AttachNetworkInterface", "NetworkInterfaceId": lab.THEIRS, "InstanceId": lab.NODE}),
                ("no action", "MissingAction", {"SubnetId.1": lab.SUBNET}),
                ("unknown action", "InvalidAction", {"Action": "DescribeWeather"}),
                ("other version", "NoSuchVersion", {"Action": "DescribeSubnets", "Version": "2006-06-26"}),
                ("no number", "InvalidParameterValue", {"Action": "DescribeSubnets", "MaxResults": "many"}),
                ("page too small", "InvalidParameterValue", {"Action": "DescribeSubnets", "MaxResults": "4"}),
                ("no boolean", "InvalidParameterValue", {"Action": "DescribeSubnets", "DryRun": "perhaps"}),
                ("filter without a name", "InvalidParameterValue", {"Action": "DescribeSubnets", "Filter.1.Value.1": "x"})):
            with self.subTest(situation):
                self.refuse(code, 400, params)

    def test_well_formed_passes(self):
        status, document = self.sim.signed({"Action": "DescribeSubnets", "SubnetId.1": lab.SUBNET})
        self.assertEqual(status, 200)
        self.assertIn(lab.SUBNET.encode(), document)
