"""`strongroom init` writes what `load` reads."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
import yaml

from strongroom.cli import init
from strongroom.collections import find, load
from strongroom.collections.schemas import load_schema, schema_bytes, schema_names
from strongroom.core.errors import UsageError


def run(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    init.register(parser)
    return init.run(parser.parse_args(arguments))


@pytest.mark.parametrize("folder", ["website", 'Meine "Wébsite": 50 % # (2003)', "{x} 'y' \\ \u202e\n"])
def test_the_manifest_loads_and_names_the_folder(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / folder).mkdir()
    monkeypatch.chdir(tmp_path)
    assert run(folder, "--name", "site", "--store", "./disk") == 0
    manifest = load(find("site"))
    assert manifest.source == tmp_path / folder and manifest.title == folder and manifest.uuid is not None
    assert manifest.stores[0].url == f"file://{tmp_path}/disk"
    assert f"strongroom store init file://{tmp_path}/disk" in (said := capsys.readouterr().err) and "strongroom archive site" in said


def test_an_existing_file_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    output = tmp_path / "x.yaml"
    output.write_text("mine")
    with pytest.raises(UsageError, match="not replaced"):
        run(str(tmp_path / "site"), "--output", str(output))
    assert output.read_text() == "mine"


def test_what_cannot_be_used_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    output = tmp_path / "x.yaml"
    for folder, store, words in [
        ("nothing", "./s", "nothing"),
        ("site", "gopher://x", "not supported"),
        ("site", f"{tmp_path}/site/s", "apart"),
    ]:
        with pytest.raises(UsageError, match=words):
            run(str(tmp_path / folder), "--store", store, "--output", str(output))
        assert not output.exists()


def test_names_are_made_from_folders() -> None:
    assert init.suggest_name("Meine Wébsite (2003)") == "meine-website-2003"
    with pytest.raises(UsageError, match="--name"):
        init.suggest_name("ウェブ")


def test_the_commented_examples_hold_when_the_mark_is_taken_away(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    text = init.manifest_text(str(tmp_path / "site"), "site", "site", str(tmp_path / "store"))
    lines = [line.removeprefix("#") for line in text.split("\n")[2:]]
    assert yaml.safe_load("\n".join(lines))["metadata"]["on_invalid"] == "flag"
    file = tmp_path / "all.yaml"
    file.write_text("\n".join(lines))
    assert len(load(file).stores) == 3


def test_schemas_are_found_and_unknown_ones_named() -> None:
    assert {"collection", "validation-report", "records/dublin-core", "records/web-page", "records/collection"} <= set(schema_names())
    assert load_schema("collection") is load_schema("collection")
    for name in ("nothing", "../pyproject", "records/../collection"):
        with pytest.raises(UsageError, match="known are"):
            schema_bytes(name)
