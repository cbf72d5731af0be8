"""tar, zip and folder: the sealed bag, byte for byte, whole or not at all."""

import hashlib
import json
import os
import tarfile
import zipfile

import bagit
import pytest

from strongroom.cli.main import main
from strongroom.collections.jsonschemas import Draft202012Validator
from strongroom.collections.schemas import load_schema
from strongroom.core.errors import DestinationError, UsageError
from strongroom.usecases.verify import verify
from tests.export.conftest import do, tree, unpack


def test_each_form_is_the_sealed_bag(lantern, tmp_path):
    folder = do(lantern, "out", "dir")
    assert folder.exit_status == 0 and folder.unchanged and verify(tmp_path / "out").valid
    bagit.Bag(str(tmp_path / "out")).validate()
    files = tree(tmp_path / "out")
    assert {path: data for path, data in files.items() if path.startswith("data/")} == lantern.payload(2)
    assert {path: data for path, data in files.items() if not path.startswith("data/")} == tree(lantern.bag(2))
    tar = do(lantern, "name.tar", "tar")
    assert tar.sha256 == hashlib.sha256((tmp_path / "name.tar").read_bytes()).hexdigest()
    top = unpack(tmp_path / "name.tar", tmp_path / "untarred")
    assert top.name == "name" and tree(top) == files
    (lantern.source / "back\\slash").unlink()  # a zip cannot hold it
    lantern.run()
    assert do(lantern, "name.zip", "zip").exit_status == 0
    assert tree(unpack(tmp_path / "name.zip", tmp_path / "unzipped")) == tree(lantern.bag(3)) | lantern.payload(3)
    assert not [one for one in os.listdir(tmp_path) if "partial" in one]


def test_the_same_bag_gives_the_same_tar(lantern, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    assert do(lantern, "a.tar", "tar").sha256 == do(lantern, "elsewhere/a.tar", "tar").sha256
    made = [do(lantern, name, "tar", ro_crate=True, premis=True).sha256 for name in ("b.tar", "elsewhere/b.tar")]
    assert made[0] == made[1] is not None


def test_what_a_zip_cannot_hold_is_said_before_anything_is_written(lantern, tmp_path):
    report = do(lantern, "out.zip", "zip")
    assert report.exit_status == 1 and report.result is None
    (finding,) = [one for one in report.findings if one.code.label == "export-refused"]
    assert "back\\slash" in finding.place and "--as tar" in finding.message
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".*partial*"))


def test_nothing_is_overwritten(lantern, tmp_path):
    (tmp_path / "there.tar").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    for name, form in (("there.tar", "tar"), ("full", "dir"), ("full", "tar")):
        with pytest.raises(UsageError, match="nothing is ever overwritten"):
            do(lantern, name, form)
    assert (tmp_path / "there.tar").read_text() == "mine"
    from strongroom.usecases.export import place

    with pytest.raises(DestinationError), place.Place(tmp_path / "late.tar", folder=False, say=print) as late:
        (tmp_path / "late.tar").write_text("theirs")
        late.publish()
    assert (tmp_path / "late.tar").read_text() == "theirs" and not list(tmp_path.glob(".late*"))


def test_an_interrupted_export_leaves_nothing(lantern, tmp_path, monkeypatch):
    from strongroom.usecases.export import tar

    def stop(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(tar.TarSink, "finish", stop)
    with pytest.raises(KeyboardInterrupt):
        do(lantern, "out.tar", "tar")
    assert not [one for one in os.listdir(tmp_path) if "out" in one]


@pytest.mark.parametrize("form", ["tar", "dir", "ocfl"])
@pytest.mark.parametrize("large", [False, True])
def test_a_lost_content_is_named_and_nothing_appears(lantern, tmp_path, form, large):
    for file in lantern.store.glob("content/*/*" if large else "packs/*/*.tar"):
        _wipe(file)
    report = do(lantern, "out", form)
    assert report.exit_status == 1 and report.result is None
    named = [one.place for one in report.findings if one.code.label == "content-damaged"]
    assert named and (not large or named == [f"site/v{1 if form == 'ocfl' else 2}: data/large.bin"])
    assert not [one for one in os.listdir(tmp_path) if "out" in one]


def _wipe(file):
    file.chmod(0o644)
    file.write_bytes(bytes(file.stat().st_size))


def test_damage_in_one_store_is_made_good_from_another(lantern, tmp_path):
    from strongroom.stores.describe import init_store, open_known_store
    from tests.restore.builder import replicate

    whole = do(lantern, "whole.tar", "tar")
    init_store(str(tmp_path / "second"))
    replicate(open_known_store(f"file://{lantern.store}", None), open_known_store(f"file://{tmp_path}/second", None))
    for pattern in ("content/*/*", "packs/*/*.tar"):
        for file in (tmp_path / "second").glob(pattern):
            _wipe(file)
    (tmp_path / "elsewhere").mkdir()
    report = do(lantern, "elsewhere/whole.tar", "tar", source=f"file://{tmp_path}/second")
    assert report.exit_status == 0 and report.sha256 == whole.sha256
    assert len([one for one in report.findings if one.code.label == "copy-damaged"]) >= 2
    assert len(report.stores) == 2


def test_headers_for_what_is_large_long_and_old(tmp_path):
    """Sizes beyond 8 GiB and many files without writing them: the headers and directories alone."""
    from strongroom.usecases.export.tar import TarSink
    from strongroom.usecases.export.zip import ZipSink

    with (tmp_path / "x.tar").open("w+b") as out:
        sink = TarSink(out, "top")
        with pytest.raises(ValueError, match="stop"):
            sink.add("gone", 10, _stopping(), mode=0o644, mtime=0)
        sink.add("data/\u00e9" * 60, 3, [b"abc"], mode=0, mtime=-5_000_000_000)
        sink.add("data/huge", 9 << 30, [], mode=0o644, mtime=0)
        out.truncate(out.tell() + (9 << 30))
        out.seek(0, os.SEEK_END)
        sink.finish()
    with tarfile.open(tmp_path / "x.tar") as tar:
        assert [(one.name, one.size, one.mtime) for one in tar] == [("top/" + "data/\u00e9" * 60, 3, -5), ("top/data/huge", 9 << 30, 0)]
    with (tmp_path / "x.zip").open("w+b") as out, (tmp_path / "list").open("w+b") as directory:
        archive = ZipSink(out, "top", directory)
        with pytest.raises(ValueError, match="stop"):
            archive.add("gone", 10, _stopping(), mode=0o644, mtime=0)
        for number in range(70_000):
            archive.add(f"data/{number}", 1, [b"z"], mode=0o644, mtime=1_700_000_000_000_000_000)
        archive.finish()
    with zipfile.ZipFile(tmp_path / "x.zip") as read:
        names = read.namelist()
        assert len(names) == 70_000 and names[-1] == "top/data/69999" and read.read(names[69_999]) == b"z"
        assert read.getinfo(names[0]).date_time == (2023, 11, 14, 22, 13, 20)


def _stopping():
    yield b"some"
    raise ValueError("stop")


def test_by_the_command_line(lantern, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / lantern.home))
    assert main(["export", "site/v1", str(tmp_path / "v1.tar"), "--as", "tar", "--json", "--quiet", "--no-prefect"]) == 0
    report = json.loads(capsys.readouterr().out)
    Draft202012Validator(load_schema("export-report")).validate(report)
    assert report["bags"][0]["bag"] == "site/v1" and report["result"] == str(tmp_path / "v1.tar")
    assert tree(unpack(tmp_path / "v1.tar", tmp_path / "v1")) == tree(lantern.bag(1)) | lantern.payload(1)


def test_material_that_is_not_open_is_said(site, tmp_path):
    site.settings = "access: {level: restricted, embargo_until: 2099-01-01, reason: letters of the living}\n"
    site.run()
    report = do(site, "out.tar", "tar")
    (finding,) = report.findings
    assert finding.code.label == "export-restricted" and "2099-01-01" in finding.message and report.exit_status == 0
