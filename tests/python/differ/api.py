"""Random inputs and outputs of CloudFront's operations, from the public description of the API."""

import base64
import json
import os
import re
from xml.sax.saxutils import escape

from botocore import xform_name

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
WORDS = [
    "a", "E1ABCDEFG", "x y", "/images/*", "/a,b", "it's", 'say "hi"', "back\\slash", "é", "日本", "✓", "\U0001f600", "a=b", "k:v", "{x}", "[y]",
    "<&>", "tab\there", "line\nbreak", " lead", "trail ", "true", "null", "123", "1.5", "2024-01-01", "no", "-dash", "#tag", "%41", "a/b", "..",
    "@at", "*", "~", "0x1f", "1e3", "long " * 20, "!bang", "?", "- item", "a: b", "a #b", "'", '"', "\u00a0", "\u200b", "\x7f", "\x85", "=", "<<",
]


def kebab(name):
    """A member's or operation's name as the command line spells it."""
    return xform_name(name, "-")


class Api:
    """The operations, and values of their shapes drawn from a random generator."""

    def __init__(self, folder, random):
        with open(os.path.join(folder, "service-2.json"), encoding="utf-8") as text:
            model = json.load(text)
        with open(os.path.join(folder, "paginators-1.json"), encoding="utf-8") as text:
            self.paginators = json.load(text)["pagination"]
        with open(os.path.join(folder, "waiters-2.json"), encoding="utf-8") as text:
            self.waiters = json.load(text)["waiters"]
        self.shapes = model["shapes"]
        self.operations = model["operations"]
        self.random = random

    def input_shape(self, operation):
        """The structure that an operation takes."""
        return self.operations[operation].get("input", {}).get("shape")

    def output_shape(self, operation):
        """The structure that it gives."""
        return self.operations[operation].get("output", {}).get("shape")

    def text(self, shape):
        """A text: mostly odd."""
        described = self.shapes[shape]
        if "enum" in described and self.random.random() < 0.9:
            return self.random.choice(described["enum"])
        text = "".join(self.random.choice(WORDS) for _ in range(self.random.choice([1, 1, 1, 2, 3])))
        if self.random.random() < 0.05:
            text = ""
        return text.ljust(described.get("min", 0), "x")

    def value(self, shape, fullness, depth=0):
        """A value that passes validation; `fullness` is the chance of what may be left out."""
        described = self.shapes[shape]
        kind = described["type"]
        if kind == "structure":
            names = list(described["members"])
            required = described.get("required", [])
            if described.get("union"):
                names = [self.random.choice(names)]
                required = names
            chosen = [n for n in names if n in required or (depth < 6 and self.random.random() < fullness)]
            if self.random.random() < 0.3:
                self.random.shuffle(chosen)
            return {n: self.value(described["members"][n]["shape"], fullness, depth + 1) for n in chosen}
        if kind == "list":
            low = described.get("min", 0)
            count = max(low, self.random.choice([0, 1, 1, 2, 3]))
            return [self.value(described["member"]["shape"], fullness, depth + 1) for _ in range(count)]
        if kind in ("integer", "long"):
            return max(described.get("min", -9), self.random.choice([0, 1, 2, 7, 80, 443, 65536, 2**31, 2**63, 10**25]))
        if kind in ("float", "double"):
            return self.random.choice([0.0, 1.5, 5, 0.1, 100.0, 1e-7, 1e16, 1e22, 12345.678])
        if kind == "boolean":
            return self.random.random() < 0.5
        if kind == "timestamp":
            return self.random.choice(["2024-05-06T07:08:09Z", "2024-05-06", "1715000000", "2024-05-06T07:08:09.123+02:00"])
        if kind == "blob":
            return base64.b64encode(self.random.randbytes(self.random.choice([0, 1, 5, 40]))).decode()
        return self.text(shape)

    def input(self, operation, fullness):
        """An operation's whole input."""
        shape = self.input_shape(operation)
        return self.value(shape, fullness) if shape else {}

    def reply(self, operation, fullness=0.8, overrides=None):
        """An answer to an operation, as status, headers and body."""
        described = self.operations[operation]
        shape = self.output_shape(operation)
        reply = {"status": described.get("http", {}).get("responseCode", 200), "headers": {}, "body": ""}
        if not shape:
            return reply
        output = self.shapes[shape]
        payload = output.get("payload")
        body = []
        for name, member in output["members"].items():
            if self.random.random() > fullness and name != payload:
                continue
            if member.get("location") == "header":
                text = re.sub(r"[\r\n\x00-\x1f\x7f]", "", self.text(member["shape"])).strip()
                reply["headers"][member["locationName"]] = text
            elif name == payload:
                if self.shapes[member["shape"]]["type"] == "blob":
                    reply["body"] = "function handler(event) { return event.request; } // é\n"
                elif self.random.random() < 0.97:
                    root = member.get("locationName", member["shape"])
                    reply["body"] = self.document(root, member["shape"], fullness)
            else:
                body.append((name, member))
        if not payload and body:
            parts = "".join(self.element(n, m, fullness, 1) for n, m in body)
            reply["body"] = f'<?xml version="1.0"?>\n<{shape} xmlns="{NAMESPACE}">{parts}</{shape}>'
        return reply

    def document(self, root, shape, fullness):
        """A whole XML document."""
        return f'<?xml version="1.0"?>\n<{root} xmlns="{NAMESPACE}">{self.content(shape, fullness, 1)}</{root}>'

    def element(self, name, member, fullness, depth):
        """One member as an element."""
        name = member.get("locationName", name)
        content = self.content(member["shape"], fullness, depth)
        if content == "" and self.random.random() < 0.5:
            return f"<{name}/>"
        return f"<{name}>{content}</{name}>"

    def content(self, shape, fullness, depth):
        """What stands inside an element."""
        described = self.shapes[shape]
        kind = described["type"]
        if kind == "structure":
            space = self.random.choice(["", "", "\n  "])
            parts = [
                self.element(name, member, fullness, depth + 1)
                for name, member in described["members"].items()
                if depth < 7 and self.random.random() < fullness
            ]
            if self.random.random() < 0.05:
                parts.append("<Unheard>of</Unheard>")
            return space.join(parts)
        if kind == "list":
            member = described["member"]
            name = member.get("locationName", "member")
            count = self.random.choice([0, 1, 2, 3])
            return "".join(self.element(name, member, fullness, depth + 1) for _ in range(count))
        if kind in ("integer", "long"):
            return str(self.random.choice([0, 1, 80, 2**40, 10**25, -3]))
        if kind in ("float", "double"):
            return self.random.choice(["0.0", "1.5", "100", "1e22", "0.00001"])
        if kind == "boolean":
            return self.random.choice(["true", "false"])
        if kind == "timestamp":
            return self.random.choice(
                ["2024-12-05T18:40:49.413Z", "2024-12-05T18:40:49Z", "2024-12-05T18:40:49.413000+02:00", "1733424049", "2024-12-05"]
            )
        if kind == "blob":
            return base64.b64encode(self.random.randbytes(5)).decode()
        return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "", self.text(shape)))
