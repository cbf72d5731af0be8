"""The computation of docs/scale.md, held against a real run on a real S3 server, and the page against the computation."""

from __future__ import annotations

import json

import pytest

from tests.bench import scale, simulate, units
from tests.bench.counted import KINDS, LARGE, SMALL, counting
from tests.bench.place import ROOT
from tests.bench.scale import LIBRARIES, Library, Site

UNITS = json.loads((ROOT / "tests/bench/units.json").read_text())
PRICES = json.loads((ROOT / "tests/bench/prices.json").read_text())


@pytest.mark.s3
@pytest.mark.slow
def test_a_real_run_costs_what_is_computed(tmp_path):
    """Of another size than those that were measured: objects and requests to the number, bytes within three per cent."""
    with counting() as count:
        found = count.collection(tmp_path / "held", 600, 2)
    library = Library("held", 1, 600, SMALL, 2, LARGE)
    assert found.packs == scale.packs(600, SMALL, 2, LARGE) == 3
    assert found.objects == scale.objects(library, UNITS)
    assert {command: {kind: found.requests[command][kind] for kind in KINDS} for command in found.requests} == {
        command: {kind: scale.requests(library, command, UNITS)[kind] for kind in KINDS} for command in found.requests}
    assert sum(found.bytes.values()) == pytest.approx(scale.stored(library, UNITS), rel=0.03)


def test_the_processors_seconds_are_those_of_the_results():
    assert units.processor(UNITS["small_corpus_mean"])["processor"] == UNITS["processor"]


def test_packs_are_cut_as_a_run_cuts_them():
    assert scale.packs(256, 8000, 0, 0) == 1 and scale.packs(257, 8000, 0, 0) == 2
    assert scale.packs(15, 4 << 20, 0, 0) == 5  # three to a pack


def test_it_grows_as_it_must():
    half, whole = Library("", 10, 1000, 9000), Library("", 20, 1000, 9000)
    for compute in (scale.objects, scale.stored, scale.catalogue):
        assert compute(whole, UNITS) == pytest.approx(2 * compute(half, UNITS), rel=1e-6)
    assert scale.times(whole, "archive", Site(workers=4), UNITS)["processors"] == pytest.approx(
        scale.times(half, "archive", Site(workers=2), UNITS)["processors"])
    slow, fast = scale.bottleneck(LIBRARIES[1], Site(gigabits=0.1), UNITS), scale.bottleneck(LIBRARIES[1], Site(gigabits=1000.0), UNITS)
    assert slow.startswith("network") and not fast.startswith("network")


def test_money_follows_the_prices():
    free = {**PRICES, "month": {"warm": 0.0, "cold": 0.0}}
    paid, unpaid = (scale.money(LIBRARIES[0], Site(), UNITS, prices) for prices in (PRICES, free))
    assert unpaid.month == unpaid.month_cold == 0 and paid.month == pytest.approx(scale.stored(LIBRARIES[0], UNITS) / 1e9 * 0.023)
    assert paid.month_cold < paid.month and paid.year_audit_cold > paid.year_audit


def test_the_page_is_up_to_date(tmp_path, capsys):
    assert simulate.main(["--to", str(tmp_path / "scale.md")]) == 0
    assert (tmp_path / "scale.md").read_text() == (ROOT / "docs" / "scale.md").read_text()
    assert simulate.main(["--library", "ours", "3", "1000", "9000", "0", "0"]) == 0
    assert "| ours | 3 | 1,000 of 9 kB | none |" in capsys.readouterr().out


def test_large_contents_go_in_parts():
    whole, parts = (scale.requests(Library("", 1, 0, 1, 1, size), "archive", UNITS)["put"] for size in (64 << 20, (64 << 20) + 1))
    assert parts == whole + 6  # five parts of 16 MiB, the beginning and the end, in place of one
