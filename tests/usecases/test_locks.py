"""The locks of one installation, among real processes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from strongroom.core.errors import StrongroomError
from strongroom.usecases import locks

HOLDER = (
    "import sys; from pathlib import Path; from strongroom.usecases.locks import locked\n"
    "with locked(Path(sys.argv[1]), 'chain'): print('held', flush=True); sys.stdin.read()"
)


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the lock `chain` until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "catalogue.sqlite")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_whoever_stands_still_with_a_lock_is_not_waited_for_without_end(
    holder: subprocess.Popen[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_LONGEST", 0.2)
    with pytest.raises(StrongroomError, match=r"locks/chain: another run has held this for 0\.2 s"), \
            locks.locked(tmp_path / "catalogue.sqlite", "chain"):
        pass


def test_a_lock_is_waited_for_and_goes_with_its_process(holder: subprocess.Popen[str], tmp_path: Path) -> None:
    with pytest.raises(StrongroomError, match="busy"), locks.locked(tmp_path / "catalogue.sqlite", "chain", "busy"):
        pass
    holder.kill()
    with locks.locked(tmp_path / "catalogue.sqlite", "chain"):
        pass
