"""Databases: the SQLite files of runs and caches, and catalogues, which lie in one or in PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from strongroom.core.errors import UsageError
from strongroom.database import sqlite
from strongroom.database.interface import Db, Rows, Slice, Where
from strongroom.database.postgres.place import PostgresPlace
from strongroom.database.sqlite import Database, read_only, transaction

__all__ = [
    "Database", "Db", "PostgresPlace", "Rows", "Slice", "Where", "attached", "beside", "exists", "open_reader", "read_only", "transaction",
]


def exists(where: Where) -> bool:
    """Whether a catalogue was made there. Raises StrongroomError where that cannot be asked."""
    if isinstance(where, Path):
        return where.exists()
    from strongroom.database.postgres.connection import exists as made  # noqa: PLC0415 -- only who uses it pays for it

    return made(where)


def open_reader(where: Where) -> Db:
    """A connection for whoever only asks, whose answers are of one moment. Raises sqlite3.Error, StrongroomError."""
    if isinstance(where, Path):
        if not where.exists():  # which SQLite would put down to the disk
            raise UsageError(f"{where}: is not there, as it is where the run began; for workers elsewhere let STRONGROOM_CATALOGUE name a "
                             "catalogue in PostgreSQL")
        return read_only(where)
    from strongroom.database.postgres.connection import open_reader as connect  # noqa: PLC0415 -- as above

    return connect(where)


@contextmanager
def attached(db: sqlite3.Connection, where: Where, name: str, needed: Sequence[Slice] = ()) -> Iterator[sqlite3.Connection]:
    """Around statements that ask the database at `where` too, as `name`, which `needed` describes where it is a catalogue. Transactions
    end inside. Raises sqlite3.Error, StrongroomError."""
    if isinstance(where, Path):
        with sqlite.attached(db, where, name):
            yield db
        return
    from strongroom.database.postgres.bringing import brought  # noqa: PLC0415 -- as above

    with brought(db, where, name, needed):
        yield db


@contextmanager
def beside(db: Db, other: Path, name: str, tables: Mapping[str, str]) -> Iterator[Db]:
    """The other way round: around statements to a catalogue that ask tables of the SQLite database at `other` too, as `name`. `tables`:
    of each table the columns that are asked, with their types ("sha256 BYTEA, size BIGINT")."""
    if isinstance(db, sqlite3.Connection):
        with sqlite.attached(db, other, name):
            yield db
        return
    from strongroom.database.postgres.sending import sent  # noqa: PLC0415 -- as above

    with sent(db, other, name, tables):
        yield db
