"""python -m tests.sources.many [OBJECTS]: a bucket of so many objects (500) archived to another bucket of the real S3 server.

Prints how long each stage took, the peak of memory, and what the run had on the local disk at most, in all and in the
spool. Fails if the spool was larger than its limit, or if the bag does not hold every object.
"""

from __future__ import annotations

import hashlib
import os
import resource
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from strongroom.collections.load import load
from strongroom.runner.local import LocalRunner
from strongroom.sources.spooling import VARIABLE
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context
from tests.fixtures.seaweedfs import make_bucket, running_server

_LIMIT = 64 << 20  # bytes of the spool
_EVERY = 1000  # one object of so many is large
_LARGE = (5 << 20, 20 << 20, 80 << 20)  # the last is longer than the spool


def content(number: int) -> bytes:
    """Small and each another, but for every tenth; large ones now and then."""
    if number % _EVERY == 7:
        size = _LARGE[number // _EVERY % len(_LARGE)]
        return hashlib.shake_256(b"%d" % number).digest(1 << 16) * (size >> 16)
    return hashlib.shake_256(b"%d" % (number - 1 if number % 10 == 9 else number)).digest(200 + number * 7919 % 6000)


def key(number: int) -> str:
    return f"archive of a town/{number // 500:03}/ünï {number:06}.bin"


class Watch(threading.Thread):
    """What lies below `folder`, and in files without a name of this process and its children, four times a second."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.over = folder, threading.Event()
        self.most = self.spooled = 0

    def run(self) -> None:
        while not self.over.wait(0.25):
            spooled = sum(_nameless(self.folder))
            self.spooled = max(self.spooled, spooled)
            self.most = max(self.most, spooled + sum(_sizes(self.folder)))


def _sizes(folder: Path) -> Iterator[int]:
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                yield os.lstat(os.path.join(root, name)).st_blocks * 512
            except OSError:
                continue  # gone meanwhile


def _nameless(folder: Path) -> Iterator[int]:
    seen = set()
    for process in Path("/proc").iterdir():
        try:
            links = list((process / "fd").iterdir()) if process.name.isdigit() else []
        except OSError:
            continue
        for link in links:
            try:
                if str(link.readlink()).startswith(str(folder)) and str(link.readlink()).endswith(" (deleted)"):
                    info = link.stat()
                    if (info.st_dev, info.st_ino) not in seen:
                        seen.add((info.st_dev, info.st_ino))
                        yield info.st_blocks * 512
            except OSError:
                continue


def fill(client: Any, objects: int) -> None:
    make_bucket(client, "source")
    make_bucket(client, "archive")
    with ThreadPoolExecutor(8) as threads:
        for _ in threads.map(lambda number: client.put_object(Bucket="source", Key=key(number), Body=content(number)), range(objects)):
            pass


def main(objects: int) -> int:
    with running_server() as server, tempfile.TemporaryDirectory(prefix="strongroom-many-") as folder:
        os.environ.update(server.env)
        os.environ[VARIABLE] = str(_LIMIT)
        began = time.monotonic()
        fill(server.client(), objects)
        print(f"{objects:,} objects put in {time.monotonic() - began:.1f} s", flush=True)
        init_store("s3://archive/store")
        manifest = Path(folder) / "town.yaml"
        manifest.write_text("collection: town\nsource: s3://source/archive of a town\nstores: ['s3://archive/store']\n")
        watch = Watch(Path(folder))
        watch.start()
        ok = True
        with LocalRunner(2, quiet=True) as runner:
            for turn in ("first run", "second run"):
                began = time.monotonic()
                report = archive(load(manifest), Context(Path(folder) / "home"), runner)
                print(f"{turn}: {report.outcome}, {report.files:,} files, {report.read_files:,} read, {report.size / 2**20:.1f} MiB, "
                      f"{time.monotonic() - began:.1f} s; " + ", ".join(f"{name} {took:.1f}" for name, took in report.stages.items()))
                outcome, read = ("sealed", objects) if turn == "first run" else ("unchanged", 0)
                ok &= (report.exit_status, report.files, report.outcome, report.read_files) == (0, objects, outcome, read)
        watch.over.set()
        watch.join()
        memory = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
        print(f"on the local disk at most {watch.most / 2**20:.1f} MiB, of them in the spool {watch.spooled / 2**20:.1f} of "
              f"{_LIMIT / 2**20:.0f}; memory of the largest process {memory:.0f} MiB")
        ok &= watch.spooled <= _LIMIT and sealed(server.client(), objects)
    print("well" if ok else "NOT WELL")
    return 0 if ok else 1


def sealed(client: Any, objects: int) -> bool:
    """Whether the manifest in the store has every object with its digest, by another reader than the product's."""
    (stored,) = (one["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="archive", Prefix="store/bags/town/v1/")
                 for one in page["Contents"] if one["Key"].endswith("/bag/manifest-sha256.txt"))
    lines = client.get_object(Bucket="archive", Key=stored)["Body"].read().decode().splitlines()
    expected = {f"{hashlib.sha256(content(number)).hexdigest()}  data/{key(number).partition('/')[2]}" for number in range(objects)}
    return len(lines) == objects and set(lines) == expected


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 500))
