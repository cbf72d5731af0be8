"""A few tries of every row, always the same ones; `make faults` has the others."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.rows import ROWS, Row


@pytest.mark.slow
@pytest.mark.parametrize("row", [
    pytest.param(row, id=row.name, marks=[pytest.mark.sqlite_only("what is harmed is a file")] if row.sqlite else [])
    for row in ROWS if row.short
])
def test_nothing_is_lost(row: Row, tmp_path: Path) -> None:
    if lacks := row.lacks():
        pytest.skip(lacks)
    wrong = list(row.tries(tmp_path, random.Random(f"{row.name} 1"), row.short))
    assert len(wrong) == row.short
    assert [one for one in wrong if one] == []
