"""How work is cut: tens of batches, none too large to hold or to do again."""

from __future__ import annotations

import itertools

import pytest

from strongroom.usecases.archive.batches import MOST, cut

GIB = 1024**3


@pytest.mark.parametrize(("files", "size"), [(1, 5), (1000, 0), (100_000, 9000), (3_000_000, 10), (5000, 3 * GIB)])
def test_every_item_is_in_one_batch_and_no_batch_is_too_large(files: int, size: int) -> None:
    batches = cut(itertools.repeat(size, files), files, files * size)
    assert [first for first, _ in batches] == [1, *(last + 1 for _, last in batches[:-1])] and batches[-1][1] == files
    assert all(last - first < 8192 for first, last in batches)
    assert all((last - first + 1) * size <= 4 * GIB for first, last in batches)
    if files <= 8192 * MOST and files * size <= 4 * GIB * MOST:
        assert len(batches) <= 2 * MOST
