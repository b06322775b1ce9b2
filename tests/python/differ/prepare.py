"""`prepare.py FOLDER BOTOCORE`: makes the copy of Debian's AWS CLI that the oracle runs, with a newer description of CloudFront.

Runs in the Python of the system, which finds the package. BOTOCORE is a folder that the package of that name was installed into.
"""

import gzip
import importlib.util
import pathlib
import shutil
import sys

SERVICE = "cloudfront/2020-05-31"
# What knows partitions and regions.
NEWEST = ("partitions.json", "endpoints.json")


def main(folder, botocore):
    """Copies the program, puts today's description of CloudFront in, and refers to the others where they are."""
    spec = importlib.util.find_spec("awscli")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("there is no awscli for this Python: apt-get install awscli")
    source = pathlib.Path(spec.submodule_search_locations[0])
    old = source / "botocore/data"
    if not old.is_dir():
        sys.exit(f"{source} is not version 2 of the AWS CLI")
    target = pathlib.Path(folder) / "awscli"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=lambda path, names: names if pathlib.Path(path) == old else [])
    data = target / "botocore/data"
    newest = pathlib.Path(botocore) / "botocore/data"
    (data / SERVICE).mkdir(parents=True)
    for file in (newest / SERVICE).iterdir():
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        (data / SERVICE / file.name.removesuffix(".gz")).write_bytes(content)
    for name in NEWEST:
        shutil.copy(newest / name, data / name)
    for entry in old.iterdir():
        if not (data / entry.name).exists():
            (data / entry.name).symlink_to(entry)


if __name__ == "__main__":
    main(*sys.argv[1:])
