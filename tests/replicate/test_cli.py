"""`strongroom replicate`, `repair` and `archive` with several stores, as processes."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.test_archive import collection, strongroom, valid


def two_stores(home: Path, name: str = "letters") -> Path:
    manifest = collection(home, name)
    assert strongroom(home, "store", "init", home / f"{name}-copy").returncode == 0
    manifest.write_text(f"collection: {name}\nsource: ../{name}\nstores: [../{name}-store, ../{name}-copy]\n")
    return manifest


def bags(store: Path) -> list[str]:
    return [path.parent.name for path in store.glob("bags/*/*/seal.json")]


def test_archive_replicates_and_can_be_told_not_to(tmp_path: Path) -> None:
    manifest = two_stores(tmp_path)
    shown = strongroom(tmp_path, "archive", manifest, "--no-replicate")
    assert shown.returncode == 0, shown.stderr
    assert bags(tmp_path / "letters-copy") == []
    shown = strongroom(tmp_path, "archive", manifest, "--json")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert valid(document, "archive-report")
    assert (document["outcome"], document["replication"]["replicas"][1]["brought"]) == ("unchanged", ["letters/v1"])
    assert bags(tmp_path / "letters-copy") == ["v1"]


def test_replicate_without_a_name_takes_every_collection_that_is_known(tmp_path: Path) -> None:
    for name in ("letters", "photos"):
        assert strongroom(tmp_path, "archive", two_stores(tmp_path, name), "--no-replicate").returncode == 0
    (tmp_path / "manifests/photos.yaml").rename(tmp_path / "moved.yaml")
    shown = strongroom(tmp_path, "replicate", "--json")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert valid(document, "replicate-report")
    assert bags(tmp_path / "letters-copy") == ["v1"]
    assert bags(tmp_path / "photos-copy") == []
    assert [finding["code"] for finding in document["findings"]] == ["manifest-unusable"]
    assert strongroom(tmp_path, "replicate", "moved.yaml").returncode == 3  # its relative paths lead elsewhere now
    assert strongroom(tmp_path, "replicate", "nobody").returncode == 2


def test_repair_says_when_nothing_is_known_to_be_unsound(tmp_path: Path) -> None:
    assert strongroom(tmp_path, "archive", two_stores(tmp_path)).returncode == 0
    shown = strongroom(tmp_path, "repair", "--json", "--from-source")
    assert shown.returncode == 0, shown.stderr
    assert valid(json.loads(shown.stdout), "repair-report")
    assert "Nothing is known to be unsound" in strongroom(tmp_path, "repair").stdout
    assert strongroom(tmp_path, "repair", "--store", tmp_path).returncode == 2


def test_due_is_one_command_for_all_of_it(tmp_path: Path) -> None:
    assert strongroom(tmp_path, "archive", two_stores(tmp_path), "--no-replicate").returncode == 0
    shown = strongroom(tmp_path, "due", "--json", "--spool-bytes", "10 MB")
    assert shown.returncode == 0, shown.stderr
    document = json.loads(shown.stdout)
    assert valid(document, "due-report")
    assert document["replicate"]["replicas"][1]["brought"] == ["letters/v1"]
