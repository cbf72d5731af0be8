"""Rows: disks that are full, out of inodes or failing, file size limits, and whether what is sealed was durable before."""

from __future__ import annotations

import os
import random
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.oracle import converges, judge
from tests.faults.place import Place, Result, snapshot

#: A disk that is too small: some things can be sealed (0), most cannot (3); damage there is none (1).
TOO_SMALL = frozenset({0, 3})
#: What is on the small disk: folder below the place, and how many bytes suffice.
PARTS = {"store": 1_500_000, "home": 3_000_000}


def can_mount() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def small_disk(folder: Path, options: str) -> Iterator[None]:
    """A file system in memory, over `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def enlarge(folder: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=64m,nr_inodes=100000", str(folder)], check=True)


def full(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """A store or home of some bytes or some inodes too few; then it is made larger, and the same command goes on."""
    for number in range(tries):
        part = ("store", "home")[number % 2]
        where = folder / str(number)
        options = f"size={PARTS[part]},nr_inodes=100000"
        with small_disk(where / part, options):
            place = _filled(where, chance)
            used = os.statvfs(where / part)
            if number % 4 < 2:
                taken = (used.f_blocks - used.f_bfree) * used.f_frsize
                options = f"remount,size={taken + 4096 * chance.randrange(1, 60)}"
            else:
                options = f"remount,nr_inodes={used.f_files - used.f_ffree + chance.randrange(1, 12)}"
            subprocess.run(["mount", "-o", options, str(where / part)], check=True)
            wrong = _tried(place, place.archive())
            enlarge(where / part)
            wrong += converges(place, place.archive)
        yield [f"{part}, {options}: {one}" for one in wrong]


def limited(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """RLIMIT_FSIZE: no file may grow beyond some bytes, wherever it lies."""
    for number in range(tries):
        place = _filled(folder / str(number), chance)
        limit = chance.choice([100, 700, 4096, 20_000, 60_000, 150_000, 400_000])

        def limit_files(limit: int = limit) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        before = snapshot(place.source)
        wrong = judge(place, before, place.archive(preexec_fn=limit_files), allowed=TOO_SMALL)
        wrong += converges(place, place.archive)
        yield [f"limit {limit}: {one}" for one in wrong]


def failing(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """fsync answers EIO from its nth call on, in every process of the run. Nothing is sealed on bytes that may not be there."""
    for number in range(tries):
        place = _filled(folder / str(number), chance)
        place.write("large", chance.randbytes(5 << 20))
        first = 1 if number == 0 else chance.randrange(1, 30)
        result = place.archive(fault={"fsync_fails": first})
        wrong = _tried(place, result)
        if result.status == 0:
            wrong.append("success on a disk that fails")
        wrong += converges(place, place.archive)
        yield [f"fsync fails from call {first} on: {one}" for one in wrong]


def durable(folder: Path, chance: random.Random, tries: int) -> Iterator[list[str]]:
    """Whatever a run writes was synced, its name and the folders above it too, before the seal was given its name."""
    for number in range(tries):
        place = _filled(folder / str(number), chance)
        place.write("large", chance.randbytes(5 << 20))
        log = folder / f"{number}.log"
        result = place.archive(fault={"log": str(log)})
        yield _tried(place, result) + undurable([line.split(" ") for line in log.read_text().splitlines()], str(place.store))


def undurable(calls: list[list[str]], store: str) -> list[str]:
    """Names in the store that were given to bytes not synced, and names not synced when the next step of the protocol began.

    `calls`: ["fsync", path], ["link", old, new], ["mkdir", path] in the order in which they returned.
    """
    synced: set[str] = set()
    pending: dict[str, set[str]] = {}  # folder: names in it that a power cut would take
    wrong = []
    seals = 0
    for verb, *paths in calls:
        if verb == "fsync":
            synced.add(paths[0])
            pending.pop(paths[0], None)
        elif verb in ("link", "mkdir") and paths[-1].startswith(store):
            new = paths[-1]
            if new.endswith("/.tmp"):
                continue
            if verb == "link" and paths[0] not in synced:
                wrong.append(f"{new} was given its name before its bytes were synced")
            if new.endswith("/seal.json"):
                seals += 1
                wrong += [f"{name} was not durable when the seal was written" for names in pending.values() for name in names]
            pending.setdefault(os.path.dirname(new), set()).add(new)
    wrong += [f"{name} was not durable at the end" for names in pending.values() for name in names]
    return wrong if seals else [*wrong, "no seal was written"]


def _filled(where: Path, chance: random.Random) -> Place:
    """A place with one bag, and then more in the source: some hundred files in a good many folders."""
    place = Place(where).make()
    done = place.archive()
    assert done.status == 0, done.err
    for number in range(60):
        place.write(f"{number % 9}/{number}", chance.randbytes(chance.randrange(6000)))
    return place


def _tried(place: Place, result: Result) -> list[str]:
    return judge(place, None, result, allowed=TOO_SMALL)
