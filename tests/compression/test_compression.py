"""`compression: zstd`: what shrinks is compressed, everything comes back, and damage stays within one frame."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys

import pytest
import zstandard

from strongroom.catalogue import Catalogue
from strongroom.core.errors import UnknownFeatureError
from strongroom.runner.local import LocalRunner
from strongroom.stores import describe
from strongroom.stores.describe import open_known_store
from strongroom.usecases.rebuild.run import RebuildRequest, rebuild
from strongroom.usecases.repair.run import repair
from tests.compression.conftest import SETTINGS, Pressed, tree
from tests.replicate.conftest import Place


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def second_frame(pressed):
    pack = pressed.packs()[0]
    frames = sorted({tuple(one["frame"]) for one in pressed.members(pack)})
    assert len(frames) > 3
    return pack, frames[1]


def test_what_shrinks_is_compressed_and_the_rest_lies_as_it_is(pressed, tmp_path):
    source = pressed.source()
    plain = {name for pack in pressed.packs("tar") for name in subprocess.run(
        ["tar", "-tf", pack], check=True, capture_output=True, text=True).stdout.split()}
    assert plain == {sha256(data) for name, data in source.items() if name.startswith("noise")} | {"index.jsonl"}
    texts = {sha256(data) for name, data in source.items() if not name.startswith("noise") and name != "large.txt"}
    assert texts == {one["sha256"] for pack in pressed.packs() for one in pressed.members(pack)}
    assert [path.name for path in pressed.place.folder("one").glob("content/*/*")] == [sha256(source["large.txt"])]
    for pack in pressed.packs():
        assert sha256(pack.read_bytes()) == pack.name.split(".")[0]
        for one in pressed.members(pack):
            offset, length = one["frame"]
            content = zstandard.ZstdDecompressor().decompress(pack.read_bytes()[offset : offset + length])
            assert sha256(content[one["offset"] : one["offset"] + one["length"]]) == one["sha256"]
    assert sum(pack.stat().st_size for pack in pressed.packs()) * 20 < sum(len(data) for data in source.values())


def test_none_is_the_default_and_says_nothing(tmp_path, runner):
    place = Place(tmp_path, runner)
    place.add_store("one")
    pressed = Pressed(place)
    assert pressed.archive(settings="").exit_status == 0
    assert pressed.packs() == [] and not list(place.folder("one").glob("strongroom-*.json"))


def test_an_older_reader_refuses_the_store(pressed, monkeypatch):
    description = json.loads((pressed.place.folder("one") / "strongroom-1.json").read_bytes())
    assert (description["features"], description["number"]) == (["!zstd"], 1)
    assert open_known_store(str(pressed.place.folder("one")), description["store"])
    monkeypatch.setattr(describe, "KNOWN_FEATURES", frozenset({"no-create-only", "no-checksums"}))
    with pytest.raises(UnknownFeatureError, match="!zstd"):
        open_known_store(str(pressed.place.folder("one")), None)


def test_it_comes_back(pressed):
    report, files = pressed.restore()
    assert report.exit_status == 0 and files == pressed.source()
    some, files = pressed.restore("some", paths=("texts/17.txt",))
    assert some.exit_status == 0 and files == {"texts/17.txt": pressed.source()["texts/17.txt"]}


@pytest.mark.parametrize("lost", ["index", "wrong index", "placement"])
def test_it_comes_back_without_hints(pressed, lost):
    for pack in pressed.packs():
        index = pack.with_name(pack.name.split(".")[0] + ".jsonl")
        if lost == "index":
            index.unlink()
        elif lost == "wrong index":  # well-formed, of a pack of the other kind
            lines = [f'{{"length":{m["length"]},"offset":{m["offset"]},"sha256":"{m["sha256"]}"}}\n' for m in pressed.members(pack)]
            body = "".join(lines)
            index.chmod(0o644)
            index.write_text(body + f'{{"count":{len(lines)},"sha256":"{sha256(body.encode())}"}}\n')
    if lost == "placement":
        next(pressed.place.folder("one").glob("bags/*/*/placement.jsonl")).unlink()
    report, files = pressed.restore()
    assert report.exit_status == 0 and files == pressed.source()


def test_an_unchanged_run_makes_no_bag_and_another_collection_shares_contents(pressed):
    assert pressed.archive().bag is None or "v1" in str(pressed.archive().bag)
    before = pressed.packs() + pressed.packs("tar")
    shutil.copytree(pressed.place.source("notes"), pressed.place.source("copy"))
    assert pressed.archive(name="copy").exit_status == 0
    assert pressed.packs() + pressed.packs("tar") == before


def test_an_installation_that_knows_nothing_reuses_what_is_there(pressed):
    (pressed.place.root / "home").rename(pressed.place.root / "lost")
    pressed.place.write("notes", "new.txt", b"new")
    before = set(pressed.packs() + pressed.packs("tar"))
    assert pressed.archive().exit_status == 0
    assert len(set(pressed.packs() + pressed.packs("tar")) - before) == 1


def test_a_flip_costs_its_frame_and_the_audit_names_its_files(pressed):
    assert pressed.audit().exit_status == 0
    pack, (offset, length) = second_frame(pressed)
    hit = pressed.flip(pack, offset + length // 2)
    report = pressed.audit()
    assert report.exit_status == 1 and "pack-damaged" in {one.code.label for one in report.findings}
    restored, files = pressed.restore()
    source = pressed.source()
    missing = {name for name in source if files.get(name) != source[name]}
    assert restored.exit_status == 1 and missing and {sha256(source[name]) for name in missing} <= hit
    assert all(name in files for name in set(source) - missing)


def test_a_frame_that_expands_without_end_is_refused(pressed):
    pack, (offset, length) = second_frame(pressed)
    data = pack.read_bytes()
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(1 << 30))
    pack.chmod(0o644)
    pack.write_bytes(data[:offset] + bomb[:length].ljust(length, b"\0") + data[offset + length :])
    report, files = pressed.restore()
    inside = {one["sha256"] for one in pressed.members(pack) if one["frame"] == [offset, length]}
    assert report.exit_status == 1
    assert {sha256(data) for name, data in pressed.source().items() if name not in files} == inside
    assert pressed.audit().exit_status == 1


def test_repair_from_the_source_and_from_a_replica(pressed):
    pack, (offset, length) = second_frame(pressed)
    hit = pressed.flip(pack, offset + length // 2)
    assert pressed.audit().exit_status == 1
    manifest = pressed.place.manifest("notes", ["one"], SETTINGS)
    assert repair(pressed.place.context, pressed.place.runner, manifests=[manifest]).exit_status == 0
    assert hit and pressed.audit().exit_status == 0
    report, files = pressed.restore()
    assert report.exit_status == 0 and files == pressed.source()


def test_a_replica_has_the_same_packs_and_heals_the_first(pressed):
    settings = SETTINGS
    assert pressed.place.replicate("notes", ["one", "two"], settings).exit_status == 0
    assert [pack.read_bytes() for pack in pressed.packs()] == [pack.read_bytes() for pack in pressed.packs(store="two")]
    assert pressed.features("two") == ["!zstd"]
    shutil.rmtree(pressed.place.source("notes") / "texts")
    pack, (offset, length) = second_frame(pressed)
    good = pack.read_bytes()
    pressed.flip(pack, offset + length // 2)
    assert pressed.audit().exit_status == 1
    assert repair(pressed.place.context, pressed.place.runner).exit_status == 0
    assert pack.with_name(pack.name + "~1").read_bytes() == good
    assert pressed.audit().exit_status == 0


def test_what_does_not_belong_there_stays_behind(pressed):
    """A pack holds contents of two collections; one of them goes to the second store, in a new pack."""
    place = pressed.place
    for name, text in (("a", b"public "), ("b", b"private ")):
        for number in range(30):
            place.write(name, f"{number}.txt", text * (number + 1))
    both = place.source("both")
    shutil.copytree(place.source("a"), both / "a")
    shutil.copytree(place.source("b"), both / "b")
    assert place.archive("both", ["one"], SETTINGS).exit_status == 0
    assert place.archive("a", ["one", "two"], SETTINGS).exit_status == 0
    assert place.replicate("a", ["one", "two"], SETTINGS).exit_status == 0
    there = {one["sha256"] for pack in pressed.packs(store="two") for one in pressed.members(pack)}
    assert there == {sha256(b"public " * (number + 1)) for number in range(30)}
    assert pressed.packs("tar", "two") == []


def test_a_damaged_description_is_mended_from_the_copy_at_home(pressed):
    path = pressed.place.folder("one") / "strongroom-1.json"
    good = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(good[:-5])
    assert repair(pressed.place.context, pressed.place.runner).exit_status == 0
    assert path.with_name("strongroom-1.json~1").read_bytes() == good
    assert pressed.restore()[0].exit_status == 0


def test_a_quick_audit_knows_what_lies_there(pressed):
    assert pressed.audit().exit_status == 0 and pressed.audit(quick=True).exit_status == 0
    pressed.packs()[0].unlink()
    report = pressed.audit(quick=True)
    assert report.exit_status == 1 and "pack-missing" in {one.code.label for one in report.findings}


@pytest.mark.parametrize("deep", [False, True])
def test_a_lost_catalogue_is_learned_again(pressed, deep):
    (pressed.place.root / "home").rename(pressed.place.root / "lost")
    report = rebuild(RebuildRequest((str(pressed.place.folder("one")),), deep=deep), pressed.place.context, pressed.place.runner)
    assert report.exit_status == 0 and {one.code.label for one in report.findings} <= {"no-seal-signature"}
    with Catalogue.open(pressed.place.context.catalogue) as catalogue:
        known = catalogue.known_objects(1)
    assert {digest.hex() for kind, digest in known if kind == "zstd"} == {pack.name.split(".")[0] for pack in pressed.packs()}
    before = pressed.packs()
    assert pressed.archive().exit_status == 0 and pressed.packs() == before
    assert pressed.audit().exit_status == 0


def test_recover_py_and_damage(pressed, tmp_path):
    root = pressed.place.folder("one")

    def recover(dest, **environment):
        command = [sys.executable, "-I", str(root / "recover.py"), "--files", str(root), "notes/v1", str(tmp_path / dest)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment or None)

    run = recover("whole")
    assert run.returncode == 0 and tree(tmp_path / "whole") == pressed.source(), run.stderr
    without = recover("without", PATH=str(tmp_path))
    assert without.returncode == 1 and "zstd is not on this machine" in without.stderr
    assert {"noise/1", "large.txt"} <= set(tree(tmp_path / "without"))
    pack, (offset, length) = second_frame(pressed)
    hit = pressed.flip(pack, offset + length // 2)
    run = recover("hurt")
    source, found = pressed.source(), tree(tmp_path / "hurt")
    assert run.returncode == 1 and {sha256(source[name]) for name in set(source) - set(found)} <= hit
    assert all(source[name] == data for name, data in found.items())


def test_the_recipe_as_printed(pressed, tmp_path):
    root = pressed.place.folder("one")
    script = subprocess.run(["awk", "/^-----8</ { on = !on; next } on", root / "README.txt"], check=True, capture_output=True).stdout
    (tmp_path / "recover.sh").write_bytes(script)

    def recover(dest):
        environment = {"PATH": "/usr/bin:/bin", "STORE": str(root), "BAG": "notes/v1", "DEST": str(tmp_path / dest)}
        return subprocess.run(["sh", tmp_path / "recover.sh"], env=environment, capture_output=True, text=True, check=False)

    run = recover("whole")
    source = pressed.source()
    assert run.returncode == 0 and tree(tmp_path / "whole" / "data") == source, run.stderr
    pack, (offset, length) = second_frame(pressed)
    hit = pressed.flip(pack, offset + length // 2)
    run = recover("hurt")
    found = tree(tmp_path / "hurt" / "data")
    assert run.returncode == 1 and {sha256(source[name]) for name in set(source) - set(found)} <= hit, run.stderr
    assert len(found) > len(source) - len(hit) - 1


@pytest.mark.s3
def test_in_a_bucket_a_range_reaches_one_member(tmp_path, s3_bucket):
    with LocalRunner(2, quiet=True) as runner:  # its workers know the bucket's credentials
        _in_a_bucket(Place(tmp_path, runner), s3_bucket())


def _in_a_bucket(place, url):
    place.add_store("one", url)
    pressed = Pressed(place)
    assert pressed.archive().exit_status == 0
    report, files = pressed.restore(paths=("texts/200.txt",))
    assert report.exit_status == 0 and files == {"texts/200.txt": pressed.source()["texts/200.txt"]}
    report, files = pressed.restore("all")
    assert report.exit_status == 0 and files == pressed.source()
    assert pressed.audit().exit_status == 0
