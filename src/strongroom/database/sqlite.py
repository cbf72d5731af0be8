"""A file of SQLite: what the lists of one run, and what may be forgotten, are kept in."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from strongroom.database.interface import Db
from strongroom.database.shared import journal_mode

_TIMEOUT = 120.0  # seconds to wait for another process that writes


class Database:
    """One open database, which commits each statement unless in a `transaction`. Others may read it meanwhile (read_only)."""

    def __init__(self, path: Path, tables: str, *, synchronous: str = "OFF", check_same_thread: bool = True) -> None:
        """`tables`: the statements that make it; none for one that is there, whose journal is as it was made. `synchronous` is OFF for what
        is lost with its run anyway (PRAGMA synchronous)."""
        self.path = path
        self.db = sqlite3.connect(path, timeout=_TIMEOUT, isolation_level=None, check_same_thread=check_same_thread)
        journal = f"PRAGMA journal_mode = {journal_mode(path)};" if tables else ""
        self.db.executescript(f"{journal} PRAGMA synchronous = {synchronous};" + tables)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done inside or, where something is raised, nothing of it."""
        with transaction(self.db):
            yield self.db

    def rows(self, sql: str, *values: object) -> Iterator[Any]:
        """Rows as they are read; the database may be asked and changed meanwhile."""
        return self.db.execute(sql, values)

    def one(self, sql: str, *values: object) -> Any:
        """The first column of the first row; None if there is none."""
        row = self.db.execute(sql, values).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        self.db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


@contextmanager
def transaction(db: Db, kind: str = "IMMEDIATE") -> Iterator[None]:
    """All that is done inside or, where something is raised, nothing of it. IMMEDIATE keeps others from writing to every attached
    database as well; DEFERRED only to what is written."""
    db.execute(f"BEGIN {kind}")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


@contextmanager
def attached(db: sqlite3.Connection, path: Path, name: str) -> Iterator[sqlite3.Connection]:
    """Around statements that ask the database at `path` too, as `name`. Transactions end inside. Raises sqlite3.Error."""
    db.execute(f"ATTACH ? AS {name}", (os.fsencode(path),))  # a path may be no text
    try:
        yield db
    finally:
        db.execute(f"DETACH {name}")


def read_only(path: Path, *, check_same_thread: bool = True) -> sqlite3.Connection:
    """A database for whoever only asks; it must be there. Raises sqlite3.OperationalError."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, timeout=_TIMEOUT, isolation_level=None, check_same_thread=check_same_thread)
