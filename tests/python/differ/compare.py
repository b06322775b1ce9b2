"""What two answers to one case differ in, apart from what is known to have changed between the versions."""

import difflib
import re

MADE_UP = re.compile(r"\b(cli|[\w.]+)-\d{10}-\d+")


def differences(wanted, got):
    """Lines that tell the differences; none if there are none."""
    out = []
    if wanted["status"] != got["status"]:
        out.append(f"exit: {wanted['status']} wanted, {got['status']} got")
    for name, clean in (("stdout", shown), ("stderr", message)):
        if clean(wanted[name]) != clean(got[name]):
            out += compared(name, clean(wanted[name]), clean(got[name]))
    if wanted["written"] != got["written"]:
        out += compared("written", str(wanted["written"]), str(got["written"]))
    for number in range(max(len(wanted["requests"]), len(got["requests"]))):
        pair = [side["requests"][number] if number < len(side["requests"]) else {} for side in (wanted, got)]
        for part in ("method", "target", "headers", "signed", "body"):
            a, b = (made_up(str(side.get(part))) for side in pair)
            if part == "headers":
                a, b = (str({n: v for n, v in (side.get("headers") or {}).items() if n != "amz-sdk-request"}) for side in pair)
                a, b = (re.sub(r"'content-length': '\d+'", "", t) if MADE_UP.search(str(pair[0].get("body"))) else t for t in (a, b))
            if a != b:
                out += compared(f"request {number + 1} {part}", a, b)
    return out


def compared(name, wanted, got):
    """The lines of two texts that differ."""
    lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), "", "", n=0, lineterm="")
    shown = [line[:1500] for line in lines if not line.startswith(("---", "+++", "@@"))][:12]
    return [f"{name}:", *(f"    {line}" for line in shown)] if shown else [f"{name}: {wanted!r} wanted, {got!r} got"]


def shown(text):
    """Standard output without the comments of YAML skeletons, which are in this program's own words."""
    return re.sub(r"(?m) # (\[REQUIRED\])?.*$", r" # \1", made_up(text)) if re.match(r"\w+: ?.* # ", text) else made_up(text)


def made_up(text):
    """References that hold the time are all the same."""
    return MADE_UP.sub(r"\1-TIME", text)


def message(text):
    """An error's own words, without what is put around them, which has changed since."""
    text = re.sub(r"usage: aws \[options\].*?aws <command> <subcommand> help\n", "", text, flags=re.DOTALL)
    text = text.strip()
    text = re.sub(r"^aws: (error:|\[ERROR\]:)\s*", "", text)
    # The older version printed shorthand at the margin.
    text = re.sub(r"( for input:\n) ", r"\1", text)
    text = re.sub(r"^An error occurred \((ParamValidation|Configuration|NoRegion|NoCredentials|Pager)\): ", "", text)
    text = re.sub(r"\('Could not deserialize key data.*|Unable to load the private key: .*", "No key", text)
    # The help of a form that is wrong goes out in another order.
    text = re.sub(r"(Found invalid choice|Invalid choice, valid choices are).*", "Invalid choice", text, flags=re.DOTALL)
    text = text.replace('by running "aws configure".', 'by running "aws login".')
    # Newer than the oracle.
    text = text.replace(", --cli-error-format", "")
    # Written to the real standard error, past the oracle's.
    text = re.sub(r"^warning: Non-positive values.*\n?", "", text)
    return re.sub(r"/(a|b)/", "/", text)
