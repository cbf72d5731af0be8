"""Contents out of a collection's source, where it still has them by digest: a worker's share."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from strongroom.core.digests import Digest
from strongroom.sources.interface import Files, Large, Source
from strongroom.sources.reading import SourceReadError
from strongroom.stores.interface import Store
from strongroom.usecases.replicate.copying import CopyResult, finish
from strongroom.usecases.replicate.sink import Sink
from strongroom.usecases.restore.plan import Plan

#: Where in the source a content may lie: `name` is the path below it, as bytes.
CANDIDATES = "CREATE TABLE IF NOT EXISTS candidate (content INTEGER, name BLOB, PRIMARY KEY (content, name)) WITHOUT ROWID"


@dataclass(frozen=True, slots=True)
class SourceBatch:
    """The contents of the plan with numbers from `first` to `last` that are not had yet."""

    plan: Path
    source: Source
    target: Store
    first: int
    last: int


def copy_from_source(batch: SourceBatch) -> CopyResult:
    """Bring what the source has. A file that changed, vanished or cannot be read is none of the contents looked for."""
    result = CopyResult()
    sink = Sink(batch.target)
    numbers: dict[bytes, int] = {}
    files = batch.source.files(batch.plan.parent)
    with Plan(batch.plan) as plan:
        rows = plan.db.execute("SELECT id, sha FROM content WHERE done = 0 AND id BETWEEN ? AND ?", (batch.first, batch.last)).fetchall()
        for number, sha in rows:
            names = plan.db.execute("SELECT name FROM candidate WHERE content = ? ORDER BY name", (number,))
            if any(_take(files, sink, name, sha) for (name,) in names.fetchall()):
                numbers[sha] = number
            else:
                result.failed.append(number)
    sink.flush()
    finish(result, sink, numbers)
    return result


def _take(files: Files, sink: Sink, name: bytes, sha: bytes) -> bool:
    """Whether the file has this content; if so it is in the sink."""
    try:
        _, data = files.now(name)
        if not isinstance(data, bytes):
            with data as large:
                return _take_large(sink, large, sha)
    except (SourceReadError, OSError):  # what a store cannot do is a StoreError
        return False
    if hashlib.sha256(data).digest() != sha:
        return False
    sink.add(Digest.from_bytes(sha), data)
    return True


def _take_large(sink: Sink, large: Large, sha: bytes) -> bool:
    running = hashlib.sha256()
    while chunk := large.read(1 << 20):
        running.update(chunk)
    if running.digest() != sha:
        return False
    large.check()
    sink.stream(Digest.from_bytes(sha), large.state.size, large.again)
    return sha not in sink.failed
