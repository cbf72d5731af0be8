"""Objects below a prefix of a bucket as a source. What is read is exactly what was listed: a version, or by its ETag."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.errors import NotFoundInStoreError, ReplacedInStoreError, SourceError, UnreadableInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.objects import Object
from strongroom.core.pack import LARGE_CONTENT
from strongroom.core.plural import plural
from strongroom.sources.interface import UNHOLDABLE, Entry, Kind, Reading, Row, Rules, Taken
from strongroom.sources.large_object import open_large
from strongroom.sources.names import Folders, why_unholdable
from strongroom.sources.objects import Objects
from strongroom.sources.reading import FileState, SourceReadError

_FILE_MODE: Final = 0o644  # objects have none
_FOLDER_MODE: Final = 0o755
_AT_ONCE: Final = 8  # requests for small objects, in each process
_AHEAD: Final = 64  # of them, asked for before they are wanted
_AHEAD_BYTES: Final = 32 << 20


@dataclass(frozen=True, slots=True)
class Bucket:
    """An interface.Source. `spool`: bytes that each process may keep on a disk here; what is longer than that streams."""

    objects: Objects
    spool: int

    @property
    def place(self) -> str:
        return self.objects.url

    def identity(self) -> str:
        """Always the same: every object is pinned."""
        return self.place

    def entries(self, rules: Rules, found: Callable[[Finding], None]) -> Iterator[Entry]:
        folders = Folders(rules)
        told = None
        empty = True
        for one in self.objects.list():
            empty = False
            barred = folders.barring(one.name)
            if barred is None:
                yield from self._judge(one, rules, found)
            elif barred != told:  # a folder is said once
                told = barred
                yield Entry(Kind.EXCLUDED, barred[0], reason=barred[1])
        if empty:
            raise SourceError(f"source {self.place}: no object lies there; check bucket, prefix and endpoint")

    def _judge(self, one: Object, rules: Rules, found: Callable[[Finding], None]) -> Iterator[Entry]:
        name = one.name
        if name.endswith(b"/") or not name:
            if one.size == 0 and (not name or why_unholdable(name[:-1]) is None):
                if name:
                    yield Entry(Kind.DIRECTORY, name[:-1], mtime=one.modified, mode=_FOLDER_MODE)
                return
            why = f"its key ends in a slash as a folder's, and it has {plural(one.size, 'byte')}" if one.size else why_unholdable(name[:-1])
        else:
            why = why_unholdable(name)
        if why is not None:
            shown = name.decode("utf-8", "surrogateescape")
            found(Finding(Code.SOURCE_NAME, f"{self.place}/{shown}", f"left out of the bag: {why}; copy it to another key"))
            yield Entry(Kind.EXCLUDED, name, reason=UNHOLDABLE)
        elif rules.excluded(name) or not rules.wanted(name):
            yield Entry(Kind.EXCLUDED, name, reason="pattern")
        else:
            yield Entry(Kind.FILE, name, one.size, one.modified, mode=_FILE_MODE, pin=one.pin)

    def files(self, scratch: Path) -> BucketFiles:
        return BucketFiles(self, scratch)


class BucketFiles:
    """An interface.Files. Small objects are fetched several at once, ahead of whoever reads them."""

    def __init__(self, bucket: Bucket, scratch: Path) -> None:
        self._objects, self._spool, self._scratch = bucket.objects, bucket.spool, scratch

    def read(self, rows: Iterable[Row]) -> Reading:
        waiting: deque[tuple[Row, Object, Future[Taken] | None]] = deque()
        ahead = 0  # bytes
        threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="fetch")
        try:
            for row in rows:
                one = Object.pinned(row[1], row[3], row[4], row[6] or "")
                small = one.size <= LARGE_CONTENT
                waiting.append((row, one, threads.submit(self._take, one) if small else None))
                ahead += one.size if small else 0
                while len(waiting) > _AHEAD or ahead > _AHEAD_BYTES:
                    ahead -= waiting[0][1].size if waiting[0][2] else 0
                    yield self._next(*waiting.popleft())
            while waiting:
                yield self._next(*waiting.popleft())
        finally:
            threads.shutdown(wait=False, cancel_futures=True)

    def _next(self, row: Row, one: Object, coming: Future[Taken] | None) -> tuple[Row, Taken | SourceReadError]:
        try:
            return row, self._take(one) if coming is None else coming.result()
        except SourceReadError as error:
            return row, error

    def now(self, name: bytes) -> Taken:
        with _explained():
            one = self._objects.head(name)
        return self._take(one)

    def _take(self, one: Object) -> Taken:
        state = FileState(one.size, one.modified, 0, 0, _FILE_MODE, one.pin)

        def get(start: int, length: int) -> bytes:
            with _explained():
                return self._objects.get(one, start, length)

        if one.size > LARGE_CONTENT:
            return state, open_large(get, state, self._scratch, self._spool)
        return state, get(0, one.size)


@contextmanager
def _explained() -> Iterator[None]:
    """What a server says of one object, as of a file."""
    try:
        yield
    except ReplacedInStoreError as error:
        raise SourceReadError("changing", "was replaced after it was listed") from error
    except NotFoundInStoreError as error:
        raise SourceReadError("vanished", "vanished after it was listed") from error
    except UnreadableInStoreError as error:
        raise SourceReadError("unreadable", f"cannot be read: {error}") from error
