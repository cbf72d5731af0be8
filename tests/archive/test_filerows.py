"""Rows of files, packed for their way from a worker."""

from __future__ import annotations

import gc
import pickle

import pytest

from strongroom.sources.reading import FileState
from strongroom.usecases.archive.filerows import FileRow, FileRows

_LEAST, _MOST = -(1 << 63), (1 << 63) - 1


def rows(others: int, *pins: str | None) -> tuple[FileRows, list[FileRow]]:
    """Some files, and what is expected of them."""
    made = FileRows(others)
    expected: list[FileRow] = []
    for number, pin in enumerate(pins):
        state = FileState(_MOST - number, _LEAST, _MOST, (1 << 64) - 1 - number, 0o7777, pin)
        sha256, more = bytes([number]) * 32, bytes([255 - number]) * others
        made.add(_MOST - number, state, sha256, more)
        expected.append((_MOST - number, _LEAST, _MOST, -1 - number, 0o7777, sha256, more, pin, _MOST - number))
    return made, expected


@pytest.mark.parametrize("others", [0, 64, 80])
@pytest.mark.parametrize("pins", [(), (None,), (None, "3/aé", "")])
def test_come_as_they_went(others: int, pins: tuple[str | None, ...]) -> None:
    made, expected = rows(others, *pins)
    copy = pickle.loads(pickle.dumps(made, pickle.HIGHEST_PROTOCOL))
    assert list(copy) == list(copy) == expected
    assert len(copy) == len(expected)


def test_many_rows_are_few_objects() -> None:
    """Thousands come together, and wait in the worker and in the process that leads it."""
    packed = pickle.dumps(rows(64, *[None] * 200)[0], pickle.HIGHEST_PROTOCOL)
    gc.collect()
    before = len(gc.get_objects())
    copies = [pickle.loads(packed) for _ in range(10)]
    assert len(gc.get_objects()) - before < 100
    assert sum(map(len, copies)) == 2000
