"""Cutting work into batches that grow with the run, so that a run has some tens of them, up to what a process should hold and do again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

MOST: Final = 40
_LEAST_FILES: Final = 256
_LEAST_BYTES: Final = 64 * 1024**2
#: What a worker and the run remember of a batch grows with its files (some 300 bytes each), and a batch that fails is done again whole.
#: More batches are no more task runs (flows.runner).
_MOST_FILES: Final = 8192
_MOST_BYTES: Final = 4 * 1024**3


def cut(sizes: Iterable[int], files: int, total: int) -> list[tuple[int, int]]:
    """First and last position (from 1) of each batch over items of the given sizes, of which there are `files` with `total` bytes.

    At most about 2 × MOST, unless the run is very large: a batch closes when it has its share of the files or of the bytes, whichever
    comes first.
    """
    most_files = min(max(_LEAST_FILES, -(-files // MOST)), _MOST_FILES)
    most_bytes = min(max(_LEAST_BYTES, -(-total // MOST)), _MOST_BYTES)
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
