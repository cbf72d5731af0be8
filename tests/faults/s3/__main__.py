"""The long set: python -m tests.faults.s3 [--tries N] [--seed S] [--only WORDS]. Prints a table: row, tries, failures."""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.faults.s3 import rows
from tests.faults.s3.proxy import Proxy
from tests.faults.s3.site import LARGE, Site
from tests.faults.s3.tls import Authority, make_authority
from tests.fixtures.seaweedfs import S3Server, make_bucket, restart, running_server

_BUCKET = "strongroom-faults"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=5, help="of each row")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="rows with these words in their names")
    args = parser.parse_args()
    failures = 0
    with running_server() as server:
        os.environ.update({name: value for name, value in server.env.items() if name != "AWS_ENDPOINT_URL"})
        make_bucket(server.client(), _BUCKET)
        with tempfile.TemporaryDirectory(prefix="strongroom-faults-") as folder:
            authority = make_authority(Path(folder))
            print(f"{'row':<62} tries failures")
            for name, run in _jobs().items():
                if args.only not in name:
                    continue
                problems = [_one(run, f"{args.seed}/{name}/{number}", server, authority, Path(folder)) for number in range(args.tries)]
                failed = sum(map(bool, problems))
                failures += failed
                print(f"{name:<62} {args.tries:>5} {failed:>8}", flush=True)
                for number, found in enumerate(problems):
                    for problem in found:
                        print(f"    try {number}: {problem}", flush=True)
    return 1 if failures else 0


def _jobs() -> dict[str, Callable[[Site], list[str]]]:
    jobs: dict[str, Callable[[Site], list[str]]] = {row.name: lambda site, row=row: rows.attempt(row, site) for row in rows.ROWS}  # type: ignore[misc]
    for verb in ("archive", "restore", "audit", "replicate", "fetch"):
        jobs[f"{verb}: {rows.REFUSED}"] = lambda site, verb=verb: rows.refused(verb, site)  # type: ignore[misc]
    jobs[f"archive: {rows.WRONG_KEY}"] = lambda site: rows.wrong_key("archive", site)
    jobs[f"archive: {rows.RESTARTED}"] = lambda site: rows.restarted(site, restart)
    return jobs


def _one(run: Callable[[Site], list[str]], seed: str, server: S3Server, authority: Authority, folder: Path) -> list[str]:
    random = Random(seed)  # a text is hashed alike everywhere
    large = next((row.large for row in rows.ROWS if row.name == seed.split("/")[1] and row.large), None)
    root = folder / secrets.token_hex(6)
    proxy = Proxy(server.endpoint, authority.context if random.random() < 0.5 else None)
    try:
        return run(Site(root, f"s3://{_BUCKET}/{root.name}", server, proxy, authority.bundle, random, large or LARGE))
    finally:
        proxy.close()
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
