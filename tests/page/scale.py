"""`python -m tests.page.scale`: what a page costs where there is much. Seconds and the peak of memory of the process that makes it.

First a bag of many files, whose manifest is read; then thousands of collections, put into the catalogue as if they had been counted.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

_PAGE = """
import resource, sys, time
from strongroom.cli.main import main
began = time.monotonic()
status = main(["report", "--quiet", "--curator", "--html", sys.argv[1]])
print(f"{time.monotonic() - began:.1f} s, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB at most, exit status {status}")
"""


def strongroom(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "strongroom", *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def page(environment: dict[str, str], folder: Path, what: str) -> None:
    command = [sys.executable, "-c", _PAGE, str(folder / "page.html")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    size = (folder / "page.html").stat().st_size
    print(f"{what}: {done.stdout.splitlines()[-1]}, page of {size:,} bytes{done.stderr[-300:]}", flush=True)


def many_files(environment: dict[str, str], folder: Path, files: int) -> None:
    source = folder / "source"
    for number in range(files):
        path = source / f"{number // 1000:04}" / f"{number}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"file {number % (files * 9 // 10)}\n" * 20)
    strongroom(environment, "store", "init", str(folder / "store"))
    (folder / "many.yaml").write_text(f"collection: many\nsource: {source}\nstores: [{folder / 'store'}]\nidentify: false\n")
    began = time.monotonic()
    strongroom(environment, "archive", "--quiet", "--no-prefect", str(folder / "many.yaml"))
    print(f"archiving {files:,} files: {time.monotonic() - began:.1f} s", flush=True)
    page(environment, folder, f"the first page of {files:,} files")
    page(environment, folder, "and the next")


def many_collections(environment: dict[str, str], folder: Path, collections: int, contents: int) -> None:
    chance = random.Random(3)
    with closing(sqlite3.connect(Path(environment["STRONGROOM_HOME"]) / "catalogue.sqlite")) as db:
        (store,), = db.execute("SELECT number FROM stores").fetchall()
        each = contents // collections
        for number in range(collections):
            name = f"c{number:05}"
            for version in range(1, 6):
                seal = hashlib.sha256(f"{name}/{version}".encode()).digest()
                db.execute("INSERT INTO bags VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (
                    seal, name, version, "0" * 32, "0" * 32, f"2026-{version:02}-01T00:00:00Z", each, each * 5000, seal))
                db.execute("INSERT INTO bag_stores VALUES (?, ?)", (seal, store))
                db.execute("INSERT INTO bag_access VALUES (?, 'open', NULL)", (seal,))
                db.execute("INSERT INTO counted_bags VALUES (?, '{\"largest\": [], \"oldest\": []}')", (seal,))
            rows = ((name, chance.randbytes(32), 5000, 5, 5, 1) for _ in range(each))
            db.executemany("INSERT INTO held (collection, sha256, length, files, bags, first) VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.commit()
    page(environment, folder, f"{collections:,} collections of five bags each, {contents:,} contents")


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.page.scale", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--collections", type=int, default=2_000)
    parser.add_argument("--contents", type=int, default=1_000_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = {**os.environ, "STRONGROOM_HOME": str(folder / "home"), "STRONGROOM_MANIFESTS": str(folder / "manifests")}
        many_files(environment, folder, given.files)
        many_collections(environment, folder, given.collections, given.contents)


if __name__ == "__main__":
    main()
