"""What a sweep knows of a store while it runs, in SQLite so that memory does not grow with the store. Workers open it to read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

_TABLES: Final = """
PRAGMA journal_mode = WAL;
CREATE TABLE things (
  key TEXT PRIMARY KEY, base TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL, bag TEXT, attempt TEXT
) WITHOUT ROWID;
CREATE INDEX things_by_base ON things (base);
CREATE INDEX things_by_attempt ON things (bag, attempt);
CREATE TABLE seals (bag TEXT, digest TEXT, attempt TEXT, PRIMARY KEY (bag, digest)) WITHOUT ROWID;
CREATE TABLE decided (bag TEXT PRIMARY KEY) WITHOUT ROWID;     -- labels that have a seal, void ones too
CREATE TABLE promised (attempt TEXT PRIMARY KEY) WITHOUT ROWID; -- attempts that are sealed elsewhere, and may be under way here as replicas
CREATE TABLE needed (sha BLOB PRIMARY KEY) WITHOUT ROWID;      -- contents of any sealed bag
CREATE TABLE due (sha BLOB PRIMARY KEY) WITHOUT ROWID;         -- withheld, and past the grace
CREATE TABLE condemned (key TEXT PRIMARY KEY, why TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID; -- what this sweep finds
CREATE TABLE tagwanted (base TEXT, digest TEXT, PRIMARY KEY (base, digest)) WITHOUT ROWID; -- of tag files with generations
"""


class Scratch:
    """One database for one look at one store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.db = sqlite3.connect(path, isolation_level=None, timeout=60)
        self.db.execute("PRAGMA synchronous = OFF")
        self.db.executescript(_TABLES)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        self.db.execute("BEGIN")
        yield self.db
        self.db.execute("COMMIT")

    def one(self, sql: str, *values: object) -> Any:
        """The first column of the first row; None if there is none."""
        row = self.db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def rows(self, sql: str, *values: object) -> Iterator[Any]:
        """Rows as they are read; the database may be changed meanwhile."""
        return self.db.cursor().execute(sql, values)

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def read_scratch(path: Path) -> sqlite3.Connection:
    """For a worker."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=60, isolation_level=None)
