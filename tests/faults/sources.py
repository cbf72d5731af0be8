"""Rows: sources that change during the run, hold what is no file, or are larger and deeper than is reasonable."""

from __future__ import annotations

import os
import random
import resource
import shutil
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.faults import reading
from tests.faults.oracle import converges, judge
from tests.faults.place import Place, Result, finish, go_on, payload, snapshot, wait_until_stopped, without_privileges

_LARGE = 6 << 20  # bytes: an object of its own


def _grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def _shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _change(path: Path) -> None:
    info = path.stat()
    path.write_bytes(bytes(byte ^ 1 for byte in path.read_bytes()))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))  # same size, same time


def _replace(path: Path) -> None:
    new = path.with_name("replacement")
    new.write_bytes(path.read_bytes()[::-1])
    new.rename(path)


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _to_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _to_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


CHANGES: dict[str, Callable[[Path], object]] = {
    "grows": _grow, "shrinks": _shrink, "changes with the same size and time": _change, "is replaced": _replace,
    "is renamed": lambda path: path.rename(path.with_name("renamed")), "is deleted": Path.unlink, "becomes a folder": _to_folder,
    "becomes a FIFO": _to_fifo, "becomes a link": _to_link, "is made unreadable": lambda path: path.chmod(0),
}
_LEAVES = {"is renamed", "is deleted", "becomes a folder", "becomes a FIFO", "becomes a link", "is made unreadable"}


def changing(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Between the scan and the reading of a file something happens to it. Whatever the bag then says was really there."""
    open_step = 0
    for number, (what, change) in zip(range(tries), _again_and_again(chance), strict=False):
        size = chance.choice([300, _LARGE])
        place = Place(folder / str(number)).make({"victim": chance.randbytes(size), "kept": b"kept"})
        open_step = open_step or _step_of_open(folder)
        fault = {"log": str(folder / f"{number}.log"), "stop_after": open_step}
        command = ("archive", place.manifest, "--no-prefect", "--quiet", "--json")
        with place.start(*command, fault=fault, preexec_fn=without_privileges) as process:
            assert wait_until_stopped(process)
            before = payload(place.source)["victim"]
            change(place.source / "victim")
            go_on(process)
            result = finish(process)
        wrong = judge(place, None, result, allowed={0, 1})
        bag = reading.newest(place.store, place.name)
        now = None if what in _LEAVES else (place.source / "victim").read_bytes()
        if bag.get("victim") not in (None, before, now):
            wrong.append("what was sealed never was in the source")
        if "victim" not in bag and (result.status != 1 or not _SAID & result.codes()):
            wrong.append(f"left out, and not said: {result.out}")
        if bag.get("kept") != b"kept":
            wrong.append("another file was left out")
        if "victim" in bag and what == "is made unreadable":
            wrong.append("what nobody may read was read")
        wrong += converges(place, place.archive)
        yield [f"a file of {size} bytes {what}: {one}" for one in wrong]


_SAID = {"source-changed", "source-vanished", "source-unreadable"}


def _again_and_again(chance: random.Random) -> Iterator[tuple[str, Callable[[Path], object]]]:
    while True:
        yield from chance.sample(sorted(CHANGES.items()), len(CHANGES))


def _step_of_open(folder: Path) -> int:
    """How many steps a first run does until its attempt is open: the scan is done then, and no file was read."""
    log = folder / "trial.log"
    assert Place(folder / "trial").make().archive(fault={"log": str(log)}).status == 0
    steps = [line for line in log.read_text().splitlines() if line.startswith("step ")]
    return next(number for number, line in enumerate(steps, 1) if line.endswith("/open"))


def special(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """FIFOs, sockets, devices, loops of links and links out of the source: listed, never followed, and nobody waits."""
    for number in range(tries):
        place = Place(folder / str(number)).make()
        secret = place.root / "outside"
        secret.mkdir()
        (secret / "private").write_text("not to be archived")
        expected = _make_special(place.source)
        if number % 2:
            place.settings = "symlinks: follow\n"
        before = snapshot(place.source)
        result = place.archive()
        wrong = judge(place, before, result, allowed={0})
        structure = next((place.store / "bags/site/v1").glob("*/bag/metadata/structure.jsonl")).read_text()
        wrong += [f"{name} is not listed" for name in expected if f'"data/{name}"' not in structure]
        if any(b"not to be archived" in data for data in reading.stored(place.store).values()):
            wrong.append("a link out of the source was followed")
        yield wrong


def _make_special(source: Path) -> list[str]:
    os.mkfifo(source / "fifo")
    with socket.socket(socket.AF_UNIX) as listener:
        where = os.getcwd()
        os.chdir(source)  # a socket's path may not be longer than 107 bytes
        try:
            listener.bind("socket")
        finally:
            os.chdir(where)
    (source / "loop").symlink_to("loop")
    (source / "b/up").symlink_to("..")
    (source / "b/out").symlink_to("../../outside")
    (source / "b/out-file").symlink_to("../../outside/private")
    (source / "gone").symlink_to("nowhere")
    made = ["fifo", "socket", "loop", "b/up", "b/out", "b/out-file", "gone"]
    if os.geteuid() == 0:
        os.mknod(source / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.mknod(source / "disk", stat.S_IFBLK | 0o600, os.makedev(7, 250))
        made += ["null", "disk"]
    return made


def deep(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Paths longer than the system takes in one call: named, and everything else is archived."""
    for number in range(tries):
        place = Place(folder / str(number)).make()
        name = "d" * chance.randrange(100, 250)
        where = os.getcwd()
        os.chdir(place.source)
        try:
            for _ in range(4200 // len(name) + 2):
                os.mkdir(name)
                os.chdir(name)
            Path("too deep").write_bytes(b"deep")
        finally:
            os.chdir(where)
        try:
            result = place.archive()
            wrong = judge(place, None, result, allowed={1})
            if not any(finding["code"] == "source-unreadable" and name in finding["place"] for finding in result.report()["findings"]):
                wrong.append(f"not named: {result.out[:2000]}")
            if set(reading.newest(place.store, place.name)) != {"a.txt", "b/b.txt", "b/copy of a"}:
                wrong.append("other files were left out")
        finally:
            shutil.rmtree(place.source)
        yield wrong


def sparse_planned(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A sparse file of 100 GB: planning for it reads nothing, and says that the store has no room for it."""
    for number in range(tries):
        place = Place(folder / str(number)).make()
        with (place.source / "sparse").open("wb") as file:
            file.truncate(100 * 10**9)
        result = place.archive("--dry-run")
        wrong = judge(Place(place.root, []), None, result, allowed={0})
        if result.report()["payload"]["bytes"] < 100 * 10**9:
            wrong.append(f"not counted: {result.out}")
        yield wrong


def sparse_archived(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A sparse file of 5 GB goes into the store and comes back, in memory that has nothing to do with its size."""
    for number in range(tries):
        place = Place(folder / str(number)).make()
        with (place.source / "sparse").open("wb") as file:
            file.truncate(5 * 10**9)
            file.seek(chance.randrange(5 * 10**9 - 100))
            file.write(chance.randbytes(50))
        result, peak = _measured(place, "archive", place.manifest)
        restored, peak_too = _measured(place, "restore", "site", place.root / "restored", "--payload-only")
        wrong = [f"exit status {one.status}: {one.err}" for one in (result, restored) if one.status]
        if max(peak, peak_too) > 300 << 20:
            wrong.append(f"memory: {max(peak, peak_too) >> 20} MiB")
        if not wrong and not _equal(place.source / "sparse", place.root / "restored/sparse"):
            wrong.append("what was restored differs")
        shutil.rmtree(place.root)
        yield wrong


def many(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """1,000,000 files, half of them distinct; peak memory of the largest process is printed, and bounded by what 100,000 files need and a
    half. They look like pictures, which libmagic knows at once: texts would take it half an hour."""
    peaks = {}
    for files in (100_000, 1_000_000):
        place = Place(folder / str(files)).make()
        for number in range(files):
            if number % 1000 == 0:
                (place.source / f"{number // 1000:04}").mkdir()
            with open(place.source / f"{number // 1000:04}/{number:07}.png", "wb") as file:
                file.write(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR%d" % (number % (files // 2)))
        result, peaks[files] = _measured(place, "archive", place.manifest)
        shutil.rmtree(place.root)
        if result.status:
            yield [f"{files} files: exit status {result.status}: {result.err}"]
            return
    print("      peak memory: " + ", ".join(f"{files:,} files {peak >> 20} MiB" for files, peak in peaks.items()), file=sys.stderr)
    yield [f"memory grows: {peaks}"] if peaks[1_000_000] > 1.5 * peaks[100_000] else []


def _measured(place: Place, *arguments: str | Path) -> tuple[Result, int]:
    """The command's result, and the peak memory in bytes of the largest of its processes (and of those before it)."""
    result = place.run(*arguments, "--no-prefect", "--quiet", timeout=7200)
    return result, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _equal(one: Path, other: Path) -> bool:
    with one.open("rb") as first, other.open("rb") as second:
        while True:
            a, b = first.read(1 << 22), second.read(1 << 22)
            if a != b:
                return False
            if not a:
                return True
