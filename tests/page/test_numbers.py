"""The numbers of the page are the catalogue's, and the catalogue's are those of the bags; each is worked out a second time here."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from strongroom.usecases.page.figures import AGES
from tests.fixtures.catalogues import tables
from tests.page.house import OPEN, SECRET


@pytest.fixture(scope="module")
def made(house):
    return house.page(curator=True)


@pytest.fixture(scope="module")
def page(made):
    return made[1]


def query(house, sql, *values):
    with tables(house.context.home) as db:
        return db.execute(sql, values).fetchall()


def payloads(house):
    """Of each version by collection: the (SHA-256, size) of every file, from the sources as they were archived."""
    found = {}
    for name in (*OPEN, SECRET):
        files = [path.read_bytes() for path in (house.root / "sources" / name).rglob("*") if path.is_file()]
        found[name] = [[(hashlib.sha256(data).digest(), len(data)) for data in files]]
    first = list(found["letters"][0])
    changed = hashlib.sha256(b"another letter\n" * 99).digest()
    first.remove((changed, 99 * 15))
    before = b"letters number 0\n" * 40
    found["letters"].insert(0, [*first, (hashlib.sha256(before).digest(), len(before))])
    return found


def test_totals(house, page):
    (bags, given), = query(house, "SELECT count(*), sum(bytes) FROM bags")
    (files, size), = query(
        house, "SELECT sum(files), sum(bytes) FROM bags b WHERE version = (SELECT max(version) FROM bags WHERE name = b.name)")
    assert (page.tile("Bags"), page.tile("Size of all bags"), page.tile("Files"), page.tile("Size")) == (bags, given, files, size)
    assert (page.tile("Collections"), page.tile("Stores")) == (3, 2)


def test_versions(house, page):
    for name in (*OPEN, SECRET):
        rows = query(house, "SELECT version, files, bytes, (SELECT count(*) FROM bag_stores s WHERE s.seal = b.seal) FROM bags b "
                     "WHERE name = ? ORDER BY version", name)
        table = page.table(f"Versions of {name}")
        assert [(row[0], row[2], row[3], row[6]) for row in table] == [(f"v{version}", *rest) for version, *rest in rows]
        seen = set()
        for row, files in zip(table, payloads(house)[name], strict=True):
            new = set(files) - seen
            assert (row[4], row[5]) == (len(new), sum(size for _, size in new))
            seen |= new


def test_collections(house, page):
    rows = page.table("The collections, with figures of their newest bags")
    assert [row[0] for row in rows] == sorted((*OPEN, SECRET))
    assert [row[2:3] + row[4:] for row in rows] == [
        list(one) for one in query(
            house, "SELECT version, files, bytes, (SELECT count(*) FROM bag_stores s WHERE s.seal = b.seal) FROM bags b "
            "WHERE version = (SELECT max(version) FROM bags WHERE name = b.name) ORDER BY name")
    ]


@pytest.mark.parametrize("names", [(*OPEN, SECRET), OPEN, ("letters",), ("maps",)])
def test_what_the_bytes_consist_of(house, names):
    options = {(*OPEN, SECRET): {"curator": True}, OPEN: {}}.get(names, {"name": names[0]})
    report, page = house.page(**options)
    given = within = versions = files = 0
    by_collection = {}
    for name in names:
        bags = payloads(house)[name]
        contents = Counter(content for bag in bags for content in set(bag))
        for bag in bags:
            files += len(bag)
            given += sum(size for _, size in bag)
            within += sum(size * (count - 1) for (_, size), count in Counter(bag).items())
        versions += sum(size * (count - 1) for (_, size), count in contents.items())
        by_collection[name] = set(contents)
    held = Counter(content for contents in by_collection.values() for content in contents)
    across = sum(size * (count - 1) for (_, size), count in held.items())
    distinct = sum(size for _, size in held)
    found = {row[0]: row[2] for row in page.table("Bytes given, by what they consist of")}
    expected = {"Stored once": distinct, "Copies within a bag": within, "Unchanged between versions": versions,
                "Shared by collections": across, "Given": given}
    if len(names) == 1:
        del expected["Shared by collections"]
    assert found == expected
    assert report.figures.sharing.files == files and report.figures.sharing.contents == len(held)
    assert given == distinct + within + versions + across
    assert (within > 0) == ("letters" in names)


def test_shared_with_other_collections_that_may_be_seen(house):
    assert house.page(name="letters")[0].figures.shared == (4, sum(3000 + number for number in range(4)))
    assert house.page(name=SECRET, curator=True)[0].figures.shared == (4, sum(3000 + number for number in range(4)))


def test_stores(house, page):
    stores = query(house, "SELECT number, url FROM stores ORDER BY number")
    for row, (number, url) in zip(page.table("What each store holds, without tag files"), stores, strict=True):
        (given,), = query(house, "SELECT sum(bytes) FROM bags b JOIN bag_stores s ON s.seal = b.seal WHERE s.store = ?", number)
        (stored,), = query(house, "SELECT sum(size) FROM objects WHERE store = ?", number)
        distinct = sum(size for (size,) in query(house, "SELECT max(length) FROM places WHERE store = ? GROUP BY sha256", number))
        assert row[:3] == [url, given, distinct] and row[6] == stored
        assert row[2] + row[3] + row[5] == stored
        assert row[3] == sum(3000 + number for number in range(4))  # what the collection that does not share has in common with others
        on_disk = sum(path.stat().st_size for path in (house.root / f"store{number}").glob("packs/*/*.tar*"))
        on_disk += sum(path.stat().st_size for path in (house.root / f"store{number}").glob("content/*/*"))
        assert stored == on_disk
        assert (row[4] > 0) == (number == 1)  # only the collection of the first store is compressed


def test_formats(house, page):
    rows = page.table("Formats of the newest bags")
    assert sum(row[3] for row in rows) == page.tile("Files") and sum(row[4] for row in rows) == page.tile("Size")
    catalogue = query(
        house, "SELECT v.mime, v.puid, sum(b.files), sum(b.bytes) FROM bag_formats b JOIN verdicts v ON v.number = b.verdict JOIN bags g "
        "ON g.seal = b.seal WHERE g.version = (SELECT max(version) FROM bags WHERE name = g.name) GROUP BY v.number")
    assert Counter((row[2], row[1], row[3], row[4]) for row in rows) == Counter(
        (mime or "unknown", puid or "none", files, size) for mime, puid, files, size in catalogue)


def test_fixity_by_age(house):
    """Times are moved about in the catalogue, and come out in the right part of the chart."""
    ages = [(datetime.now(UTC) + timedelta(days)).strftime("%Y-%m-%dT%H:%M:%SZ") for days in (-1, -20, -60, -200, -900, 2)]
    with tables(house.context.home) as db:
        before = db.execute("SELECT rowid_key.store, key, time FROM checks rowid_key").fetchall()
        keys = db.execute("SELECT store, key FROM checks WHERE outcome = 'sound' ORDER BY store, key").fetchall()
        for number, (store, key) in enumerate(keys):
            db.execute("UPDATE checks SET time = ? WHERE store = ? AND key = ?", (ages[number % len(ages)], store, key))
        (unread_store, unread_key), = db.execute("SELECT store, key FROM checks WHERE key LIKE 'packs/%.tar' LIMIT 1").fetchall()
        kept = db.execute("SELECT * FROM checks WHERE store = ? AND key = ?", (unread_store, unread_key)).fetchone()
        db.execute("DELETE FROM checks WHERE store = ? AND key = ?", (unread_store, unread_key))
        try:
            _, page = house.page()
            for number, url in db.execute("SELECT number, url FROM stores").fetchall():
                expected = [0] * (len(AGES) + 3)
                sizes = dict(db.execute("SELECT key, size FROM checks WHERE store = ?", (number,)))
                for at, (store, key) in enumerate(keys):
                    if store == number and key in sizes:
                        expected[at % len(ages)] += sizes[key]
                if number == unread_store:
                    expected[-1] += db.execute(
                        "SELECT size FROM objects WHERE store = ? AND lower(hex(digest)) = ?", (number, unread_key[-68:-4])).fetchone()[0]
                rows = page.table(f"Bytes of {url} by when they were last read")
                assert [row[1] for row in rows] == expected
                assert all(expected[:6])
        finally:
            db.executemany("UPDATE checks SET time = ?3 WHERE store = ?1 AND key = ?2", before)
            db.execute(f"INSERT INTO checks VALUES ({', '.join('?' * len(kept))})", kept)


def test_largest_and_oldest(house, page):
    files = {(f"data/{path.relative_to(house.root / 'sources' / name).as_posix()}", path.stat().st_size, path.stat().st_mtime_ns)
             for name in (*OPEN, SECRET) for path in (house.root / "sources" / name).rglob("*") if path.is_file()}
    largest = page.table("The largest files of the newest bags")
    assert [row[2] for row in largest] == sorted((size for _, size, _ in files), reverse=True)[:10]
    assert largest[0][:2] == ["data/atlas.bin", "maps/v1"]
    oldest = page.table("Those last changed longest ago, by the time that their source gave")
    assert oldest[0] == ["data/maps-2.txt", "maps/v1", "1971-01-01"]  # and not the one of 1970, which says nothing


def test_findings_and_runs(house, page, made):
    counts = Counter()
    for one in made[0].figures.found:
        counts[one.severity] += 1
    assert page.tile("Errors") == made[0].figures.counts["error"]
    assert made[0].figures.unlisted == made[0].figures.counts.total() - counts.total()


def test_a_bag_is_counted_once(house, monkeypatch):
    house.page()
    opened = []
    monkeypatch.setattr("strongroom.usecases.page.counting.open_bag", lambda *given: opened.append(given))
    house.page()
    assert opened == []


def test_what_a_virus_scanner_has_seen(own_house):
    def said(page):
        rows = {row[6]: (row[2], row[4]) for row in page.table("Integrity, requirement by requirement")}
        return rows["integrity-viruses"]

    report, page = own_house.page()
    contents = report.figures.sharing.contents
    assert said(page) == ("not met", f"no: a virus scanner has seen 0 of {contents} contents")
    with tables(own_house.context.home) as db:
        db.execute("INSERT INTO scans SELECT DISTINCT sha256, 'clean', '', 'x' FROM held")
        db.execute("UPDATE scans SET outcome = 'too large' WHERE sha256 = (SELECT sha256 FROM held WHERE collection = 'maps' LIMIT 1)")
    assert said(own_house.page()[1]) == ("not met", f"no: a virus scanner has seen {contents - 1} of {contents} contents")
    with tables(own_house.context.home) as db:
        db.execute("UPDATE scans SET outcome = 'infected' WHERE outcome = 'too large'")  # and let go by a person, or it were not held
    assert said(own_house.page()[1])[0] == "met"
