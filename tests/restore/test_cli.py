"""The verb itself: its document, its words, its exit statuses."""

from __future__ import annotations

import json
import os

import jsonschema
import pytest

from strongroom.cli.main import main
from strongroom.collections.schemas import load_schema
from strongroom.core import keys
from tests.restore.builder import damage, seal_folder, snapshot


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)


def run(capfd, *argv):
    capfd.readouterr()
    status = main(["restore", "--no-prefect", "--workers", "1", *argv])
    return status, capfd.readouterr()


def test_the_document_is_valid_and_alone_on_standard_output(tmp_path, store, source, capfd):
    sealed = seal_folder(store, source)
    status, said = run(capfd, "site", str(tmp_path / "out"), "--payload-only", "--from", store.url, "--json")
    value = json.loads(said.out)
    jsonschema.Draft202012Validator(load_schema("restore-report")).validate(value)
    assert status == 0 and value["complete"] and value["seal"] == sealed.digest.hex and value["result"] == str(tmp_path / "out")
    assert snapshot(tmp_path / "out") == snapshot(source)


def test_damage_is_exit_status_1_and_says_where_the_rest_lies(tmp_path, store, source, capfd):
    sealed = seal_folder(store, source)
    damage(tmp_path / "store", keys.content(sealed.objects[0]), 7)
    status, said = run(capfd, "site/v1", str(tmp_path / "out"), "--from", store.url)
    assert status == 1 and "[content-damaged]" in said.err and "data/large.bin" in said.err
    (result,) = [path for path in tmp_path.iterdir() if path.is_dir() and "incomplete" in path.name]
    assert str(result) in said.out and not (tmp_path / "out").exists()
    status, said = run(capfd, "site/v1", str(tmp_path / "out"), "--from", store.url, "--json")
    jsonschema.Draft202012Validator(load_schema("restore-report")).validate(json.loads(said.out))
    assert status == 1


def test_wrong_usage_is_2_and_an_unreachable_store_3(tmp_path, store, source, capfd):
    seal_folder(store, source)
    assert run(capfd, "no/such/bag", str(tmp_path / "out"), "--from", store.url)[0] == 2
    assert run(capfd, "site", str(source), "--from", store.url)[0] == 2
    assert run(capfd, "site", str(tmp_path / "out"))[0] == 2
    os.rename(tmp_path / "store", tmp_path / "away")
    assert run(capfd, "site", str(tmp_path / "out"), "--from", store.url)[0] == 3
    assert not (tmp_path / "out").exists()


def test_globs_and_into(tmp_path, store, source, capfd):
    seal_folder(store, source)
    dest = tmp_path / "out"
    assert run(capfd, "site", str(dest), "--path", "sub/**", "--path", "*.bin", "--from", store.url)[0] == 0
    assert sorted(os.listdir(dest)) == ["large copy.bin", "large.bin", "sub"]
    assert run(capfd, "site", str(dest), "--into", "--from", store.url)[0] == 0
    assert {n: v for n, v in snapshot(dest).items() if n != b"."} == {n: v for n, v in snapshot(source).items() if n != b"."}
    assert run(capfd, "site", str(tmp_path / "none"), "--path", "nothing", "--from", store.url)[0] == 1


def test_a_part_is_said_to_be_a_part(tmp_path, store, source, capfd):
    seal_folder(store, source)
    files = sum(len(names) - sum(os.path.islink(os.path.join(at, name)) for name in names) for at, _, names in os.walk(source))
    status, said = run(capfd, "site", str(tmp_path / "out"), "--path", "sub/**", "--from", store.url)
    first, counts = said.out.splitlines()
    assert status == 0 and first == f"2 of the {files} files of site/v1 are restored to {tmp_path / 'out'}"
    assert counts.startswith("2 files, ") and counts.endswith("KiB: 2 written")
    said = run(capfd, "site", str(tmp_path / "all"), "--payload-only", "--from", store.url)[1]
    assert said.out.splitlines()[0] == f"site/v1 is restored to {tmp_path / 'all'}" and "MiB" in said.out


def test_after_damage_it_is_said_what_to_do_next(tmp_path, store, source, capfd):
    sealed = seal_folder(store, source)
    damage(tmp_path / "store", keys.content(sealed.objects[0]), 7)
    status, said = run(capfd, "site/v1", str(tmp_path / "out"), "--from", store.url)
    assert status == 1 and "`strongroom audit site/v1`" in said.out and "`strongroom repair`" in said.out


def test_without_room_nothing_is_left_and_no_more_is_promised(tmp_path, store, source, capfd, monkeypatch):
    seal_folder(store, source)
    real = os.statvfs

    def full(path):
        found = real(path)
        return type("Full", (), {"f_bavail": 1, "f_frsize": 4096, "f_namemax": found.f_namemax})

    monkeypatch.setattr(os, "statvfs", full)
    status, said = run(capfd, "site/v1", str(tmp_path / "out"), "--from", store.url)
    assert status == 3 and "MiB are to be written and 4.0 KiB are free" in said.err and "goes on from there" not in said.err
    assert not [path.name for path in tmp_path.iterdir() if "out" in path.name]
