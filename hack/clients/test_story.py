"""The life of interfaces and of instances, told with boto3's calls and waiters."""

import datetime
import ipaddress

import boto3
import botocore.exceptions

import lab


class InterfaceStory(lab.Case):
    """From create to delete, with a look at everything on the way."""

    def test_whole_life(self):
        made = self.create(
            Description="of a story", Groups=[lab.WORKERS], ClientToken="whole-life",
            TagSpecifications=lab.tag_specification(Name="story", owner="us"))
        eni = made["NetworkInterfaceId"]
        seen = self.interface(eni)
        self.assertEqual(
            (seen["Status"], seen["Description"], seen["SubnetId"], seen["SourceDestCheck"], seen["Groups"]),
            ("available", "of a story", lab.SUBNET, True, [{"GroupName": "workers", "GroupId": lab.WORKERS}]))
        self.assertEqual(lab.tags_of(seen["TagSet"]), {"Name": "story", "owner": "us"})
        self.assertNotIn("Attachment", seen)

        attachment = self.attach(eni, index=1)
        seen = self.interface(eni)
        self.assertEqual((seen["Status"], seen["Attachment"]["Status"]), ("in-use", "attaching"))
        self.sim.advance("1s")
        seen = self.interface(eni)["Attachment"]
        self.assertEqual(
            (seen["Status"], seen["AttachmentId"], seen["InstanceId"], seen["DeviceIndex"], seen["DeleteOnTermination"]),
            ("attached", attachment, lab.NODE, 1, False))

        self.ec2.detach_network_interface(AttachmentId=attachment)
        self.assertEqual(self.interface(eni)["Attachment"]["Status"], "detaching")
        self.ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni], WaiterConfig=lab.SOON)
        self.assertNotIn("Attachment", self.interface(eni))
        self.ec2.delete_network_interface(NetworkInterfaceId=eni)
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, self.interface, eni)

    def test_waiter_looks_until_it_is_available(self):
        eni = self.create()["NetworkInterfaceId"]
        attachment = self.attach(eni, index=3)
        self.sim.advance("1s")
        self.ec2.detach_network_interface(AttachmentId=attachment)
        before = self.sim.calls("DescribeNetworkInterfaces").get("OK", 0)
        self.ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni], WaiterConfig=lab.SOON)
        self.assertGreater(self.sim.calls("DescribeNetworkInterfaces")["OK"], before + 1)

    def test_waiter_gives_up_on_what_is_not_there(self):
        with self.assertRaises(botocore.exceptions.WaiterError) as caught:
            self.ec2.get_waiter("network_interface_available").wait(
                NetworkInterfaceIds=[lab.NO_INTERFACE], WaiterConfig=lab.SOON)
        self.assertEqual(caught.exception.last_response["Error"]["Code"], "InvalidNetworkInterfaceID.NotFound")

    def test_client_token_replays_the_answer(self):
        first = self.create(ClientToken="replayed", Description="once")
        again = self.create(ClientToken="replayed", Description="once")
        self.assertEqual(first, again)
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["once"]}])
        self.assertEqual(len(found["NetworkInterfaces"]), 1)
        self.refused("IdempotentParameterMismatch", 400, self.create, ClientToken="replayed", Description="twice")

    def test_client_token_comes_back(self):
        made = self.ec2.create_network_interface(SubnetId=lab.SUBNET, ClientToken="shown")
        self.addCleanup(self.ec2.delete_network_interface, NetworkInterfaceId=made["NetworkInterface"]["NetworkInterfaceId"])
        self.assertEqual(made["ClientToken"], "shown")

    def test_tags_come_and_go(self):
        eni = self.create()["NetworkInterfaceId"]
        self.assertEqual(self.interface(eni)["TagSet"], [])
        self.ec2.create_tags(Resources=[eni], Tags=[{"Key": "a", "Value": "1"}, {"Key": "<&\"'é", "Value": ""}])
        self.assertEqual(lab.tags_of(self.interface(eni)["TagSet"]), {"a": "1", "<&\"'é": ""})
        self.ec2.delete_tags(Resources=[eni], Tags=[{"Key": "a", "Value": "other"}])
        self.assertEqual(lab.tags_of(self.interface(eni)["TagSet"])["a"], "1")
        self.ec2.delete_tags(Resources=[eni], Tags=[{"Key": "a"}])
        self.assertNotIn("a", lab.tags_of(self.interface(eni)["TagSet"]))

    def test_addresses_are_the_subnets(self):
        block = ipaddress.ip_network("10.0.0.0/20")
        made = self.create(SecondaryPrivateIpAddressCount=2)
        addresses = [ipaddress.ip_address(a["PrivateIpAddress"]) for a in made["PrivateIpAddresses"]]
        self.assertEqual([a["Primary"] for a in made["PrivateIpAddresses"]], [True, False, False])
        self.assertEqual(made["PrivateIpAddress"], str(addresses[0]))
        self.assertEqual(len(set(addresses)), 3)
        for address in addresses:
            self.assertIn(address, block)
            self.assertNotIn(address, [block[0], block[1], block[2], block[3], block[-1]])

    def test_addresses_are_counted(self):
        def free():
            return self.ec2.describe_subnets(SubnetIds=[lab.TINY_SUBNET])["Subnets"][0]["AvailableIpAddressCount"]
        self.assertEqual(free(), 11)
        made = self.create(lab.TINY_SUBNET, SecondaryPrivateIpAddressCount=2)
        self.assertEqual(free(), 8)
        self.ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
        self.assertEqual(free(), 11)

    def test_addresses_of_ones_own_choice(self):
        made = self.create(PrivateIpAddresses=[
            {"PrivateIpAddress": "10.0.9.9", "Primary": True}, {"PrivateIpAddress": "10.0.9.10", "Primary": False}])
        self.assertEqual(made["PrivateIpAddress"], "10.0.9.9")
        self.assertEqual(made["PrivateDnsName"], "ip-10-0-9-9.ec2.internal")
        self.refused("InvalidIPAddress.InUse", 400, self.create, PrivateIpAddress="10.0.9.10")

    def test_secondary_addresses_come_and_go(self):
        eni = self.create()["NetworkInterfaceId"]
        given = self.ec2.assign_private_ip_addresses(NetworkInterfaceId=eni, SecondaryPrivateIpAddressCount=2)
        self.assertEqual(given["NetworkInterfaceId"], eni)
        more = [a["PrivateIpAddress"] for a in given["AssignedPrivateIpAddresses"]]
        self.assertEqual([a["PrivateIpAddress"] for a in self.interface(eni)["PrivateIpAddresses"]][1:], more)
        self.ec2.unassign_private_ip_addresses(NetworkInterfaceId=eni, PrivateIpAddresses=more[:1])
        self.assertEqual([a["PrivateIpAddress"] for a in self.interface(eni)["PrivateIpAddresses"]][1:], more[1:])

    def test_prefixes(self):
        made = self.create(Ipv4PrefixCount=1)
        prefix = ipaddress.ip_network(made["Ipv4Prefixes"][0]["Ipv4Prefix"])
        self.assertEqual(prefix.prefixlen, 28)
        self.assertTrue(prefix.subnet_of(ipaddress.ip_network("10.0.0.0/20")))
        given = self.ec2.assign_private_ip_addresses(NetworkInterfaceId=made["NetworkInterfaceId"], Ipv4PrefixCount=1)
        self.assertNotEqual(given["AssignedIpv4Prefixes"], made["Ipv4Prefixes"])
        self.assertEqual(len(self.interface(made["NetworkInterfaceId"])["Ipv4Prefixes"]), 2)


class ModifyStory(lab.Case):
    """Each attribute of an interface that can be modified."""

    def setUp(self):
        self.eni = self.create(Groups=[lab.WORKERS])["NetworkInterfaceId"]

    def modify(self, **attribute):
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=self.eni, **attribute)
        return self.interface(self.eni)

    def test_description(self):
        self.assertEqual(self.modify(Description={"Value": "new"})["Description"], "new")
        self.assertEqual(self.modify(Description={"Value": ""})["Description"], "")

    def test_source_dest_check(self):
        self.assertIs(self.modify(SourceDestCheck={"Value": False})["SourceDestCheck"], False)
        self.assertIs(self.modify(SourceDestCheck={"Value": True})["SourceDestCheck"], True)

    def test_groups_replace_the_whole_set(self):
        seen = self.modify(Groups=[lab.STORAGE, lab.INGRESS])["Groups"]
        self.assertEqual({g["GroupId"] for g in seen}, {lab.STORAGE, lab.INGRESS})

    def test_delete_on_termination(self):
        attachment = self.attach(self.eni)
        for flag in True, False:
            seen = self.modify(Attachment={"AttachmentId": attachment, "DeleteOnTermination": flag})
            self.assertIs(seen["Attachment"]["DeleteOnTermination"], flag)

    def test_connection_tracking(self):
        status, answer = self.sim.signed({
            "Action": "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId": self.eni,
            "ConnectionTrackingSpecification.UdpTimeout": 45})
        self.assertEqual(status, 200, answer)
        _, answer = self.sim.signed({"Action": "DescribeNetworkInterfaces", "NetworkInterfaceId.1": self.eni})
        self.assertIn(b"<udpTimeout>45</udpTimeout>", answer)

    def test_one_attribute_a_call(self):
        self.refused("InvalidParameterCombination", 400, self.modify, Description={"Value": "x"}, SourceDestCheck={"Value": False})
        self.assertEqual(self.interface(self.eni)["Description"], "")


class InstanceStory(lab.Case):
    """Instances as clients make and end them, and what becomes of their interfaces."""

    def wait(self, state, *instances):
        self.ec2.get_waiter("instance_" + state).wait(InstanceIds=list(instances), WaiterConfig=lab.SOON)

    def state(self, instance):
        state = self.instance(instance)["State"]
        return state["Name"], state["Code"]

    def test_whole_life(self):
        made = self.launch(SecurityGroupIds=[lab.WORKERS], TagSpecifications=lab.tag_specification("instance", Name="new"))
        first = made["Instances"][0]
        self.assertEqual((first["State"], first["ImageId"]), ({"Code": 0, "Name": "pending"}, "ami-0aaaaaaaaaaaaaaa1"))
        instance = first["InstanceId"]
        self.wait("running", instance)
        seen = self.instance(instance)
        self.assertEqual(lab.tags_of(seen["Tags"]), {"Name": "new"})
        self.assertEqual([g["GroupId"] for g in seen["SecurityGroups"]], [lab.WORKERS])
        primary = seen["NetworkInterfaces"][0]
        self.assertEqual(primary["PrivateIpAddress"], seen["PrivateIpAddress"])
        self.assertIs(primary["Attachment"]["DeleteOnTermination"], True)

        change = self.ec2.stop_instances(InstanceIds=[instance])["StoppingInstances"][0]
        self.assertEqual((change["PreviousState"]["Name"], change["CurrentState"]["Name"]), ("running", "stopping"))
        self.wait("stopped", instance)
        self.assertEqual(self.state(instance), ("stopped", 80))
        self.assertEqual(self.instance(instance)["PrivateIpAddress"], seen["PrivateIpAddress"])

        change = self.ec2.start_instances(InstanceIds=[instance])["StartingInstances"][0]
        self.assertEqual((change["PreviousState"]["Name"], change["CurrentState"]["Name"]), ("stopped", "pending"))
        self.wait("running", instance)
        self.ec2.reboot_instances(InstanceIds=[instance])
        self.assertEqual(self.state(instance), ("running", 16))

        change = self.ec2.terminate_instances(InstanceIds=[instance])["TerminatingInstances"][0]
        self.assertEqual(change["CurrentState"], {"Code": 32, "Name": "shutting-down"})
        self.wait("terminated", instance)
        self.assertEqual(self.state(instance), ("terminated", 48))
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, self.interface, primary["NetworkInterfaceId"])

    def test_several_share_a_reservation(self):
        made = self.launch(3)
        self.assertEqual([i["AmiLaunchIndex"] for i in made["Instances"]], [0, 1, 2])
        self.assertEqual(len({i["PrivateIpAddress"] for i in made["Instances"]}), 3)
        found = self.ec2.describe_instances(Filters=[{"Name": "reservation-id", "Values": [made["ReservationId"]]}])
        self.assertEqual([len(r["Instances"]) for r in found["Reservations"]], [3])

    def test_launch_is_idempotent(self):
        made = [self.launch(ClientToken="one-launch") for _ in range(2)]
        self.assertEqual(made[0]["Instances"][0]["InstanceId"], made[1]["Instances"][0]["InstanceId"])
        self.refused("IdempotentParameterMismatch", 400, self.launch, 2, ClientToken="one-launch")

    def test_interfaces_of_a_dead_instance(self):
        instance = self.launch()["Instances"][0]["InstanceId"]
        self.wait("running", instance)
        stays, goes = [self.create()["NetworkInterfaceId"] for _ in range(2)]
        self.attach(stays, instance, 1)
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=goes, Attachment={
            "AttachmentId": self.attach(goes, instance, 2), "DeleteOnTermination": True})
        self.sim.advance("1s")
        self.ec2.terminate_instances(InstanceIds=[instance])
        self.wait("terminated", instance)
        self.assertEqual(self.interface(stays)["Status"], "available")
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, self.interface, goes)

    def test_waiter_fails_when_the_state_cannot_come(self):
        with self.assertRaises(botocore.exceptions.WaiterError):
            self.wait("running", lab.DEAD)

    def test_launch_with_an_interface_of_its_own(self):
        """Either it is refused and nothing is made, or it is made as it was asked for."""
        before = self.sim.calls("RunInstances").get("OK", 0)
        params = {"ImageId": "ami-0aaaaaaaaaaaaaaa1", "InstanceType": "m5.xlarge", "MinCount": 1, "MaxCount": 1, "NetworkInterfaces": [
            {"DeviceIndex": 0, "SubnetId": lab.SUBNET, "Groups": [lab.STORAGE], "Description": "asked for", "DeleteOnTermination": False}]}
        try:
            made = self.ec2.run_instances(**params)["Instances"][0]
        except botocore.exceptions.ClientError as refusal:
            self.assertEqual(refusal.response["Error"]["Code"], "UnsupportedOperation")
            self.assertEqual(self.sim.calls("RunInstances").get("OK", 0), before)
            return
        self.addCleanup(self.ec2.terminate_instances, InstanceIds=[made["InstanceId"]])
        seen = made["NetworkInterfaces"][0]
        self.assertEqual(
            (seen["Description"], seen["SubnetId"], [g["GroupId"] for g in seen["Groups"]], seen["Attachment"]["DeleteOnTermination"]),
            ("asked for", lab.SUBNET, [lab.STORAGE], False))


class ResourceStory(lab.Case):
    """boto3's resources, which read answers in ways of their own."""

    def setUp(self):
        self.resource = boto3.resource(
            "ec2", endpoint_url=self.sim.url, region_name=lab.REGION, aws_access_key_id="AKIDADMIN", aws_secret_access_key="secret")
        self.addCleanup(self.resource.meta.client.close)

    def test_interface(self):
        eni = self.resource.Subnet(lab.SUBNET).create_network_interface(
            Description="a resource", TagSpecifications=lab.tag_specification(Name="r"))
        eni.reload()
        self.assertEqual((eni.status, eni.description, eni.availability_zone), ("available", "a resource", "us-east-1a"))
        self.assertEqual(eni.tag_set, [{"Key": "Name", "Value": "r"}])
        self.assertIsNone(eni.attachment)
        eni.attach(InstanceId=lab.NODE, DeviceIndex=1)
        self.sim.advance("1s")
        eni.reload()
        self.assertEqual((eni.status, eni.attachment["InstanceId"], eni.attachment["Status"]), ("in-use", lab.NODE, "attached"))
        eni.detach()
        self.sim.advance("1s")
        eni.reload()
        eni.delete()
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, eni.reload)

    def test_collections(self):
        instance = self.resource.Instance(lab.NODE)
        self.assertIn(lab.THEIRS, [e.id for e in instance.network_interfaces])
        self.assertEqual(instance.state, {"Code": 16, "Name": "running"})
        vpc = self.resource.Vpc("vpc-0aaaaaaaaaaaaaaa1")
        self.assertEqual({s.id for s in vpc.subnets.all()}, {lab.SUBNET, lab.SUBNET_OF_OTHER_ZONE, lab.TINY_SUBNET})
        self.assertLess({lab.WORKERS, lab.STORAGE, lab.INGRESS}, {g.id for g in vpc.security_groups.all()})
        attached = self.resource.network_interfaces.filter(Filters=[{"Name": "attachment.instance-id", "Values": [lab.NODE]}])
        self.assertEqual({e.attachment["DeviceIndex"] for e in attached}, {0, 2})

    def test_launch(self):
        made = self.resource.create_instances(
            ImageId="ami-0aaaaaaaaaaaaaaa1", InstanceType="t3.medium", SubnetId=lab.SUBNET, MinCount=2, MaxCount=2)
        self.assertEqual(len(made), 2)
        self.assertIsInstance(made[0].launch_time, datetime.datetime)
        for instance in made:
            instance.terminate()
