"""Every hostile bag is refused with the reason, and nothing is written but into the staging folder, which is empty afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.core.findings import Severity
from strongroom.runner.local import LocalRunner
from strongroom.stores.describe import init_store
from tests.fixtures.runner import left_in
from tests.imports.conftest import Intake
from tests.imports.hostile import Case, cases
from tests.verify.snapshot import snapshot

CASES = list(cases())
_SMALL = {"files": 2000, "size": 64 << 20}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, runner: LocalRunner) -> Intake:
    """One place for all cases: what one of them left would be in the picture of the next."""
    made = Intake(tmp_path_factory.mktemp("intake"), runner)
    init_store(str(made.store))
    return made


def test_there_are_enough_and_none_twice() -> None:
    assert len(CASES) >= 200
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_is_refused(case: Case, shared: Intake, tmp_path: Path) -> None:
    around = [shared.store, tmp_path, Path("/tmp"), Path("/etc")]
    path = case.make(tmp_path)
    before = [snapshot(shared.store), snapshot(tmp_path), names(*around[2:])]
    report = shared.take(path, limits=_SMALL)
    assert [bag.outcome for bag in report.bags] == ["refused"]
    assert report.exit_status == 1
    said = [f"{one.place}: {one.message}" for one in report.bags[0].findings if one.severity is Severity.ERROR]
    assert any(case.says in one for one in said), said
    assert [snapshot(shared.store), snapshot(tmp_path), names(*around[2:])] == before
    assert left_in(shared.root / "home/scratch") == []
    assert not (shared.root / "home/imported").exists()
    assert shared.bags() == []


def names(*folders: Path) -> list[str]:
    """What a path that leads out would most likely hit."""
    return sorted(str(path) for folder in folders for path in folder.iterdir() if path.name in ("outside", "x", "strongroom-was-here", "e"))
