"""The levels of preservation: what counts as met, who says so, and what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from strongroom.core.errors import UsageError
from strongroom.usecases.page.attest import Attestations, StorePlace, load_attestations
from strongroom.usecases.page.evidence import Facts, judge
from strongroom.usecases.page.levels import AREAS, REQUIREMENTS, Attested, By, Evidence, reached
from tests.fixtures.catalogues import tables

HERE = StorePlace("Bergen", "flood", "hard disk")
THERE = StorePlace("Oslo", "fire", "object storage")
FAR = StorePlace("Tromsø", "avalanche", "tape")
GOOD = Facts(
    bags=3, files=10, copies={"letters": (HERE, THERE, FAR)}, stores=3, placed=3, unread=(), unaudited=(), damaged=0, no_readback=(),
    undescribed=(), standards=("dublin-core",), gaps=(), identified=10, doubtful=0, signatures=("PRONOM v1",),
    scanned=Evidence(True, "scanned"), signed=True,
)
ALL = Attestations("x.yaml", {}, {one.id: Attested(True, "so it is") for one in REQUIREMENTS if one.by is not By.EVIDENCE})


def levels(facts=GOOD, attestations=ALL):
    judged = judge(facts, attestations)
    return {area: reached(judged, area) for area in AREAS}, {one.requirement.id: one for one in judged}


def test_everything_met():
    found, judged = levels()
    assert found == dict.fromkeys(AREAS, 4)
    assert all(one.met and one.missing == "" for one in judged.values())


def test_the_matrix_is_whole():
    assert len({one.id for one in REQUIREMENTS}) == len(REQUIREMENTS) == 38
    assert {(one.area, one.level) for one in REQUIREMENTS} == {(area, level) for area in AREAS for level in (1, 2, 3, 4)}


def test_nobody_said_anything():
    bare = replace(GOOD, copies={"letters": (StorePlace(),) * 3}, placed=0, scanned=Evidence(None, "not recorded"))
    found, judged = levels(bare, Attestations())
    assert found == {"Storage": 0, "Integrity": 0, "Control": 0, "Metadata": 2, "Content": 1}
    wanted = "a person has to attest for the stores, by `location`, that copies lie at 2 different places"
    assert judged["storage-two-copies"].missing == wanted
    assert judged["integrity-viruses"].missing == "not recorded; or a person attests integrity-viruses"
    assert judged["control-decided"].missing == "a person has to attest control-decided"


def test_a_word_does_not_stand_in_for_evidence():
    found, judged = levels(replace(GOOD, copies={"letters": (HERE,), "maps": (HERE, THERE, FAR)}))
    assert found["Storage"] == 0 and "1 complete copy" in judged["storage-two-copies"].evidence.words
    assert "strongroom due" in judged["storage-two-copies"].missing
    found, _ = levels(replace(GOOD, copies={"letters": (HERE, HERE, HERE)}))
    assert found["Storage"] == 0  # three copies, and all at one place


def test_two_copies_are_not_three():
    found, judged = levels(replace(GOOD, copies={"letters": (HERE, THERE)}))
    assert found["Storage"] == 1 and judged["storage-two-copies"].met
    assert not judged["storage-three-copies"].met and not judged["storage-three-threats"].met


def test_what_counts_as_a_copy(own_house):
    def copies():
        report, _ = own_house.page(name="letters")
        (words,) = [one.evidence.words for one in report.figures.levels if one.requirement.id == "storage-two-copies"]
        return int(words.split()[0])

    assert copies() == 2
    with tables(own_house.context.home) as db:
        kept = db.execute("SELECT seal, store FROM bag_stores WHERE store = 2 AND seal = (SELECT seal FROM bags WHERE name = 'letters' "
                          "AND version = 1)").fetchall()
        db.execute("DELETE FROM bag_stores WHERE seal = ? AND store = ?", kept[0])
        assert copies() == 1  # it lacks a version
        db.execute("INSERT INTO bag_stores VALUES (?, ?)", kept[0])
        db.execute("UPDATE checks SET outcome = 'damaged' WHERE store = 1 AND key LIKE 'packs/%.tar'")
    assert copies() == 1  # something in it is damaged


def test_evidence_does_not_stand_in_for_a_word():
    found, judged = levels(attestations=replace(ALL, said={**ALL.said, "storage-stable": Attested(False, "a shelf of floppies")}))
    assert found["Storage"] == 0 and judged["storage-stable"].missing == "a shelf of floppies"


@pytest.mark.parametrize(("wrong", "requirement", "area", "level"), [
    ({"unread": ("file:///x",)}, "integrity-intervals", "Integrity", 2),
    ({"unaudited": ("file:///x",)}, "integrity-recorded", "Integrity", 2),
    ({"damaged": 1}, "integrity-repair", "Integrity", 3),
    ({"no_readback": ("maps",)}, "integrity-moved", "Integrity", 1),
    ({"undescribed": ("maps",)}, "metadata-enough", "Metadata", 1),
    ({"gaps": ("maps",)}, "metadata-gaps", "Metadata", 2),
    ({"identified": 9}, "content-formats", "Content", 0),
    ({"bags": 0, "files": 0, "copies": {}}, "metadata-inventory", "Metadata", 0),
])
def test_what_is_missing_by_the_records(wrong, requirement, area, level):
    found, judged = levels(replace(GOOD, **wrong))
    assert not judged[requirement].met and judged[requirement].missing
    assert found[area] == level


def test_either_will_do():
    doubtful = replace(GOOD, doubtful=2)
    assert levels(doubtful)[1]["content-verified"].met
    silent = replace(ALL, said={})
    assert not levels(doubtful, silent)[1]["content-verified"].met
    assert levels(GOOD, silent)[1]["content-verified"].met


# -- the file


FILE = """\
stores:
  - {store: c0ffee, location: Bergen, threat: flood, media: hard disk}
attested:
  storage-stable: {statement: on two servers, by: the keeper, date: 2026-01-02}
  control-decided: {statement: only the keeper, review: 2026-06-01}
  control-written: {statement: not yet, met: false}
"""


def test_a_file(tmp_path):
    file = tmp_path / "attestations.yaml"
    file.write_text(FILE)
    found = load_attestations(file, date(2026, 6, 1))
    assert found.store("c0ffee", "file:///x") == StorePlace("Bergen", "flood", "hard disk") and found.store("9", "u") == StorePlace()
    assert found.of("storage-stable") == Attested(True, "on two servers; the keeper; 2026-01-02")
    assert found.of("control-decided").met is True and found.of("control-written") == Attested(False, "not yet")
    assert found.of("control-reviewed").met is None
    late = load_attestations(file, date(2026, 6, 2)).of("control-decided")
    assert late.met is False and "reviewed by 2026-06-01" in late.words


@pytest.mark.parametrize(("written", "said"), [
    ("stores: [{location: x}]", "stores[0].store"), ("attested: {storage-stable: yes it is}", "attested.storage-stable"),
    ("attested: {storage-stable: {statement: x, date: 2026-02-31}}", "a date"),
    ("attested: {nothing-such: {statement: x}}", "nothing-such"),
    ("attested: {a: 1, a: 2}", "a"), ("- 1", "expected"), ("x: 1", "x"),
])
def test_mistakes_are_named(tmp_path, written, said):
    file = tmp_path / "attestations.yaml"
    file.write_text(written)
    with pytest.raises(UsageError) as caught:
        load_attestations(file, date(2026, 1, 1))
    assert str(file) in str(caught.value) and said in str(caught.value)


def test_the_file_that_is_found_and_the_one_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_MANIFESTS", str(tmp_path))
    assert load_attestations(None, date(2026, 1, 1)).file is None
    (tmp_path / "attestations.yaml").write_text(FILE)
    assert load_attestations(None, date(2026, 1, 1)).file == str(tmp_path / "attestations.yaml")
    with pytest.raises(UsageError, match="could not be read"):
        load_attestations(tmp_path / "none.yaml", date(2026, 1, 1))
