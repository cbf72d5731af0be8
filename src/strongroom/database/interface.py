"""What a database of this project answers to: a connection of SQLite as it is, and one of PostgreSQL (strongroom.database.postgres).

Statements are written once, in what both understand and SQLite takes as it stands: `?` and `?1` for values, `ON CONFLICT` for rows that are
there already, columns of the row that is there named with their table (`checks.seq`), `TRUE` and `FALSE`, every inner SELECT with a
name. What differs all the same is listed in postgres/translate.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from strongroom.database.postgres.place import PostgresPlace

#: Where a catalogue lies: the file of an SQLite database, or a schema of a PostgreSQL database.
Where = Path | PostgresPlace


class Rows(Protocol):
    """The answer to a statement, read once."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Db(Protocol):
    """An open database. Each statement is committed by itself unless in a transaction (strongroom.database.transaction)."""

    @property
    def in_transaction(self) -> bool: ...

    def execute(self, sql: str, values: Sequence[Any] = (), /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]], /) -> Any:
        """The same statement for each row of values."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Slice:
    """What a question that joins lists of a run with a catalogue needs of one of its tables. With SQLite it asks the table itself; out of
    PostgreSQL this much of it is brought."""

    table: str
    columns: str  # "sha256, outcome"
    key: str  # the columns it is joined by, as the index over what is brought
    where: str = "TRUE"  # which rows, with `?` for each of `values`
    values: Sequence[Any] = ()
    of: str = ""  # and of these only those whose column of this name is given …
    given: str = ""  # … by this SELECT, asked where the run's lists are: one column, no NULL
