"""`prepare.py FOLDER BOTOCORE`: makes the copy of Debian's AWS CLI that the oracle runs, with a newer description of CloudFront.

Runs in the Python of the system, which finds the package. BOTOCORE is a folder that the package of that name was installed into.
"""

import gzip
import importlib.util
import pathlib
import shutil
import sys

SERVICE = "cloudfront/2020-05-31"


def main(folder, botocore):
    """Copies the program without the descriptions of other services, which it does not need, and puts today's in."""
    spec = importlib.util.find_spec("awscli")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("there is no awscli for this Python: apt-get install awscli")
    source = pathlib.Path(spec.submodule_search_locations[0])
    if not (source / "botocore").is_dir():
        sys.exit(f"{source} is not version 2 of the AWS CLI")
    target = pathlib.Path(folder) / "awscli"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=lambda path, names: others(pathlib.Path(path), names, source))
    data = target / "botocore/data"
    newest = pathlib.Path(botocore) / "botocore/data"
    shutil.rmtree(data / "cloudfront", ignore_errors=True)
    (data / SERVICE).mkdir(parents=True)
    for file in (newest / SERVICE).iterdir():
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        (data / SERVICE / file.name.removesuffix(".gz")).write_bytes(content)
    for name in ("partitions.json", "endpoints.json"):
        shutil.copy(newest / name, data / name)


def others(path, names, source):
    """The descriptions that are left out."""
    if path != source / "botocore/data":
        return []
    return [name for name in names if (path / name).is_dir() and name not in ("cloudfront", "sts")]


if __name__ == "__main__":
    main(*sys.argv[1:])
