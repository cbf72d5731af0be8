"""The verb: exit status, what goes to which stream, and the JSON document."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import jsonschema
import pytest

from strongroom.cli import verify as verb
from strongroom.cli.main import main
from tests.imports.hostile import cases
from tests.imports.test_imports import packed
from tests.verify.conformance.builder import Builder
from tests.verify.conformance.cases import CASES

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verify-report.schema.json").read_text())


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    verb.register(parser)
    return verb.run(parser.parse_args(arguments))


def test_a_valid_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = Builder(version="1.0", algorithms=("sha256",)).write(tmp_path / "bag")
    assert run(str(bag)) == 0
    out, err = capsys.readouterr()
    assert out == f"{bag}: valid: BagIt 1.0, 2 payload files, 25 bytes, 0 errors, 0 warnings\n"
    assert err == ""


def test_warnings_do_not_change_the_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(Builder().write(tmp_path / "bag"))) == 0
    out, err = capsys.readouterr()
    assert out.count("\n") == 1
    assert [line.split(":")[0] for line in err.splitlines()] == ["warning"] * 2


def test_an_invalid_bag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = Builder(version="1.0", algorithms=("sha256",)).write(tmp_path / "bag")
    (bag / "data/evil\x1b[2J\nname").write_bytes(b"")
    assert run(str(bag)) == 1
    out, err = capsys.readouterr()
    assert "NOT VALID" in out
    assert "\x1b" not in err + out
    assert [line.split(":")[0] for line in err.splitlines()] == ["error"] * 2
    assert "error: data/evil\\x1b[2J\\nname: is not listed in manifest-sha256.txt [bag-file-unlisted]" in err


def test_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "absent")) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert "absent" in err


@pytest.mark.parametrize("case", CASES[::5], ids=str)
def test_json_is_one_valid_document(case: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = case.make(tmp_path / "bag")  # type: ignore[attr-defined]
    status = run(str(bag), "--json")
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert document["valid"] == (status == 0)
    assert document["errors"] + document["warnings"] == len(document["findings"])


def test_json_carries_names_that_are_not_utf_8(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bag = Builder(version="1.0", algorithms=("sha256",)).write(tmp_path / "bag")
    (bag / "data/caf\udce9").write_bytes(b"")
    assert run(str(bag), "--json") == 1
    document = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    assert "data/caf\\udce9" in [finding["place"] for finding in document["findings"]]


def test_help_lists_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--help"]) == 0
    text = capsys.readouterr().out
    assert all(f"\n  {status} " in text for status in (0, 1, 2, 3, 130))


@pytest.mark.parametrize("form", ["tar", "tar.gz", "zip"])
def test_a_serialised_bag_and_a_profile(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    file = packed(Builder(version="1.0", algorithms=("sha256",)).write(tmp_path / "bag"), form)
    before = file.read_bytes()
    assert run(str(file)) == 0
    assert capsys.readouterr().out == f"{file}: valid: BagIt 1.0, 2 payload files, 25 bytes, 0 errors, 0 warnings\n"
    assert (list((tmp_path / "home/scratch").iterdir()), file.read_bytes()) == ([], before)
    rules = {"BagIt-Profile-Info": {
        "BagIt-Profile-Identifier": "https://example.org/p.json", "Source-Organization": "x", "External-Description": "x", "Version": "1",
        "BagIt-Profile-Version": "1.4.0"}, "Accept-BagIt-Version": ["1.0"], "Serialization": "required",
        "Accept-Serialization": ["application/zip"]}
    (tmp_path / "profile.json").write_text(json.dumps(rules))
    assert run(str(file), "--profile", str(tmp_path / "profile.json"), "--json", "--staging", str(tmp_path / "home")) == 1
    document = json.loads(capsys.readouterr().out)
    jsonschema.validate(document, SCHEMA)
    assert document["bag"] == str(file)
    broken = [one["message"] for one in document["findings"] if one["code"] == "bag-profile"]
    assert any("Accept-Serialization" in one for one in broken) == (form != "zip")
    assert not any("(Serialization)" in one for one in broken)
    assert run(str(tmp_path / "bag"), "--profile", str(tmp_path / "profile.json")) == 1
    assert "(Serialization)" in capsys.readouterr().err  # a folder is none


def test_a_file_that_is_no_bag_or_unsafe_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STRONGROOM_HOME", str(tmp_path / "home"))
    (tmp_path / "file").write_bytes(b"")
    assert run(str(tmp_path / "file")) == 1
    serialised = [case for case in cases() if case.name.startswith(("tar:", "tar.gz:", "zip:")) and "taken" not in case.name]
    assert len(serialised) > 50
    for number, case in enumerate(serialised[::4]):
        (tmp_path / str(number)).mkdir()
        file = case.make(tmp_path / str(number))
        before = set(tmp_path.rglob("*"))
        assert run(str(file)) == 1, case.name
        assert set(tmp_path.rglob("*")) == before, case.name
    assert "error: " in capsys.readouterr().err
