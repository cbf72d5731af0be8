"""Sweeps that are killed after their writes and deletions, and sweeps beside others at work: every bag reads whole, all else converges."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import time
from pathlib import Path

from tests.faults import reading
from tests.faults.kills import QUIET, litter
from tests.faults.place import Place, finish, payload

#: STRONGROOM_SWEEP_KILLS=all: after each step.
KILLS = os.environ.get("STRONGROOM_SWEEP_KILLS", "5")
PAGE = b"a page that must go " + bytes(range(256)) * 8


def contents_but(store: Path, *gone: bytes) -> list[str]:
    """What is wrong with the bags of a store, of which some contents may be missing: read without the product's code."""
    there = reading.stored(store).keys() | {hashlib.sha256(data).hexdigest() for data in gone}
    wrong = []
    for seal in reading.sealed(store).values():
        manifest = store / f"bags/{seal['bag']}" / seal["attempt"] / "bag/manifest-sha256.txt"
        for line in manifest.read_text().splitlines():
            digest, path = line.split("  ", 1)
            if digest not in there:
                wrong.append(f"{seal['bag']}: {path}")
    return wrong


def everywhere(store: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(store.rglob("*")) if path.is_file())


def test_killed_after_its_writes_it_loses_nothing_and_is_carried_on(tmp_path: Path) -> None:
    chance = random.Random(7)
    place = Place(tmp_path / "place").make()
    place.write("page.html", PAGE)
    for number in range(2):
        place.edit(chance)
        place.write(f"large-{number}", chance.randbytes(5 << 20))
        assert place.archive().status == 0
    said = place.run("withhold", "--digest", hashlib.sha256(PAGE).hexdigest(), "--reason", "asked for", "--yes")
    assert said.status == 0, said.err
    strays = litter(place.store, chance)
    shutil.copytree(place.root, tmp_path / "before", symlinks=True)
    sweep = ("sweep", "--yes", "--grace", "0", *QUIET)
    log = tmp_path / "steps.log"
    assert place.run(*sweep, fault={"log": str(log)}).status == 0
    steps = [line for line in log.read_text().splitlines() if line.startswith("step ")]
    wanted = [number for number, line in enumerate(steps, 1) if "catalogue" not in line]
    assert sum("delete" in line for line in steps) >= 5
    tries = wanted if KILLS == "all" else sorted(chance.sample(wanted, int(KILLS)))
    for number in tries:
        for part in ("store", "home"):  # the same folders: a file store knows its own by the inode within a process only
            shutil.rmtree(place.root / part)
            shutil.copytree(tmp_path / "before" / part, place.root / part, symlinks=True)
        log.unlink()
        assert place.run(*sweep, fault={"log": str(log), "kill_after": number}).status == -9, steps[number - 1]
        assert contents_but(place.store, PAGE) == [], steps[number - 1]
        again = place.run(*sweep)
        assert again.status == 0, (steps[number - 1], again.err)
        assert contents_but(place.store, PAGE) == [], steps[number - 1]
        assert PAGE not in everywhere(place.store), steps[number - 1]
        assert not any(path.exists() for path in strays), steps[number - 1]
        assert place.run("audit", *QUIET).status == 0, steps[number - 1]


def test_two_archivers_and_sweeps_at_once(tmp_path: Path) -> None:
    chance = random.Random(3)
    place = Place(tmp_path / "place").make()
    other = Place(place.root, name="other", home="home-2")
    for _ in range(2):
        place.edit(chance)
        place.write("large", chance.randbytes(5 << 20))
        litter(place.store, chance)
        archive = ("--no-prefect", "--quiet", "--json", "--workers", "1")
        running = [one.start("archive", one.manifest, *archive) for one in (place, other)]
        for _ in range(3):
            swept = place.run("sweep", "--yes", "--store", place.store, *QUIET)
            assert swept.status in (0, 3), swept.err
            time.sleep(chance.uniform(0, 0.3))
        for process in running:
            result = finish(process)
            assert result.status == 0, result.err
        assert reading.newest(place.store, "site") == reading.newest(place.store, "other") == payload(place.source)
        assert reading.bags(place.store)
    swept = place.run("sweep", "--yes", "--store", place.store, *QUIET)
    assert swept.status == 0, swept.err
    assert reading.bags(place.store)
    assert place.run("audit", *QUIET).status == 0


def test_replicate_and_repair_beside_sweeps(tmp_path: Path) -> None:
    chance = random.Random(5)
    place = Place(tmp_path / "place", stores=["store", "copy"]).make()
    place.edit(chance)
    assert place.archive().status == 0
    for number in range(2):
        place.edit(chance)
        assert place.archive("--no-replicate").status == 0
        litter(place.root / "copy", chance)
        verb = ("replicate", place.manifest) if number == 0 else ("repair",)
        if number:
            assert place.run("replicate", place.manifest, *QUIET).status == 0
            pack = sorted((place.root / "copy").glob("packs/*/*.tar"))[0]
            pack.chmod(0o644)
            data = bytearray(pack.read_bytes())
            data[700] ^= 1
            pack.write_bytes(data)
            assert place.run("audit", *QUIET).status == 1
        with place.start(*verb, *QUIET) as process:
            for _ in range(2):
                assert place.run("sweep", "--yes", *QUIET).status in (0, 1, 3)
            result = finish(process)
        assert result.status == 0, result.err
        assert reading.newest(place.root / "copy", "site") == payload(place.source)
        assert place.run("sweep", "--yes", *QUIET).status == 0
        assert reading.bags(place.root / "copy").keys() == reading.bags(place.store).keys()


def test_two_sweepers_of_two_homes_at_once_and_an_archive_meanwhile(tmp_path: Path) -> None:
    chance = random.Random(11)
    place = Place(tmp_path / "place").make()
    other = Place(place.root, name="other", home="home-2")
    pages = [b"%d: " % number + PAGE for number in range(2)]
    for page in pages:
        place.edit(chance)
        place.write("page.html", page)
        for one in (place, other):
            assert one.archive().status == 0
        strays = litter(place.store, chance)
        said = other.run("withhold", "--digest", hashlib.sha256(page).hexdigest(), "--reason", "asked for", "--yes")
        assert said.status == 0, said.err
        place.edit(chance)
        sweep = ("sweep", "--yes", "--grace", "0", "--store", place.store, *QUIET)
        running = [place.start("archive", place.manifest, *QUIET), place.start(*sweep), other.start(*sweep)]
        results = [finish(process) for process in running]
        assert results[0].status == 0, results[0].err
        assert all(result.status in (0, 3) for result in results[1:]), [result.err for result in results]
        assert contents_but(place.store, *pages) == []
        assert place.run(*sweep).status == 0
        assert contents_but(place.store, *pages) == []
        assert page not in everywhere(place.store)
        assert not any(path.exists() for path in strays)
    pending = [path.parent.name for path in place.store.glob("sweep/*/record.json") if not (path.parent / "done.json").exists()]
    assert pending == []
    for one in (place, other):
        assert one.run("audit", *QUIET).status == 0
