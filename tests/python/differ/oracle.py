"""Answers cases as an AWS CLI v2 of an older version does, with today's description of the API.

Runs in a Python that has Debian's `awscli` installed: `oracle.py FOLDER`, where FOLDER holds the copy made by `prepare.py`. One case a line
on standard input, one answer a line on standard output, all in one process: a call takes some 50 ms, and a second less than a process.
"""

import contextlib
import io
import json
import os
import sys
import time


def run(main, case):
    """The exit status, standard output and standard error of one command line."""
    data_path = os.environ["AWS_DATA_PATH"]
    os.environ.clear()
    os.environ.update(case["env"], AWS_DATA_PATH=data_path)
    os.chdir(case["folder"])
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape", newline="")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="surrogateescape", newline="")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(case["argv"])
        except SystemExit as end:
            status = end.code
        except Exception as error:  # What the real program's last resort would print.
            print(f"\n{error}", file=sys.stderr)
            status = 255
    texts = []
    for stream in (out, err):
        stream.flush()
        texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))
    return {"status": status or 0, "stdout": texts[0], "stderr": texts[1]}


def serve(folder):
    """Answers until there are no more cases."""
    sys.path.insert(0, folder)
    from awscli.clidriver import AWSCLIEntryPoint

    # Errors of the command line's form begin with the program's name.
    sys.argv[0] = "aws"
    time.sleep = lambda seconds: None
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    for line in sys.stdin:
        answer = run(lambda argv: AWSCLIEntryPoint().main(argv), json.loads(line))
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    serve(sys.argv[1])
