"""A connection to a catalogue in PostgreSQL that answers as one of SQLite does (strongroom.database.interface.Db)."""

from __future__ import annotations

import atexit
import hashlib
import itertools
import os
import select
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from typing import Any, Final

import psycopg
from psycopg.adapt import Loader
from psycopg.pq import TransactionStatus

from strongroom.database.postgres.limits import Limits
from strongroom.database.postgres.place import PostgresPlace, password
from strongroom.database.postgres.translate import bound, translated
from strongroom.database.postgres.trouble import POOLED, CatalogueError, explained
from strongroom.database.postgres.waiting import Connection

_AT_ONCE: Final = 1000  # rows of a long answer, or of values in one statement
_STALLED: Final = "30min"  # a writer that does nothing for so long is cut off, or one stopped machine would stop all
# A machine that is gone without a word is noticed by its silence, and what it held (locks, a transaction) is free a minute later.
_OPTIONS: Final = (
    "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3 -c client_connection_check_interval=10s "
    "-c standard_conforming_strings=on"
)
_KEPT: Final = 2  # idle readers of a process


class _Whole(Loader):
    """Sums of whole numbers, which PostgreSQL gives as numeric."""

    def load(self, data: Any) -> int:
        return int(bytes(data))


def lock_key(*parts: str) -> int:
    """The number of an advisory lock: of 64 bits, with sign."""
    return int.from_bytes(hashlib.sha256("\0".join(("strongroom", *parts)).encode()).digest()[:8], signed=True)


def dial(place: PostgresPlace, *, autocommit: bool = True) -> Connection:
    """A connection in the schema of the catalogue. Raises psycopg.Error, UsageError."""
    limits = Limits.from_environment()
    options = f"{_OPTIONS} -c lock_timeout={limits.others * 1000:.0f} -c search_path={place.schema}"
    connection = Connection.connect(
        place.url, autocommit=autocommit, cursor_factory=psycopg.ClientCursor, options=options, client_encoding="UTF8",
        application_name="strongroom", connect_timeout=limits.greeting, keepalives_idle=30, keepalives_interval=10, keepalives_count=3,
        tcp_user_timeout=60_000, password=password(),
    )
    connection.limits = limits
    connection.adapters.register_loader("numeric", _Whole)
    return connection


class PostgresDb:
    """One open connection. It takes part in no fork."""

    def __init__(self, place: PostgresPlace) -> None:
        """Raises CatalogueError."""
        self.place = place
        self.sent: frozenset[str] = frozenset()  # databases of which tables were sent (sending.py)
        self.used = lock_key(place.schema, "used")
        self.holds = False  # a lock of the session
        self._write = b"SELECT pg_advisory_xact_lock(%d)" % lock_key(place.schema, "write")
        with explained(place):
            self.connection = dial(place)

    @property
    def in_transaction(self) -> bool:
        return self.connection.info.transaction_status != TransactionStatus.IDLE

    def execute(self, sql: str, values: Sequence[Any] = ()) -> psycopg.Cursor[Any]:
        if sql == "ROLLBACK" and self.connection.closed:  # as the server did when the connection ended; what ended it is raised already
            return psycopg.ClientCursor(self.connection)
        with explained(self.place):
            if sql == "BEGIN IMMEDIATE":
                # One writer at a time, as with SQLite: what is read inside stays true until the end, and no two wait for each other.
                return self._begin()
            statement, named = translated(sql, self.sent)
            return self.connection.execute(statement, bound(values, named=named))

    def _begin(self) -> psycopg.Cursor[Any]:
        try:
            return self.connection.execute(
                b"BEGIN; SET LOCAL idle_in_transaction_session_timeout = '%b'; %b" % (_STALLED.encode(), self._write))
        except psycopg.Error:
            if not self.connection.closed:  # others held it for too long: there is no transaction
                self.connection.execute(b"ROLLBACK")
            raise

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        statement, named = translated(sql, self.sent)
        rows = iter(rows)
        while some := list(itertools.islice(rows, _AT_ONCE)):  # outside: what raises in `rows` is not the server's
            with explained(self.place), self.connection.cursor() as cursor:
                if statement.endswith(_NOTHING) and (head := statement.removesuffix(_NOTHING).rpartition(b"VALUES "))[2].count(b"(") == 1:
                    # Rows of one statement may be there already, or twice in it: where nothing follows from that, they go together.
                    every = b", ".join([head[2]] * len(some))
                    cursor.execute(head[0] + b"VALUES " + every + _NOTHING, list(itertools.chain.from_iterable(some)))
                else:
                    cursor.executemany(statement, [bound(row, named=named) for row in some])

    def hold(self) -> None:
        """Until the end no other catalogue is put in the place of this one: what it numbers is known by number here."""
        self.alone()
        self.execute("SELECT pg_advisory_lock_shared(?)", (self.used,))
        self.holds = True

    def alone(self) -> None:
        """Raise CatalogueError where a pool lends this session to others: a lock that it holds would not be ours, nor go with us."""
        row = self.execute("SELECT pg_backend_pid()").fetchone()
        if row is None or row[0] != self.connection.info.backend_pid:
            raise CatalogueError(f"{self.place}: {POOLED}")

    def close(self) -> None:
        if self.holds and not self.connection.closed and not self.in_transaction:
            self.connection.parting = True
            with suppress(psycopg.Error):  # or the server notices the end of the connection a moment later than whoever comes next
                self.connection.execute(b"SELECT pg_advisory_unlock_all()")
        self.connection.close()


_NOTHING: Final = b" ON CONFLICT DO NOTHING"


class PostgresReader:
    """A connection that only asks, and whose answers are all of one moment, that of the first question. Long ones come in parts."""

    def __init__(self, db: PostgresDb) -> None:
        self._db = db
        self._number = 0
        self._begun = False
        self._done: list[bytes] = []  # cursors that were read to their end
        self.in_transaction = True

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Part:
        statement, named = translated(sql)
        self._number += 1
        name = b"answer_%d" % self._number
        before = b"".join(b"CLOSE %b; " % one for one in self._done)
        if not self._begun:
            before = b"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; "
        with explained(self._db.place):
            cursor = self._db.connection.execute(
                b"%bDECLARE %b NO SCROLL CURSOR FOR %b; FETCH %d FROM %b" % (before, name, statement, _AT_ONCE, name),
                bound(values, named=named),
            )
            while cursor.nextset():
                pass
            self._begun = True
            self._done.clear()
            return Part(self, name, cursor.fetchall())

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        raise NotImplementedError(f"{sql}: who only asks changes nothing")

    def fetch(self, name: bytes) -> list[Any]:
        with explained(self._db.place):
            return self._db.connection.execute(b"FETCH %d FROM %b" % (_AT_ONCE, name)).fetchall()

    def finish(self, name: bytes) -> None:
        self._done.append(name)

    def close(self) -> None:
        """The connection is kept for the next who asks, while it is sound."""
        try:
            if self._begun and not self._db.connection.closed:
                self._db.connection.parting = True
                self._db.connection.execute(b"ROLLBACK")
                self._db.connection.parting = False
            if len(_idle()) < _KEPT and not self._db.connection.closed:
                _idle().append(self._db)
                return
        except psycopg.Error:  # what was asked is answered
            pass
        self._db.close()


class Part:
    """An answer that is read once, some rows at a time."""

    def __init__(self, reader: PostgresReader, name: bytes, rows: list[Any]) -> None:
        self._reader, self._name = reader, name
        self._last = False
        self._take(rows)

    def _take(self, rows: list[Any]) -> None:
        self._rows = iter(rows)
        if len(rows) < _AT_ONCE:
            self._last = True
            self._reader.finish(self._name)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        for row in self._rows:
            return row
        if self._last:
            raise StopIteration
        self._take(self._reader.fetch(self._name))
        return next(self)

    def fetchone(self) -> Any:
        return next(self, None)

    def fetchall(self) -> list[Any]:
        return list(self)


_readers: dict[int, list[PostgresDb]] = {}  # by process: one that was forked must not touch those of its parent


def _idle() -> list[PostgresDb]:
    return _readers.setdefault(os.getpid(), [])


def _take_idle() -> PostgresDb | None:
    try:
        return _idle().pop()
    except IndexError:  # another thread was quicker, or there is none
        return None


@atexit.register
def _close_idle() -> None:
    while (db := _take_idle()) is not None:
        db.close()


def exists(place: PostgresPlace) -> bool:
    """Whether a catalogue was made in the schema. Raises CatalogueError."""
    with closing(open_reader(place)) as db:
        return db.execute("SELECT to_regclass(?) IS NOT NULL", (f"{place.schema}.alembic_version",)).fetchone()[0] is True


def _is_alive(connection: Connection) -> bool:
    """A server that ended the connection meanwhile has said so, or closed it; otherwise there is nothing to read."""
    if connection.closed or connection.info.transaction_status != TransactionStatus.IDLE:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)


def open_reader(place: PostgresPlace) -> PostgresReader:
    """Raises CatalogueError."""
    while (db := _take_idle()) is not None:
        if db.place == place and _is_alive(db.connection):
            return PostgresReader(db)
        db.close()
    return PostgresReader(PostgresDb(place))
