"""Cutting work into batches that grow with the run, so that a run has some tens of them whatever its size."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST: Final = 40
_LEAST_FILES: Final = 256
_LEAST_BYTES: Final = 64 * 1024**2


def cut(sizes: Iterable[int], files: int, total: int) -> list[tuple[int, int]]:
    """First and last position (from 1) of each batch over items of the given sizes, of which there are `files` with `total` bytes.

    At most about 2 × MOST: a batch closes when it has its share of the files or of the bytes, whichever comes first.
    """
    most_files, most_bytes = max(_LEAST_FILES, -(-files // MOST)), max(_LEAST_BYTES, -(-total // MOST))
    batches: list[tuple[int, int]] = []
    first, count, size = 1, 0, 0
    for length in sizes:
        if count and (count >= most_files or size + length > most_bytes):
            batches.append((first, first + count - 1))
            first, count, size = first + count, 0, 0
        count += 1
        size += length
    if count:
        batches.append((first, first + count - 1))
    return batches
