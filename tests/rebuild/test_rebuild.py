"""A catalogue made again from stores does what the lost one did."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core.digests import Digest
from strongroom.core.errors import StrongroomError, UsageError, WrongStoreError
from strongroom.core.events import parse_utc
from strongroom.core.pack import Member, format_index, parse_index
from strongroom.database import PostgresPlace, Where
from strongroom.stores.describe import init_store
from strongroom.usecases.listing import list_bags
from strongroom.usecases.status import status
from tests.archive.conftest import Site
from tests.fixtures.findings import said as findings_of
from tests.fixtures.runner import left_in
from tests.fixtures.seals import altered, summed
from tests.rebuild.conftest import context, look, lose, make_again, said, snapshot


def places(site: Site) -> list[tuple[object, ...]]:
    """What the catalogue knows of contents, in words that do not depend on numbers."""
    with Catalogue.open(context(site).catalogue) as catalogue, catalogue.transaction() as db:
        return sorted(db.execute(
            "SELECT s.id, p.scope, p.sha256, p.length, o.kind, o.digest, o.size, o.damaged FROM places p "
            "JOIN objects o ON o.id = p.object JOIN stores s ON s.number = p.store").fetchall())


VERDICT = "v.mime, v.puid, v.name, v.version, v.basis, v.flags, v.signatures"
FORMATS = f"SELECT f.sha256, f.extension, {VERDICT} FROM formats f JOIN verdicts v ON v.number = f.verdict ORDER BY f.sha256, f.extension"
TOTALS = (f"SELECT b.seal, b.files, b.bytes, {VERDICT} FROM bag_formats b JOIN verdicts v ON v.number = b.verdict "
          "ORDER BY b.seal, v.puid, v.mime, v.basis, v.flags")


def where(kept: str, home: Path) -> Where:
    """The place that a report names."""
    return PostgresPlace.parse(kept, home) if kept.startswith("postgresql:") else Path(kept)


def every(site: Site, sql: str) -> list[object]:
    with Catalogue.open(context(site).catalogue) as catalogue, catalogue.transaction() as db:
        return db.execute(sql).fetchall()


def one(site: Site, sql: str) -> object:
    with Catalogue.open(context(site).catalogue) as catalogue, catalogue.transaction() as db:
        return db.execute(sql).fetchone()[0]


def contents(site: Site) -> dict[str, bytes]:
    """The store without the marks of attempts."""
    return {key: data for key, data in snapshot(site.store).items() if not key.endswith(("/open", "/closed"))}


@pytest.mark.parametrize("deep", [False, True], ids=["by indexes", "deep"])
def test_everything_is_as_before(kept: Site, deep: bool) -> None:
    before, types, totals = said(kept), every(kept, FORMATS), every(kept, TOTALS)
    knew, stored = places(kept), snapshot(kept.store)
    lose(kept)
    report = make_again(kept, deep=deep)
    assert (report.exit_status, findings_of(report), report.kept) == (0, (), None)
    assert (report.bags, report.collections, report.stores[0].packs, report.stores[0].contents) == (2, 1, 2, 1)
    assert said(kept) == before
    assert places(kept) == knew
    assert types and totals and (every(kept, FORMATS), every(kept, TOTALS)) == (types, totals)
    assert (one(kept, "SELECT count(*) FROM objects WHERE NOT verified") == 0) == deep
    assert snapshot(kept.store) == stored  # a rebuild writes nothing


def test_the_last_run_that_made_a_bag_is_dated_by_the_log(kept: Site) -> None:
    def last() -> float:
        time = parse_utc(status(context(kept)).to_json()["collections"][0]["last_archive"])
        assert time is not None
        return time.timestamp()

    before = last()
    lose(kept)
    make_again(kept)
    assert before - 10 < last() <= before


def test_the_next_archive_makes_no_bag_and_stores_no_byte(kept: Site) -> None:
    lose(kept)
    make_again(kept)
    stored = contents(kept)
    report = kept.run()
    assert (report.outcome, report.stored_bytes, report.new_contents) == ("unchanged", 0, 0)
    assert contents(kept) == stored
    kept.write("more.html", "more")
    report = kept.run()
    assert (report.bag, report.new_contents) == ("site/v3", 1)


def test_the_next_audit_goes_on_with_its_number_and_publishes_only_what_it_read(kept: Site) -> None:
    checks = one(kept, "SELECT count(*) FROM checks WHERE outcome = 'sound'")
    lose(kept)
    report = make_again(kept)
    assert (report.stores[0].audits, report.stores[0].checks) == (1, checks)
    audited = look(kept)
    assert (audited.exit_status, audited.stores[0].seq) == (0, 2)
    (document,) = (kept.store / "checks/000000000002").iterdir()
    assert {row["seq"] for row in json.loads(document.read_bytes())["checks"]} == {2}


def test_damage_that_an_audit_found_is_known_again(kept: Site) -> None:
    pack = next(kept.store.glob("packs/*/*.tar"))
    data = pack.read_bytes()
    pack.chmod(0o644)
    pack.write_bytes(data[:600] + b"X" + data[601:])
    assert look(kept).exit_status == 1
    before = said(kept)["status"]
    lose(kept)
    make_again(kept)
    assert said(kept)["status"] == before
    lose(kept)
    deep = make_again(kept, deep=True)
    assert [finding.code.label for finding in findings_of(deep)] == ["pack-damaged"]
    assert one(kept, "SELECT count(*) FROM objects WHERE damaged") == 1
    assert kept.run().outcome == "unchanged"  # what is damaged was stored again from the source


def test_an_index_that_is_missing_or_lies_is_not_believed(kept: Site) -> None:
    knew = places(kept)
    first, second = sorted(kept.store.glob("packs/*/*.jsonl"))
    first.unlink()
    second.chmod(0o644)
    tar = second.with_suffix(".tar").read_bytes()
    real = parse_index(second.read_bytes())
    lies = [
        format_index(real[:-1]),  # leaves one out
        format_index([Member(one.digest, one.offset + 512, one.length) for one in real]),
        format_index([*real, Member(Digest.of(b"more"), len(tar), 4)]),
        b"garbage",
    ]
    for lie in lies:
        second.write_bytes(lie)
        lose(kept)
        report = make_again(kept)
        assert [finding.code.label for finding in findings_of(report)] == ["index-wrong"] * 2
        assert places(kept) == knew


def test_an_index_that_names_other_contents_deceives_nobody_for_long(kept: Site) -> None:
    knew = places(kept)
    for index in kept.store.glob("packs/*/*.jsonl"):
        index.chmod(0o644)
        real = parse_index(index.read_bytes())
        index.write_bytes(format_index([Member(Digest.of(one.digest.raw), one.offset, one.length) for one in real]))
    lose(kept)
    make_again(kept)
    assert places(kept) != knew  # nothing but reading shows it
    assert kept.run().outcome == "unchanged"
    kept.payload(2)
    make_again(kept, deep=True, replace=True)
    assert set(knew) <= set(places(kept))


def test_a_damaged_bag_does_not_stop_the_rest(kept: Site) -> None:
    manifest = kept.bag(1) / "tagmanifest-sha256.txt"
    other = kept.bag(1) / "tagmanifest-sha512.txt"
    for path in (manifest, other):
        path.unlink()
    seal = kept.store / "bags/site/v7/seal.json"
    seal.parent.mkdir()
    seal.write_bytes(b"{")
    (kept.store / "bags/Foreign Folder").mkdir()
    lose(kept)
    report = make_again(kept)
    assert report.exit_status == 1
    assert {finding.code.label for finding in findings_of(report)} == {"tag-file-missing", "tag-file-damaged", "seal-damaged"}
    assert [row["bag"] for row in said_bags(kept)] == ["site/v1", "site/v2"]
    assert kept.run().outcome == "unchanged"


def said_bags(site: Site) -> list[dict[str, object]]:
    return list_bags(context(site)).to_json()["bags"]


def test_forks_in_one_store_and_between_two_are_found(kept: Site) -> None:
    second = kept.root / "second"
    shutil.copytree(kept.store, second)
    description = second / "strongroom.json"
    description.chmod(0o644)
    description.write_bytes(description.read_bytes().replace(
        json.loads(description.read_bytes())["store"].encode(), b"0" * 32))
    shutil.rmtree(second / "checks")  # they are the first store's
    seal = second / "bags/site/v2/seal.json"
    seal.chmod(0o644)
    seal.write_bytes(altered(seal.read_bytes(), sealed="1999-01-01T00:00:00Z"))
    lose(kept)
    report = make_again(kept, str(kept.store), str(second))
    assert [(finding.code.label, finding.place) for finding in findings_of(report)] == [("forked", "site/v2")]
    assert (report.bags, len(report.stores)) == (3, 2)
    shutil.copyfile(seal, kept.store / "bags/site/v2/seal.json~1")
    lose(kept)
    report = make_again(kept)
    assert [finding.code.label for finding in findings_of(report)] == ["forked"]
    assert report.bags == 3


@pytest.mark.parametrize("forged", [False, True])
def test_a_log_that_was_meddled_with_is_found(kept: Site, forged: bool) -> None:
    """Rot is seen in the batch itself; of a batch whose sum was made right again the next one says that it is another."""
    batches = sorted(kept.store.glob("log/*/*.json"))
    assert len(batches) == 3
    batches[1].chmod(0o644)
    data = batches[1].read_bytes().replace(b"sealed", b"SEALED")
    batches[1].write_bytes(summed(json.loads(data)) if forged else data)
    lose(kept)
    report = make_again(kept)
    assert [finding.code.label for finding in findings_of(report)] == ["object-damaged"]
    assert batches[2 if forged else 1].name in findings_of(report)[0].place


def test_scopes_are_as_the_bags_say(site: Site) -> None:
    site.settings = "dedup: collection\n"
    site.run()
    other = Site(site.root / "other", site.runner, name="open", store_url=str(site.store), home="../home")
    other.write("theirs", "not ours")
    other.run()
    knew = places(site)
    assert {row[1] for row in knew} == {"", "site"}
    lose(site)
    make_again(site)
    assert places(site) == knew
    (site.store / "bags/open/v1/placement.jsonl").unlink()
    lose(site)
    make_again(site)
    assert {row[1] for row in places(site)} == {"?", "site"}  # what nobody can attribute is shared with nobody


def test_a_sound_catalogue_is_not_replaced_unasked_and_is_kept(kept: Site) -> None:
    with pytest.raises(UsageError, match="--replace"):
        make_again(kept)
    knew = one(kept, "SELECT count(*) FROM source_reads")
    report = make_again(kept, replace=True)
    assert one(kept, "SELECT count(*) FROM source_reads") == 0
    assert report.kept is not None
    with Catalogue.open(where(report.kept, context(kept).home)) as old, old.transaction() as db:
        assert db.execute("SELECT count(*) FROM source_reads").fetchone()[0] == knew > 0


def test_one_that_is_in_use_is_left_alone(kept: Site) -> None:
    with Catalogue.open(context(kept).catalogue) as user:
        user.stores()
        with pytest.raises(StrongroomError, match="in use"):
            make_again(kept, replace=True)
        assert user.bags()
    assert one(kept, "SELECT count(*) FROM source_reads")
    assert not list(context(kept).home.glob("*.before-*"))


@pytest.mark.sqlite_only("what is harmed is a file; tests/catalogue/test_shared.py harms tables")
@pytest.mark.parametrize("harm", ["garbage", "version", "pages", "truncated"])
def test_an_unusable_one_is_kept_under_another_name(kept: Site, harm: str) -> None:
    before = said(kept)
    at = context(kept).catalogue
    with sqlite3.connect(at) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    data = bytearray(at.read_bytes())
    if harm == "garbage":
        at.write_bytes(b"not a database" * 1000)
    elif harm == "version":
        with sqlite3.connect(at) as db:
            db.execute("UPDATE alembic_version SET version_num = 'another'")
    elif harm == "pages":
        data[4096 * 3 :: 512] = b"\xff" * len(data[4096 * 3 :: 512])
        at.write_bytes(data)
    else:
        at.write_bytes(data[: len(data) // 2])
    harmed = at.read_bytes()
    at.with_name(at.name + "-wal").write_bytes(b"left behind")
    report = make_again(kept)
    assert report.kept is not None
    assert Path(report.kept).read_bytes()[100:] == harmed[100:]
    assert said(kept) == before


def test_nothing_is_put_in_place_before_all_is_learned(kept: Site) -> None:
    home = context(kept).home
    before = said(kept)
    with pytest.raises(WrongStoreError):
        make_again(kept, str(kept.store), str(kept.root / "absent"), replace=True)
    (kept.store / "packs/zz").symlink_to("/")
    with pytest.raises(StrongroomError):
        make_again(kept, replace=True)
    assert said(kept) == before
    assert not list(home.glob("*.before-*"))
    assert not left_in(home / "scratch")


def test_an_empty_store_gives_an_empty_catalogue(site: Site) -> None:
    init_store(str(site.root / "new"))
    report = make_again(site, str(site.root / "new"))
    assert (report.exit_status, report.bags) == (0, 0)
    with pytest.raises(UsageError):
        make_again(site, str(site.root / "new"))  # it knows a store now


def test_later_generations_count(kept: Site) -> None:
    pack = next(kept.store.glob("packs/*/*.tar"))
    shutil.copyfile(pack, f"{pack}~10")
    shutil.copyfile(pack, f"{pack}~9")
    Path(f"{pack}~9").write_bytes(b"short")
    pack.unlink()
    lose(kept)
    report = make_again(kept)
    assert (report.stores[0].packs, findings_of(report)) == (2, ())
    assert one(kept, f"SELECT size FROM objects WHERE lower(hex(digest)) = '{pack.stem}'") == Path(f"{pack}~10").stat().st_size
    assert kept.run().stored_bytes == 0
