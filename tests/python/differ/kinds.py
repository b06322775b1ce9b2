"""The kinds of cases: each function makes one random case of its kind.

A case is a command line without the program's name, files of its folder, additions to the environment, and the service's replies. `@@URL@@`
stands for the service's address.
"""

import json
import re

import yaml

from api import NAMESPACE, WORDS, kebab

FORMATS = ["json", "text", "table", "yaml", "yaml-stream"]
REMOVED = {"GetFunction": ["out.bin"], "GetConnectionFunction": ["out.bin"]}


def case(operation, options, replies, **more):
    """A case of one operation; operations that write a file get its name."""
    argv = ["cloudfront", kebab(operation), *options, *REMOVED.get(operation, [])]
    return {"argv": argv, "replies": replies, "env": {}, "files": {}, "config": "", **more}


def any_operation(api):
    return api.random.choice(sorted(api.operations))


def shorthand(api, value):
    """A value in shorthand, at any level; none if it cannot be said so."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}={shorthand(api, v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(shorthand(api, v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    bare = re.fullmatch(r"[A-Za-z0-9_./:*-]+", text)
    if bare and api.random.random() < 0.8:
        return text
    quote = api.random.choice("'\"")
    return quote + text.replace("\\", "\\\\").replace(quote, "\\" + quote) + quote


def options(api, operation, values, styles=("json", "shorthand", "mixed")):
    """An input as options."""
    shape = api.input_shape(operation)
    if not shape:
        return []
    members = api.shapes[shape]["members"]
    out = []
    for name, value in values.items():
        option = "--" + kebab(name)
        kind = api.shapes[members[name]["shape"]]["type"] if name in members else "string"
        if kind == "boolean" and isinstance(value, bool):
            out.append(option if value else "--no-" + option[2:])
        elif isinstance(value, (dict, list)):
            style = api.random.choice(styles)
            if isinstance(value, list) and value and style != "json":
                words = [shorthand(api, v) for v in value]
                words = [w[1:-1] if isinstance(v, dict) else w for w, v in zip(words, value)]
                if all(isinstance(v, str) for v in value):
                    words = value
                out += [option, *words]
            elif isinstance(value, dict) and value and style != "json":
                out += [option, shorthand(api, value)[1:-1]]
            else:
                out += [option, json.dumps(value, ensure_ascii=api.random.random() < 0.5)]
        else:
            out.append(f"{option}={value}")
    return out


def whole(api, operation, values):
    """An input as one JSON or YAML text, or as options."""
    style = "options" if operation in REMOVED else api.random.choice(["json", "yaml", "options", "options"])
    if style == "json":
        return ["--cli-input-json", json.dumps(values)]
    if style == "yaml":
        text = yaml.safe_dump(values, allow_unicode=True, default_flow_style=api.random.choice([True, False]))
        return ["--cli-input-yaml", text]
    return options(api, operation, values)


def inputs(api):
    """A valid input, any way of giving it."""
    operation = any_operation(api)
    values = api.input(operation, api.random.choice([0, 0.3, 0.7, 1]))
    return case(operation, whole(api, operation, values), [api.reply(operation)])


def required(api, operation):
    """The least input, plain."""
    def plain(shape):
        described = api.shapes[shape]
        kind = described["type"]
        if kind == "structure":
            names = described.get("required", []) or (list(described["members"])[:1] if described.get("union") else [])
            return {n: plain(described["members"][n]["shape"]) for n in names}
        if kind == "list":
            return [plain(described["member"]["shape"]) for _ in range(described.get("min", 0))]
        known = {"integer": 1, "long": 1, "float": 1.5, "double": 1.5, "boolean": True, "blob": "aGk=", "timestamp": "2024-01-01"}
        return known.get(kind, described.get("enum", ["x" * max(1, described.get("min", 0))])[0])

    shape = api.input_shape(operation)
    return plain(shape) if shape else {}


def given(api, operation):
    """The least input as words; operations that write a file take no JSON."""
    if operation in REMOVED:
        return options(api, operation, required(api, operation))
    return ["--cli-input-json", json.dumps(required(api, operation))]


def outputs(api):
    """A reply, shown in any format."""
    operation = any_operation(api)
    line = [*given(api, operation), "--output", api.random.choice(FORMATS)]
    if api.random.random() < 0.15:
        line += ["--color", api.random.choice(["on", "off"])]
    return case(operation, line, [api.reply(operation, api.random.choice([0.1, 0.6, 1]))])


def spoilt(api, value):
    """A value with something wrong in it, somewhere."""
    if isinstance(value, dict) and value and api.random.random() < 0.8:
        value = dict(value)
        name = api.random.choice(list(value))
        what = api.random.random()
        if what < 0.6:
            value[name] = spoilt(api, value[name])
        elif what < 0.8:
            del value[name]
        else:
            value[api.random.choice(["Nope", name.lower(), "", "é"])] = api.random.choice([1, "x", None, {}])
        return value
    if isinstance(value, list) and value and api.random.random() < 0.7:
        value = list(value)
        at = api.random.randrange(len(value))
        value[at] = spoilt(api, value[at])
        return value
    return api.random.choice([1, 1.5, "x", "", True, None, [], {}, ["x"], {"X": 1}, [None], 1e20, 10**30, [[1]], {"a": {"b": [1.0, None]}}, "é"])


def invalid(api):
    """An input with one to three faults."""
    operation = any_operation(api)
    values = api.input(operation, api.random.choice([0.3, 0.7]))
    for _ in range(api.random.choice([1, 1, 2, 3])):
        values = spoilt(api, values)
    if api.random.random() < 0.5 and isinstance(values, dict):
        members = api.shapes[api.input_shape(operation)]["members"] if api.input_shape(operation) else {}
        values = {n: v for n, v in values.items() if n in members and v is not None}
        return case(operation, options(api, operation, values), [api.reply(operation)])
    return case(operation, ["--cli-input-json", json.dumps(values)], [api.reply(operation)])


STRUCTURES = [
    ("CreateInvalidation", "InvalidationBatch", {"DistributionId": "D"}),
    ("CreateInvalidationForDistributionTenant", "InvalidationBatch", {"Id": "D"}),
    ("CreateDistributionTenant", "Domains", {"DistributionId": "D", "Name": "abc"}),
    ("CreateDistributionTenant", "Parameters", {"DistributionId": "D", "Name": "abc", "Domains": [{"Domain": "x"}]}),
    ("TagResource", "Tags", {"Resource": "arn"}),
    ("CreateFunction", "FunctionConfig", {"Name": "f", "FunctionCode": "aGk="}),
    ("UpdateDistributionTenant", "Customizations", {"Id": "D", "IfMatch": "E"}),
]


def mutated(api, text):
    """A text with a few characters changed."""
    for _ in range(api.random.choice([1, 1, 2, 3])):
        at = api.random.randrange(len(text) + 1)
        what = api.random.random()
        if what < 0.4:
            text = text[:at] + text[at + 1:]
        elif what < 0.8:
            text = text[:at] + api.random.choice(list("{}[],='\"\\ \n\t:x1é\u00a0\U0001f600-") + ["file://nope", "=="]) + text[at:]
        else:
            other = api.random.randrange(len(text) + 1)
            text = text[:min(at, other)] + text[max(at, other):]
    return text


def bad_shorthand(api):
    """Shorthand with a few characters changed."""
    operation, member, rest = api.random.choice(STRUCTURES)
    shape = api.shapes[api.input_shape(operation)]["members"][member]["shape"]
    value = api.value(shape, 0.6)
    while isinstance(value, list):
        value = value[0] if value else {"Key": "k"}
    text = mutated(api, shorthand(api, value)[1:-1])
    return case(operation, [*options(api, operation, rest), "--" + kebab(member) + "=" + text], [api.reply(operation)])


def bad_json(api):
    """JSON with a few characters changed."""
    operation, member, rest = api.random.choice(STRUCTURES)
    shape = api.shapes[api.input_shape(operation)]["members"][member]["shape"]
    value = api.value(shape, 0.4)
    text = mutated(api, json.dumps(value, indent=api.random.choice([None, 2]), ensure_ascii=api.random.random() < 0.5))
    return case(operation, [*options(api, operation, rest), "--" + kebab(member) + "=" + text], [api.reply(operation)])


YAML_SCALARS = WORDS + [
    "yes", "on", "017", "1_0", "0o17", "0b11", ".5", "5.", ".inf", "-.INF", ".nan", "1:30", "12:30:45", "2024-01-01 10:00:00", "2024-01-01T10:00:00Z",
    "~", "Null", "TRUE", "!!str 5", "!!int '7'", "!!float 1", "!x y", "'a''b'", '"\\u00e9\\n"', "|\n  a\n  b", ">-\n  a\n  b", "[a, b]", "{a: b}", "&x a",
    "*x", "+1", "-1", "1e3", "1.e3", "0x", "0xg", "1__0", "_1", "<<", "=", "99999999999999999999", "1.5e300", "-", "- a", "?", "a: b", "'", "%a", "@a", "`a",
]


def yaml_text(api):
    """An input in YAML with odd scalars and a few characters changed."""
    operation, member, rest = api.random.choice(STRUCTURES)
    shape = api.shapes[api.input_shape(operation)]["members"][member]["shape"]
    if api.random.random() < 0.6:
        scalar = api.random.choice
        lines = [f"Id: {scalar(YAML_SCALARS)}", "InvalidationBatch:", f"  CallerReference: {scalar(YAML_SCALARS)}", "  Paths:",
                 f"    Quantity: {scalar(YAML_SCALARS)}", "    Items:", f"    - {scalar(YAML_SCALARS)}", f"    - {scalar(YAML_SCALARS)}"]
        for at in (0, 2, 4, 6, 7):
            if api.random.random() < 0.6:
                lines[at] = ["Id: x", "", "  CallerReference: r", "", "    Quantity: 1", "", "    - /a", "    - /b"][at]
        operation = "CreateInvalidationForDistributionTenant"
        text = "\n".join(lines) + "\n"
    else:
        text = yaml.safe_dump({**rest, member: api.value(shape, 0.5)}, allow_unicode=True)
        text = mutated(api, text)
    return case(operation, ["--cli-input-yaml", text], [api.reply(operation)])


def skeletons(api):
    """What an input or output looks like."""
    which = api.random.choice(["input", "yaml-input", "output", "output"])
    operation = any_operation(api)
    line = ["--generate-cli-skeleton", which]
    if which == "output":
        line += [*given(api, operation), "--output", api.random.choice(FORMATS)]
    return case(operation, line, [api.reply(operation)])


def expression(api, depth=0):
    """A random JMESPath expression over a list of distributions or tenants."""
    pick = api.random.choice
    if depth > 3:
        return pick(["Id", "@", "Quantity", "`1`", "'x'", "Items", "DistributionList", "`null`", "`[1,2.5]`", "*", "length(@)"])
    sub = lambda: expression(api, depth + 1)
    return pick([
        lambda: pick(["Id", "@", "Quantity", "Items", "DistributionList", "DistributionTenantList", "Domains", "NoSuch", '"Id"', "Enabled", "Name", "Status"]),
        lambda: pick(["`1`", "`1e20`", "`1.0`", "`100000000000000000000`", "`\"s\"`", "'raw'", "`true`", "`null`", "`[]`", "`{}`", "`-0.0`", "`1e400`", "`{\"b\":1,\"a\":[2]}`"]),
        lambda: f"{sub()}.{pick(['Id', 'Items', 'Quantity', '*', '[Id,Name]', '{a: Id, b: Name}', 'keys(@)', 'Domains[].Domain'])}",
        lambda: f"{sub()}[{pick(['0', '-1', '*', '', '::2', '1:', ':-1', '::-1', '?Enabled', '?Id', '?Quantity > `0`', '?Name', '?Enabled == `true`', '1:0:0'])}]",
        lambda: f"{pick(['length', 'keys', 'values', 'type', 'to_string', 'to_number', 'sort', 'reverse', 'max', 'min', 'sum', 'avg', 'abs', 'ceil', 'floor', 'not_null', 'to_array', 'nope', 'merge'])}({sub()})",
        lambda: f"{pick(['contains', 'starts_with', 'ends_with', 'join'])}({sub()}, {sub()})",
        lambda: f"{pick(['sort_by', 'max_by', 'min_by', 'map'])}({sub()}, &{sub()})",
        lambda: f"map(&{sub()}, {sub()})",
        lambda: f"[{sub()}, {sub()}]",
        lambda: f"{{a: {sub()}, \"b c\": {sub()}}}",
        lambda: f"{sub()} {pick(['||', '&&', '==', '!=', '<', '>=', '|'])} {sub()}",
        lambda: f"!{sub()}",
        lambda: f"({sub()})",
    ])()


LISTED = ["ListDistributions", "ListDistributionTenants", "ListInvalidations", "GetDistributionConfig", "ListFunctions", "ListTagsForResource", "GetInvalidation"]


def queries(api):
    """A query over a reply; some of them spoilt."""
    operation = api.random.choice(LISTED)
    query = expression(api)
    if api.random.random() < 0.15:
        query = mutated(api, query)
    line = [*given(api, operation), "--query=" + query, "--output", api.random.choice(FORMATS)]
    return case(operation, line, [api.reply(operation, 0.7)])


def pages(api):
    """A list in several pages."""
    operation = api.random.choice(sorted(api.paginators))
    paginator = api.paginators[operation]
    result, token = paginator["result_key"], paginator["output_token"]
    root = result.split(".")[0]
    replies = []
    shape = api.output_shape(operation)
    member = api.shapes[shape]["members"][root]
    wrapper = api.shapes[member["shape"]]
    items = wrapper["members"]["Items"] if wrapper["type"] == "structure" else member
    listed = api.shapes[items["shape"]]["member"]
    count = api.random.choice([1, 2, 3, 4])
    for page in range(count):
        more = page + 1 < count
        elements = "".join(api.element("x", {"locationName": listed.get("locationName", "member"), "shape": listed["shape"]}, 0.3, 2)
                           for _ in range(api.random.choice([0, 1, 2, 3])))
        marker = f"<NextMarker>m-{page}</NextMarker>" if more else ""
        flag = api.random.choice(["", f"<IsTruncated>{str(more).lower()}</IsTruncated>"]) if api.random.random() < 0.3 else f"<IsTruncated>{str(more).lower()}</IsTruncated>"
        body = f'<{member["shape"]} xmlns="{NAMESPACE}"><Marker>x</Marker>{marker}<MaxItems>3</MaxItems>{flag}<Quantity>3</Quantity><Items>{elements}</Items></{member["shape"]}>'
        if items is member:
            body = f'<R xmlns="{NAMESPACE}">{marker}<{root}>{elements}</{root}></R>'
        replies.append({"status": 200, "headers": {}, "body": body})
    line = given(api, operation) if required(api, operation) else []
    if api.random.random() < 0.6:
        line += ["--max-items", str(api.random.choice([0, 1, 2, 3, 4, 5, 6, 7, -1, 100]))]
    if api.random.random() < 0.3:
        line += ["--page-size", str(api.random.choice([1, 2, 0, -5, 1000]))]
    if api.random.random() < 0.3:
        line += ["--starting-token=" + api.random.choice([
            "plain", "eyJNYXJrZXIiOiAibS0xIn0=", "eyJNYXJrZXIiOiBudWxsLCAiYm90b190cnVuY2F0ZV9hbW91bnQiOiAxfQ==",
            "eyJNYXJrZXIiOiAibS0xIiwgImJvdG9fdHJ1bmNhdGVfYW1vdW50IjogMX0=", "!!!", "", "None___1", "W10=", "e30=", "bnVsbA==", "x___2", "x___y"])]
    if api.random.random() < 0.1:
        line.append("--no-paginate")
    if api.random.random() < 0.1:
        line += ["--marker", "mm"]
    if api.random.random() < 0.3:
        line.append("--query=" + api.random.choice([f"{root}.Items[].Id", f"{root}.Quantity", f"length({root}.Items)", "NextToken", root, f"{root}.Items[0]", "*", "@"]))
    return case(operation, [*line, "--output", api.random.choice([*FORMATS])], replies)


def errors(api):
    """An answer that is an error."""
    operation = api.random.choice(["CreateInvalidation", "GetDistribution", "ListDistributionTenants", "GetFunction", "DeleteDistribution", "ListTagsForResource"])
    code = api.random.choice(["NoSuchDistribution", "Throttling", "AccessDenied", "", "RequestTimeout", "x y", "é", "InternalError"])
    message = api.random.choice(["The thing", "", " spaced ", "two\nlines", "é", "<&>"]).replace("&", "&amp;").replace("<", "&lt;")
    body = api.random.choice([
        f'<?xml version="1.0"?><ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>r</RequestId></ErrorResponse>',
        f"<ErrorResponse><Error><Code>{code}</Code></Error></ErrorResponse>",
        f"<ErrorResponse><Error><Message>{message}</Message></Error></ErrorResponse>",
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>",
        f"<ErrorResponse><Code>{code}</Code><Message>{message}</Message></ErrorResponse>",
        "<ErrorResponse><Error><Code>A</Code><Code>B</Code><Message>m</Message></Error></ErrorResponse>",
        "<ErrorResponse><Error/></ErrorResponse>", "<a><b>c</b></a>", "<a/>", "", "plain", "<", '{"message": "x"}', "<html><body>x</body></html>",
    ])
    status = api.random.choice([400, 403, 404, 409, 412, 413, 429, 500, 501, 502, 503, 504, 301, 304, 307, 418, 599, 499])
    if status in (304,):
        body = ""
    line = given(api, operation)
    return case(operation, line, [{"status": status, "headers": {}, "body": body}])


def arguments(api):
    """Options abbreviated, repeated, out of place, with wrong numbers of words."""
    operation = any_operation(api)
    names = []
    shape = api.input_shape(operation)
    if shape:
        names = ["--" + kebab(n) for n in api.shapes[shape]["members"]]
    known = names + ["--output", "--query", "--region", "--no-paginate", "--debug", "--color", "--cli-input-json", "--generate-cli-skeleton",
                     "--max-items", "--page-size", "--starting-token", "--no-sign-request", "--cli-read-timeout", "--ca-bundle", "--no-cli-pager", "--cli-binary-format"]
    line = options(api, operation, required(api, operation))
    for _ in range(api.random.choice([0, 1, 1, 2, 3])):
        name = api.random.choice(known)
        if api.random.random() < 0.5:
            name = name[:api.random.randrange(3, len(name) + 1)]
        # What --debug prints is not compared.
        if "--debug".startswith(name):
            continue
        words = api.random.choice([[], ["x"], ["x"], ["json"], ["1"], ["-1"], ["-x"], ["x", "y"], ["--"], ["a b"], ["- x"], ["-1.5"], ["1e3"]])
        if api.random.random() < 0.2:
            words, name = [], f"{name}={api.random.choice(['x', '', '1', 'json', '-1', 'a=b'])}"
        at = api.random.randrange(len(line) + 1)
        line[at:at] = [name, *words]
    if api.random.random() < 0.3 and line:
        del line[api.random.randrange(len(line))]
    made = case(operation, line, [api.reply(operation)])
    if api.random.random() < 0.2:
        at = api.random.randrange(len(made["argv"]) + 1)
        made["argv"].insert(at, api.random.choice(["--output=json", "--no-paginate", "--region=eu-west-1", "extra", "--out", "-", "--", "-x", "--no-sign-request"]))
    return made


def customs(api):
    """The options that the AWS CLI adds by hand."""
    pick = api.random.choice
    domain = pick(["example.com", "b.s3.amazonaws.com", "", "é", "b.s3.eu-west-1.amazonaws.com", "x" * 90])
    config = json.dumps(required(api, "CreateDistribution")["DistributionConfig"])
    got = api.reply("GetDistributionConfig", 0.9)
    kind = pick(["paths", "create", "update", "sign"])
    if kind == "paths":
        line = ["--distribution-id", "D", "--paths", *[pick(["/a", "/*", "/é", "/a b", "/&"]) for _ in range(pick([0, 1, 2, 3]))]]
        line += pick([[], [], ["--invalidation-batch", "Paths={Quantity=0},CallerReference=x"], ["--cli-input-json", '{"InvalidationBatch":{"CallerReference":"c"}}']])
        return case("CreateInvalidation", line, [api.reply("CreateInvalidation")])
    if kind == "create":
        line = pick([["--origin-domain-name", domain], [], ["--origin-domain-name", domain, "--default-root-object", "index.html"],
                     ["--default-root-object", "i"], ["--distribution-config", config, "--default-root-object", "i"],
                     ["--distribution-config", config], ["--distribution-config", config, "--origin-domain-name", domain]])
        return case("CreateDistribution", line, [api.reply("CreateDistribution")])
    if kind == "update":
        line = ["--id", "D", *pick([["--default-root-object", "i"], ["--default-root-object", ""], ["--distribution-config", config],
                                    ["--default-root-object", "i", "--if-match", "E"], []])]
        return case("UpdateDistribution", line, [got, api.reply("UpdateDistribution")])
    line = ["--url", pick(["http://d.cloudfront.net/a", "https://x/?a=b", "x", "http://é/", "a b"]), "--key-pair-id", "K", "--private-key", pick(["file://key.pem", "bad"]),
            "--date-less-than", pick(["2030-01-01", "2030-01-01T10:00:00", "1900000000", "x", "2030-01-01T10:00+02:00"])]
    line += pick([[], ["--date-greater-than", "2024-01-01"], ["--ip-address", "1.2.3.4/24"], ["--ip-address", "1.2.3.4"]])
    return {"argv": ["cloudfront", "sign", *line], "replies": [], "env": {}, "files": dict(KEYS), "config": ""}


# Filled by the caller: making one takes a while.
KEYS = {}


def waiters(api):
    """A wait that is over at once."""
    name = api.random.choice(sorted(api.waiters))
    waiter = api.waiters[name]
    operation = waiter["operation"]
    shape, root = {"GetDistribution": ("Distribution", "Distribution"), "GetInvalidation": ("Invalidation", "Invalidation"),
                   "GetStreamingDistribution": ("StreamingDistribution", "StreamingDistribution"),
                   "GetInvalidationForDistributionTenant": ("Invalidation", "Invalidation")}[operation]
    done = waiter["acceptors"][0]["expected"]
    reply = {"status": 200, "headers": {}, "body": f"<{root}><Status>{done}</Status></{root}>"}
    if api.random.random() < 0.4:
        reply = {"status": 404, "headers": {}, "body": "<ErrorResponse><Error><Code>NoSuch</Code><Message>m</Message></Error></ErrorResponse>"}
    line = options(api, operation, required(api, operation))
    if api.random.random() < 0.3 and line:
        line.pop()
    line += api.random.choice([[], [], ["--output", "text"], ["--query", "x"], ["--query", "x["], ["--cli-input-json", "{}"], ["--bogus"]])
    return {"argv": ["cloudfront", "wait", kebab(name), *line], "replies": [reply], "env": {}, "files": {}, "config": ""}


CONFIG = [
    "region = eu-west-1", "region=us-gov-west-1", "region : cn-north-1", "REGION = ap-south-1", "region =", "region = bad region", "output = text", "output = yaml",
    "output = nope", "output =", "aws_access_key_id = AKIDCONFIG", "aws_secret_access_key = s3", "aws_session_token = tok", "cli_pager =", "cli_timestamp_format = wire",
    "cli_timestamp_format = none", "parameter_validation = false", "max_attempts = 1", "max_attempts = x", "retry_mode = standard", "retry_mode = adaptive", "# comment",
    "; comment", "  continued", "no separator", "s3 =\n  a = b\n  c = d", "s3 =\n  bad", "cli_binary_format = raw-in-base64-out", "cli_binary_format = hex", "key = a # b",
    "credential_process = printf '{\"Version\":1,\"AccessKeyId\":\"AKIDPROCESS\",\"SecretAccessKey\":\"s\"}'", "credential_process = /bin/false", "ca_bundle = /nope",
    "credential_process = printf '{\"Version\":2}'", "credential_process = printf x", "= x", "[", "\tx = y", "use_fips_endpoint = true", "use_dualstack_endpoint = true",
]
SECTIONS = ["[default]", "[profile dev]", "[profile  dev ]", "[dev]", "[profile default]", "[profile \"dev\"]", "[profile 'a b']", "[plugins]", "[sso-session x]", "[profile]",
            "[ default ]", "[profile dev] # c", "[services s]", "[profile é]"]


def settings(api):
    """Configuration and credentials files, profiles and variables."""
    pick = api.random.choice

    def file(sections):
        lines = []
        for _ in range(pick([0, 1, 1, 2, 3])):
            lines.append(pick(sections))
            lines += [pick(CONFIG) for _ in range(pick([0, 1, 2, 3]))]
        return "\n".join(lines) + pick(["", "\n"])

    environment = {}
    for name, values in {
        "AWS_PROFILE": ["dev", "nope", "", "default", "a b"], "AWS_DEFAULT_PROFILE": ["dev"], "AWS_REGION": ["us-west-2", ""], "AWS_DEFAULT_REGION": ["", "us-east-2"],
        "AWS_DEFAULT_OUTPUT": ["text", "", "nope"], "AWS_ACCESS_KEY_ID": ["", "AKIDENV"], "AWS_SECRET_ACCESS_KEY": ["", "s"], "AWS_SESSION_TOKEN": ["t", ""],
        "AWS_SECURITY_TOKEN": ["u"], "AWS_MAX_ATTEMPTS": ["1", "0", "x", "2"], "AWS_RETRY_MODE": ["standard", "adaptive", "nope"],
    }.items():
        if api.random.random() < 0.15:
            environment[name] = pick(values)
    if api.random.random() < 0.5:
        environment |= {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    line = ["--distribution-id", "D", "--id", "I", "--endpoint-url", "@@URL@@"]
    line += pick([[], [], ["--profile", "dev"], ["--profile", "nope"], ["--profile", ""], ["--profile", "a b"], ["--region", "sa-east-1"], ["--no-sign-request"]])
    files = {".aws/credentials": file([s for s in SECTIONS if "profile" not in s])} if api.random.random() < 0.5 else {}
    return case("GetInvalidation", line, [api.reply("GetInvalidation", 0.6)], env=environment, files=files, config=file(SECTIONS))


KINDS = {
    "settings": settings,
    "inputs": inputs, "outputs": outputs, "invalid": invalid, "bad-shorthand": bad_shorthand, "bad-json": bad_json, "yaml": yaml_text,
    "skeletons": skeletons, "queries": queries, "pages": pages, "errors": errors, "arguments": arguments, "customs": customs, "waiters": waiters,
}
