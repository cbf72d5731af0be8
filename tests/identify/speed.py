"""`python -m tests.identify.speed [FILES]`: what identification costs, and how many processors it keeps busy.

Makes FILES distinct files (default 100,000) of the kinds a website has, 1 to 16 KiB each, and archives them: without
identification, with it, and all of them again. CPU is that of the whole tree of processes. *Wanted* is what the processes ran and
waited for a processor that others had: on a machine that does other things as well, it says how many they would have kept busy.
Exit status 1 if identification wants fewer than 1.8 of two or more, or if the last run identifies anything again.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strongroom.collections.load import load
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from strongroom.usecases.archive.run import archive
from strongroom.usecases.context import Context

_WORDS = """the archive of a society keeps letters maps and minutes from every year since it was founded in a small town by
the sea""".split()  # noqa: SIM905 -- a list would fill the screen
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Used:
    """Seconds of all processes."""

    wall: float = 0.0
    cpu: float = 0.0
    waited: float = 0.0  # for a processor

    def __str__(self) -> str:
        wanted = (self.cpu + self.waited) / self.wall
        return f"{self.wall:.1f} s, CPU {self.cpu:.1f} s: {self.cpu / self.wall:.2f} cores, {wanted:.2f} wanted"


def tree() -> tuple[float, float]:
    """CPU and waiting of this process and those below it, in seconds."""
    parents: dict[int, int] = {}
    times: dict[int, float] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry)] = int(fields[1])
            times[int(entry)] = sum(map(int, fields[11:15])) / _TICK
    mine = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= more
    waited = 0.0
    for pid in mine:
        for stat in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                waited += int(stat.read_text().split()[1]) / 1e9
            except OSError:
                continue
    return sum(times.get(pid, 0) for pid in mine), waited


@contextmanager
def measured(used: Used) -> Iterator[None]:
    cpu, waited = tree()
    start = time.perf_counter()
    yield
    used.wall += time.perf_counter() - start
    after = tree()
    used.cpu += after[0] - cpu
    used.waited += after[1] - waited


class Runner(LocalRunner):
    """Measures the stage in which contents are read and identified."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.reading = Used()

    def map(self, name: str, *arguments: Any, **options: Any) -> Iterator[Any]:
        if not name.startswith("fingerprint"):
            yield from super().map(name, *arguments, **options)
            return
        with measured(self.reading):
            yield from super().map(name, *arguments, **options)


def make(folder: Path, files: int) -> None:
    chance = random.Random(1)
    for number in range(files):
        text = " ".join(chance.choices(_WORDS, k=chance.randrange(150, 2500)))
        kind = number % 10
        place = folder / f"{number // 1000:03}"
        if number % 1000 == 0:
            place.mkdir(parents=True)
        if kind < 6:
            (place / f"{number}.html").write_text(f"<!doctype html><html><head><title>{number}</title></head><body><p>{text}</body></html>")
        elif kind < 8:
            (place / f"{number}.txt").write_text(f"{number} {text}\n")
        elif kind == 8:
            (place / f"{number}.css").write_text(f"/* {number} */ p {{ color: red }}\n" * 40)
        else:
            (place / f"{number}.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + chance.randbytes(4000))


def run(root: Path, name: str, settings: str, **options: bool) -> tuple[Used, Used, int]:
    """Whole run, the stage that reads, and how many contents were identified in it."""
    manifest = root / f"{name}.yaml"
    manifest.write_text(f"collection: {name}\nsource: {root / 'source'}\nstores: [{root / name}]\nfixity: [sha256]\n{settings}")
    if not (root / name).exists():
        init_store(str(root / name))
    whole = Used()
    with Runner() as runner, measured(whole):
        report = archive(load(manifest), Context(root / f"home-{name}"), runner, **options)
    assert report.exit_status == 0, report.findings
    events = [path.read_text() for path in sorted((root / name / f"bags/{name}").glob("v*/*/bag/metadata/events.jsonl"))]
    found = events[-1].partition(" contents in this run, each once")[0].rpartition(" ")[2] if "each once" in events[-1] else "0"
    return whole, runner.reading, int(found.replace(",", ""))


def main(files: int) -> int:
    root = Path(tempfile.mkdtemp(prefix="identify-"))
    try:
        make(root / "source", files)
        without, _, _ = run(root, "without", "identify: false\n")
        print(f"{files:,} files without identification: {without}", flush=True)
        whole, reading, count = run(root, "with", "")
        print(f"with: {whole}\n  of that reading, identifying and packing: {reading}; {count:,} identified", flush=True)
        (root / "source/one more.txt").write_text("one more\n")
        again, _, few = run(root, "with", "", reread=True)
        print(f"all of them read again, and one more: {again}; {few} identified")
        good = few == 1 and count == files and (reading.cpu + reading.waited) / reading.wall >= min(1.8, 0.9 * len(os.sched_getaffinity(0)))
        return 0 if good else 1
    finally:
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000))
