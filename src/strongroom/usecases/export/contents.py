"""The payload of a bag in the order of its manifest, every content verified, streamed out of whatever packs and objects hold it."""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.errors import NotFoundInStoreError, StoreUnreachableError
from strongroom.core.keys import StoreKey
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.export.inline import InlineRunner
from strongroom.usecases.restore.contents import STREAM, read_run, runs
from strongroom.usecases.restore.fill import fill, report_lost
from strongroom.usecases.restore.locate import Level, locate
from strongroom.usecases.restore.plan import WHOLE, Need, Plan
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.objects import CHUNK

#: Small files are read so many bytes, or so many at a time: neighbours in a pack with one request.
_WINDOW: Final = 16 << 20
_WINDOW_FILES: Final = 2000
_THREADS: Final = 2

_FILES: Final = (
    "SELECT f.id, f.path, f.mode, f.mtime, c.id, c.sha, c.size FROM file f JOIN content c ON c.id = f.content "
    "WHERE f.state = 0 ORDER BY f.id"
)
_PLACE: Final = "SELECT store, key, offset, length FROM place WHERE content = ? ORDER BY store, length = -1 DESC, key, offset LIMIT 1"


class WrongBytesError(Exception):
    """What was streamed turned out not to have its digest, or ended early: take it back, and ask for the file again by `rescue`."""


@dataclass(frozen=True, slots=True)
class File:
    """A payload file. `chunks` may be called once; for a large one it raises WrongBytesError at its end if the digest was wrong."""

    id: int  # in the plan
    path: str
    mode: int  # permission bits
    mtime: int  # nanoseconds since 1970 UTC
    sha: bytes
    size: int
    chunks: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    path: str
    mode: int | None
    mtime: int | None
    content: int
    sha: bytes
    size: int | None
    gone: bool
    place: tuple[int, str, int, int] | None  # store, key, offset, length

    @property
    def streamed(self) -> bool:
        if self.place is None:
            return False
        length = self.place[3] if self.place[3] != WHOLE else self.size
        return length is None or length > STREAM

    def file(self, size: int, chunks: Callable[[], Iterator[bytes]], moment: int) -> File:
        mode = 0o644 if self.mode is None else self.mode & 0o777
        return File(self.id, self.path, mode, moment if self.mtime is None else self.mtime, self.sha, size, chunks)


class Contents:
    """What `plan` wants of `bag`. `moment` (ns since 1970): the time of files of which none is known."""

    def __init__(self, bag: SealedBag, plan: Plan, scratch: Path, runner: Runner, moment: int) -> None:
        self._bag, self._plan, self._scratch, self._runner, self._moment = bag, plan, scratch, runner, moment
        self._stores: dict[int, Store] = {}
        self._rescues = 0
        self.lost = 0
        self.used: dict[str, None] = {}

    def locate(self) -> None:
        """Find a place for every content, by hints first, and in further stores only if it must be."""
        silent: set[int] = set()
        for level in Level:
            for number, store in enumerate(self._bag.places):
                if not self._plan.unplaced():
                    return
                if number in silent:
                    continue
                self._stores[number] = store
                try:
                    locate(self._plan, number, store, level, self._bag.id, self._runner, self._bag.collector)
                except StoreUnreachableError as error:
                    silent.add(number)
                    self._bag.places.give_up(store, error)

    def stream(self) -> Iterator[File]:
        """Every file in order of its path; one whose content cannot be had anywhere is a finding, counted in `lost`, and passed over."""
        window: list[_Row] = []
        held = 0
        with ThreadPoolExecutor(_THREADS) as threads:
            for row in self._rows():
                if row.streamed:
                    yield from self._window(window, threads)
                    window, held = [], 0
                    yield self._large(row)
                    continue
                window.append(row)
                held += row.size or 0
                if held >= _WINDOW or len(window) >= _WINDOW_FILES:
                    yield from self._window(window, threads)
                    window, held = [], 0
            yield from self._window(window, threads)

    def _rows(self) -> Iterator[_Row]:
        for number, path, mode, mtime, content, sha, size in self._plan.rows(_FILES):
            gone = bool(self._plan.one("SELECT done FROM content WHERE id = ?", content))
            place = None if gone else self._plan.db.execute(_PLACE, (content,)).fetchone()
            yield _Row(number, path, mode, mtime, content, sha, size, gone, place)

    # -- small ones, a window at a time

    def _window(self, rows: list[_Row], threads: ThreadPoolExecutor) -> Iterator[File]:
        had = self._read(rows, threads)
        missing = [row for row in rows if row.content not in had]
        rescued = self._rescue(missing) if missing else {}
        for row in rows:
            if (data := had.get(row.content)) is not None:
                yield row.file(len(data), lambda data=data: iter((data,)), self._moment)  # type: ignore[misc]
            elif row.id in rescued:
                yield self._from(row, rescued[row.id])
        for path in rescued.values():
            path.unlink(missing_ok=True)

    def _read(self, rows: list[_Row], threads: ThreadPoolExecutor) -> dict[int, bytes]:
        """By content, what has its digest."""
        wanted: dict[tuple[int, str], dict[int, Need]] = defaultdict(dict)
        for row in rows:
            if row.place is not None:
                store, key, offset, length = row.place
                size = row.size if length == WHOLE else length
                assert size is not None  # else it is streamed
                wanted[store, key][row.content] = Need(row.content, row.sha, offset, size)
        jobs = [
            (self._stores[store], StoreKey(key), run)
            for (store, key), needs in wanted.items() for run in runs(sorted(needs.values(), key=lambda need: need.offset))
        ]
        had: dict[int, bytes] = {}
        for found in threads.map(_read_run, jobs):
            had |= found
        for (store, _), needs in wanted.items():
            if any(content in had for content in needs):
                self.used[self._stores[store].url] = None
        return had

    # -- large ones

    def _large(self, row: _Row) -> File:
        assert row.place is not None
        number, text, offset, length = row.place
        store, key = self._stores[number], StoreKey(text)
        try:
            size = store.head(key).size if length == WHOLE else length
        except (NotFoundInStoreError, StoreUnreachableError):
            size = row.size or 0  # reading it fails as well, and then it is looked for elsewhere

        def chunks() -> Iterator[bytes]:
            hashing = hashlib.sha256()
            left = size
            try:
                with store.get(key, offset, size) as reader:
                    while left and (chunk := reader.read(min(CHUNK, left))):
                        hashing.update(chunk)
                        left -= len(chunk)
                        yield chunk
            except (NotFoundInStoreError, StoreUnreachableError) as error:
                raise WrongBytesError(str(error)) from error
            if left or hashing.digest() != row.sha:
                raise WrongBytesError(f"{store.url}: {key}")
            self.used[store.url] = None

        return row.file(size, chunks, self._moment)

    def rescue(self, file: File) -> File | None:
        """A large file again, from any other copy that is sound; None (and a finding) if there is none."""
        row = _Row(file.id, file.path, file.mode, file.mtime, 0, file.sha, file.size, False, None)
        found = self._rescue([row])
        return self._from(row, found[file.id]) if found else None

    # -- what was not where it should be: everything restore knows of finding it

    def _rescue(self, rows: list[_Row]) -> dict[int, Path]:
        """By file, a verified copy in the scratch space."""
        self._rescues += 1
        folder = self._scratch / f"rescued-{self._rescues}"
        folder.mkdir()
        with Plan(self._scratch / f"rescue-{self._rescues}.sqlite", create=True) as plan:
            for row in rows:
                plan.db.execute("INSERT OR IGNORE INTO content (sha, size, done) VALUES (?, ?, ?)", (row.sha, row.size, row.gone))
                plan.db.execute(
                    "INSERT INTO file (content, path, target) VALUES ((SELECT id FROM content WHERE sha = ?), ?, ?)",
                    (row.sha, row.path, b"%d" % row.id))
            if plan.missing():
                for url in fill(self._bag, plan, folder, InlineRunner(self._runner), self._bag.collector):
                    self.used[url] = None
            plan.db.execute("UPDATE content SET done = 0 WHERE NOT EXISTS (SELECT 1 FROM place WHERE content = content.id)")
            self.lost += report_lost(self._bag, plan, self._bag.collector)
            lost = [sha for (sha,) in plan.rows("SELECT sha FROM content WHERE done = 0")]
        # A content that is nowhere is not looked for again with the next window.
        self._plan.db.executemany("UPDATE content SET done = 1 WHERE sha = ?", ((sha,) for sha in lost))
        return {row.id: folder / str(row.id) for row in rows if row.sha not in lost}

    def _from(self, row: _Row, path: Path) -> File:
        def chunks() -> Iterator[bytes]:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK):
                    yield chunk

        return row.file(os.stat(path).st_size, chunks, self._moment)


def _read_run(job: tuple[Store, StoreKey, list[Need]]) -> dict[int, bytes]:
    store, key, run = job
    try:
        return {need.content: bytes(data) for need, data in read_run(store, key, run) if data is not None}
    except StoreUnreachableError:
        return {}  # asked again, and other stores as well, when it is looked for


