"""A bag does not rest on what the catalogue alone says: somebody may have written into it, or put an older one back."""

from __future__ import annotations

import pytest

from strongroom.catalogue import Catalogue
from strongroom.core.digests import Digest
from strongroom.stores.describe import init_store
from strongroom.usecases.archive import hearsay
from strongroom.usecases.context import Context

LETTER = b"a letter that no pack holds"


@pytest.fixture
def asked(monkeypatch):
    """The indexes that were looked into."""
    found, read_all = [], hearsay.read_all

    def reading(store, key, limit):
        if key.text.startswith("packs/"):
            found.append(key.text)
        return read_all(store, key, limit)

    monkeypatch.setattr(hearsay, "read_all", reading)
    return found


def other_collection(site, **options):
    """A second collection in the same store, from the same home."""
    made = type(site)(site.root / "other", site.runner, name="other", store_url=str(site.store), home="../home", **options)
    made.source.mkdir(parents=True)
    return made


def lie(site, content):
    """Have the catalogue say that a sound pack holds it."""
    with Catalogue.open(Context(site.root / site.home).catalogue) as catalogue, catalogue.transaction() as db:
        store, pack = db.execute("SELECT store, id FROM objects WHERE kind != 'content' AND verified ORDER BY id LIMIT 1").fetchone()
        db.execute("INSERT INTO places (store, scope, sha256, object, length) VALUES (?, '', ?, ?, ?)",
                   (store, Digest.of(content).raw, pack, len(content)))


@pytest.mark.parametrize("compression", ["", "compression: zstd\n"])
def test_a_catalogue_that_lies_is_found_out_before_the_seal(site, compression):
    site.settings = compression
    site.run()
    lie(site, LETTER)
    site.write("letter.txt", LETTER)
    report = site.run()
    assert (report.outcome, report.exit_status, report.new_contents) == ("sealed", 0, 1)
    assert site.codes(report).count("index-wrong") == 1
    if not compression:
        assert site.payload(2)["data/letter.txt"] == LETTER
    assert "index-wrong" not in site.codes(site.run())


def test_what_the_bag_before_holds_and_what_is_new_need_no_look(site, asked):
    site.run()
    site.write("more.txt", "one more")
    assert site.run().outcome == "sealed" and asked == []


def test_of_what_others_stored_the_index_is_asked_once_for_each_pack(site, asked):
    site.run()
    second = other_collection(site)
    for name in ("a", "b"):
        second.write(name, (site.source / "index.html").read_bytes())
    second.write("c", (site.source / "pages/a.html").read_bytes())
    second.write("new", b"only here")
    report = second.run()
    before = [path for path in site.store.glob("packs/*/*.tar") if asked[0] == f"packs/{path.stem[:2]}/{path.stem}.jsonl"]
    assert len(before) == 1 and len(asked) == 1
    assert (report.outcome, report.new_contents, report.exit_status) == ("sealed", 1, 0) and "index-wrong" not in second.codes(report)


@pytest.mark.parametrize("how", ["damaged", "gone"])
def test_without_an_index_the_pack_itself_is_read_and_nothing_is_stored_twice(site, asked, how):
    site.run()
    (index,) = site.store.glob("packs/*/*.jsonl")
    index.chmod(0o644)
    index.write_bytes(b"{}\n") if how == "damaged" else index.unlink()
    second = other_collection(site)
    second.write("a", (site.source / "index.html").read_bytes())
    report = second.run()
    assert (report.outcome, report.new_contents, report.exit_status) == ("sealed", 0, 0)
    assert "index-wrong" in second.codes(report) and report.verified_objects == 1


def test_a_bag_before_whose_manifest_is_damaged_says_nothing(site, asked):
    site.run()
    manifest = site.bag(1) / "manifest-sha256.txt"
    manifest.chmod(0o644)
    manifest.write_bytes(b"0" + manifest.read_bytes()[1:])
    site.write("more.txt", "one more")
    report = site.run(accept_loss=True)
    assert (report.outcome, len(asked)) == ("sealed", 1) and "index-wrong" not in site.codes(report)


def test_a_bag_before_that_lies_in_another_store_says_nothing_of_this_one(site, asked):
    site.run()
    init_store(str(site.root / "elsewhere"))
    site.store_url = f"{site.root / 'elsewhere'}, {site.store}"
    site.write("more.txt", "one more")
    report = site.run()
    assert report.outcome == "sealed" and asked == []  # all of it was stored there anew
    assert report.new_contents > 1


def test_no_large_content_holds_what_its_name_does_not_say(site):
    site.write("film.bin", bytes(5 << 20))
    site.run()
    with Catalogue.open(Context(site.root / site.home).catalogue) as catalogue, catalogue.transaction() as db:
        store, large = db.execute("SELECT store, id FROM objects WHERE kind = 'content'").fetchone()
        db.execute("INSERT INTO places (store, scope, sha256, object, length) VALUES (?, '', ?, ?, ?)",
                   (store, Digest.of(LETTER).raw, large, len(LETTER)))
    site.write("letter.txt", LETTER)
    report = site.run()
    assert (report.outcome, report.new_contents) == ("sealed", 1)
    assert site.payload(2)["data/letter.txt"] == LETTER


@pytest.mark.parametrize("elsewhere", ["in the placement", "not in it"])
def test_the_bag_before_vouches_only_while_all_is_there_that_its_placement_names(site, elsewhere):
    """Somebody deleted a pack, and had the catalogue say that its contents lie in another one."""
    site.run()
    site.write("more.txt", "one more")
    site.run()
    if elsewhere == "not in it":
        second = other_collection(site)
        second.write("only", b"of another collection")
        second.run()
    with Catalogue.open(Context(site.root / site.home).catalogue) as catalogue, catalogue.transaction() as db:
        packs = [number for (number,) in db.execute("SELECT id FROM objects ORDER BY id")]
        first, last = packs[0], packs[-1]
        digest = Digest.from_bytes(db.execute("SELECT digest FROM objects WHERE id = ?", (first,)).fetchone()[0]).hex
        db.execute("UPDATE places SET object = ? WHERE object = ?", (last, first))
    (site.store / f"packs/{digest[:2]}/{digest}.tar").unlink()
    site.write("third.txt", "the third")
    report = site.run()
    assert report.outcome == "sealed" and "index-wrong" in site.codes(report)
    assert len(site.payload(3)) == 6
