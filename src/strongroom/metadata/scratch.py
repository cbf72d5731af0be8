"""The SQLite file that holds what does not fit in memory while records are checked: paths, rows, checksums."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final

from strongroom.database import read_only

_TABLES: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;  -- thrown away after the run
CREATE TABLE files (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE described (path TEXT PRIMARY KEY, place TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE carriers (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE held (path TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE checksums (path TEXT, algorithm TEXT, hex TEXT, place TEXT, PRIMARY KEY (path, algorithm, hex)) WITHOUT ROWID;
"""


class Scratch:
    """Tables over payload paths. Text is compared by its UTF-8 bytes, so sorted here is sorted everywhere."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    @classmethod
    def create(cls, file: Path, paths: Iterable[str]) -> Scratch:
        file.unlink(missing_ok=True)
        scratch = cls(sqlite3.connect(file))
        scratch._db.executescript(_TABLES)
        scratch._db.executemany("INSERT INTO files VALUES (?)", ((path,) for path in paths))
        return scratch

    @classmethod
    def reading(cls, file: Path) -> Scratch:
        return cls(read_only(file))

    def __enter__(self) -> Scratch:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._db.commit()
        self._db.close()

    def files(self) -> Iterator[str]:
        return (path for (path,) in self._db.execute("SELECT path FROM files ORDER BY path"))

    def files_with(self, suffixes: tuple[str, ...]) -> Iterator[str]:
        """Those files for which the payload also has a file with one of `suffixes` after the whole name, in order."""
        one = "SELECT substr(path, 1, length(path) - length(?{0})) FROM files WHERE substr(path, -length(?{0})) = ?{0}"
        there = " UNION ".join(one.format(number) for number in range(1, len(suffixes) + 1))
        query = f"SELECT path FROM files WHERE path IN ({there}) ORDER BY path"  # noqa: S608 -- of constants
        return (path for (path,) in self._db.execute(query, suffixes))

    def has_file(self, path: str) -> bool:
        return self._one("SELECT 1 FROM files WHERE path = ?", path) is not None

    def has_folder(self, path: str) -> bool:
        return self._one("SELECT 1 FROM files WHERE path > ? || '/' AND path < ? || '0' LIMIT 1", path, path) is not None

    def describe(self, path: str, place: str) -> str | None:
        """Note that the record at `place` describes `path`; the place of an earlier record that does, or None."""
        before = self._one("SELECT place FROM described WHERE path = ?", path)
        if before is None:
            self._db.execute("INSERT INTO described VALUES (?, ?)", (path, place))
        return before

    def add_carrier(self, path: str) -> None:
        """`path` holds records or checksums: nobody expects a record about it."""
        self._db.execute("INSERT OR IGNORE INTO carriers VALUES (?)", (path,))

    def undescribed(self) -> Iterator[str]:
        query = "SELECT path FROM files EXCEPT SELECT path FROM described EXCEPT SELECT path FROM carriers ORDER BY path"
        return (path for (path,) in self._db.execute(query))

    def hold(self, path: str) -> None:
        """Leave `path` out; a folder with everything below."""
        self._db.execute("INSERT OR IGNORE INTO held VALUES (?)", (path,))

    def held(self) -> Iterator[str]:
        return (path for (path,) in self._db.execute(
            "SELECT files.path FROM held JOIN files ON files.path = held.path UNION "
            "SELECT files.path FROM held JOIN files ON files.path > held.path || '/' AND files.path < held.path || '0' ORDER BY 1"
        ))

    def add_checksum(self, path: str, algorithm: str, digest: str, place: str) -> None:
        self._db.execute("INSERT OR IGNORE INTO checksums VALUES (?, ?, ?, ?)", (path, algorithm, digest, place))

    def checksums(self) -> Iterator[tuple[str, str, str, str]]:
        return self._db.execute("SELECT path, algorithm, hex, place FROM checksums ORDER BY path, algorithm, hex")

    def _one(self, query: str, *values: str) -> str | None:
        row = self._db.execute(query, values).fetchone()
        return None if row is None else str(row[0])
