"""Damage anywhere costs no more than it must: other generations, places and stores are tried, the rest is restored, and all is said."""

from __future__ import annotations

import os
import shutil

import bagit
import pytest

from strongroom.catalogue import Catalogue
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, RefusedError, StoreUnreachableError
from strongroom.core.findings import Code
from strongroom.core.pack import PackBuilder
from strongroom.stores.describe import read_description
from strongroom.usecases.restore import RestoreRequest, restore
from tests.fixtures.findings import codes, said
from tests.fixtures.seals import altered
from tests.restore.builder import damage, make_store, pack_members, put, replicate, seal_folder, snapshot


@pytest.fixture
def plain(tmp_path):
    """Thirty files of different content, two of them equal."""
    source = tmp_path / "plain"
    source.mkdir()
    for number in range(30):
        (source / f"{number:02}.txt").write_text(f"file {number}\n" * 100)
    shutil.copy2(source / "07.txt", source / "07 again.txt")
    (source / "big.bin").write_bytes(os.urandom(9 << 20))
    return source


@pytest.fixture
def sealed(store, plain):
    return seal_folder(store, plain, pack_size=10_000)


def ask(tmp_path, store, **options):
    return RestoreRequest("site", tmp_path / "out", payload_only=options.pop("payload_only", True), source=store.url, **options)


def content_of(plain, name):
    return Digest.of((plain / name).read_bytes())


def damage_content(root, sealed, digest):
    for pack in sealed.packs:
        for line in pack_members(root, pack):
            if line["sha256"] == digest.hex:
                damage(root, keys.pack(pack), line["offset"])
                return pack
    raise AssertionError("no such content")


def test_a_damaged_content_is_named_by_its_paths_and_everything_else_is_restored(tmp_path, store, plain, sealed, root, context, runner):
    damage_content(root, sealed, content_of(plain, "07.txt"))
    report = restore(ask(tmp_path, store), context, runner)
    lost = {finding.place for finding in report.findings if finding.code is Code.CONTENT_DAMAGED}
    assert lost == {"site/v1: data/07.txt", "site/v1: data/07 again.txt"}
    assert (report.exit_status, report.complete, report.lost, report.written) == (1, False, 2, 30)
    assert not (tmp_path / "out").exists()
    rest = snapshot(tmp_path / os.path.basename(report.result))
    expected = {name: value for name, value in snapshot(plain).items() if not name.startswith(b"07")}
    assert rest == expected
    note = (tmp_path / (os.path.basename(report.result) + ".txt")).read_text()
    assert "NOT a complete restore of site/v1" in note and "data/07 again.txt" in note


def test_the_incomplete_result_is_completed_after_a_repair_without_doing_the_rest_again(
    tmp_path, store, plain, sealed, root, context, runner
):
    digest = content_of(plain, "07.txt")
    damage_content(root, sealed, digest)
    first = restore(ask(tmp_path, store), context, runner)
    inode = os.stat(os.path.join(first.result, "08.txt")).st_ino
    put(store, keys.content(digest), (plain / "07.txt").read_bytes())  # a repair: beside, not over
    report = restore(ask(tmp_path, store), context, runner)
    assert report.complete and report.exit_status == 0 and (report.present, report.written) == (30, 2)
    assert snapshot(tmp_path / "out") == snapshot(plain)
    assert os.stat(tmp_path / "out" / "08.txt").st_ino == inode
    assert not list(tmp_path.glob("out.incomplete*"))


def test_a_missing_pack_is_missing_only_after_the_whole_store_was_looked_through(tmp_path, store, plain, sealed, root, context, runner):
    gone = sealed.packs[0]
    lost = {line["sha256"] for line in pack_members(root, gone)}
    (root / str(keys.pack(gone))).unlink()
    report = restore(ask(tmp_path, store), context, runner)
    missing = [finding for finding in report.findings if finding.code in (Code.CONTENT_MISSING, Code.CONTENT_DAMAGED)]
    assert len(missing) == report.lost >= len(lost)
    # The same contents in a pack that no placement knows.
    builder = PackBuilder()
    for path in sorted(plain.iterdir()):
        data = path.read_bytes()
        if Digest.of(data).hex in lost:
            builder.add(Digest.of(data), data)
            lost.discard(Digest.of(data).hex)
    tar, _, digest, _ = builder.finish()
    put(store, keys.pack(digest), bytes(tar))  # not even an index
    report = restore(ask(tmp_path, store), context, runner)
    assert report.complete and snapshot(tmp_path / "out") == snapshot(plain)


@pytest.mark.parametrize("harm", ["altered", "absent", "lies"])
def test_an_index_is_only_a_hint(tmp_path, store, plain, sealed, root, context, runner, harm):
    for pack in sealed.packs:
        index = root / str(keys.pack_index(pack))
        index.chmod(0o644)
        if harm == "altered":
            damage(root, keys.pack_index(pack), 5)
        elif harm == "absent":
            index.unlink()
        else:  # well-formed, and wrong
            from strongroom.core.pack import Member, format_index

            members = [Member(Digest(one["sha256"]), one["offset"] + 512, one["length"]) for one in pack_members(root, pack)]
            index.write_bytes(format_index(members))
    report = restore(ask(tmp_path, store), context, runner)
    assert report.complete and report.exit_status == 0
    assert snapshot(tmp_path / "out") == snapshot(plain)
    assert codes(report) == ({Code.COPY_DAMAGED} if harm == "lies" else {Code.INDEX_WRONG})


@pytest.mark.parametrize("harm", ["absent", "garbage", "short"])
def test_a_placement_is_only_a_hint(tmp_path, store, plain, sealed, root, context, runner, harm):
    placement = root / str(keys.placement(sealed.bag))
    placement.chmod(0o644)
    if harm == "absent":
        placement.unlink()
    else:
        placement.write_bytes(b"not JSON\n" if harm == "garbage" else placement.read_bytes().splitlines(keepends=True)[0])
    report = restore(ask(tmp_path, store), context, runner)
    assert report.complete and report.exit_status == 0 and snapshot(tmp_path / "out") == snapshot(plain)


def test_a_damaged_header_costs_nothing_while_the_index_is_whole_and_one_member_without_it(
    tmp_path, store, plain, sealed, root, context, runner
):
    pack = sealed.packs[0]
    members = pack_members(root, pack)
    damage(root, keys.pack(pack), members[1]["offset"] - 512)
    assert restore(ask(tmp_path, store), context, runner).exit_status == 0
    shutil.rmtree(tmp_path / "out")
    (root / str(keys.pack_index(pack))).unlink()
    report = restore(ask(tmp_path, store), context, runner)
    lost = [finding for finding in report.findings if finding.code is Code.CONTENT_MISSING]
    assert len(lost) == report.lost == 1


def test_a_later_generation_of_a_pack_and_of_a_large_content_is_used(tmp_path, store, plain, sealed, root, context, runner):
    pack, large = sealed.packs[0], sealed.objects[0]
    for key in (keys.pack(pack), keys.content(large)):
        with store.get(key) as reader:
            put(store, key.generation(1), reader.read())
    damage_content(root, sealed, Digest(pack_members(root, pack)[0]["sha256"]))
    damage(root, keys.content(large), 8 << 20)
    report = restore(ask(tmp_path, store), context, runner)
    assert report.complete and codes(report) == {Code.COPY_DAMAGED} and snapshot(tmp_path / "out") == snapshot(plain)


def test_a_torn_large_content_is_damage(tmp_path, store, plain, sealed, root, context, runner):
    large = root / str(keys.content(sealed.objects[0]))
    large.chmod(0o644)
    os.truncate(large, 1000)
    report = restore(ask(tmp_path, store), context, runner)
    assert {finding.place for finding in report.findings if finding.code is Code.CONTENT_DAMAGED} == {"site/v1: data/big.bin"}
    assert not os.path.exists(os.path.join(report.result, "big.bin"))


def remember(context, *stores_and_bags):
    context.home.mkdir(exist_ok=True)
    with Catalogue.open(context.catalogue) as catalogue:
        for store, *bags in stores_and_bags:
            number = catalogue.see_store(read_description(store).id, store.url)
            for one in bags:
                catalogue.record_bag(one.seal, one.digest, number)


@pytest.fixture
def replica(tmp_path, store, sealed, context):
    (tmp_path / "replica").mkdir()
    other = make_store(f"file://{tmp_path}/replica")
    replicate(store, other)
    remember(context, (store, sealed), (other, sealed))
    return other


def test_another_store_makes_good_what_is_damaged_in_the_first(tmp_path, store, plain, sealed, root, replica, context, runner):
    damage_content(root, sealed, content_of(plain, "07.txt"))
    damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, "manifest-sha256.txt"), 3)
    damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, "tagmanifest-sha256.txt"), 3)
    report = restore(RestoreRequest("site", tmp_path / "out"), context, runner)
    assert report.complete and report.exit_status == 0
    assert Code.COPY_DAMAGED in codes(report) and set(report.stores) == {store.url, replica.url}
    bagit.Bag(str(tmp_path / "out")).validate()


def test_a_damaged_seal_is_read_from_the_other_store(tmp_path, store, plain, sealed, root, replica, context, runner):
    damage(root, keys.seal(sealed.bag), 0)
    report = restore(RestoreRequest("site", tmp_path / "out"), context, runner)
    assert report.complete and codes(report) == {Code.COPY_DAMAGED} and report.exit_status == 0


def test_a_store_that_is_away_is_skipped_and_said(tmp_path, store, plain, sealed, root, replica, context, runner):
    root.rename(tmp_path / "unplugged")
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True), context, runner)
    assert report.complete and report.exit_status == 0 and codes(report) == {Code.STORE_SKIPPED}
    (tmp_path / "replica").rename(tmp_path / "unplugged too")
    with pytest.raises(StoreUnreachableError):
        restore(RestoreRequest("site", tmp_path / "out2", payload_only=True), context, runner)
    assert not (tmp_path / "out2").exists()


def test_what_only_an_absent_store_may_hold_is_not_called_missing(tmp_path, store, plain, sealed, root, replica, context, runner):
    (root / str(keys.content(sealed.objects[0]))).unlink()
    (tmp_path / "replica").rename(tmp_path / "unplugged")
    report = restore(RestoreRequest("site", tmp_path / "out", payload_only=True), context, runner)
    assert report.exit_status == 1 and not codes(report) & {Code.CONTENT_MISSING}
    assert {f.place for f in report.findings if f.code in (Code.NOT_REACHED, Code.CONTENT_DAMAGED)} == {"site/v1: data/big.bin"}


def test_a_lost_tag_file_is_named_and_the_bag_does_not_appear(tmp_path, store, plain, sealed, root, context, runner):
    damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, "bag-info.txt"), 3)
    report = restore(ask(tmp_path, store, payload_only=False), context, runner)
    assert report.exit_status == 1 and not (tmp_path / "out").exists()
    assert [f.place for f in report.findings if f.code is Code.TAG_FILE_DAMAGED] == ["site/v1: bag-info.txt"]
    assert len(os.listdir(os.path.join(report.result, "data"))) == 32


def test_without_the_manifest_the_payload_comes_from_fetch_txt(tmp_path, store, plain, sealed, root, context, runner):
    damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, "manifest-sha256.txt"), 3)
    report = restore(ask(tmp_path, store), context, runner)
    assert report.exit_status == 1 and not report.complete  # honest: something of the bag is lost
    assert snapshot(tmp_path / os.path.basename(report.result)) == snapshot(plain)


def test_without_technical_metadata_the_bytes_still_come(tmp_path, store, plain, sealed, root, context, runner):
    damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, "metadata/technical.jsonl"), 3)
    report = restore(ask(tmp_path, store), context, runner)
    assert codes(report) >= {Code.TAG_FILE_DAMAGED, Code.RESTORE_LIMIT} and report.written == 32


def test_nothing_can_be_done_without_any_tag_manifest(tmp_path, store, plain, sealed, root, context, runner):
    for name in ("tagmanifest-sha256.txt", "tagmanifest-sha512.txt"):
        damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, name), 3)
    with pytest.raises(DamagedBagError):
        restore(ask(tmp_path, store), context, runner)
    assert {finding.code for finding in said(runner)} == {Code.TAG_FILE_DAMAGED}


def test_one_tag_manifest_is_enough(tmp_path, store, plain, sealed, root, context, runner):
    damage(root, keys.tag_file(sealed.bag, sealed.seal.attempt, "tagmanifest-sha256.txt"), 3)
    report = restore(ask(tmp_path, store), context, runner)
    assert report.written == 32 and codes(report) == {Code.TAG_FILE_DAMAGED}


def test_a_fork_in_one_store_is_a_choice_for_a_person(tmp_path, store, plain, sealed, root, context, runner):
    (tmp_path / "two").mkdir()
    other = make_store(f"file://{tmp_path}/two")
    (tmp_path / "other source").mkdir()
    (tmp_path / "other source" / "only.txt").write_text("other")
    fork = seal_folder(other, tmp_path / "other source")
    for found in other.list():
        if found.key not in (keys.DESCRIPTION, keys.README, keys.RECOVER):
            key = found.key.generation(1) if found.key in (keys.seal(fork.bag), keys.placement(fork.bag)) else found.key
            with other.get(found.key) as reader:
                put(store, key, reader.read())
    with pytest.raises(RefusedError, match=fork.digest.hex):
        restore(ask(tmp_path, store), context, runner)
    report = restore(ask(tmp_path, store, seal=fork.digest), context, runner)
    assert report.complete and os.listdir(tmp_path / "out") == ["only.txt"] and codes(report) == {Code.FORKED}


def test_a_planted_seal_is_a_fork_whatever_its_tag_files_and_those_of_the_true_one_are_like(
    tmp_path, store, plain, sealed, context, runner
):
    manifests = {name: digest.hex for name, digest in sealed.seal.tag_manifests.items()} | {"tagmanifest-sha256.txt": "0" * 64}
    forged = altered(sealed.seal.to_bytes(), sealed="2025-01-01T00:00:00Z", tag_manifests=manifests)
    put(store, keys.seal(sealed.bag).generation(1), forged)
    with pytest.raises(RefusedError, match=sealed.digest.hex):
        restore(ask(tmp_path, store), context, runner)
    report = restore(ask(tmp_path, store, seal=sealed.digest), context, runner)
    assert report.complete and codes(report) == {Code.FORKED}
    assert report.seal == sealed.digest.hex
