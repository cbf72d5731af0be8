"""`strongroom archive` as a process, on real folders and stores."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

ROOT = Path(__file__).parents[2]


def strongroom(home: Path, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "STRONGROOM_"))}
    return subprocess.run(
        [sys.executable, "-m", "strongroom", *map(str, arguments)], cwd=home, capture_output=True, text=True, check=False, timeout=300,
        env={
            **kept, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "HOME": str(home), "STRONGROOM_HOME": str(home / "state"),
            "PREFECT_HOME": str(home / "prefect"), **variables,
        },
    )


def collection(home: Path, name: str, files: int = 40) -> Path:
    """A folder of small files, a store, and the collection manifest that joins them, in manifests/."""
    source = home / name
    source.mkdir()
    for number in range(files):
        (source / f"{number:05}.txt").write_bytes(b"%d of " % (number % (files - 2)) + name.encode())
    made = strongroom(home, "store", "init", home / f"{name}-store")
    assert made.returncode == 0, made.stderr
    (home / "manifests").mkdir(exist_ok=True)
    manifest = home / "manifests" / f"{name}.yaml"
    manifest.write_text(f"collection: {name}\nsource: ../{name}\nstores: [../{name}-store]\n")
    return manifest


def valid(document: Any, name: str) -> bool:
    schemas = [json.loads(path.read_text()) for path in (ROOT / "schemas").glob("*.schema.json")]
    registry = Registry().with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in schemas])
    schema = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text())
    Draft202012Validator(schema, registry=registry).validate(document)
    return True


def test_archive_by_path_then_by_name(tmp_path: Path) -> None:
    manifest = collection(tmp_path, "letters")
    first = strongroom(tmp_path, "archive", manifest)
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("letters/v1 sealed.\n")
    assert "scan: 40 files" in first.stderr
    again = strongroom(tmp_path, "archive", "letters", "--quiet")
    assert again.returncode == 0
    assert again.stdout.startswith("letters is unchanged since letters/v1")
    assert again.stderr == ""


def test_dry_run_stores_nothing(tmp_path: Path) -> None:
    manifest = collection(tmp_path, "letters")
    before = sorted((tmp_path / "letters-store").rglob("*"))
    shown = strongroom(tmp_path, "archive", manifest, "--dry-run", "--workers", "1")
    assert shown.returncode == 0, shown.stderr
    assert "what an archive run would do" in shown.stdout
    assert sorted((tmp_path / "letters-store").rglob("*")) == before


def test_json_is_valid_against_its_schema(tmp_path: Path) -> None:
    shown = strongroom(tmp_path, "archive", collection(tmp_path, "letters"), "--json")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert valid(document, "archive-report")
    assert document["payload"]["files"] == 40
    assert document["payload"]["duplicates"] == 2


def test_one_that_fails_does_not_keep_the_others_from_it(tmp_path: Path) -> None:
    lost, kept = collection(tmp_path, "lost"), collection(tmp_path, "kept")
    os.rename(tmp_path / "lost-store", tmp_path / "unplugged")
    shown = strongroom(tmp_path, "archive", lost, kept, "--json")
    assert shown.returncode == 3
    document = json.loads(shown.stdout)
    assert valid(document, "archive-reports")
    assert [report["bag"] for report in document["reports"]] == ["kept/v1"]
    assert [failure["collection"] for failure in document["failures"]] == ["lost"]
    assert "strongroom: lost: " in shown.stderr
    assert not (tmp_path / "lost-store").exists()


def test_a_wrong_manifest_stops_all_before_anything_is_done(tmp_path: Path) -> None:
    good = collection(tmp_path, "good")
    (tmp_path / "bad.yaml").write_text("collection: bad\nsuorce: x\n")
    before = sorted((tmp_path / "good-store").rglob("*"))
    shown = strongroom(tmp_path, "archive", good, "bad.yaml")
    assert shown.returncode == 2
    assert "bad.yaml:" in shown.stderr
    assert sorted((tmp_path / "good-store").rglob("*")) == before


@pytest.mark.prefect
@pytest.mark.slow
@pytest.mark.xdist_group("prefect")
def test_the_same_bag_by_prefect_with_tens_of_task_runs_under_readable_names(tmp_path: Path) -> None:
    """With a temporary server of its own, as `make demo` has it."""
    manifest = collection(tmp_path, "letters", 3000)
    shown = strongroom(tmp_path, "archive", manifest, "--prefect", "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["bag"] == "letters/v1"
    with closing(sqlite3.connect(tmp_path / "prefect" / "prefect.db")) as database:
        runs = list(database.execute("SELECT name, state_name, parameters FROM flow_run"))
        tasks = dict(database.execute("SELECT name, state_name FROM task_run"))
        artifacts = list(database.execute("SELECT data FROM artifact"))
    assert [(name, state) for name, state, _ in runs] == [("archive letters", "Completed")]
    assert set(json.loads(runs[0][2])) == {
        "collection", "manifest", "dry_run", "accept_loss", "reread", "replicas", "sign", "workers", "quiet"}
    assert set(tasks.values()) == {"Completed"}
    assert {"scan", "seal"} <= set(tasks)
    assert len(tasks) <= 60
    assert any("letters/v1" in data for (data,) in artifacts)
    assert list((tmp_path / "prefect").rglob("storage/*")) == []

    by_prefect = payload_manifest(tmp_path / "letters-store")
    os.rename(tmp_path / "letters-store", tmp_path / "first-store")
    os.rename(tmp_path / "state", tmp_path / "first-state")
    assert strongroom(tmp_path, "store", "init", tmp_path / "letters-store").returncode == 0
    local = strongroom(tmp_path, "archive", manifest, "--no-prefect")
    assert local.returncode == 0, local.stderr
    assert payload_manifest(tmp_path / "letters-store") == by_prefect


def payload_manifest(store: Path) -> bytes:
    (found,) = store.glob("bags/letters/v1/*/bag/manifest-sha256.txt")
    return found.read_bytes()


def test_a_home_whose_name_is_no_text(tmp_path: Path) -> None:
    manifest = collection(tmp_path, "letters", files=5)
    state = {"STRONGROOM_HOME": os.fsdecode(bytes(tmp_path / "state") + b"\xff")}
    for arguments in (("archive", manifest, "--no-prefect"), ("audit", "--no-prefect"), ("restore", "letters/v1", tmp_path / "back")):
        done = strongroom(tmp_path, *arguments, "--quiet", **state)
        assert done.returncode == 0, (arguments, done.stderr)
    assert (tmp_path / "back/data/00003.txt").read_bytes() == (tmp_path / "letters/00003.txt").read_bytes()
