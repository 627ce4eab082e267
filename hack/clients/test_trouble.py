"""Throttling, faults and late reads, and what botocore's own retries make of them."""

import botocore.exceptions
import botocore.parsers

import lab

TAGS = {"Resources": ["eni-0aaaaaaaaaaaaaaa1"], "Tags": [{"Key": "a", "Value": "b"}]}


class Throttling(lab.Case):
    """Buckets that one call empties."""

    world = "quotas.yaml"

    def test_without_retries(self):
        self.ec2.create_tags(**TAGS)
        self.refused("RequestLimitExceeded", 503, self.ec2.create_tags, **TAGS)
        self.assertEqual(self.sim.calls("CreateTags"), {"OK": 1, "RequestLimitExceeded": 1})

    def test_retries_that_do_not_help(self):
        client = self.client(retries={"mode": "standard", "total_max_attempts": 3})
        client.delete_tags(**TAGS)
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            client.delete_tags(**TAGS)
        answer = caught.exception.response
        self.assertEqual(answer["Error"]["Code"], "RequestLimitExceeded")
        self.assertEqual((answer["ResponseMetadata"]["RetryAttempts"], answer["ResponseMetadata"]["MaxAttemptsReached"]), (2, True))
        self.assertEqual(self.sim.calls("DeleteTags"), {"OK": 1, "RequestLimitExceeded": 3})

    def test_the_bucket_fills_again(self):
        self.ec2.describe_vpcs()
        self.refused("RequestLimitExceeded", 503, self.ec2.describe_vpcs)
        self.sim.advance("30m")
        self.assertEqual(len(self.ec2.describe_vpcs()["Vpcs"]), 1)

    def test_buckets_are_apart(self):
        for _ in range(3):
            self.assertEqual(len(self.ec2.describe_network_interfaces()["NetworkInterfaces"]), 1)


class Faults(lab.Case):
    """Calls that go wrong by rule."""

    def setUp(self):
        self.addCleanup(self.sim.control, "DELETE", "faults")

    def retrying(self, mode):
        return self.client(retries={"mode": mode, "total_max_attempts": 4})

    def test_retries_that_help(self):
        for mode in "legacy", "standard", "adaptive":
            with self.subTest(mode):
                self.sim.fault(action="DescribeSubnets", times=1, effect="throttle")
                answer = self.retrying(mode).describe_subnets()
                self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 1)
                self.assertEqual(len(answer["Subnets"]), 4)

    def test_server_errors(self):
        for code, status in ("InternalError", 500), ("Unavailable", 503), ("ServiceUnavailable", 503):
            with self.subTest(code):
                self.sim.fault(action="DescribeVpcs", times=1, effect="error", code=code)
                self.refused(code, status, self.ec2.describe_vpcs)
                self.sim.fault(action="DescribeVpcs", times=1, effect="error", code=code)
                self.assertEqual(self.retrying("standard").describe_vpcs()["ResponseMetadata"]["RetryAttempts"], 1)

    def test_client_errors_are_not_retried(self):
        before = self.sim.calls("DeleteNetworkInterface").get("InvalidNetworkInterfaceID.NotFound", 0)
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, self.retrying("standard").delete_network_interface,
                     NetworkInterfaceId=lab.NO_INTERFACE)
        self.assertEqual(self.sim.calls("DeleteNetworkInterface")["InvalidNetworkInterfaceID.NotFound"], before + 1)

    def test_a_cut_answer_creates_once(self):
        """botocore repeats the call with the client token that it made for it."""
        self.sim.fault(action="CreateNetworkInterface", times=1, effect="cut-after")
        made = self.retrying("standard").create_network_interface(SubnetId=lab.SUBNET, Description="cut")
        self.assertEqual(made["ResponseMetadata"]["RetryAttempts"], 1)
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "description", "Values": ["cut"]}])["NetworkInterfaces"]
        self.assertEqual([e["NetworkInterfaceId"] for e in found], [made["NetworkInterface"]["NetworkInterfaceId"]])
        self.ec2.delete_network_interface(NetworkInterfaceId=found[0]["NetworkInterfaceId"])

    def test_a_cut_answer_is_no_answer(self):
        eni = self.create()["NetworkInterfaceId"]
        for effect, left in ("cut-before", 1), ("cut-after", 0):
            self.sim.fault(action="DeleteNetworkInterface", times=1, effect=effect)
            with self.assertRaises(botocore.exceptions.ConnectionClosedError):
                self.ec2.delete_network_interface(NetworkInterfaceId=eni)
            found = self.ec2.describe_network_interfaces(Filters=[{"Name": "network-interface-id", "Values": [eni]}])
            self.assertEqual(len(found["NetworkInterfaces"]), left, effect)

    def test_hang(self):
        self.sim.fault(action="DescribeInstances", times=1, effect="hang")
        with self.assertRaises(botocore.exceptions.ReadTimeoutError):
            self.client(read_timeout=0.3).describe_instances()
        self.assertGreater(len(self.ec2.describe_instances()["Reservations"]), 0)

    def test_delay(self):
        self.sim.fault(action="CreateTags", times=1, effect="delay", duration="5s")
        with self.assertRaises(botocore.exceptions.ReadTimeoutError):
            self.client(read_timeout=0.3).create_tags(Resources=[lab.THEIRS], Tags=[{"Key": "late", "Value": "yes"}])
        self.assertEqual(lab.tags_of(self.interface(lab.THEIRS)["TagSet"])["late"], "yes")

    def test_garbage(self):
        self.sim.fault(action="DescribeSubnets", times=1, effect="garbage")
        with self.assertRaises(botocore.parsers.ResponseParserError):
            self.ec2.describe_subnets()

    def test_any_error_of_ec2(self):
        self.sim.fault(action="AttachNetworkInterface", times=1, effect="error", code="IncorrectState", message="It is being moved.")
        message = self.refused("IncorrectState", 400, self.attach, lab.THEIRS)
        self.assertEqual(message, "It is being moved.")

    def test_stuck_attach(self):
        self.sim.fault(action="AttachNetworkInterface", times=1, effect="stuck-attaching")
        eni = self.create()["NetworkInterfaceId"]
        self.attach(eni, lab.NODE, 1)
        self.sim.advance("24h")
        self.assertEqual(self.interface(eni)["Attachment"]["Status"], "attaching")


class LateReads(lab.Case):
    """Writes that describes see an hour later."""

    world = "late.yaml"

    def test_not_found_after_create(self):
        eni = self.create()["NetworkInterfaceId"]
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, self.interface, eni)
        found = self.ec2.describe_network_interfaces(Filters=[{"Name": "network-interface-id", "Values": [eni]}])
        self.assertEqual(found["NetworkInterfaces"], [])
        with self.assertRaises(botocore.exceptions.WaiterError):
            self.ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni], WaiterConfig=lab.SOON)
        self.sim.advance("2h")
        self.ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[eni], WaiterConfig=lab.SOON)

    def test_deleted_is_still_shown(self):
        eni = self.create()["NetworkInterfaceId"]
        self.sim.advance("2h")
        self.ec2.delete_network_interface(NetworkInterfaceId=eni)
        self.assertEqual(self.interface(eni)["Status"], "available")
        self.sim.advance("2h")
        self.refused("InvalidNetworkInterfaceID.NotFound", 400, self.interface, eni)

    def test_modified_later(self):
        eni = self.create()["NetworkInterfaceId"]
        self.sim.advance("2h")
        self.ec2.modify_network_interface_attribute(NetworkInterfaceId=eni, Description={"Value": "new"})
        self.assertEqual(self.interface(eni)["Description"], "")
        self.sim.advance("2h")
        self.assertEqual(self.interface(eni)["Description"], "new")
