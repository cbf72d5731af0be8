"""Looking at what is there already: by an interrupted run, or in the folder that things are put back into."""

from __future__ import annotations

import hashlib
import os
import stat
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from strongroom.usecases.restore.plan import FileRow, Plan
from strongroom.usecases.restore.tree import Tree
from strongroom.usecases.restore.write import finish
from strongroom.usecases.sealed.objects import CHUNK

_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class CheckBatch:
    """Files of the plan from number `first` up to, not with, `last`."""

    plan: Path
    root: Path
    first: int
    last: int
    adopt: bool  # what is sound was written by us: give it its mode and time in case we were interrupted before that


@dataclass(slots=True)
class CheckResult:
    sound: array[int] = field(default_factory=lambda: array("q"))  # file numbers
    different: array[int] = field(default_factory=lambda: array("q"))
    size: int = 0  # bytes read


def check_batch(batch: CheckBatch) -> CheckResult:
    """Compare what stands at the files' paths with what should. Nothing is changed but modes and times, if adopted."""
    result = CheckResult()
    query = (
        "SELECT f.id, f.path, f.target, f.mode, f.mtime, c.sha, c.size FROM file f JOIN content c ON c.id = f.content "
        "WHERE f.id >= ? AND f.id < ? AND f.state = 0"
    )
    with Plan(batch.plan) as plan, Tree(batch.root) as tree:
        for *row, sha, size in _rows(plan, query, batch):
            file = FileRow._make(row)
            try:
                found = tree.stat(file.target)
                if found is None:
                    continue
                sound = stat.S_ISREG(found.st_mode) and size in (None, found.st_size) and _sound(tree, file, sha, batch.adopt)
            except OSError:
                sound = False  # a link or something unreadable is in the way: not ours to touch
            if sound:
                result.size += found.st_size if found is not None else 0
            (result.sound if sound else result.different).append(file.id)
    return result


def _rows(plan: Plan, query: str, batch: CheckBatch) -> Iterator[Any]:
    """Some at a time: while a statement is open nobody else may write where machines share the folder."""
    for first in range(batch.first, batch.last, _AT_ONCE):
        yield from plan.db.execute(query, (first, min(first + _AT_ONCE, batch.last))).fetchall()


def weigh(result: CheckResult) -> tuple[int, int]:
    return len(result.sound) + len(result.different), result.size


def _sound(tree: Tree, file: FileRow, sha: bytes, adopt: bool) -> bool:
    fd = tree.open(file.target)
    try:
        hashing = hashlib.sha256()
        while chunk := os.read(fd, CHUNK):
            hashing.update(chunk)
        if hashing.digest() != sha:
            return False
        if adopt:
            finish(fd, file)
        return True
    finally:
        os.close(fd)
