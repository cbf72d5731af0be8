"""A worker's share of a restore: read some objects once, verify each content, write the files that have it."""

from __future__ import annotations

import errno
import hashlib
import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Store
from strongroom.usecases.restore.contents import Unread, is_streamed, read_run, runs, stream, write_all
from strongroom.usecases.restore.outcome import Outcome
from strongroom.usecases.restore.plan import FileRow, Need, Plan
from strongroom.usecases.restore.tree import Tree
from strongroom.usecases.sealed.objects import CHUNK

#: What a file system says of one name or one file that it cannot hold. Everything else is wrong with the destination as a whole.
_ONE_FILE: Final = frozenset({
    errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EEXIST, errno.EFBIG, errno.EOVERFLOW,
})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class WriteBatch:
    """The objects of `store` to be read; what is needed of them stands in the plan's job."""

    plan: Path
    root: Path  # of the tree that is written
    store: Store
    keys: tuple[str, ...]


@dataclass(slots=True)
class WriteResult(Outcome):
    files: int = 0
    size: int = 0  # bytes written
    refused: list[tuple[int, str, str]] = field(default_factory=list)  # (file, path, why) that the destination cannot hold
    broken: str | None = None  # why nothing more can be written


class _BrokenError(Exception):
    """The destination takes no more."""


def write_batch(batch: WriteBatch) -> WriteResult:
    """Write every file whose content lies in these objects. Raises StoreUnreachableError; a second run does what the first did not."""
    result = WriteResult(batch.keys)
    try:
        opened = Tree(batch.root)
    except OSError as error:
        result.broken = f"{batch.root}: {error.strerror}; something else was put in its place"
        return result
    with opened as tree, Plan(batch.plan) as plan:
        writer = _Writer(plan, tree, batch.store, result)
        try:
            for key in batch.keys:
                result.read_object(batch.store, key, partial(writer.read, key))
        except _BrokenError as error:
            result.broken = str(error)
    return result


def weigh(result: WriteResult) -> tuple[int, int]:
    return result.files, result.size


class _Writer:
    def __init__(self, plan: Plan, tree: Tree, store: Store, result: WriteResult) -> None:
        self._plan, self._tree, self._store, self._result = plan, tree, store, result

    def read(self, text: str, key: StoreKey, unread: Unread) -> list[int]:
        """Write what the plan wants of the object `text`, reading it at `key`; the contents that are not sound there."""
        failed: list[int] = []
        for run in runs(self._plan.needs(text)):
            if is_streamed(run):
                if not self._large(key, run[0], unread):
                    failed.append(run[0].content)
                continue
            files = self._plan.files(need.content for need in run)
            for need, data in read_run(self._store, key, run, unread):
                if data is None:
                    failed.append(need.content)
                    continue
                for row in files.get(need.content, ()):
                    self._small(row, data)
        return failed

    def _small(self, row: FileRow, data: memoryview) -> None:
        try:
            fd = self._tree.create(row.target)
            try:
                write_all(fd, data)
                finish(fd, row)
            finally:
                os.close(fd)
        except OSError as error:
            self._trouble(row, error)
        else:
            self._count(len(data))

    def _large(self, key: StoreKey, need: Need, unread: Unread) -> bool:
        """Stream to the first file that can take it, and copy from there to the others. False if it is not sound there."""
        rows = self._plan.files([need.content]).get(need.content, [])
        source: int | None = None
        try:
            for row in rows:
                try:
                    if source is None:
                        source = self._tree.resume(row.target)
                        if not self._stream_to(source, key, need, row, unread):
                            return False
                    else:
                        self._copy(source, need, row)
                except OSError as error:
                    self._trouble(row, error)
        finally:
            if source is not None:
                os.close(source)
        return True

    def _stream_to(self, fd: int, key: StoreKey, need: Need, row: FileRow, unread: Unread) -> bool:
        if not stream(self._store, key, need, fd, unread):
            self._tree.remove(row.target)
            return False
        finish(fd, row)
        self._count(os.fstat(fd).st_size)
        return True

    def _copy(self, source: int, need: Need, row: FileRow) -> None:
        hashing = hashlib.sha256()
        os.lseek(source, 0, os.SEEK_SET)
        fd = self._tree.create(row.target)
        try:
            while chunk := os.read(source, CHUNK):
                hashing.update(chunk)
                write_all(fd, chunk)
            finish(fd, row)
            self._count(os.fstat(fd).st_size)
        finally:
            os.close(fd)
        if hashing.digest() != need.sha:
            raise OSError(errno.EIO, "a file written a moment ago reads back differently")

    def _count(self, size: int) -> None:
        self._result.files += 1
        self._result.size += size

    def _trouble(self, row: FileRow, error: OSError) -> None:
        if error.errno in _ONE_FILE:
            self._result.refused.append((row.id, row.path, f"the destination cannot hold it: {error.strerror}"))
        elif error.errno in _FULL:
            raise _BrokenError(f"no space left for {row.path} ({error.strerror})") from error
        else:
            raise _BrokenError(f"{row.path} cannot be written: {error.strerror}") from error


def finish(fd: int, row: FileRow) -> None:
    """Give an open file its mode and time. Never setuid, setgid or sticky: restored bytes get no powers their bag did not earn."""
    if row.mode is not None:
        os.fchmod(fd, row.mode & 0o777)
    if row.mtime is not None:
        os.utime(fd, ns=(row.mtime, row.mtime))
