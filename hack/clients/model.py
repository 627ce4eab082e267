"""Holds answers against the models that clients are made from.

botocore ignores an element that its service model does not have, and boolean texts that
are neither true nor false; here both are failures. Elements and values that EC2 has got
since Debian packaged botocore are looked up in the Go SDK instead.
"""

import functools
import os
import pathlib
import re
import xml.etree.ElementTree as ElementTree

import botocore.session

NAMESPACE = "{http://ec2.amazonaws.com/doc/2016-11-15/}"

# Protocol, not model: actions without an answer of their own say true, and some others too.
PROTOCOL = {"requestId", "return"}

SCALARS = {
    "boolean": re.compile(r"true|false"),
    "integer": re.compile(r"-?\d+"),
    "long": re.compile(r"-?\d+"),
    "timestamp": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z"),
    "string": re.compile(r".*", re.DOTALL),
}


@functools.cache
def service():
    return botocore.session.get_session().get_service_model("ec2")


class Newer:
    """What the Go SDK reads of EC2's answers: its deserializers, taken as data."""

    PREFIX = "awsEc2query_deserialize"
    CASE = re.compile(r'case strings\.EqualFold\("(\w+)", t\.Name\.Local\):')

    def __init__(self, folder):
        self.functions = {}
        for function in re.split(r"\nfunc ", (folder / "deserializers.go").read_text()):
            if match := re.match(self.PREFIX + r"(\w+)\(", function):
                self.functions[match[1]] = function
        self.enums = {}
        for kind, value in re.findall(r'^\t\w+ +(\w+) += "(.*)"$', (folder / "types/enums.go").read_text(), re.MULTILINE):
            self.enums.setdefault(kind, set()).add(value)

    def cases(self, function):
        """Gives the text that reads each element, by the element's name; None without the function."""
        if function not in self.functions:
            return None
        parts = self.CASE.split(self.functions[function])
        return dict(zip(parts[1::2], parts[2::2]))

    def below(self, case):
        match = re.search(self.PREFIX + r"(Document\w+)\(", case)
        return match and match[1]

    def kind(self, case):
        for sign, kind in ("ParseBool", "boolean"), ("ParseInt", "integer"), ("ParseDateTime", "timestamp"):
            if sign in case:
                return kind
        return "string"


@functools.cache
def newer():
    return Newer(pathlib.Path(os.environ["EC2_SDK"]))


def name_of(node):
    return node.tag.removeprefix(NAMESPACE)


class Reading:
    """An answer as a client reads it that takes nothing but what its model has."""

    def __init__(self, operation, document):
        self.lost = []  # what does not reach the client, or not as what it is
        self.strange = []  # what the model's enumerations do not have
        root = ElementTree.fromstring(document)
        if root.tag != f"{NAMESPACE}{operation.name}Response":
            self.lost.append(f"the root is {root.tag}")
        if root.find(NAMESPACE + "requestId") is None:
            self.lost.append("requestId is missing")
        for child in [c for c in root if name_of(c) in PROTOCOL]:
            root.remove(child)
        if operation.output_shape is not None:
            self.structure(operation.output_shape, root, operation.name, f"OpDocument{operation.name}Output")
        elif len(root) > 0:
            self.lost.append(f"{operation.name} has no such element: {[name_of(c) for c in root]}")

    def read(self, shape, node, path):
        if len(node) > 0 and (node.text or "").strip():
            self.lost.append(f"{path} has text beside its elements: {node.text!r}")
        if shape.type_name == "structure":
            self.structure(shape, node, path, "Document" + shape.name)
        elif shape.type_name == "list":
            for child in node:
                if name_of(child) != shape.member.serialization.get("name", "member"):
                    self.lost.append(f"{path}/{name_of(child)} is no member of a list")
                self.read(shape.member, child, path)
        else:
            self.scalar(shape.type_name, node, path)
            enum = getattr(shape, "enum", [])
            if enum and node.text not in enum and node.text not in newer().enums.get(shape.name, ()):
                self.strange.append(f"{path} is none of {shape.name}: {node.text!r}")

    def structure(self, shape, node, path, function):
        members = {m.serialization.get("name", name): m for name, m in shape.members.items()}
        seen = set()
        for child in node:
            name = name_of(child)
            if name in seen:
                self.lost.append(f"{path}/{name} is there twice")
            seen.add(name)
            if name in members:
                self.read(members[name], child, f"{path}/{name}")
            else:
                self.newer(function, child, f"{path}/{name}")

    def newer(self, function, node, path):
        """Reads what botocore's model does not have."""
        case = (newer().cases(function) or {}).get(name_of(node))
        if case is None:
            self.lost.append(f"{path} is unknown")
        elif below := newer().below(case):
            for child in node:
                self.newer(below, child, f"{path}/{name_of(child)}")
        else:
            self.scalar(newer().kind(case), node, path)

    def scalar(self, kind, node, path):
        text = node.text or ""
        if len(node) > 0:
            self.lost.append(f"{path} has elements but is a {kind}")
        elif not SCALARS[kind].fullmatch(text):
            self.lost.append(f"{path} is no {kind}: {text!r}")


def check_answer(http_response, model, **_):
    """A handler of botocore's after-call event: fails a call of whose answer something is lost."""
    if http_response.status_code == 200 and (lost := Reading(model, http_response.content).lost):
        raise AssertionError(f"{model.name}: " + "; ".join(sorted(set(lost))))
