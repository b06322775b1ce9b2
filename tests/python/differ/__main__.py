"""`python differ --program PROGRAM --oracle FOLDER`: random cases run by the AWS CLI and by this program, and what differs printed.

See README.md beside this file. The exit status is 0 when nothing differs.
"""

import argparse
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import compare
import kinds
from api import Api
from stub import Stub

HERE = pathlib.Path(__file__).parent
# Nobody reads a thousand differences.
SHOWN_MAX = 200


class Oracle:
    """The process that answers as the AWS CLI does."""

    def __init__(self, python, folder):
        self.process = subprocess.Popen([python, HERE / "oracle.py", folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def answer(self, case):
        print(json.dumps(case), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


class Program:
    """The program under test, a process a case."""

    def __init__(self, path):
        self.path = path

    def answer(self, case):
        done = subprocess.run([self.path, *case["argv"]], env=case["env"], cwd=case["folder"], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
        return {"status": done.returncode, "stdout": done.stdout.decode("utf-8", "replace"), "stderr": done.stderr.decode("utf-8", "replace")}


def observe(side, stub, case, folder):
    """Runs a case on one side: what was answered, what the service saw, what was written."""
    stub.script(case["replies"] or [{"status": 200, "headers": {}, "body": ""}])
    (folder / ".aws").mkdir(parents=True)
    for name, content in {**case["files"], ".aws/config": case["config"]}.items():
        (folder / name).write_text(content, encoding="utf-8")
    environment = {
        "HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{stub.port}", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "",
        **case["env"],
    }
    url = f"http://127.0.0.1:{stub.port}"
    argv = [word.replace("@@URL@@", url) for word in case["argv"]]
    if side.path is None and "--endpoint-url" not in argv:
        # The older version does not know the variable.
        argv[:0] = ["--endpoint-url", url]
    answer = side.answer({"argv": argv, "env": environment, "folder": str(folder)})
    answer["requests"] = stub.requests
    written = folder / "out.bin"
    answer["written"] = written.read_bytes().decode("utf-8", "replace") if written.exists() else None
    for text in ("stdout", "stderr"):
        answer[text] = answer[text].replace(str(stub.port), "PORT").replace(str(folder), "HOME")
    return answer


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True, help="the program, or a link to it named aws")
    parser.add_argument("--oracle", required=True, help="the folder that prepare.py made")
    parser.add_argument("--python", default="/usr/bin/python3", help="the Python that has Debian's awscli")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=200, help="of each kind")
    parser.add_argument("--kinds", default=",".join(kinds.KINDS))
    parser.add_argument("--only", type=int, help="one case by its number")
    arguments = parser.parse_args()

    key = ["openssl", "genrsa", "-traditional", "2048"]
    kinds.KEYS["key.pem"] = subprocess.run(key, capture_output=True, text=True, check=True).stdout
    oracle = Oracle(arguments.python, arguments.oracle)
    oracle.path = None
    program = Program(os.path.abspath(arguments.program))
    stubs = [Stub(), Stub()]
    differing = 0
    for kind in arguments.kinds.split(","):
        ran = same = 0
        for number in range(arguments.cases) if arguments.only is None else [arguments.only]:
            api = Api(os.path.join(arguments.oracle, "awscli/botocore/data/cloudfront/2020-05-31"), random.Random(f"{arguments.seed}-{kind}-{number}")) \
                if not ran else reseeded(api, f"{arguments.seed}-{kind}-{number}")
            case = kinds.KINDS[kind](api)
            if any("\0" in word or not word.isprintable() and "\ud800" <= word <= "\udfff" for word in case["argv"]):
                continue
            with tempfile.TemporaryDirectory() as folder:
                wanted = observe(oracle, stubs[0], case, pathlib.Path(folder) / "a")
                got = observe(program, stubs[1], case, pathlib.Path(folder) / "b")
            ran += 1
            differences = compare.differences(wanted, got)
            if not differences:
                same += 1
                continue
            differing += 1
            if differing <= SHOWN_MAX:
                print(f"--- {kind} {number}: {json.dumps(case['argv'], ensure_ascii=False)}")
                for line in differences:
                    print("   ", line)
        print(f"{kind}: {same} of {ran} the same", flush=True)
    return 1 if differing else 0


def reseeded(api, seed):
    """The same description, other values."""
    api.random = random.Random(seed)
    return api


if __name__ == "__main__":
    sys.exit(main())
