"""The AWS CLI: what it sends, prints and exits with."""

import json
import subprocess

import lab

FAILED = 254  # the CLI's exit code for an error answer of a service


class Cli(lab.Case):
    """Runs Debian's AWS CLI against the class's simulator."""

    @classmethod
    def start(cls, *args):
        command = ["/usr/bin/aws", "--endpoint-url", cls.sim.url, "ec2", *args]
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process):
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def aws(self, *args):
        """Runs a command that succeeds, and reads what it prints."""
        code, out, err = self.finish(self.start(*args))
        self.assertEqual((code, err), (0, ""))
        return json.loads(out) if out else None

    def text(self, *args):
        """Runs a command that succeeds with tabulated output: words by line."""
        code, out, err = self.finish(self.start(*args, "--output", "text"))
        self.assertEqual((code, err), (0, ""))
        return [line.split("\t") for line in out.splitlines()]

    def fails(self, action, code, *args):
        status, out, err = self.finish(self.start(*args))
        self.assertEqual((status, out), (FAILED, ""), err)
        self.assertRegex(err, rf"An error occurred \({code}\) when calling the {action} operation: \S")
        return err


class CliStory(Cli):
    """The life of an interface and of an instance, typed by hand."""

    def test_interface(self):
        made = self.aws(
            "create-network-interface", "--subnet-id", lab.SUBNET, "--description", "typed by hand", "--groups", lab.WORKERS, lab.STORAGE,
            "--client-token", "typed", "--tag-specifications", "ResourceType=network-interface,Tags=[{Key=Name,Value=cli},{Key=by,Value=hand}]")
        self.assertEqual(made["ClientToken"], "typed")
        eni = made["NetworkInterface"]["NetworkInterfaceId"]
        self.assertEqual(lab.tags_of(made["NetworkInterface"]["TagSet"]), {"Name": "cli", "by": "hand"})
        attached = self.aws(
            "attach-network-interface", "--network-interface-id", eni, "--instance-id", lab.NODE, "--device-index", "1", "--network-card-index", "0")
        self.assertEqual(attached["NetworkCardIndex"], 0)
        self.sim.advance("1s")
        self.assertEqual(
            self.text("describe-network-interfaces", "--network-interface-ids", eni, "--query",
                      "NetworkInterfaces[].[Status,Attachment.Status,Attachment.DeviceIndex,Attachment.DeleteOnTermination]"),
            [["in-use", "attached", "1", "False"]])

        self.assertIsNone(self.aws(
            "modify-network-interface-attribute", "--network-interface-id", eni, "--attachment",
            f"AttachmentId={attached['AttachmentId']},DeleteOnTermination=true"))
        self.assertIsNone(self.aws("modify-network-interface-attribute", "--network-interface-id", eni, "--no-source-dest-check"))
        seen = self.interface(eni)
        self.assertEqual((seen["Attachment"]["DeleteOnTermination"], seen["SourceDestCheck"]), (True, False))

        self.assertIsNone(self.aws("detach-network-interface", "--attachment-id", attached["AttachmentId"]))
        self.sim.advance("1s")
        self.assertIsNone(self.aws("wait", "network-interface-available", "--network-interface-ids", eni))
        self.assertIsNone(self.aws("delete-network-interface", "--network-interface-id", eni))
        err = self.fails(
            "DescribeNetworkInterfaces", "InvalidNetworkInterfaceID.NotFound", "describe-network-interfaces", "--network-interface-ids", eni)
        self.assertIn(f"The networkInterface ID '{eni}' does not exist", err)

    def test_instance(self):
        made = self.aws(
            "run-instances", "--image-id", "ami-0aaaaaaaaaaaaaaa1", "--instance-type", "m5.large", "--count", "2", "--subnet-id", lab.SUBNET,
            "--security-group-ids", lab.WORKERS, "--tag-specifications", "ResourceType=instance,Tags=[{Key=by,Value=cli}]")
        ids = [i["InstanceId"] for i in made["Instances"]]
        self.assertEqual([i["State"]["Name"] for i in made["Instances"]], ["pending", "pending"])
        self.sim.advance("1s")
        self.assertIsNone(self.aws("wait", "instance-running", "--instance-ids", *ids))
        rows = self.text("describe-instances", "--filters", "Name=tag:by,Values=cli", "Name=instance-state-name,Values=pending,running",
                         "--query", "Reservations[].Instances[].[InstanceId,State.Name,InstanceType]")
        self.assertEqual(sorted(rows), sorted([i, "running", "m5.large"] for i in ids))

        ended = self.aws("terminate-instances", "--instance-ids", *ids)["TerminatingInstances"]
        self.assertEqual({(i["PreviousState"]["Name"], i["CurrentState"]["Name"]) for i in ended}, {("running", "shutting-down")})
        self.sim.advance("1s")
        self.assertIsNone(self.aws("wait", "instance-terminated", "--instance-ids", *ids))

    def test_tags(self):
        eni = self.create()["NetworkInterfaceId"]
        self.assertIsNone(self.aws("create-tags", "--resources", eni, lab.THEIRS, "--tags", "Key=colour,Value=blue", "Key=size,Value="))
        found = self.text("describe-network-interfaces", "--filters", "Name=tag:colour,Values=bl*",
                          "--query", "NetworkInterfaces[].[NetworkInterfaceId]")
        self.assertEqual(sorted(found), sorted([[eni], [lab.THEIRS]]))
        self.assertIsNone(self.aws("delete-tags", "--resources", eni, "--tags", "Key=colour"))
        self.assertEqual(lab.tags_of(self.interface(eni)["TagSet"]), {"size": ""})

    def test_secondary_addresses(self):
        eni = self.create()["NetworkInterfaceId"]
        given = self.aws("assign-private-ip-addresses", "--network-interface-id", eni, "--secondary-private-ip-address-count", "2")
        address = given["AssignedPrivateIpAddresses"][0]["PrivateIpAddress"]
        self.assertIsNone(self.aws("unassign-private-ip-addresses", "--network-interface-id", eni, "--private-ip-addresses", address))
        self.assertEqual(len(self.interface(eni)["PrivateIpAddresses"]), 2)


class CliReads(Cli):
    """Describes: filters, queries and pages."""

    world = "pages.yaml"

    def ids(self, *args):
        """The interfaces that a describe prints, and its token for going on."""
        out = self.aws("describe-network-interfaces", *args)
        return [e["NetworkInterfaceId"] for e in out["NetworkInterfaces"]], out.get("NextToken")

    def test_filters_and_query(self):
        rows = self.text("describe-network-interfaces", "--filters", "Name=tag:rank,Values=10,11", "Name=status,Values=available",
                         "--query", "sort_by(NetworkInterfaces,&NetworkInterfaceId)[].[NetworkInterfaceId,SubnetId]")
        self.assertEqual(rows, [[f"eni-0aaaaaaaaaaaaaa{i}", f"subnet-0aaaaaaaaaaaaaa{i}"] for i in (10, 11)])

    def test_pages_are_put_together(self):
        before = self.sim.calls("DescribeNetworkInterfaces").get("OK", 0)
        found, token = self.ids("--page-size", "5")
        self.assertEqual((len(set(found)), len(found), token), (24, 24, None))
        self.assertEqual(self.sim.calls("DescribeNetworkInterfaces")["OK"], before + 5)

    def test_max_items_and_starting_token(self):
        found, token = [], None
        for expected in 9, 9, 6:
            more, token = self.ids("--page-size", "5", "--max-items", "9", *(["--starting-token", token] if token else []))
            self.assertEqual(len(more), expected)
            found += more
        self.assertIsNone(token)
        self.assertEqual(len(set(found)), 24)

    def test_without_the_cli_paging(self):
        found, token = self.ids("--no-paginate", "--max-results", "5")
        self.assertEqual(len(found), 5)
        more, _ = self.ids("--no-paginate", "--max-results", "5", "--next-token", token)
        self.assertFalse(set(found) & set(more))

    def test_big_account_must_page(self):
        self.fails("DescribeNetworkInterfaces", "OperationNotPermitted", "describe-network-interfaces")

    def test_pages_of_instance_types(self):
        names = self.text("describe-instance-types", "--filters", "Name=instance-type,Values=m5*", "--page-size", "5",
                          "--query", "InstanceTypes[].[InstanceType]")
        flat = [name for row in names for name in row]
        self.assertEqual(len(flat), len(set(flat)))
        self.assertLess({"m5.large", "m5n.large"}, set(flat))


class CliErrors(Cli):
    """Exit codes and texts."""

    def test_error_answers(self):
        for action, code, args in (
                ("DescribeInstances", "InvalidInstanceID.Malformed", ["describe-instances", "--instance-ids", "node"]),
                ("DeleteNetworkInterface", "InvalidParameterValue", ["delete-network-interface", "--network-interface-id", lab.THEIRS]),
                ("AttachNetworkInterface", "InvalidNetworkInterface.InUse", [
                    "attach-network-interface", "--network-interface-id", lab.THEIRS, "--instance-id", lab.NODE, "--device-index", "1"]),
                ("DeleteNetworkInterface", "DryRunOperation", ["delete-network-interface", "--network-interface-id", lab.THEIRS, "--dry-run"])):
            with self.subTest(code):
                self.fails(action, code, *args)

    def test_waiter_fails(self):
        status, _, err = self.finish(self.start("wait", "network-interface-available", "--network-interface-ids", lab.NO_INTERFACE))
        self.assertEqual(status, 255)
        self.assertIn("InvalidNetworkInterfaceID.NotFound", err)

    def test_retries(self):
        """The CLI retries a throttled call by itself."""
        self.addCleanup(self.sim.control, "DELETE", "faults")
        self.sim.fault(action="DescribeVpcs", times=1, effect="throttle")
        self.assertEqual(len(self.aws("describe-vpcs")["Vpcs"]), 2)
        self.assertEqual(self.sim.calls("DescribeVpcs"), {"RequestLimitExceeded": 1, "OK": 1})


class CliWaiters(Cli):
    """Waiters whose first look comes too early."""

    world = "waits.yaml"

    def test_second_look(self):
        attachment = self.interface(lab.THEIRS)["Attachment"]["AttachmentId"]
        self.ec2.detach_network_interface(AttachmentId=attachment)
        self.ec2.stop_instances(InstanceIds=["i-0aaaaaaaaaaaaaaa2"])
        before = self.sim.calls("DescribeNetworkInterfaces")["OK"]
        waiters = [
            self.start("wait", "network-interface-available", "--network-interface-ids", lab.THEIRS),
            self.start("wait", "instance-stopped", "--instance-ids", "i-0aaaaaaaaaaaaaaa2")]
        self.assertEqual([self.finish(w) for w in waiters], [(0, "", "")] * 2)
        self.assertEqual(self.sim.calls("DescribeNetworkInterfaces")["OK"], before + 2)
        self.assertEqual(self.sim.calls("DescribeInstances"), {"OK": 2})
        self.assertEqual(self.interface(lab.THEIRS)["Status"], "available")
