"""Pages by boto3's paginators, and filters."""

import lab


class Paginators(lab.Case):
    """Each of the paginators walks through everything once, page by page."""

    world = "pages.yaml"

    def pages(self, action, key, size, **params):
        pages = self.ec2.get_paginator(action).paginate(PaginationConfig={"PageSize": size}, **params)
        return [page[key] for page in pages]

    def walk(self, action, key, identify, size, whole):
        pages = self.pages(action, key, size)
        ids = [[identify(record) for record in page] for page in pages]
        self.assertTrue(all(len(page) == size for page in ids[:-1]), ids)
        self.assertLessEqual(len(ids[-1]), size)
        flat = [one for page in ids for one in page]
        self.assertEqual(len(flat), len(set(flat)))
        self.assertEqual(set(flat), whole)
        self.assertEqual(len(ids), -(-len(whole) // size))

    def test_network_interfaces(self):
        whole = {e["NetworkInterfaceId"] for i in range(10, 22) for e in self.of_subnet(i)}
        self.assertEqual(len(whole), 24)  # twelve of the world file, twelve primaries
        self.walk("describe_network_interfaces", "NetworkInterfaces", lambda e: e["NetworkInterfaceId"], 5, whole)

    def of_subnet(self, number):
        return self.ec2.describe_network_interfaces(
            Filters=[{"Name": "subnet-id", "Values": [f"subnet-0aaaaaaaaaaaaaa{number}"]}])["NetworkInterfaces"]

    def test_instances(self):
        pages = self.pages("describe_instances", "Reservations", 5)
        ids = [[i["InstanceId"] for r in page for i in r["Instances"]] for page in pages]
        self.assertEqual([len(page) for page in ids], [5, 5, 2])
        self.assertEqual({one for page in ids for one in page}, {f"i-0aaaaaaaaaaaaaa{i}" for i in range(10, 22)})

    def test_subnets(self):
        self.walk("describe_subnets", "Subnets", lambda s: s["SubnetId"], 5, {f"subnet-0aaaaaaaaaaaaaa{i}" for i in range(10, 22)})

    def test_security_groups(self):
        default = self.ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
        self.assertEqual(len(default), 1)
        self.walk("describe_security_groups", "SecurityGroups", lambda g: g["GroupId"], 5,
                  {f"sg-0aaaaaaaaaaaaaa{i}" for i in range(10, 22)} | {default[0]["GroupId"]})

    def test_instance_types(self):
        pages = self.pages("describe_instance_types", "InstanceTypes", 5, Filters=[{"Name": "instance-type", "Values": ["m5.*"]}])
        names = [t["InstanceType"] for page in pages for t in page]
        self.assertEqual([len(page) for page in pages[:-1]], [5] * (len(pages) - 1))
        self.assertGreater(len(pages), 1)
        self.assertEqual(len(names), len(set(names)))
        self.assertLess({"m5.large", "m5.24xlarge"}, set(names))
        self.assertTrue(all(name.startswith("m5.") for name in names))

    def test_instance_types_have_pages_unasked(self):
        pages = list(self.ec2.get_paginator("describe_instance_types").paginate())
        self.assertGreater(len(pages), 1)
        self.assertTrue(all(len(page["InstanceTypes"]) <= 100 for page in pages))

    def test_max_items_and_going_on(self):
        paginator = self.ec2.get_paginator("describe_subnets")
        first = paginator.paginate(PaginationConfig={"PageSize": 5, "MaxItems": 7})
        some = [s["SubnetId"] for page in first for s in page["Subnets"]]
        self.assertEqual(len(some), 7)
        rest = paginator.paginate(PaginationConfig={"PageSize": 5, "StartingToken": first.resume_token})
        others = [s["SubnetId"] for page in rest for s in page["Subnets"]]
        self.assertEqual(len(set(some) | set(others)), 12)
        self.assertFalse(set(some) & set(others))

    def test_a_token_is_for_its_own_request(self):
        token = self.ec2.describe_subnets(MaxResults=5)["NextToken"]
        self.refused("InvalidNextToken", 400, self.ec2.describe_subnets, MaxResults=5, NextToken=token,
                     Filters=[{"Name": "vpc-id", "Values": ["vpc-0aaaaaaaaaaaaaaa1"]}])
        self.refused("InvalidNextToken", 400, self.ec2.describe_security_groups, MaxResults=5, NextToken=token)
        self.assertEqual(len(self.ec2.describe_subnets(MaxResults=5, NextToken=token)["Subnets"]), 5)

    def test_last_page_has_no_token(self):
        self.assertNotIn("NextToken", self.ec2.describe_subnets())
        self.assertNotIn("NextToken", self.ec2.describe_subnets(MaxResults=12))

    def test_big_account_must_page(self):
        self.refused("OperationNotPermitted", 400, self.ec2.describe_network_interfaces)
        unpaged = self.ec2.get_paginator("describe_network_interfaces").paginate()
        self.refused("OperationNotPermitted", 400, list, unpaged)
        self.assertEqual(sum(len(page) for page in self.pages("describe_network_interfaces", "NetworkInterfaces", 1000)), 24)

    def test_jmespath_over_pages(self):
        pages = self.ec2.get_paginator("describe_network_interfaces").paginate(PaginationConfig={"PageSize": 5})
        ranks = list(pages.search("NetworkInterfaces[].TagSet[?Key=='rank'].Value[]"))
        self.assertEqual(sorted(ranks), [str(i) for i in range(10, 22)])


class Filters(lab.Case):
    """What filters let through."""

    def found(self, **filters):
        out = self.ec2.describe_network_interfaces(
            Filters=[{"Name": name.replace("_", "-"), "Values": values} for name, values in filters.items()])
        return {e["NetworkInterfaceId"] for e in out["NetworkInterfaces"]}

    def test_matching(self):
        ours = self.create(Description="a*b", TagSpecifications=lab.tag_specification(team="Net"))["NetworkInterfaceId"]
        address = self.interface(ours)["PrivateIpAddress"]
        for situation, filters, expected in (
                ("tag", {"tag:team": ["Net"]}, {ours}),
                ("tag of other case", {"tag:team": ["net"]}, set()),
                ("tag key", {"tag_key": ["owner"]}, {lab.THEIRS}),
                ("star", {"tag:team": ["N*"]}, {ours}),
                ("question mark", {"tag:team": ["N?t"]}, {ours}),
                ("star taken literally", {"description": [r"a\*b"]}, {ours}),
                ("or", {"network_interface_id": [ours, lab.THEIRS, lab.NO_INTERFACE]}, {ours, lab.THEIRS}),
                ("and", {"tag:team": ["Net"], "status": ["in-use"]}, set()),
                ("attachment", {"attachment.instance-id": [lab.NODE], "attachment.device-index": ["2"]}, {lab.THEIRS}),
                ("address", {"private_ip_address": [address]}, {ours}),
                ("status", {"status": ["available"]}, {ours}),
                ("zone", {"availability_zone": ["us-east-1c"]}, set())):
            with self.subTest(situation):
                self.assertEqual(self.found(**filters), expected)

    def test_bool_and_numbers(self):
        cards = self.ec2.describe_instance_types(Filters=[
            {"Name": "network-info.maximum-network-cards", "Values": ["4"]}, {"Name": "instance-type", "Values": ["p4d.*"]}])
        self.assertEqual([t["InstanceType"] for t in cards["InstanceTypes"]], ["p4d.24xlarge"])
        self.assertEqual(self.found(requester_managed=["true"]), set())
