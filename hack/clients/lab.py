"""A simulator for each class of tests, and clients in front of it."""

import http.client
import json
import os
import pathlib
import subprocess
import unittest
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.exceptions

import model

WORLDS = pathlib.Path(__file__).parent / "worlds"
REGION = "us-east-1"

# What worlds/fleet.yaml holds.
SUBNET = "subnet-0aaaaaaaaaaaaaaa1"
SUBNET_OF_OTHER_ZONE = "subnet-0bbbbbbbbbbbbbbb1"
SUBNET_OF_OTHER_VPC = "subnet-0ccccccccccccccc1"
TINY_SUBNET = "subnet-0ddddddddddddddd1"
WORKERS, STORAGE, INGRESS = "sg-0aaaaaaaaaaaaaaa1", "sg-0aaaaaaaaaaaaaaa2", "sg-0aaaaaaaaaaaaaaa3"
GROUP_OF_OTHER_VPC = "sg-0ccccccccccccccc1"
NODE = "i-0aaaaaaaaaaaaaaa1"  # m5.xlarge: 4 interfaces of 15 addresses
SMALL = "i-0aaaaaaaaaaaaaaa2"  # t3.nano: 2 interfaces of 2 addresses
BIG = "i-0aaaaaaaaaaaaaaa3"  # p4d.24xlarge: 4 cards of 15 interfaces
HALTED = "i-0aaaaaaaaaaaaaaa4"  # m5.xlarge, stopped
DEAD = "i-0aaaaaaaaaaaaaaa5"
NODE_OF_OTHER_ZONE = "i-0bbbbbbbbbbbbbbb1"
THEIRS = "eni-0aaaaaaaaaaaaaaa1"  # attached to NODE at index 2

# IDs that are well-formed and nobody's.
NO_INTERFACE = "eni-0fffffffffffffff0"
NO_INSTANCE = "i-0fffffffffffffff0"

SOON = {"Delay": 0.1, "MaxAttempts": 100}  # for waiters


class Simulator:
    """One process of cmd/ec2-simulator."""

    def __init__(self, world):
        self.process = subprocess.Popen(
            [os.environ["EC2_SIMULATOR"], f"--world={WORLDS / world}", "--listen=127.0.0.1:0", "--seed=1"],
            stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        prefix = "listening on "
        if not line.startswith(prefix):
            self.stop()
            raise RuntimeError(f"the simulator says {line!r}")
        self.url = line.removeprefix(prefix).strip()

    def stop(self):
        self.process.terminate()
        self.process.stdout.close()
        return self.process.wait()

    def request(self, method, path, body=None, headers=None):
        """Speaks HTTP without anything in between; gives the status and the answer's bytes."""
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc, timeout=30)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def control(self, method, path, body=None):
        status, answer = self.request(method, "/_sim/" + path, None if body is None else json.dumps(body))
        if status != 200:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return json.loads(answer)

    def calls(self, action):
        """Counts an action's calls by their outcome."""
        return self.control("GET", "calls").get(action, {})

    def advance(self, duration):
        self.control("POST", "clock", {"advance": duration})

    def fault(self, **rule):
        return self.control("POST", "faults", rule)

    def signed(self, params, headers=None):
        """Sends a request that boto3 would not let through, with boto3's own signature."""
        body = urllib.parse.urlencode({"Version": "2016-11-15", **params})
        request = botocore.awsrequest.AWSRequest("POST", self.url + "/", data=body, headers={
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8", **(headers or {})})
        credentials = botocore.credentials.Credentials("AKIDADMIN", "secret")
        botocore.auth.SigV4Auth(credentials, "ec2", REGION).add_auth(request)
        prepared = request.prepare()
        return self.request("POST", "/", prepared.body, dict(prepared.headers.items()))


class Case(unittest.TestCase):
    """Tests that share a simulator of the class's own, which has the class's world."""

    world = "fleet.yaml"
    maxDiff = None
    sim: Simulator

    @classmethod
    def setUpClass(cls):
        cls.sim = Simulator(cls.world)
        cls.addClassCleanup(cls.sim.stop)
        cls.ec2 = cls.client()

    @classmethod
    def client(cls, key="AKIDADMIN", region=REGION, **config):
        """A client that holds every answer it gets against the models of EC2."""
        config.setdefault("retries", {"total_max_attempts": 1})
        client = boto3.client(
            "ec2", endpoint_url=cls.sim.url, region_name=region, aws_access_key_id=key,
            aws_secret_access_key="secret", config=botocore.config.Config(**config))
        client.meta.events.register("after-call.ec2", model.check_answer)
        cls.addClassCleanup(client.close)
        return client

    def refused(self, code, status, call, *args, **params):
        """Makes a call, which must fail with EC2's code and with the HTTP status."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(*args, **params)
        answer = caught.exception.response
        self.assertEqual((answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]), (code, status), answer)
        self.assertNotEqual(answer["Error"]["Message"], "")
        self.assertRegex(answer["ResponseMetadata"]["RequestId"], r"^[0-9a-f-]{36}$")
        return answer["Error"]["Message"]

    def create(self, subnet=SUBNET, **params):
        """Creates an interface that goes when the test ends, if it has not gone before."""
        made = self.ec2.create_network_interface(SubnetId=subnet, **params)["NetworkInterface"]
        self.addCleanup(self.sim.request, "POST", f"/_sim/interfaces/{made['NetworkInterfaceId']}/delete")
        return made

    def attach(self, interface, instance=NODE, index=1, **params):
        return self.ec2.attach_network_interface(
            NetworkInterfaceId=interface, InstanceId=instance, DeviceIndex=index, **params)["AttachmentId"]

    def interface(self, interface):
        """What a describe by ID shows of an interface."""
        found = self.ec2.describe_network_interfaces(NetworkInterfaceIds=[interface])["NetworkInterfaces"]
        self.assertEqual([e["NetworkInterfaceId"] for e in found], [interface])
        return found[0]

    def instance(self, instance):
        reservations = self.ec2.describe_instances(InstanceIds=[instance])["Reservations"]
        self.assertEqual([len(r["Instances"]) for r in reservations], [1])
        return reservations[0]["Instances"][0]

    def launch(self, count=1, **params):
        """Launches instances, which are terminated when the test ends."""
        made = self.ec2.run_instances(**{
            "ImageId": "ami-0aaaaaaaaaaaaaaa1", "InstanceType": "m5.xlarge", "SubnetId": SUBNET,
            "MinCount": count, "MaxCount": count, **params})
        for one in made["Instances"]:
            self.addCleanup(self.sim.request, "POST", f"/_sim/instances/{one['InstanceId']}/terminate?now=true")
        return made


def tag_specification(kind="network-interface", **tags):
    return [{"ResourceType": kind, "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}]


def tags_of(tag_set):
    return {tag["Key"]: tag["Value"] for tag in tag_set}
