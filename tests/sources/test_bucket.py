"""A bucket as the source of a collection, by the real S3 server."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import pytest

from strongroom.collections.load import load
from strongroom.core.errors import RefusedError, SourceError, UsageError, WrongStoreError
from strongroom.core.pack import LARGE_CONTENT
from strongroom.sources import large_object
from strongroom.sources.spooling import VARIABLE
from strongroom.usecases.context import Context
from strongroom.usecases.due.run import due
from tests.fixtures.attempts import when_opened

pytestmark = pytest.mark.s3

NAMES = ["empty", "index.html", "pages/a.html", "pages/copy of a+b.html", "pages/ünï 100%.html"]


def in_source(site):
    found = {}
    for page in site.client.get_paginator("list_objects_v2").paginate(Bucket=site.bucket, Prefix=site.key("")):
        for one in page.get("Contents", ()):
            data = site.client.get_object(Bucket=site.bucket, Key=one["Key"])["Body"].read()
            found["data/" + one["Key"].removeprefix(site.key(""))] = data
    return found


def test_every_object_is_in_the_bag_and_the_next_run_reads_nothing(either):
    either.put("pages/folder/", b"")
    report = either.run()
    assert (report.bag, report.exit_status, either.codes(report)) == ("site/v1", 0, [])
    payload = either.payload(1)  # compares every digest
    assert {path: data for path, data in in_source(either).items() if not path.endswith("/")} == payload
    assert sorted(payload) == [f"data/{name}" for name in NAMES]
    structure = {line["path"]: line for line in either.lines(1, "metadata/structure.jsonl")}
    assert structure["data/pages/folder"]["kind"] == "directory"
    again = either.run()
    assert (again.outcome, again.read_files) == ("unchanged", 0)
    either.put("index.html", "<!doctype html><title>Home</title><p>Changed")
    either.put("new", "x")
    third = either.run()
    assert (third.bag, third.read_files) == ("site/v2", 2)
    assert either.payload(2)["data/index.html"].endswith(b"Changed")


def test_the_bag_is_that_of_a_folder_with_the_same_files(site):
    """But for modification times, and for folders, which a bucket has not: payload manifests, fetch.txt and formats are byte for byte."""
    site.run()
    folder = type(site).__base__(site.root, site.runner, name="folder")
    for path, data in site.payload(1).items():
        folder.write(path.removeprefix("data/"), data)
    folder.run()
    for name in ("manifest-sha256.txt", "manifest-sha512.txt", "fetch.txt", "metadata/formats.jsonl", "metadata/duplicates.jsonl"):
        assert (site.bag(1) / name).read_bytes() == (folder.bag(1) / name).read_bytes(), name


def test_a_dry_run_stores_nothing_and_says_what_it_would_read(site):
    report = site.run(dry_run=True)
    assert (report.outcome, report.files, report.read_files) == ("planned", 5, 5)
    assert site.versions() == []


def test_objects_that_vanish_between_runs_are_refused_as_loss(site):
    site.run()
    for name in NAMES[1:4]:
        site.delete(name)
    with pytest.raises(RefusedError, match="max_loss"):
        site.run()
    assert site.codes(site.run(dry_run=True)) == ["source-loss"]
    assert site.run(accept_loss=True).bag == "site/v2"


def test_an_empty_prefix_is_a_source_that_is_not_there(site):
    site.url += "-mistyped"
    with pytest.raises(SourceError, match="no object lies there"):
        site.run()
    site.url = "s3://no-such-bucket-here/x"
    with pytest.raises(WrongStoreError, match="no such bucket"):
        site.run()


def test_what_is_replaced_during_the_run_is_read_as_one_state(either, monkeypatch):
    """Where the bucket has versions it is the one that was listed; elsewhere the one that is there, as for a file of a folder."""
    large, newer = os.urandom(LARGE_CONTENT + 1), os.urandom(LARGE_CONTENT + 7)
    either.put("large", large)

    def replace():
        either.put("index.html", "replaced")
        either.put("large", newer)

    when_opened(monkeypatch, replace)
    report = either.run()
    assert (report.bag, report.exit_status) == ("site/v1", 0)
    payload = either.payload(1)
    listed = either.extra["kind"] == "versioned"
    assert payload["data/index.html"] == (b"<!doctype html><title>Home</title><p>Welcome" if listed else b"replaced")
    assert payload["data/large"] == (large if listed else newer)


def test_what_is_deleted_during_the_run_is_left_out_or_is_read_by_its_version(either, monkeypatch):
    when_opened(monkeypatch, lambda: either.delete("index.html"))
    either.settings = "max_loss: 50 %\n"
    report = either.run()
    if either.extra["kind"] == "versioned":
        assert (report.exit_status, len(either.payload(1))) == (0, 5)
    else:
        assert (report.exit_status, either.codes(report), len(either.payload(1))) == (1, ["source-vanished"], 4)
        (excluded,) = (line for line in either.lines(1, "metadata/structure.jsonl") if line["kind"] == "excluded")
        assert excluded == {"kind": "excluded", "path": "data/index.html", "reason": "changing"}


@pytest.mark.parametrize("spool", [0, 2 * 5_000_000, 100_000_000])
def test_large_objects_are_read_whole_whatever_may_lie_on_the_disk(site, monkeypatch, spool):
    monkeypatch.setenv(VARIABLE, str(spool))
    data = {name: os.urandom(size) for name, size in (("a.bin", LARGE_CONTENT + 1), ("b.bin", 20_000_003), ("c.png", 9_000_000))}
    data["c.png"] = b"\x89PNG\r\n\x1a\n" + data["c.png"]
    for name, content in data.items():
        site.put(name, content)
    assert site.run().exit_status == 0
    payload = site.payload(1)
    assert {name: hashlib.sha256(payload[f"data/{name}"]).hexdigest() for name in data} == {
        name: hashlib.sha256(content).hexdigest() for name, content in data.items()}
    assert "c.png" in {line["path"].removeprefix("data/"): line for line in site.lines(1, "metadata/technical.jsonl")}


def test_what_is_longer_than_the_spool_takes_no_disk(tmp_path, monkeypatch):
    """The spool of a process holds one object, no longer than it may be; of longer ones it holds two MiB, to tell their format."""
    data = os.urandom(LARGE_CONTENT + 12345)
    sizes = []
    real = large_object.nameless_file

    def watched(folder):
        descriptor = real(folder)
        sizes.append(descriptor)
        return descriptor

    monkeypatch.setattr(large_object, "nameless_file", watched)
    state = large_object.FileState(len(data), 0, 0, 0, 0o644, "\n\"etag\"")
    get = lambda start, length: data[start : start + length]  # noqa: E731
    with large_object.open_large(get, state, tmp_path, len(data)) as large:
        assert b"".join(iter(lambda: large.read(70_001), b"")) == data
        assert [os.fstat(one).st_size for one in sizes] == [len(data)] and large.sample() == sizes[0]
        with large.again() as again:
            assert again.read() == data
    sizes.clear()
    with large_object.open_large(get, state, tmp_path, len(data) - 1) as large:
        assert b"".join(iter(lambda: large.read(70_001), b"")) == data and sizes == []
        with large.again() as again:
            assert b"".join(iter(lambda: again.read(1 << 20), b"")) == data
        assert os.pread(large.sample(), 10 << 20, 0) == data[: 1 << 20] + data[-(1 << 20) :]
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_lets_an_object_stream(tmp_path, monkeypatch):
    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(large_object, "nameless_file", full)
    data = os.urandom(LARGE_CONTENT + 1)
    state = large_object.FileState(len(data), 0, 0, 0, 0o644, "\n\"etag\"")
    with large_object.open_large(lambda start, length: data[start : start + length], state, tmp_path, 1 << 30) as large:
        assert isinstance(large, large_object.StreamedObject)
        assert b"".join(iter(lambda: large.read(1 << 20), b"")) == data


def test_records_and_checksums_are_read_from_the_bucket(site):
    right = hashlib.sha256(b"<!doctype html><title>A</title><p>Article").hexdigest()
    site.put("metadata.csv", "filename,title\nindex.html,Home\npages/a.html,An article\n")
    site.put("pages/SHA256SUMS", f"{right}  a.html\n{'0' * 64}  copy of a+b.html\n")
    report = site.run()
    assert report.records == 2
    assert [(f.code.label, "copy of a+b" in f.message) for f in report.findings if f.code.label == "checksum-mismatch"] == [
        ("checksum-mismatch", True)]
    assert (site.bag(1) / "metadata/records/metadata.csv").read_bytes() == in_source(site)["data/metadata.csv"]


def test_sidecars_are_read_from_the_bucket(site):
    site.put("index.html.metadata.json", '{"title": "Home"}')
    site.put("pages/a.html.json", '{"title": "An article"}')
    report = site.run()
    assert report.records == 2
    titles = {line["filename"]: line["title"] for line in site.lines(1, "metadata/records/records.jsonl")}
    assert titles == {"data/index.html": "Home", "data/pages/a.html": "An article"} or titles == {
        "index.html": "Home", "pages/a.html": "An article"}


def test_folders_of_keys_are_left_out_as_folders_are(site):
    site.settings = "exclude: [cache/, '*.tmp']\n"
    for name in ("cache/1", "cache/deep/2", "pages/x.tmp", ".DS_Store", "__MACOSX/a/b", "pages/cache"):
        site.put(name, b"x")
    report = site.run()
    assert report.exit_status == 0 and sorted(site.payload(1)) == sorted(f"data/{name}" for name in [*NAMES, "pages/cache"])
    excluded = {line["path"]: line["reason"] for line in site.lines(1, "metadata/structure.jsonl") if line["kind"] == "excluded"}
    assert excluded == {"data/cache": "pattern", "data/pages/x.tmp": "pattern", "data/.DS_Store": "system-file",
                        "data/__MACOSX": "system-file"}


@pytest.mark.parametrize("place", ["", "/inside", ".."])
def test_a_store_in_the_source_or_around_it_is_refused(site, place):
    site.store_url = site.url.rpartition("/")[0] if place == ".." else site.url + place
    with pytest.raises(UsageError, match="store apart from the source"):
        site.run()
    site.store_url = site.url + "-beside"
    with pytest.raises(Exception, match="no store"):
        site.run()


def test_what_a_store_lost_is_brought_again_from_the_bucket(either):
    either.put("large.bin", os.urandom(LARGE_CONTENT + 1))
    either.run()
    before = either.payload(1)
    for lost in [*either.store.glob("packs/*/*.tar"), *either.store.glob("content/*/*")]:
        lost.unlink()
    either.put("new", "not archived yet")
    context, manifests = Context(either.root / either.home), [load(either.manifest())]
    report = due(manifests, context, either.runner, from_source=True)
    assert report.exit_status == 0 and report.repair.repaired
    assert either.payload(1) == before


def test_the_command_archives_a_bucket_and_init_writes_its_manifest(site):
    environment = {**os.environ, "STRONGROOM_HOME": str(site.root / "home"), "PYTHONPATH": "src:."}

    def strongroom(*arguments):
        command = [sys.executable, "-m", "strongroom", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)

    file = site.root / "town.yaml"
    done = strongroom("init", site.url, "--name", "town", "--store", str(site.store), "--output", str(file))
    assert done.returncode == 0, done.stderr
    assert f'source: "{site.url}"' in file.read_text()
    assert strongroom("init", site.url + "x", "--name", "other", "--output", str(site.root / "other.yaml")).returncode == 3
    done = strongroom("archive", str(file), "--quiet")
    assert (done.returncode, "town/v1 sealed" in done.stdout) == (0, True), done.stderr
    done = strongroom("status")
    assert done.returncode == 0, done.stdout + done.stderr
    done = strongroom("due", "--quiet")
    assert done.returncode == 0, done.stdout + done.stderr
