"""The command itself: its document, its exit status, read-only surroundings, and being killed."""

from __future__ import annotations

import json
import os
import random
import stat
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from strongroom.collections.schemas import load_schema
from tests.faults.place import Place, Result, kill_session, snapshot, without_privileges
from tests.fixtures.runner import left_in
from tests.imports.archives import END, tar_of
from tests.imports.hostile import cases, good

QUIET = ("--no-prefect", "--quiet", "--workers", "1", "--json")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path / "place").make()


def take(place: Place, *bags: Path, **how: object) -> Result:
    return place.run("import", *bags, "--store", place.store, *QUIET, **how)  # type: ignore[arg-type]


def test_the_document_and_the_exit_status(place: Place, tmp_path: Path) -> None:
    bags = [good(tmp_path / "fine"), good(tmp_path / "wrong", extra_lines=[f"{'0' * 64}  data/none"], algorithms=("sha256",))]
    result = take(place, *bags)
    assert result.status == 1
    Draft202012Validator(load_schema("import-report")).validate(result.report())
    assert [bag["outcome"] for bag in result.report()["bags"]] == ["sealed", "refused"]
    assert take(place, bags[0]).report()["counts"]["unchanged"] == 1
    assert take(place, tmp_path / "nothing").status == 2
    assert place.run("import", bags[0], *QUIET).status == 2  # where to?
    listed = json.loads(place.run("list", "--json").out)
    assert "fine/v1" in json.dumps(listed)


def test_nothing_is_written_when_nothing_could_be(place: Place, tmp_path: Path) -> None:
    """A sample in surroundings that cannot be written to but for STRONGROOM_HOME, without a superuser's privileges."""
    chance = random.Random(5)
    serialised = [case for case in cases() if case.name.startswith(("tar:", "tar.gz:", "zip:")) and "taken" not in case.name]
    bags = []
    for number, case in enumerate(chance.sample(serialised, 25)):
        (tmp_path / "bags" / str(number)).mkdir(parents=True)
        bags.append(case.make(tmp_path / "bags" / str(number)))
    (place.root / "home").mkdir(exist_ok=True)
    folders = [tmp_path / "bags", place.store, place.source]
    modes = {path: path.stat().st_mode for folder in folders for path in [folder, *folder.rglob("*")]}
    before = [snapshot(folder) for folder in folders]
    for path, mode in modes.items():
        path.chmod(stat.S_IMODE(mode) & ~0o222)
    place.root.chmod(0o555)
    tmp_path.chmod(0o555)
    try:
        result = take(place, *bags, preexec_fn=without_privileges)
    finally:
        tmp_path.chmod(0o755)
        place.root.chmod(0o755)
        for path, mode in modes.items():
            path.chmod(stat.S_IMODE(mode))
    assert result.status == 1, result.err
    assert {bag["outcome"] for bag in result.report()["bags"]} == {"refused"}
    assert [snapshot(folder) for folder in folders] == before
    assert left_in(place.root / "home/scratch") == []


def test_killed_and_run_again(place: Place, tmp_path: Path) -> None:
    bag = good(tmp_path / "bag", payload={f"data/{number}": random.Random(number).randbytes(300_000) for number in range(60)})
    (tmp_path / "bag.tar").write_bytes(tar_of(bag) + END)
    command = ["import", tmp_path / "bag.tar", "--store", place.store, *QUIET]
    before = snapshot(tmp_path / "bag")
    for step in (1, 2, 3, 5, 8, 13):
        with place.start(*command, fault={"log": str(tmp_path / "log"), "kill_after": step}) as process:
            process.communicate(timeout=300)
            kill_session(process.pid)
        assert process.returncode == -9
    abandoned = left_in(place.root / "home/scratch")
    for folder in abandoned:
        os.utime(folder, (1, 1))  # a folder that was only just made might not have been locked yet
    result = take(place, tmp_path / "bag.tar")
    assert result.status == 0 and result.report()["bags"][0]["bag"] == "bag/v1", result.err
    assert left_in(place.root / "home/scratch") == []
    assert snapshot(tmp_path / "bag") == before
    assert place.run("audit", "--no-prefect", "--quiet", "--full").status == 0


def test_help_names_it(place: Place) -> None:
    assert "take in bags that others made" in place.run("--help").out
    assert "--max-ratio" in place.run("import", "--help").out
