"""Sending tables of a run's SQLite file to a catalogue in PostgreSQL, as temporary tables beside its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from strongroom.database.interface import Db
from strongroom.database.postgres.connection import PostgresDb
from strongroom.database.postgres.trouble import explained
from strongroom.database.sqlite import read_only


@contextmanager
def sent(db: Db, other: Path, name: str, tables: Mapping[str, str]) -> Iterator[None]:
    """`tables` of the database at `other` as `name`.TABLE in statements to `db`, until the end of the block."""
    if not isinstance(db, PostgresDb):
        raise TypeError(f"{db!r} is no connection to PostgreSQL")
    try:
        with closing(read_only(other)) as source:
            for table, columns in tables.items():
                _copy(db, source, f"{name}_{table}", table, columns)
        db.sent |= {name}
        yield
    finally:
        db.sent -= {name}
        if not db.connection.closed and not db.in_transaction:
            for table in tables:
                db.execute(f"DROP TABLE IF EXISTS pg_temp.{name}_{table}")


def _copy(db: PostgresDb, source: sqlite3.Connection, made: str, table: str, columns: str) -> None:
    with explained(db.place), db.connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {made} ({columns})".encode())
        with cursor.copy(f"COPY pg_temp.{made} FROM STDIN (FORMAT BINARY)".encode()) as copy:
            copy.set_types([column.split()[1].lower() for column in columns.split(", ")])
            names = ", ".join(column.split()[0] for column in columns.split(", "))
            for row in source.execute(f"SELECT {names} FROM {table}"):  # noqa: S608 -- names of our own
                copy.write_row(row)
        cursor.execute(f"ANALYZE pg_temp.{made}".encode())
