"""What cannot be read, in a store that answers, is that object's trouble: other copies are tried, the rest is restored, and it is said."""

from __future__ import annotations

import os

import bagit
import pytest

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreUnreachableError
from strongroom.core.findings import Code
from strongroom.stores.file import FileStore
from strongroom.usecases.restore import RestoreRequest, restore
from strongroom.usecases.restore.contents import _FAILURES
from tests.fixtures.findings import codes, said
from tests.restore.builder import make_store, pack_members, put, replicate, seal_folder, snapshot
from tests.restore.test_damage import remember


@pytest.fixture
def plain(tmp_path):
    """Forty small files and a large one, all different."""
    source = tmp_path / "plain"
    source.mkdir()
    for number in range(40):
        (source / f"{number:02}.txt").write_text(f"file {number}\n" * 1000)
    (source / "big.bin").write_bytes(os.urandom(9 << 20))
    return source


@pytest.fixture
def sealed(store, plain):
    """Two packs and a large content."""
    return seal_folder(store, plain, pack_size=250_000)


@pytest.fixture
def replica(tmp_path, store, sealed, context):
    (tmp_path / "replica").mkdir()
    other = make_store(f"file://{tmp_path}/replica")
    replicate(store, other)
    remember(context, (store, sealed), (other, sealed))
    return other


def copy(store, key):
    """The same bytes as its next generation, as a repair writes them."""
    with store.get(key) as reader:
        put(store, key.generation(1), reader.read())


def in_pack(root, pack, plain):
    """Where the content of each file in a pack lies, by the file's name."""
    lines = {line["sha256"]: line for line in pack_members(root, pack)}
    names = {Digest.of(path.read_bytes()).hex: path.name for path in plain.iterdir()}
    return {names[sha]: (line["offset"], line["length"]) for sha, line in lines.items()}


def test_a_pack_that_cannot_be_read_costs_its_files_and_nothing_else(tmp_path, root, store, plain, sealed, context, runner, bad_disk):
    bad_disk.hurt(store, keys.pack(sealed.packs[0]))
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    lost = set(in_pack(root, sealed.packs[0], plain))
    assert {f.place for f in report.findings if f.code is Code.UNREADABLE} == {f"site/v1: data/{name}" for name in lost}
    assert (report.exit_status, report.complete, report.lost, report.written) == (1, False, len(lost), 41 - len(lost))
    assert not (tmp_path / "out").exists() and len(os.listdir(report.result)) == 41 - len(lost)
    assert any(f.code is Code.COPY_DAMAGED and "EIO" in f.message and str(sealed.packs[0]) in f.place for f in report.findings)
    again = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert (again.present, again.written, again.lost) == (41 - len(lost), 0, len(lost))


def test_bad_sectors_cost_the_files_they_lie_in(tmp_path, root, store, plain, sealed, context, runner, bad_disk):
    places = sorted(in_pack(root, sealed.packs[0], plain).items(), key=lambda item: item[1])
    (first, (_, _)), (second, (at, length)) = places[4], places[5]
    bad_disk.hurt(store, keys.pack(sealed.packs[0]), at - 1000, at + length - 10)  # the end of one, most of the next
    bad_disk.hurt(store, keys.content(sealed.objects[0]), 5 << 20, (5 << 20) + 4096)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    lost = {f.place for f in report.findings if f.code is Code.UNREADABLE}
    assert lost == {f"site/v1: data/{name}" for name in (first, second, "big.bin")} and report.written == 38
    rest = {name: value for name, value in snapshot(plain).items() if name.decode() not in (first, second, "big.bin")}
    assert snapshot(report.result) == rest


def test_a_dying_disk_is_not_hammered(tmp_path, store, plain, context, runner, bad_disk):
    sealed = seal_folder(store, plain)  # one pack
    bad_disk.hurt(store, keys.pack(sealed.packs[0]))
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.lost == 40 and report.written == 1
    assert bad_disk.reads <= _FAILURES + 1  # and once for its headers


def test_what_one_store_cannot_read_comes_from_the_other(tmp_path, store, plain, sealed, replica, context, runner, bad_disk):
    bad_disk.hurt(store, keys.pack(sealed.packs[0]))
    bad_disk.hurt(store, keys.content(sealed.objects[0]), 1 << 20)
    bad_disk.hurt(store, keys.tag_file(sealed.bag, sealed.seal.attempt, "manifest-sha256.txt"))
    report = restore(RestoreRequest("site", tmp_path / "out"), context, runner)
    assert report.complete and report.exit_status == 0 and codes(report) == {Code.COPY_DAMAGED}
    assert set(report.stores) == {store.url, replica.url}
    bagit.Bag(str(tmp_path / "out")).validate()


def test_another_generation_of_what_cannot_be_read_is_used(tmp_path, store, plain, sealed, context, runner, bad_disk):
    manifest, tags = (keys.tag_file(sealed.bag, sealed.seal.attempt, f"{name}manifest-sha256.txt") for name in ("", "tag"))
    for key in (keys.pack(sealed.packs[0]), keys.content(sealed.objects[0]), manifest, tags):
        copy(store, key)
        bad_disk.hurt(store, key)
    report = restore(RestoreRequest("site", tmp_path / "out", source=store.url), context, runner)
    assert report.complete and report.exit_status == 0 and codes(report) == {Code.COPY_DAMAGED}
    bagit.Bag(str(tmp_path / "out")).validate()


@pytest.mark.parametrize("headers", [False, True])
def test_hints_that_cannot_be_read_are_done_without(tmp_path, store, plain, sealed, context, runner, bad_disk, headers):
    bad_disk.hurt(store, keys.placement(sealed.bag))
    if headers:
        for pack in sealed.packs:
            bad_disk.hurt(store, keys.pack_index(pack))
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.complete and report.exit_status == 0 and snapshot(tmp_path / "out") == snapshot(plain)
    assert codes(report) == {Code.PLACEMENT_WRONG} | ({Code.INDEX_WRONG} if headers else set())


def test_without_an_index_a_pack_gives_what_its_headers_say_up_to_where_it_cannot_be_read(
    tmp_path, root, store, plain, sealed, context, runner, bad_disk
):
    places = sorted(in_pack(root, sealed.packs[0], plain).items(), key=lambda item: item[1])
    bad_disk.hurt(store, keys.pack_index(sealed.packs[0]))
    bad_disk.hurt(store, keys.pack(sealed.packs[0]), places[7][1][0])
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert report.exit_status == 1 and not report.complete and report.lost == len(places) - 7
    assert {name for name, _ in places[:7]} <= set(os.listdir(report.result))


def test_a_tag_file_that_cannot_be_read_is_named_and_the_rest_is_restored(tmp_path, store, plain, sealed, context, runner, bad_disk):
    for name in ("bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"):
        bad_disk.hurt(store, keys.tag_file(sealed.bag, sealed.seal.attempt, name))
    report = restore(RestoreRequest("site", tmp_path / "out", source=store.url), context, runner)
    assert report.exit_status == 1 and not report.complete and report.written == 41
    named = {f.place for f in report.findings if f.code is Code.UNREADABLE}
    assert named == {f"site/v1: {name}" for name in ("bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt")}


def test_a_folder_that_cannot_be_listed_does_not_make_the_store_silent(tmp_path, store, plain, sealed, context, runner, monkeypatch, root):
    (root / str(keys.content(sealed.objects[0]))).unlink()
    real = FileStore.list

    def unlisted(self, prefix=""):
        if prefix.startswith(("content", "packs")):
            raise StoreUnreachableError(f"{self.url}/{prefix}: EIO")
        return real(self, prefix)

    monkeypatch.setattr(FileStore, "list", unlisted)
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert (report.exit_status, report.written, report.lost) == (1, 40, 1) and not report.complete
    assert {f.place for f in report.findings if f.code is Code.UNREADABLE} == {"site/v1: data/big.bin"}


def test_a_store_that_falls_silent_is_still_no_damage(tmp_path, store, plain, sealed, context, runner, monkeypatch):
    real = FileStore.get

    def get(self, key, *values, **named):
        if key.text.startswith("packs/") and key.text.endswith(".tar"):
            monkeypatch.setattr(FileStore, "head", silent)
        if FileStore.head is silent:
            silent(self)
        return real(self, key, *values, **named)

    def silent(self, *_):
        raise StoreUnreachableError(f"{self.url}: no answer")

    monkeypatch.setattr(FileStore, "get", get)
    with pytest.raises(StoreUnreachableError):
        restore(RestoreRequest("site", tmp_path / "out", payload_only=True, source=store.url), context, runner)
    assert not {finding.code for finding in said(runner)} & {Code.UNREADABLE, Code.COPY_DAMAGED, Code.CONTENT_DAMAGED}


# -- the seal


def test_a_seal_that_cannot_be_read_comes_from_the_other_store(tmp_path, store, plain, sealed, replica, context, runner, bad_disk):
    bad_disk.hurt(store, keys.seal(sealed.bag))
    report = restore(RestoreRequest("site", tmp_path / "out"), context, runner)
    assert report.complete and report.exit_status == 0 and codes(report) == {Code.STORE_SKIPPED}


def test_another_generation_of_a_seal_is_read_where_its_digest_is_known(tmp_path, store, plain, sealed, context, runner, bad_disk):
    copy(store, keys.seal(sealed.bag))
    bad_disk.hurt(store, keys.seal(sealed.bag))
    request = RestoreRequest("site", tmp_path / "out", version=1, payload_only=True, source=store.url)
    with pytest.raises(StoreUnreachableError):  # what cannot be read may be another seal
        restore(request, context, runner)
    remember(context, (store, sealed))
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True), context, runner)
    assert report.complete and report.exit_status == 0 and codes(report) == {Code.COPY_DAMAGED}
    assert snapshot(tmp_path / "out") == snapshot(plain)
