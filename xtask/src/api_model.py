"""Writes the interface description of CloudFront as Rust tables, from botocore's public model.

    api_model.py BOTOCORE_FOLDER VERSION OUTPUT

Documentation text is left out. What the tables' types cannot express is refused here, so that a newer model
never loses something silently.
"""

import gzip
import json
import os
import sys

root, version, output = sys.argv[1:4]
sys.path.insert(0, root)

from botocore import xform_name  # noqa: E402

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
FOLDER = os.path.join(root, "botocore", "data", "cloudfront", "2020-05-31")
SCALARS = {
    "string": "String",
    "integer": "Integer",
    "long": "Long",
    "float": "Float",
    "double": "Double",
    "boolean": "Boolean",
    "timestamp": "Timestamp",
    "blob": "Blob",
}
LOCATIONS = {"uri": "uri", "querystring": "query", "header": "header"}


def load(name):
    path = os.path.join(FOLDER, name)
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    with gzip.open(path + ".gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def only(what, given, known):
    """Refuses traits that the tables have no place for."""
    unknown = set(given) - set(known) - {"documentation"}
    assert not unknown, f"{what}: unknown traits {sorted(unknown)}"


def text(value):
    assert isinstance(value, str) and '"' not in value and "\\" not in value, value
    return f'"{value}"'


def texts(values):
    return "&[" + ", ".join(text(value) for value in values) + "]"


def static(name):
    return xform_name(name).upper()


def dashed(name):
    return text(xform_name(name, "-"))


def bounds(shape):
    out = ""
    for key in ("min", "max"):
        if key in shape:
            assert shape[key] == int(shape[key]), shape
            out += f".{key}({int(shape[key])})"
    return out + (".sensitive()" if shape.get("sensitive") else "")


def namespace(name, given):
    if "xmlNamespace" in given:
        assert given["xmlNamespace"] == {"uri": NAMESPACE}, name


def member(owner, name, ref, required, shapes):
    what = f"{owner}.{name}"
    only(what, ref, ["shape", "location", "locationName", "xmlNamespace", "box", "deprecated"])
    namespace(what, ref)
    out = f"member({text(name)}, {dashed(name)}, &{static(ref['shape'])})"
    if "location" in ref:
        assert shapes[ref["shape"]]["type"] not in ("structure", "list", "blob", "timestamp", "float", "double"), what
        out += f".{LOCATIONS[ref['location']]}()"
    if ref.get("locationName", name) != name:
        out += f".wire({text(ref['locationName'])})"
    if name in required:
        out += ".required()"
    if ref.get("deprecated"):
        out += ".deprecated()"
    return out


def shape_table(name, shape, shapes):
    head = f"pub(super) static {static(name)}: Shape = "
    kind = shape["type"]
    if kind == "structure":
        only(name, shape, ["type", "members", "required", "payload", "union", "sensitive"])
        required = shape.get("required", [])
        order = [m for m in shape["members"] if m in required]
        lines = [f"    {member(name, m, ref, required, shapes)}," for m, ref in shape["members"].items()]
        body = "&[\n" + "\n".join(lines) + "\n]" if lines else "&[]"
        out = f"structure({text(name)}, {body})"
        # So that missing members can be reported in the order of the members.
        assert order == required, name
        if "payload" in shape:
            out += f".body_is({text(shape['payload'])})"
        if shape.get("union"):
            out += ".union()"
        return head + out + bounds({"sensitive": shape.get("sensitive")}) + ";"
    if kind == "list":
        only(name, shape, ["type", "member", "min", "max", "sensitive"])
        ref = shape["member"]
        only(f"{name}[]", ref, ["shape", "locationName"])
        element = ref.get("locationName", "member")
        return head + f"list({text(name)}, {text(element)}, &{static(ref['shape'])})" + bounds(shape) + ";"
    only(name, shape, ["type", "enum", "min", "max", "pattern", "box", "sensitive"])
    out = f"scalar({text(name)}, Kind::{SCALARS[kind]})" + bounds(shape)
    if "enum" in shape:
        out += f".one_of({texts(shape['enum'])})"
    return head + out + ";"


def error_table(name, shape):
    only(name, shape, ["type", "members", "required", "error", "exception", "fault"])
    only(f"{name} error", shape["error"], ["httpStatusCode", "senderFault"])
    only(f"{name} members", shape["members"], ["Message"])
    sender = "true" if shape["error"].get("senderFault") else "false"
    return (
        f"pub(super) static {static(name)}: ErrorShape = "
        f"ErrorShape {{ code: {text(name)}, status: {shape['error']['httpStatusCode']}, sender: {sender} }};"
    )


def operation_table(name, operation, pages, shapes):
    only(name, operation, ["name", "http", "input", "output", "errors", "idempotent"])
    http = operation["http"]
    only(f"{name} http", http, ["method", "requestUri", "responseCode"])
    assert "+}" not in http["requestUri"] and operation["name"] in (name, name + "2020_05_31"), name
    lines = [
        f"    operation({text(name)}, {dashed(name)}, Method::{http['method']}, "
        f"{text(http['requestUri'])}, {http['responseCode']}, &{static(operation['input']['shape'])})"
    ]
    given = operation["input"]
    only(f"{name} input", given, ["shape", "locationName", "xmlNamespace"])
    namespace(name, given)
    source = shapes[given["shape"]]
    in_body = [m for m, ref in source["members"].items() if "location" not in ref]
    assert ("locationName" in given) == (bool(in_body) and "payload" not in source), name
    if "locationName" in given:
        lines.append(f".root({text(given['locationName'])})")
    if "output" in operation:
        only(f"{name} output", operation["output"], ["shape"])
        lines.append(f".output(&{static(operation['output']['shape'])})")
    if operation.get("idempotent"):
        lines.append(".idempotent()")
    if name in pages:
        page = pages[name]
        only(f"{name} pages", page, ["input_token", "output_token", "limit_key", "result_key", "more_results"])
        more = f"Some({text(page['more_results'])})" if "more_results" in page else "None"
        lines.append(
            f".paginator(Paginator {{ input_token: {text(page['input_token'])}, output_token: {text(page['output_token'])}, "
            f"limit_key: {text(page['limit_key'])}, result_key: {text(page['result_key'])}, more_results: {more} }})"
        )
    if operation["errors"]:
        errors = ", ".join("&" + static(error["shape"]) for error in operation["errors"])
        lines.append(f".errors(&[{errors}])")
    return "\n        ".join(lines) + ","


def waiter_table(name, waiter):
    only(name, waiter, ["description", "delay", "maxAttempts", "operation", "acceptors"])
    acceptors = []
    for acceptor in waiter["acceptors"]:
        only(name, acceptor, ["matcher", "argument", "state", "expected"])
        assert acceptor["matcher"] == "path" and acceptor["state"] == "success", name
        acceptors.append(f"Acceptor {{ path: {text(acceptor['argument'])}, expected: {text(acceptor['expected'])} }}")
    return (
        f"    Waiter {{ name: {text(name)}, cli_name: {dashed(name)}, operation: {text(waiter['operation'])}, "
        f"delay_seconds: {waiter['delay']}, attempts_max: {waiter['maxAttempts']}, acceptors: &[{', '.join(acceptors)}] }},"
    )


def reachable(operations, shapes):
    found, open_ = set(), [o[k]["shape"] for o in operations.values() for k in ("input", "output") if k in o]
    while open_:
        name = open_.pop()
        if name in found:
            continue
        found.add(name)
        shape = shapes[name]
        open_ += [ref["shape"] for ref in shape.get("members", {}).values()]
        open_ += [shape["member"]["shape"]] if "member" in shape else []
    return found


def main():
    service = load("service-2.json")
    shapes, operations = service["shapes"], service["operations"]
    pages, waiters = load("paginators-1.json")["pagination"], load("waiters-2.json")["waiters"]
    assert set(pages) <= set(operations)

    used = sorted(reachable(operations, shapes))
    errors = sorted({e["shape"] for o in operations.values() for e in o["errors"]})
    names = [static(name) for name in used + errors]
    assert len(names) == len(set(names)), "two shapes share a Rust name"

    lines = [
        f"//! CloudFront {service['metadata']['apiVersion']} as botocore {version} describes it. Written by `cargo xtask api-model`.",
        "",
        "use http::Method;",
        "",
        "use super::build::{list, member, operation, scalar, structure};",
        "use super::{Acceptor, ErrorShape, Kind, Operation, Paginator, Shape, Waiter};",
        "",
        f"pub(super) static OPERATIONS: [Operation; {len(operations)}] = [",
    ]
    lines += [operation_table(name, operations[name], pages, shapes) for name in sorted(operations)]
    lines += ["];", "", f"pub(super) static WAITERS: [Waiter; {len(waiters)}] = ["]
    lines += [waiter_table(name, waiters[name]) for name in sorted(waiters)]
    lines += ["];", "", f"pub(super) static ERRORS: [&ErrorShape; {len(errors)}] = ["]
    lines += [f"    &{static(name)}," for name in errors]
    lines += ["];", ""]
    lines += [error_table(name, shapes[name]) for name in errors]
    lines.append("")
    for name in used:
        lines.append(shape_table(name, shapes[name], shapes))
    with open(output, "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(lines) + "\n")


main()
