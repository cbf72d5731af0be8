"""Real runs call the store as the model does."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from strongroom.stores import describe
from strongroom.usecases.archive import destination
from strongroom.usecases.archive.attempt import Attempt
from strongroom.usecases.sealed import places
from tests.faults.model.paths import SWEEP, complaints, step, sweep_complaints, sweep_step
from tests.faults.model.recording import Call, RecordingStore
from tests.repair.conftest import Hurt
from tests.replicate.conftest import Place, place, runner
from tests.sweep.test_sweep import PAGE, stray_pack, swept, withhold

__all__ = ["place", "runner"]


@pytest.fixture
def traced(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A place whose stores are recorded, each in the file `NAME.calls`."""

    def opened(url: str, *args: Any, **options: Any) -> RecordingStore:
        return RecordingStore(describe.open_known_store(url, *args, **options), tmp_path / f"{url.rpartition('-')[2]}.calls")

    monkeypatch.setattr(destination, "open_known_store", opened)
    monkeypatch.setattr(places, "open_known_store", opened)
    for number in range(20):
        place.write("site", f"{number}.html", b"page %d" % number)
    place.write("site", "large.bin", os.urandom(5 << 20))
    return place


def calls(place: Place, store: str) -> list[Call]:
    """What was called since this was asked last."""
    file = place.root / f"{store}.calls"
    found = [Call(*json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []
    file.unlink(missing_ok=True)
    return found


def relied(place: Place, store: str, bag: str) -> set[str]:
    """The packs and large contents that the placement of a bag names."""
    lines = (place.folder(store) / f"bags/{bag}/placement.jsonl").read_text().splitlines()
    found = set()
    for line in lines:
        ((kind, digest),) = json.loads(line).items()
        found.add(f"packs/{digest[:2]}/{digest}.tar" if kind == "pack" else f"content/{digest[:2]}/{digest}")
    assert found
    return found


def test_archive_and_replicate_keep_to_the_order(traced: Place) -> None:
    traced.archive("site", ["one"])
    assert complaints(calls(traced, "one"), relied(traced, "one", "site/v1")) == []
    traced.write("site", "new.html", b"new")
    traced.archive("site", ["one"])  # leans on what the first bag stored
    made = calls(traced, "one")
    assert complaints(made, relied(traced, "one", "site/v2")) == []
    traced.archive("site", ["one"])
    unchanged = calls(traced, "one")
    assert [step(call.key) for call in unchanged if call.name in ("put", "delete")] in ([], ["open", "closed"])
    traced.write("other", "same.html", b"page 1")
    traced.archive("other", ["one"])
    assert complaints(calls(traced, "one"), relied(traced, "one", "other/v1")) == []


def test_a_replica_is_written_in_the_same_order(traced: Place) -> None:
    traced.archive("site", ["one"])
    calls(traced, "one")
    traced.replicate("site", ["one", "two"])
    assert complaints(calls(traced, "two"), relied(traced, "two", "site/v1"), replica=True) == []
    assert {step(call.key) for call in calls(traced, "one") if call.name == "put"} <= {"log"}


def test_a_repair_writes_beside_and_removes_nothing(traced: Place) -> None:
    traced.archive("site", ["one", "two"])
    traced.replicate("site", ["one", "two"])
    hurt = Hurt(traced)
    pack = hurt.flip_member("one", b"page 7")
    calls(traced, "one")
    hurt.repair()
    made = [call for call in calls(traced, "one") if call.name in ("put", "delete", "exists")]
    assert ("put", f"{pack}~1") in {(call.name, call.key) for call in made} and hurt.nothing_was_overwritten()
    assert {(call.name, step(call.key)) for call in made} <= {("put", "content"), ("exists", "content"), ("put", "log")}


def test_what_a_lost_attempt_stored_is_looked_at_again(traced: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number goes to another run, and what the lost attempt stored is swept before the next one opens."""
    from strongroom.core.seal import Void
    from strongroom.usecases.archive.attempt import Attempt

    real = Attempt.seal

    def lose(self: Attempt, seal: Any, signer: Any) -> Any:
        if self.bag.version == 1:
            for file in traced.folder("one").glob("packs/*/*.tar"):
                file.unlink()
            monkeypatch.setattr(Attempt, "seal", real)
            void = Void(self.bag, None, "2026-01-01T00:00:00Z").to_bytes()
            (traced.folder("one") / "bags/site/v1/seal.json").write_bytes(void)
        return real(self, seal, signer)

    monkeypatch.setattr(Attempt, "seal", lose)
    report = traced.archive("site", ["one"])
    assert report.bag == "site/v2"
    assert traced.payload("one", "site/v2")["data/7.html"] == b"page 7"


def test_a_sweep_that_begins_just_before_open_is_heeded_after_it(traced: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    traced.archive("site", ["one"])
    condemned = relied(traced, "one", "site/v1")
    calls(traced, "one")
    real = Attempt.open.__func__  # type: ignore[attr-defined]

    def opened(cls: type[Attempt], *args: Any) -> Attempt:
        part = traced.folder("one") / "sweep/000000000001/keys-0001.jsonl"
        part.parent.mkdir(parents=True)
        part.write_text("".join(f'{{"key":"{key}","why":"unneeded"}}\n' for key in sorted(condemned)))
        made: Attempt = real(cls, *args)
        return made

    monkeypatch.setattr(Attempt, "open", classmethod(opened))
    traced.write("site", "new.html", b"a page that makes a second bag")
    report = traced.archive("site", ["one"])
    assert (report.outcome, report.exit_status) == ("sealed", 0), report.findings
    made = calls(traced, "one")
    assert complaints(made, relied(traced, "one", "site/v2") - condemned) == []
    written = {call.key for call in made if call.name == "put"}
    assert not written & condemned
    large = next(key for key in condemned if key.startswith("content/"))
    assert f"{large}~1" in written
    assert not relied(traced, "one", "site/v2") & {key for key in condemned if key.startswith("packs/")}


@pytest.mark.parametrize("settings", ["", "compression: zstd\n"], ids=["plain", "zstd"])
def test_a_sweep_keeps_to_the_order(traced: Place, settings: str) -> None:
    """One that removes what nobody needs, and one that packs anew what lay beside something withheld."""
    traced.write("site", "page.html", PAGE)
    traced.archive("site", ["one"], settings)
    stray_pack(traced, b"nobody's")
    calls(traced, "one")
    assert swept(traced, "one").exit_status == 0
    made = calls(traced, "one")
    assert sweep_complaints(made, condemned(traced)) == []
    assert {call.key for call in made if call.name == "delete"} == condemned(traced)
    withhold(traced, "one")
    assert swept(traced, "one", grace_days=0).exit_status == 0
    made = calls(traced, "one")
    assert sweep_complaints(made, condemned(traced)) == []
    steps = [sweep_step(call) for call in made if call.name in ("put", "delete")]
    assert list(dict.fromkeys(steps)) == [name for name in SWEEP if name != "kept"]
    for at, call in enumerate(made):  # the checker sees each thing that a sweep must not leave out or do late
        rest = [*made[:at], *made[at + 1 :]]
        if sweep_step(call) in ("begun", "keys", "record", "waits", "done") and call.name == "put":
            assert sweep_complaints(rest, condemned(traced)) != [], call
        if call.name == "delete":
            late = next(place for place, other in enumerate(made) if sweep_step(other) == "anew" and other.name == "put")
            assert sweep_complaints([*rest[:late], call, *rest[late:]], condemned(traced)) != [], call
    unread = [call for call in made if not (call.name == "get" and call.key.startswith("packs/"))]
    assert any("not read back" in one for one in sweep_complaints(unread, condemned(traced)))


def condemned(place: Place) -> frozenset[str]:
    """Every key that a record of the store names."""
    parts = place.folder("one").glob("sweep/*/keys-*.jsonl")
    return frozenset(json.loads(line)["key"] for part in parts for line in part.read_text().splitlines())


def test_the_checker_sees_a_wrong_order() -> None:
    at = f"bags/site/v1/{'a' * 32}"
    good = [Call("put", f"{at}/open"), Call("list", "sweep/"), Call("put", "packs/ab/x.tar"), Call("put", f"{at}/bag/bagit.txt"),
            Call("put", f"{at}/bag/tagmanifest-sha256.txt"), Call("put", "bags/site/v1/placement.jsonl"),
            Call("put", "bags/site/v1/seal.json")]
    assert complaints(good, ["packs/ab/x.tar"]) == []
    for at_, _ in enumerate(good[:-1]):
        swapped = [*good[:at_], good[at_ + 1], good[at_], *good[at_ + 2 :]]
        if at_ != 1:  # sweep/ is read and contents are written in either order: nothing is relied upon in between
            assert complaints(swapped, ["packs/ab/x.tar"]) != [], at_
    assert complaints([*good, Call("delete", "packs/ab/x.tar")], []) != []
    assert complaints(good, ["packs/cd/never-looked-at.tar"]) != []
