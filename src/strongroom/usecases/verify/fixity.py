"""Every digest of every manifest is right (RFC 8493, 3)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import groupby
from multiprocessing import get_context
from typing import Final

from strongroom.core.errors import StrongroomError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Progress
from strongroom.usecases.verify.bag import Bag
from strongroom.usecases.verify.hashing import Expected, Hashed, hash_batch

#: Below this, starting processes costs more than they save.
_SMALL_FILES: Final = 500
_SMALL_BYTES: Final = 32 << 20
#: A batch is closed at whichever comes first.
_BATCH_FILES: Final = 256
_BATCH_BYTES: Final = 64 << 20

_EXPECTED = """
SELECT DISTINCT e.path, coalesce(f.real, f.path), f.size, m.name, m.algorithm, e.digest
FROM entries e JOIN files f ON f.path = e.path JOIN manifests m ON m.id = e.manifest WHERE m.known ORDER BY e.path
"""


def check_fixity(bag: Bag, workers: int, progress: Progress | None) -> Iterator[Finding]:
    files, size = next(bag.index.rows("SELECT count(*), coalesce(sum(size), 0) FROM files"))
    small = workers < 2 or (files < _SMALL_FILES and size < _SMALL_BYTES)
    for hashed in _here(bag) if small else _in_workers(bag, workers):
        bag.hashed_bytes += hashed.size
        if progress is not None:
            progress.advance(hashed.files, hashed.size)
        for path, why in hashed.unreadable:
            yield Finding(Code.BAG_UNREADABLE, os.fsdecode(path), f"cannot be read: {why}; check permissions and the disk")
        for path, manifest, expected, found in hashed.mismatches:
            yield Finding(Code.BAG_FIXITY, os.fsdecode(path), f"has {found}, but {manifest} says {expected}")


def _batches(bag: Bag) -> Iterator[list[Expected]]:
    batch: list[Expected] = []
    weight = 0
    for (path, real, size), rows in groupby(bag.index.rows(_EXPECTED), key=lambda row: (row[0], row[1], row[2])):
        batch.append(Expected(path, real, tuple(row[3:6] for row in rows)))
        weight += size
        if len(batch) >= _BATCH_FILES or weight >= _BATCH_BYTES:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


def _here(bag: Bag) -> Iterator[Hashed]:
    return (hash_batch(bag.root, batch) for batch in _batches(bag))


def _in_workers(bag: Bag, workers: int) -> Iterator[Hashed]:
    """In order, with a few batches under way, so that neither queue grows with the bag."""
    waiting: deque[Future[Hashed]] = deque()
    # Not forked from this process: threads and the open database would come along.
    with ProcessPoolExecutor(workers, mp_context=get_context("forkserver")) as pool:
        try:
            for batch in _batches(bag):
                waiting.append(pool.submit(hash_batch, bag.root, batch))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        except BrokenProcessPool as error:
            raise StrongroomError("a worker process was killed while hashing, perhaps for want of memory; run again with fewer") from error
        finally:
            for future in waiting:
                future.cancel()
