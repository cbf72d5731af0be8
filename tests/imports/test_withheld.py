"""A bag of others with a page that is withheld here: the page is left out, and the rest is sealed."""

from __future__ import annotations

import shutil
from pathlib import Path

import bagit

from strongroom.core.digests import Digest
from strongroom.core.tombstone import Action
from strongroom.stores.open import open_store
from tests.fixtures.tombstones import write_tombstone
from tests.imports.conftest import Intake
from tests.verify.snapshot import snapshot

PAGE = b"<p>a page that must go " + b"private " * 40
LARGE = bytes(range(256)) * (5 << 12)  # not for a pack
EXCLUDED = {"data/film.bin", "data/people/ana.html"}


def received(root: Path) -> Path:
    bag = root / "letters"
    (bag / "people").mkdir(parents=True)
    for name, data in {"a.txt": b"alpha", "people/ana.html": PAGE, "film.bin": LARGE, "people/ben.html": b"ben"}.items():
        (bag / name).write_bytes(data)
    bagit.make_bag(str(bag), {"Contact-Name": "A. Keeper"}, checksums=["md5", "sha512"])
    return bag


def take_down(intake: Intake, action: Action = Action.WITHHOLD) -> None:
    store = open_store(str(intake.store))
    for data in (PAGE, LARGE):
        write_tombstone(store, Digest.of(data), action, "asked for", ("somebody",))


def everything(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file())


def test_it_is_left_out_and_the_rest_is_sealed(intake: Intake, tmp_path: Path) -> None:
    take_down(intake)
    bag = received(tmp_path / "received")
    before = snapshot(bag)
    report = intake.take(bag)
    (done,) = report.bags
    assert (report.exit_status, done.outcome, done.archived.excluded) == (0, "sealed", {"withheld": 2})
    found = {(one.code.label, one.severity.value, one.place) for one in done.findings if one.code.label == "source-withheld"}
    assert found == {("source-withheld", "warning", place) for place in EXCLUDED}
    assert snapshot(bag) == before
    site = intake.site(done.archived.collection)
    assert site.payload(1) == {"data/a.txt": b"alpha", "data/people/ben.html": b"ben"}
    excluded = [line for line in site.lines(1, "metadata/structure.jsonl") if line["kind"] == "excluded"]
    assert {(line["path"], line["reason"]) for line in excluded} == {(path, "withheld") for path in EXCLUDED}
    stored = everything(intake.store) + everything(tmp_path / intake.home)
    assert PAGE not in stored
    assert LARGE not in stored
    assert intake.take(bag).bags[0].outcome == "unchanged"


def test_a_received_file_passes_through_too(intake: Intake, tmp_path: Path) -> None:
    take_down(intake)
    bag = received(tmp_path / "received")
    report = intake.take(Path(shutil.make_archive(str(bag), "zip", bag.parent, bag.name)))
    assert (report.exit_status, [one.archived.excluded for one in report.bags]) == (0, [{"withheld": 2}])
    assert PAGE not in everything(intake.store) + everything(tmp_path / intake.home)


def test_lifted_it_is_taken_in(intake: Intake, tmp_path: Path) -> None:
    take_down(intake)
    bag = received(tmp_path / "received")
    intake.take(bag)
    take_down(intake, Action.LIFT)
    (done,) = intake.take(bag).bags
    assert (done.outcome, done.archived.excluded, done.archived.files) == ("sealed", {}, 4)
