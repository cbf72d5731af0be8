"""What lies in a bag and what its manifests list, in a temporary SQLite database: memory stays bounded for any number of files."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from strongroom.core.errors import StrongroomError

#: Rows are written this many at a time.
BATCH: Final = 5_000
_SCHEMA: Final = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-32000; PRAGMA locking_mode=EXCLUSIVE;
-- every regular file; fold: what a file system without regard to case or Unicode normalisation would call it;
-- real: the file inside the bag that a link with this name leads to
CREATE TABLE files(path BLOB PRIMARY KEY, size INTEGER, payload INTEGER, fold BLOB, real BLOB) WITHOUT ROWID;
CREATE TABLE manifests(id INTEGER PRIMARY KEY, name TEXT, algorithm TEXT, tag INTEGER, known INTEGER);
CREATE TABLE entries(path BLOB, manifest INTEGER, digest TEXT, line INTEGER, spelled BLOB);
CREATE TABLE fetch(path BLOB, length INTEGER, line INTEGER);
CREATE TABLE aliases(entry INTEGER, path BLOB);
"""


class Index:
    """The tables of one bag. Paths are bytes as on disk, relative to the bag, normalised."""

    def __init__(self, folder: str) -> None:
        self._db = sqlite3.connect(os.path.join(folder, "bag.sqlite"), isolation_level=None)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        self._db.close()

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows, which may be more than fit in memory."""
        columns = {"files": 5, "manifests": 5, "entries": 5, "fetch": 3, "aliases": 2}[table]
        statement = f"INSERT INTO {table} VALUES ({','.join('?' * columns)})"  # noqa: S608 - names are from the line above
        self._db.execute("BEGIN")
        self._db.executemany(statement, rows)
        self._db.execute("COMMIT")

    def rows(self, query: str, *parameters: Any) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, streamed."""
        cursor = self._db.cursor()
        try:
            yield from cursor.execute(query, parameters)
        finally:
            cursor.close()

    def one(self, query: str, *parameters: Any) -> Any:
        """The first column of the first row, or None."""
        row = self._db.execute(query, parameters).fetchone()
        return None if row is None else row[0]

    def execute(self, statement: str, *parameters: Any) -> None:
        self._db.execute(statement, parameters)


@contextmanager
def temporary_index() -> Iterator[Index]:
    """An index that is gone afterwards; it lies in the folder for temporary files, never in the bag."""
    with tempfile.TemporaryDirectory(prefix="strongroom-verify-") as folder:
        index = Index(folder)
        try:
            yield index
        except sqlite3.Error as error:
            raise StrongroomError(f"no room for the lists of files in {folder} ({error}); set TMPDIR to a larger disk") from error
        finally:
            index.close()
