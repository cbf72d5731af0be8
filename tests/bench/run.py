"""Measuring a row: every contestant in turns, so that what the machine does meanwhile hits all alike."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.contestants import Contestant
from tests.bench.machine import INSTALL, describe
from tests.bench.measure import cpu_of, measure, size_of
from tests.bench.place import Bench
from tests.bench.rows import Row


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def measure_row(row: Row, bench: Bench, pairs: int, *, cold: bool) -> Iterator[dict[str, Any]]:
    """A result for each run of each contestant that is installed. A contestant that fails is left out, and that is said."""
    contestants = row.contestants(bench)
    for one in contestants:
        if one.missing():
            say(f"{row.id}: {one.name} is not installed ({INSTALL[one.needs]}); its bars cannot be judged")
    contestants = [one for one in contestants if not one.missing()]
    common = {"row": row.id, "scale": bench.scale, "cold": cold, "machine": describe(bench.folder)}
    if any(bar.peer == "unique bytes" for bar in row.bars):
        yield {**common, "who": "unique bytes", "stored": unique_bytes(bench.corpus(row.corpus))}
    for one in contestants:
        one.setup()
    for number in range(pairs):
        turn = number % len(contestants)
        for one in contestants[turn:] + contestants[:turn]:
            yield {**common, "run": number, **_once(one, row, bench, cold=cold)}


def _once(one: Contestant, row: Row, bench: Bench, *, cold: bool) -> dict[str, Any]:
    one.before()
    os.sync()  # what others wrote is no burden of this one
    if cold:
        Path("/proc/sys/vm/drop_caches").write_text("3\n")
    elif row.corpus:
        _warm(bench.corpus(row.corpus))
    log = bench.folder / "log"
    before = cpu_of(bench.s3_pid) if row.s3 else 0.0
    found = measure(one.prepare() if one.prepare else one.command, one.env, log, one.cwd)
    result: dict[str, Any] = {
        "who": one.name, "wall": round(found.wall, 3), "cpu": round(found.cpu, 3), "memory": found.memory,
        "time": time.strftime("%Y-%m-%d"),
    }
    if row.s3:
        result["server_cpu"] = round(cpu_of(bench.s3_pid) - before, 2)
    if one.stored is not None:
        result["stored"] = size_of(one.stored)
    say(f"{row.id}: {one.name}: {found.wall:.2f} s, CPU {found.cpu:.2f} s, {found.memory / 1e6:.0f} MB")
    return result


def _warm(folder: Path) -> None:
    """Read the corpus, so that it lies in memory as far as it fits."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(parent, name), "rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


def unique_bytes(folder: Path) -> int:
    """The sum of the sizes of distinct files."""
    sizes: dict[bytes, int] = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            with open(os.path.join(parent, name), "rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
                sizes[digest] = file.tell()
    return sum(sizes.values())


def append(results: Path, line: dict[str, Any]) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    with results.open("a") as file:
        file.write(json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n")


def forget(results: Path, row: str) -> None:
    """What was measured of this row before: the page shows the last time."""
    lines = load(results)
    with contextlib.suppress(FileNotFoundError):
        results.write_text("".join(json.dumps(line, sort_keys=True, ensure_ascii=False) + "\n" for line in lines if line["row"] != row))


def load(results: Path) -> list[dict[str, Any]]:
    try:
        return [json.loads(line) for line in results.read_text().splitlines()]
    except FileNotFoundError:
        return []
