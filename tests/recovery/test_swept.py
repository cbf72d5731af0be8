"""The recipe and recover.py on stores that were swept: packs packed anew, first generations gone, withheld bytes removed."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from strongroom.core.findings import Severity
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.run import audit
from strongroom.usecases.repair.run import repair
from strongroom.usecases.restore.request import RestoreRequest
from strongroom.usecases.restore.run import restore
from strongroom.usecases.sweep.run import sweep
from tests.recovery.builder import LARGE, sha256
from tests.recovery.conftest import Recover, read_tree, toolbox
from tests.recovery.conftest import recover as recipe
from tests.recovery.test_recipe import HOSTILE
from tests.recovery.test_recover_py import Run, recover
from tests.replicate.conftest import Place, place, runner
from tests.sweep.test_sweep import hurt, stray_pack, withhold

__all__ = ["place", "recipe", "recover", "runner"]
PAGE = b"this page must go " + bytes(range(256)) * 4
FILM = b"this film must go " + bytes(range(256)) * (LARGE // 256 + 1)
STORES = ["one", "two"]
COMPRESSIONS = pytest.mark.parametrize("settings", ["", "compression: zstd\n"], ids=["plain", "zstd"])


def swept(place: Place, settings: str) -> None:
    """Three bags of `site`, of which a page and a film are gone, and one of `other`, of which nothing is; with all that sweeps do."""
    for name, data in HOSTILE.items():
        place.write("site", os.fsdecode(name), data)
    place.write("site", "page.html", PAGE)
    place.write("site", "copy/of page.html", PAGE)
    place.write("site", "film.bin", FILM)
    place.write("site", "large.bin", b"large" * LARGE)
    place.write("other", "kept.txt", b"kept\n")
    for number in range(200):
        place.write("site", f"{number}.html", b"page %d of a site that shrinks well\n" % number * 60)
        place.write("other", f"{number}.html", b"page %d of another\n" % number * 60)
    for version in range(1, 4):
        place.write("site", "changing.txt", b"state %d" % version)
        assert place.archive("site", STORES, settings).outcome == "sealed"
    assert place.archive("other", STORES, settings).outcome == "sealed"
    for name in ("site", "other"):
        place.replicate(name, STORES, settings)
    objects = place.objects("one")
    packs = sorted(key for key in objects if re.search(r"\.tar(\.zst)?$", key))
    large = f"content/{sha256(b'large' * LARGE)[:2]}/{sha256(b'large' * LARGE)}"
    tag = next(key for key in sorted(objects) if key.endswith("bag/manifest-sha256.txt"))
    for key in (*packs, large, tag):
        hurt(place, "one", key)
    assert audit(AuditRequest(), place.context, place.runner).exit_status == 1
    assert repair(place.context, place.runner).exit_status == 0
    stray_pack(place, b"nobody's")
    sweep_one(place)
    assert not {*packs, large, tag} & place.objects("one")  # only later generations are left
    withhold(place, *STORES)
    withhold(place, *STORES, data=FILM)
    sweep_one(place, grace_days=0)
    assert PAGE not in place.every_byte("one") and FILM not in place.every_byte("one")


def sweep_one(place: Place, **options: float) -> None:
    report = sweep(place.context, place.runner, stores=[f"file://{place.folder('one')}"], **options)
    assert report.exit_status == 0 and report.stores[0].deleted, report.findings


def ours(place: Place, bag: str) -> dict[bytes, bytes]:
    name, _, version = bag.partition("/v")
    dest = place.root / f"ours-{name}-{version}"
    request = RestoreRequest(name, dest, int(version), source=f"file://{place.folder('one')}")
    report = restore(request, place.context, place.runner)
    assert report.exit_status == 0
    assert {one.code.severity for one in report.findings} <= {Severity.NOTE}, report.findings  # nothing is taken for damage
    return read_tree(Path(report.result))


GONE = {"WITHHELD: data/page.html", "WITHHELD: data/copy/of page.html", "WITHHELD: data/film.bin"}


def said(stderr: str) -> set[str]:
    """The problems that were named."""
    return {line for line in stderr.splitlines() if re.match(r"[A-Z]{3}[A-Z ,]+:", line)}


@COMPRESSIONS
def test_every_bag_comes_back_but_for_what_was_withheld(place: Place, recover: Run, recipe: Recover, settings: str) -> None:
    swept(place, settings)
    store = place.folder("one")
    tools = toolbox(place.root / "tools", extra=("zstd", "tail") if settings else ())
    assert (store / "README.txt").read_text("ascii").count("-----8<-----") == 2
    for bag in ("site/v1", "site/v2", "site/v3", "other/v1"):
        gone = GONE if bag.startswith("site") else set()
        expected = ours(place, bag)
        assert len(expected) > 200
        runs = [
            recover(store, place.root / f"py-{bag.replace('/', '-')}", bag=bag, zstd=bool(settings)),
            recipe(store, place.root / f"sh-{bag.replace('/', '-')}", tools=tools, BAG=bag),
        ]
        for run in runs:
            assert (run.returncode, said(run.stderr)) == (bool(gone), gone), run.stderr
        for kind in ("py", "sh"):
            assert read_tree(place.root / f"{kind}-{bag.replace('/', '-')}") == expected


@COMPRESSIONS
def test_damage_after_a_sweep_costs_as_little_as_before(place: Place, recover: Run, recipe: Recover, settings: str) -> None:
    """Where only KEY~1 is left of a pack, and only KEY~1 of its index: a damaged header, and a damaged frame."""
    swept(place, settings)
    store = place.folder("one")
    end = ".tar.zst" if settings else ".tar"
    pack = next(path for path in sorted(store.glob(f"packs/*/*{end}~*")) if len(lines(path)) > 100)
    assert not pack.with_name(pack.name.partition("~")[0]).exists()
    members = lines(pack)
    data = bytearray(pack.read_bytes())
    if settings:
        first = frame(members[0])
        for at in range(first[0] + 20, first[0] + first[1] - 20):
            data[at] = 0x55
        lost = {one["sha256"] for one in members if frame(one) == first}
        assert 0 < len(lost) < len(members)
    else:
        data[100:512] = b"\xff" * 412  # the header of the first member
        lost = {members[0]["sha256"]}
    pack.chmod(0o644)
    pack.write_bytes(data)
    expected = wanted(place)
    run = recover(store, place.root / "py", bag="site/v3", zstd=bool(settings))
    assert run.returncode == 1
    found = {sha256(data) for path, data in read_tree(place.root / "py").items() if path.startswith(b"data/")}
    assert expected - found <= (lost if settings else set())  # an index, of whatever generation, finds a member without its header
    run = recipe(store, place.root / "sh", tools=toolbox(place.root / "tools", extra=("zstd", "tail")), BAG="site/v3")
    assert run.returncode == 1
    found = {sha256(data) for path, data in read_tree(place.root / "sh").items() if path.startswith(b"data/")}
    assert expected - found <= lost


def lines(pack: Path) -> list[dict]:
    """The members of a pack, by the newest copy of its index."""
    stem = pack.name.split(".")[0]
    index = sorted(pack.parent.glob(f"{stem}.jsonl*"))[-1]
    return [json.loads(line) for line in index.read_bytes().splitlines()][:-1]


def frame(line: dict) -> tuple[int, int]:
    return tuple(line["frame"])


def wanted(place: Place) -> set[str]:
    """What site/v3 names and is not withheld."""
    folder = place.folder("one") / "bags/site/v3" / place.seal("one", "site/v3")["attempt"] / "bag"
    manifest = next(path for path in sorted(folder.glob("manifest-sha256.txt*")))
    return {line.split("  ")[0] for line in manifest.read_bytes().decode().split("\n")[:-1]} - {sha256(PAGE), sha256(FILM)}


def test_one_file_by_hand_as_the_text_says(place: Place) -> None:
    swept(place, "")
    store = place.folder("one")
    text = (store / "README.txt").read_text("ascii")
    command = next(line for line in re.findall(r"^    (for f in .*)$", text, re.MULTILINE))
    page = b"page 17 of a site that shrinks well\n" * 60
    environment = {"PATH": str(toolbox(place.root / "tools"))}
    subprocess.run(["sh", "-euc", command.replace("HEX", sha256(page))], cwd=store, env=environment, check=True)
    assert (store / "found").read_bytes() == page
    assert "~1" in text.partition("TAKING ONE FILE OUT BY HAND")[2].partition("RESTORING A WHOLE BAG")[0]
