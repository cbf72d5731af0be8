"""Bringing what a question needs of a catalogue in PostgreSQL to where a run's lists are, so that SQLite joins the two."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any, Final

from strongroom.database.interface import Slice
from strongroom.database.postgres.connection import open_reader
from strongroom.database.postgres.place import PostgresPlace

_KEYS: Final = 5000  # that are sent at once


@contextmanager
def brought(db: sqlite3.Connection, place: PostgresPlace, name: str, needed: Sequence[Slice]) -> Iterator[None]:
    """The slices as tables of a database called `name`, which SQLite spills to the disk and which goes with the block."""
    db.execute(f"ATTACH '' AS {name}")
    try:
        with closing(open_reader(place)) as catalogue:
            for one in needed:
                db.execute(f"CREATE TABLE {name}.{one.table} ({one.columns})")
                db.execute("BEGIN")
                try:
                    _fill(db, catalogue, name, one)
                finally:
                    db.execute("COMMIT")
                db.execute(f"CREATE INDEX {name}.{one.table}_by_key ON {one.table} ({one.key})")
        yield
    finally:
        db.execute(f"DETACH {name}")


def _fill(db: sqlite3.Connection, catalogue: Any, name: str, one: Slice) -> None:
    insert = f"INSERT INTO {name}.{one.table} VALUES ({', '.join('?' for _ in one.columns.split(','))})"  # noqa: S608 -- names of our own
    select = f"SELECT {one.columns} FROM {one.table} WHERE {one.where}"  # noqa: S608 -- as above
    if not one.given:
        db.executemany(insert, catalogue.execute(select, one.values))
        return
    with closing(db.cursor()) as cursor:
        keys = (key for (key,) in cursor.execute(one.given))
        while some := list(itertools.islice(keys, _KEYS)):
            db.executemany(insert, catalogue.execute(f"{select} AND {one.of} = ANY(?)", (*one.values, some)))
