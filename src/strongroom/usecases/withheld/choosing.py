"""Which contents a withdrawal means, and which bags have them, in an SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.catalogue import BagRow
from strongroom.collections.globs import compile_globs
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, StoreUnreachableError, UsageError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.plural import sentence
from strongroom.database import attached
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.restore.build import Builder
from strongroom.usecases.restore.plan import Plan as Files
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.withheld.request import Shared, WithholdRequest

_TABLES: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE content (sha BLOB PRIMARY KEY, size INTEGER) WITHOUT ROWID;
CREATE TABLE file (bag TEXT, version INTEGER, path TEXT, sha BLOB, asked INTEGER NOT NULL, PRIMARY KEY (bag, version, path)) WITHOUT ROWID;
CREATE INDEX file_sha ON file (sha);
"""
_AT_ONCE: Final = 5000
SHOWN: Final = 20  # paths a bag


class Choice:
    """Tables `content` (what is meant) and `file` (every payload file of a known bag that has such a content)."""

    def __init__(self, folder: Path, known: Known, kept: Store, collector: Collector) -> None:
        self._folder, self._known, self._kept, self._collector = folder, known, kept, collector
        self.db = sqlite3.connect(folder / "choice.sqlite", isolation_level=None)
        self.db.executescript(_TABLES)

    def close(self) -> None:
        self.db.close()

    def choose(self, request: WithholdRequest, runner: Runner) -> None:
        """Fill the tables. Raises UsageError if a bag is not known or a path matches nothing."""
        self.mean(one.raw for one in request.digests)
        asked = [row for row in self._known.rows if row.bag.name == request.name and request.version in (None, row.bag.version)]
        if request.name is not None and not asked:
            label = request.name if request.version is None else f"{request.name}/v{request.version}"
            raise UsageError(f"{label}: no such bag is known here; `strongroom list` shows those that are")
        unmatched = set(request.paths)
        with runner.stage("find what is meant") as progress:
            for row in asked:
                bag = self._open(row, Code.NOT_REACHED)
                if bag is not None:
                    unmatched &= self._ask(bag, request.paths)
                progress.advance(row.files)
        if unmatched and not self._collector.has_errors:
            raise UsageError(f"{', '.join(sorted(unmatched))}: matches no file of {request.name}; paths are those below the source")
        self.share(runner)

    def mean(self, contents: Iterable[bytes]) -> None:
        """These contents, by their SHA-256, are meant."""
        self.db.executemany("INSERT OR IGNORE INTO content VALUES (?, NULL)", ((raw,) for raw in contents))

    def share(self, runner: Runner) -> None:
        """Note every file of every known bag that has a content that is meant."""
        with runner.stage("find who shares it") as progress:
            for row in self._known.rows:
                bag = self._open(row, Code.STORE_SKIPPED)
                if bag is not None:
                    self._note_shared(bag)
                progress.advance(row.files)

    def bags(self, *, asked: bool) -> tuple[Shared, ...]:
        """The bags that were asked about, or the others that have such contents."""
        found = []
        sql = "SELECT bag, version, count(*) FROM file WHERE asked = ? GROUP BY bag, version ORDER BY bag, version"
        for name, version, count in self.db.execute(sql, (asked,)).fetchall():
            rows = self.db.execute(
                "SELECT path FROM file WHERE bag = ? AND version = ? AND asked = ? ORDER BY path LIMIT ?", (name, version, asked, SHOWN))
            found.append(Shared(f"{name}/v{version}", count, tuple(path for (path,) in rows)))
        return tuple(found)

    def files_of(self, content: Digest) -> list[tuple[BagId, str]]:
        """The payload files that were asked about and have this content."""
        sql = "SELECT bag, version, path FROM file WHERE sha = ? AND asked ORDER BY bag, version, path"
        return [(BagId(name, version), path) for name, version, path in self.db.execute(sql, (content.raw,))]

    def drop(self, unneeded: Callable[[bytes], bool]) -> int:
        """Take out the contents about which nothing is to be done; how many."""
        gone = [sha for (sha,) in self.db.execute("SELECT sha FROM content") if unneeded(sha)]
        self.db.executemany("DELETE FROM content WHERE sha = ?", ((sha,) for sha in gone))
        return len(gone)

    def labels(self) -> set[BagId]:
        """Every bag that has such contents."""
        sql = "SELECT DISTINCT bag, version FROM file WHERE sha IN (SELECT sha FROM content)"
        return {BagId(name, version) for name, version in self.db.execute(sql)}

    def counts(self) -> Iterator[tuple[str, int, bytes, int]]:
        """Collection, version, SHA-256, and how many files of that bag have it."""
        sql = "SELECT bag, version, sha, count(*) FROM file WHERE sha IN (SELECT sha FROM content) GROUP BY bag, version, sha"
        yield from self.db.cursor().execute(sql)

    def _open(self, row: BagRow, code: Code) -> SealedBag | None:
        folder = self._folder / row.seal.hex
        folder.mkdir(exist_ok=True)  # the second time its tag files are there already
        quiet = Collector()  # damage of tag files is the audit's to say
        target = Target(row.bag, row.seal, Places(self._known.addresses([row]), quiet, [self._kept]))
        try:
            return open_bag(target, folder, quiet)
        except (StoreUnreachableError, DamagedBagError, UsageError) as error:
            what = f"{sentence(error)} Whether it has more of what is meant is not known; attach a store that holds it and run this again"
            self._collector.add(Finding(code, str(row.bag), what))
            return None

    def _ask(self, bag: SealedBag, paths: tuple[str, ...]) -> set[str]:
        """Note the files of a bag that match; the globs that match none."""
        matchers = {pattern: compile_globs([pattern]) for pattern in paths}
        place = self._folder / "files.sqlite"
        for old in self._folder.glob("files.sqlite*"):
            old.unlink()
        bag.collector = Collector()
        with Files(place, create=True) as files:
            Builder(bag, files, whole=False, matchers=matchers).build()
        with attached(self.db, place, "files") as db:
            db.execute(
                "INSERT INTO content SELECT DISTINCT c.sha, c.size FROM files.content c JOIN files.file f ON f.content = c.id WHERE true "
                "ON CONFLICT (sha) DO UPDATE SET size = coalesce(size, excluded.size)")
            db.execute(
                "INSERT OR REPLACE INTO file SELECT ?, ?, f.path, c.sha, 1 FROM files.file f JOIN files.content c ON c.id = f.content",
                (bag.id.name, bag.id.version))
        return {one.place for one in bag.collector.findings() if one.code is Code.RESTORE_NO_MATCH}

    def _note_shared(self, bag: SealedBag) -> None:
        rows = self._having(bag)
        try:
            while some := list(islice(rows, _AT_ONCE)):
                self.db.executemany("INSERT OR IGNORE INTO file VALUES (?, ?, ?, ?, 0)", [row[:4] for row in some])
                sizes = [(row[3], row[4]) for row in some if row[4] is not None]
                self.db.executemany("UPDATE content SET size = ?2 WHERE sha = ?1 AND size IS NULL", sizes)
        except DamagedBagError as error:
            self._collector.add(Finding(Code.STORE_SKIPPED, str(bag.id), f"{error}; whether it shares any of this is not known"))

    def _having(self, bag: SealedBag) -> Iterator[tuple[str, int, str, bytes, int | None]]:
        for entry, detail in bag.described():
            raw = entry.digest.raw
            if self.db.execute("SELECT 1 FROM content WHERE sha = ?", (raw,)).fetchone():
                size = detail.get("size")
                yield bag.id.name, bag.id.version, entry.path, raw, size if type(size) is int else None
