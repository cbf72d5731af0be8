"""A few random lives; `python -m tests.history.lives` has a hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from strongroom.runner.local import LocalRunner
from tests.history.lives import live


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["a", "b", "c"])
def test_nobody_is_accused(tmp_path: Path, runner: LocalRunner, seed: str) -> None:
    assert live(tmp_path / "life", runner, seed, 16) == []
