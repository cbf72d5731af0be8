"""What may not be shown to everybody is on no page but the curator's: no name, no text, no path, no likeness, no finding."""

from __future__ import annotations

import stat
from collections import Counter

import pytest

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import begin_run, end_run
from strongroom.core.errors import RefusedError, UsageError
from tests.fixtures.catalogues import tables
from tests.page.house import SECRET

#: What a page must not hold: the collection's name, its title, the name of a file of its own, and of a file it shares with others.
TELLTALES = (SECRET, "The mayor", "sins of the mayor", f"{SECRET}-5.txt")


_OWN = ("SELECT sha256 FROM held WHERE collection = ?1 AND sha256 NOT IN (SELECT sha256 FROM held WHERE collection != ?1) "
        "ORDER BY sha256 LIMIT 2")


@pytest.fixture(scope="module")
def busy(house):
    """With findings and near-copies that speak of the hidden collection."""
    house.page(curator=True)  # counts contents
    with tables(house.context.home) as db:
        number = 0
        for name in ("letters", "maps", SECRET):
            for (sha256,) in db.execute(_OWN, (name,)).fetchall():
                number += 1
                sql = "INSERT INTO likeness_contents (number, sha256, length, method, kind) VALUES (?, ?, 9, 'x', 'text')"
                db.execute(sql, (number, sha256))
                sql = "INSERT INTO likeness_members (collection, content, path, files, first, last) VALUES (?, ?, ?, 1, 1, 1)"
                db.execute(sql, (name, number, f"data/{name}-{number}.txt"))
        db.execute(sql, (SECRET, 1, "data/sins of the mayor.txt"))  # a content that an open collection has as well
        db.executemany("INSERT INTO likeness_pairs VALUES (?, ?, ?, ?, ?, ?, ?, ?)", [  # letters: 1, 2; maps: 3, 4; the hidden one: 5, 6
            (1, 3, "text", 0.95, 0.97, 0.98, "added 3 lines", "lacks 3 lines"),
            (1, 5, "text", 0.9, 0.9, 0.9, "same body, other header", "same body, other header"),
            (5, 6, "text", 0.99, 1.0, 0.99, "another mayor", "another mayor"),
        ])
    with Catalogue.open(house.context.catalogue) as catalogue:
        finding = {"severity": "error", "code": "content-damaged", "place": f"{SECRET}/v1: data/sins of the mayor.txt", "message": "gone"}
        other = {"severity": "warning", "code": "source-name", "place": "data/letters-1.txt", "message": "odd"}
        nameless = {"severity": "error", "code": "pack-damaged", "place": "packs/ab/abc.tar", "message": "it holds sins of the mayor.txt"}
        naming = {"severity": "note", "code": "source-name", "place": "data/x", "message": f"as in {SECRET}"}
        for job, collection, found in (
            ("audit", "", [nameless]), ("restore", SECRET, [finding]), ("restore", "letters", [other]), ("export", "letters", [naming]),
        ):
            run = begin_run(catalogue, job, collection, "")
            counts = dict(Counter(one["severity"] for one in found))
            end_run(catalogue, run, "errors", 1, {"lines": [], "counts": counts, "findings": found})
    return house


def test_the_page_for_everybody_tells_nothing(busy):
    report, page = busy.page()
    assert not [one for one in TELLTALES if one in page.text]
    assert report.figures.hidden.collections == 1 and report.figures.hidden.bags == 1
    assert page.tile("Collections") == 2 and page.tile("Bags") == 3
    assert "1 further collection may not be shown (1 bag;" in page.section("totals")
    (pair,) = page.table("The likest pairs of group 1")
    assert pair == ["letters/v1: data/letters-1.txt", "maps/v1: data/maps-3.txt", "0.95", "0.98", "added 3 lines"]
    assert "another mayor" not in page.text and "same body" not in page.text
    assert "data/letters-1.txt" in page.section("findings")
    assert page.tile("Errors") == 2 and report.figures.unlisted >= 2  # counted, and not told
    assert stat.S_IMODE(page.file.stat().st_mode) & 0o077 == 0o044


def test_the_curators_page_tells_everything_and_is_for_nobody_else(busy):
    report, page = busy.page(curator=True)
    assert all(one in page.text for one in TELLTALES)
    assert report.figures.hidden.collections == 0 and "For the curator" in page.text and "another mayor" in page.section("likeness")
    assert stat.S_IMODE(page.file.stat().st_mode) == 0o600


def test_a_page_of_one_collection(busy):
    report, page = busy.page(name="letters")
    assert not [one for one in (*TELLTALES, "atlas") if one in page.text]
    assert page.tile("Collections") == 1 and page.tile("Bags") == 2
    assert report.figures.cluster_count == 1 and "data/maps-3.txt" in page.section("likeness")  # its near-copy in what may be seen
    with pytest.raises(RefusedError, match="--curator"):
        busy.page(name=SECRET)
    _, page = busy.page(name=SECRET, curator=True)
    assert page.tile("Collections") == 1 and "sins of the mayor" in page.text
    with pytest.raises(UsageError, match="no bag of a collection 'nobody'"):
        busy.page(name="nobody")


def test_a_store_whose_address_names_it(own_house):
    with tables(own_house.context.home) as db:
        (store_id,), = db.execute("SELECT id FROM stores WHERE number = 2").fetchall()
        db.execute("UPDATE stores SET url = ? WHERE number = 2", ((own_house.root / "gone" / SECRET).as_uri(),))
    _, page = own_house.page(log=True)
    assert SECRET not in page.text and f"store {store_id}" in page.text and "address may not be shown" in page.section("events")


def test_what_is_embargoed_or_unknown_is_not_shown(own_house):
    own_house.archive("maps", stores=1, more="compression: zstd\naccess: {level: open, embargo_until: 2999-01-01}\n")
    report, page = own_house.page()
    assert report.figures.hidden.collections == 2 and "maps" not in page.text and "atlas" not in page.text
    (own_house.manifests / "letters.yaml").write_text("collection: letters\naccess: {level: clo")
    report, page = own_house.page()
    assert report.figures.hidden.collections == 3 and "letters" not in page.text
    assert page.tile("Bags") == 0 and page.tile("Stores") == 2
