"""Reads a botocore service model and answers what the generators ask about its shapes."""

import gzip
import json
import re
import sys

CPP_KEYWORDS = {
    "and", "auto", "bool", "break", "case", "catch", "char", "class", "const", "continue", "default", "delete",
    "do", "double", "else", "enum", "explicit", "export", "extern", "false", "float", "for", "friend", "goto",
    "if", "inline", "int", "long", "mutable", "namespace", "new", "not", "operator", "or", "private", "protected",
    "public", "register", "requires", "return", "short", "signed", "sizeof", "static", "struct", "switch",
    "template", "this", "throw", "true", "try", "typedef", "union", "unsigned", "using", "virtual", "void",
    "volatile", "while", "xor",
}

SCALAR_TYPES = {
    "string": "std::string",
    "integer": "int64_t",
    "long": "int64_t",
    "boolean": "bool",
    "double": "double",
    "float": "double",
    "timestamp": "Timestamp",
    "blob": "std::string",
}

# Enumerations that the actions check themselves, because AWS answers them with codes of their own.
UNCHECKED_ENUMS = {"InstanceType"}


def fail(message):
    """Ends the generator with a one-line error."""
    sys.exit("generate: " + message)


def snake_case(name):
    """RunInstances -> run_instances, SizeInMiB -> size_in_mib, VCpuInfo -> vcpu_info; C++ keywords get a tail."""
    name = re.sub(r"(Mi|Gi)B(ps)?", lambda match: match.group(0).capitalize(), name)
    name = re.sub(r"^V(Cpu)|V(Cpu)", lambda match: "Vcpu", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
    return name + "_" if name in CPP_KEYWORDS else name


class Service:
    """One service's model. `name` ("ec2", "sts") is also the C++ namespace of its shapes."""

    def __init__(self, name, path):
        self.name = name
        opener = gzip.open if path.endswith(".gz") else open
        try:
            with opener(path, "rt", encoding="utf-8") as file:
                model = json.load(file)
        except (OSError, ValueError) as error:
            fail(f"cannot read the service model {path}: {error}")
        self.metadata = model["metadata"]
        self.operations = model["operations"]
        self.shapes = model["shapes"]
        if self.metadata["protocol"] not in ("ec2", "query"):
            fail(f"{path}: protocol {self.metadata['protocol']} is not supported")

    @property
    def is_ec2_protocol(self):
        return self.metadata["protocol"] == "ec2"

    def operation(self, name):
        if name not in self.operations:
            fail(f"actions.txt: {self.name} has no action {name}")
        return self.operations[name]

    def input_shape(self, operation):
        """The name of the operation's input structure, or None when it takes no parameters at all."""
        return self.operation(operation).get("input", {}).get("shape")

    def output_shape(self, operation):
        return self.operation(operation).get("output", {}).get("shape")

    def reachable(self, roots):
        """Structures reachable from the shapes `roots`, each after those that it holds."""
        ordered, state = [], {}

        def visit(name):
            if state.get(name) == "done":
                return
            if state.get(name) == "open":
                fail(f"{self.name}: shape {name} holds itself, which value types cannot express")
            state[name] = "open"
            shape = self.shapes[name]
            if shape["type"] == "structure":
                for member in shape["members"].values():
                    visit(member["shape"])
                ordered.append(name)
            elif shape["type"] == "list":
                visit(shape["member"]["shape"])
            elif shape["type"] not in SCALAR_TYPES:
                fail(f"{self.name}: shape {name} has type {shape['type']}, which the generator does not know")
            state[name] = "done"

        for root in roots:
            visit(root)
        return ordered

    def cpp_type(self, shape_name):
        shape = self.shapes[shape_name]
        if shape["type"] == "structure":
            return shape_name
        if shape["type"] == "list":
            return f"std::vector<{self.cpp_type(shape['member']['shape'])}>"
        return SCALAR_TYPES[shape["type"]]

    def enum_of(self, shape_name):
        """The enumeration that a string, or the strings of a list, must be of: its shape's name, or None."""
        shape = self.shapes[shape_name]
        if shape["type"] == "list":
            return self.enum_of(shape["member"]["shape"])
        return shape_name if "enum" in shape and shape_name not in UNCHECKED_ENUMS else None

    def query_name(self, member_name, member):
        """The member's name in a request form: the EC2 protocol's queryName, else a capitalised locationName."""
        if self.is_ec2_protocol:
            if "queryName" in member:
                return member["queryName"]
            location = member.get("locationName")
            return location[0].upper() + location[1:] if location else member_name
        return member.get("locationName", member_name)

    def xml_name(self, member_name, member):
        return member.get("locationName", member_name)

    def item_name(self, list_shape):
        """The element name of a list's items in a response."""
        default = "item" if self.is_ec2_protocol else "member"
        return list_shape["member"].get("locationName", default)
