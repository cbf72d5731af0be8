"""A few tries of every row, always the same ones; `make faults` has the others."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.faults.disks import can_mount
from tests.faults.rows import ROWS, Row


@pytest.mark.slow
@pytest.mark.parametrize("row", [row for row in ROWS if row.short], ids=lambda row: row.name)
def test_nothing_is_lost(row: Row, tmp_path: Path) -> None:
    if row.mounts and not can_mount():
        pytest.skip("mounting small file systems needs root")
    wrong = list(row.tries(tmp_path, random.Random(f"{row.name} 1"), row.short))
    assert len(wrong) == row.short
    assert [one for one in wrong if one] == []
