"""The verb: exit status, what goes to which stream, and the JSON document."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import jsonschema
import pytest

from strongroom.cli import verify as verb
from tests.verify.conformance.builder import Builder
from tests.verify.conformance.cases import CASES

SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/verify-report.schema.json").read_text())


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    verb.register(parser.add_subparsers(required=True))
    args = parser.parse_args(["verify", *arguments])
    status = args.run(args)
    assert isinstance(status, int)
    return status


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


@pytest.mark.parametrize("name", ["absent", "file"])
def test_wrong_usage(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert run(str(tmp_path / name)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert name in err


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
    with pytest.raises(SystemExit):
        run("--help")
    text = capsys.readouterr().out
    assert all(f"\n  {status} " in text for status in (0, 1, 2, 3, 130))
