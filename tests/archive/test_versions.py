"""Bags follow each other: what makes a new one, what does not, and what each holds."""

import hashlib
import json
import os

import pytest

from strongroom.core.errors import RefusedError, SourceError, UsageError
from strongroom.stores.file import FileStore


def test_the_first_bag_holds_the_payload_once(site):
    report = site.run()
    assert (report.outcome, report.bag, report.exit_status) == ("sealed", "site/v1", 0)
    assert site.payload(1) == {
        "data/index.html": b"<!doctype html><title>Home</title><p>Welcome",
        "data/pages/a.html": b"<!doctype html><title>A</title><p>Article",
        "data/pages/copy of a.html": b"<!doctype html><title>A</title><p>Article",
        "data/empty": b"",
    }
    assert len(site.stored()) == 3
    assert report.duplicates == 1
    assert {line["path"]: line.get("type") for line in site.lines(1, "metadata/technical.jsonl")}["data/index.html"] == "text/html"
    assert [line["paths"] for line in site.lines(1, "metadata/duplicates.jsonl")] == [["data/pages/a.html", "data/pages/copy of a.html"]]


def test_a_large_content_that_is_met_twice_counts_once(site):
    for name in ("film", "copy of film"):
        site.write(name, b"x" * 5_000_000)
    report = site.run()
    stored = site.stored()
    assert len(stored) == report.new_contents == 4
    assert 5_000_000 < report.stored_bytes < 5_100_000


def test_every_tag_file_is_covered_and_the_seal_covers_the_tag_manifests(site):
    site.run()
    bag, seal = site.bag(1), site.seal(1)
    for name, digest in seal["tag_manifests"].items():
        assert hashlib.sha256((bag / name).read_bytes()).hexdigest() == digest
    listed = dict(reversed(line.split("  ")) for line in (bag / "tagmanifest-sha256.txt").read_text().splitlines())
    there = {str(path.relative_to(bag)) for path in bag.rglob("*") if path.is_file()}
    assert there - set(listed) == {"tagmanifest-sha256.txt", "tagmanifest-sha512.txt"}
    for path, digest in listed.items():
        assert hashlib.sha256((bag / path).read_bytes()).hexdigest() == digest


def test_an_unchanged_collection_makes_no_bag_and_reads_nothing(site):
    for path in site.source.rglob("*"):  # old enough to be remembered
        os.utime(path, ns=(10**18, 10**18))
    site.run()
    before = sorted(site.store.rglob("*"))
    site.run()
    report = site.run()
    assert (report.outcome, report.bag, report.exit_status) == ("unchanged", "site/v1", 0)
    assert [path for path in sorted(site.store.rglob("*")) if path.suffix == ".tar" or path.name == "seal.json"] == [
        path for path in before if path.suffix == ".tar" or path.name == "seal.json"
    ]


def test_a_touched_file_is_read_again_and_makes_no_bag(site):
    site.run()
    os.utime(site.source / "index.html", ns=(5, 5))
    assert site.run().outcome == "unchanged"
    assert site.versions() == ["v1"]


@pytest.mark.parametrize("change", ["bytes", "name", "mode", "folder", "link", "title"])
def test_what_makes_a_new_bag(site, change):
    site.run()
    if change == "bytes":
        site.write("index.html", "<!doctype html><title>Home</title><p>Changed")
    elif change == "name":
        (site.source / "index.html").rename(site.source / "home.html")
        site.settings = "max_loss: 100 %\n"
    elif change == "mode":
        (site.source / "index.html").chmod(0o600)
    elif change == "folder":
        (site.source / "nothing in it").mkdir()
    elif change == "link":
        (site.source / "link").symlink_to("index.html")
    else:
        site.settings = "title: Another title\n"
    report = site.run()
    assert (report.outcome, report.bag) == ("sealed", "site/v2")
    assert report.new_contents == (1 if change == "bytes" else 0)
    assert len(site.payload(1)) == len(site.payload(2)) == 4
    assert site.payload(1)["data/index.html"].endswith(b"Welcome")
    previous = site.seal(2)["previous"]
    assert previous == {"bag": "site/v1", "seal": hashlib.sha256((site.store / "bags/site/v1/seal.json").read_bytes()).hexdigest()}
    assert site.seal(1)["collection"] == site.seal(2)["collection"]


def test_changed_descriptive_records_make_a_new_bag(site):
    site.write("metadata.csv", "filename,dc.title\nindex.html,Home\n")
    site.run()
    site.write("metadata.csv", "filename,dc.title\nindex.html,Haus\n")
    assert site.run().bag == "site/v2"


def test_where_it_is_stored_and_when_is_no_change_of_the_collection(site):
    site.run()
    site.settings = "max_loss: 5 %\nschedule: {archive: '0 3 * * *'}\n"
    assert site.run().outcome == "unchanged"


def test_a_changed_file_of_equal_size_and_time_is_noticed_by_its_ctime(site):
    path = site.write("index.html", b"aaaa")
    os.utime(path, ns=(10**18, 10**18))
    site.run()
    path.write_bytes(b"bbbb")
    os.utime(path, ns=(10**18, 10**18))
    assert site.run().bag == "site/v2"
    assert site.payload(2)["data/index.html"] == b"bbbb"


def test_an_emptied_source_makes_no_bag(site):
    site.run()
    for path in [*site.source.rglob("*.html"), site.source / "empty"]:
        path.unlink()
    with pytest.raises(RefusedError, match="4 of the 4 files"):
        site.run()
    assert site.versions() == ["v1"]
    assert site.run(accept_loss=True).bag == "site/v2"
    assert site.payload(2) == {}


def test_loss_is_measured_by_the_bag_even_without_a_catalogue(site):
    site.run()
    (site.source / "index.html").unlink()
    site.home = "another home"
    with pytest.raises(RefusedError, match=r"index\.html.*max_loss"):
        site.run()


def test_a_vanished_source_could_not_be_archived_as_a_vanished_store_could_not(site):
    site.run()
    site.source.rename(site.root / "elsewhere")
    with pytest.raises(SourceError, match="cannot be read") as caught:
        site.run()
    assert caught.value.exit_status == 3
    site.source.write_bytes(b"a file")
    with pytest.raises(UsageError, match="not a folder"):
        site.run()


@pytest.mark.parametrize(("gone", "said"), [(3, "(0, 1, 2)"), (6, "(0, 1, 2, 3, 4, …)")])
def test_what_is_gone_is_listed_and_more_is_hinted_at_only_where_there_is_more(site, gone, said):
    for number in range(gone):
        site.write(str(number), b"%d" % number)
    site.run()
    for number in range(gone):
        (site.source / str(number)).unlink()
    with pytest.raises(RefusedError) as caught:
        site.run()
    assert f"are gone {said}, more" in str(caught.value)


def test_a_dry_run_does_not_count_what_it_has_not_read(site):
    report = site.run(dry_run=True)
    assert report.duplicates is None
    assert "duplicates" not in str(report.summary())
    assert site.run().duplicates == 1


def test_a_store_with_too_little_room_is_said_before_it_is_filled(site, monkeypatch):
    monkeypatch.setattr(FileStore, "free_bytes", lambda _: 10)
    for options in ({"dry_run": True}, {}):
        report = site.run(**options)
        assert (site.codes(report), report.exit_status) == (["store-limit"], 0)


def test_accrue_adds_and_never_infers_a_deletion(site):
    site.settings = "mode: accrue\n"
    site.run()
    (site.source / "index.html").unlink()
    (site.source / "pages/a.html").write_bytes(b"newer")
    site.write("second delivery/b.html", b"b")
    report = site.run()
    assert report.bag == "site/v2"
    payload = site.payload(2)
    assert payload["data/index.html"].endswith(b"Welcome")
    assert payload["data/pages/a.html"] == b"newer"
    assert payload["data/second delivery/b.html"] == b"b"
    types = {line["path"]: line.get("type") for line in site.lines(2, "metadata/technical.jsonl")}
    assert types["data/index.html"] == "text/html"
    assert site.run().outcome == "unchanged"


def test_closed_makes_one_bag_and_no_other(site):
    site.settings = "mode: closed\n"
    assert site.run().bag == "site/v1"
    site.write("index.html", b"changed")
    report = site.run()
    assert (report.outcome, report.bag, report.exit_status) == ("closed", "site/v1", 0)
    assert site.versions() == ["v1"]


def test_a_dry_run_writes_nothing_to_the_store(site):
    before = sorted(site.store.rglob("*"))
    report = site.run(dry_run=True)
    assert (report.outcome, report.files, report.read_files, report.read_bytes) == ("planned", 4, 4, report.size)
    assert sorted(site.store.rglob("*")) == before


def test_two_runs_make_the_same_manifests_fetch_and_technical_metadata(site, tmp_path):
    site.run()
    names = ["manifest-sha256.txt", "manifest-sha512.txt", "fetch.txt", "metadata/technical.jsonl", "metadata/structure.jsonl"]
    first = [(site.bag(1) / name).read_bytes() for name in names]
    site.home = "home 2"
    site.settings = "title: forces a bag\n"
    site.run()
    assert [(site.bag(2) / name).read_bytes() for name in names] == first


def test_the_log_is_a_chain_and_seals_name_its_head(site):
    site.run()
    site.write("index.html", b"changed")
    site.run()
    first, second = sorted(site.store.glob("log/*/*.json"))
    assert json.loads(second.read_bytes())["previous"] == hashlib.sha256(first.read_bytes()).hexdigest()
    assert site.seal(2)["log"] == {first.parent.name: {"seq": 1, "sha256": hashlib.sha256(first.read_bytes()).hexdigest()}}
