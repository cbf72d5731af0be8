"""What only a rebuild does to a catalogue in PostgreSQL: a schema beside that which is used, and putting it in its place."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

from psycopg import errors

from strongroom.catalogue import shared
from strongroom.catalogue.relearn import Condition
from strongroom.catalogue.schema import MADE, REVISION
from strongroom.core.errors import StrongroomError
from strongroom.core.events import utc_now
from strongroom.database.postgres.connection import PostgresDb
from strongroom.database.postgres.locks import held
from strongroom.database.postgres.place import PostgresPlace
from strongroom.database.postgres.trouble import CatalogueError
from strongroom.database.sqlite import transaction

#: The lock of a schema for as long as a catalogue is made in it.
_MAKING: Final = "making"
_WAIT: Final = 10.0  # seconds for those who just end
_DAMAGE: Final = (errors.DataCorrupted, errors.IndexCorrupted, errors.UndefinedTable, errors.UndefinedColumn, errors.InternalError_)


def condition(place: PostgresPlace) -> Condition:
    """Look at every table of it. Raises CatalogueError where that cannot be told."""
    with closing(PostgresDb(place)) as db:
        found = shared.revision(db)
        if found is None:
            return Condition.ABSENT
        if found != REVISION:
            return Condition.UNUSABLE
        try:
            for table in re.findall(r"^CREATE TABLE (\w+)", (MADE / "postgresql.sql").read_text(encoding="utf-8"), re.MULTILINE):
                db.execute(f"SELECT * FROM {table} LIMIT 1")  # noqa: S608 -- names of our own
            return Condition.SOUND if db.execute("SELECT 1 FROM stores UNION SELECT 1 FROM bags").fetchone() else Condition.EMPTY
        except CatalogueError as error:
            if not isinstance(error.__cause__, _DAMAGE):
                raise
            return Condition.UNUSABLE


@contextmanager
def fresh(place: PostgresPlace) -> Iterator[PostgresPlace]:
    """A schema beside that of `place`, for a new catalogue. It goes with the block, unless it was put in place; where the block is killed,
    with the next one."""
    made = place.sibling(f"{place.schema[:25]}_new_{secrets.token_hex(4)}")
    with held(made, _MAKING):
        _remove_abandoned(place)
        try:
            yield made
        finally:
            with suppress(CatalogueError):  # what ended the block is raised, and not that the server is still away
                _drop(place, made.schema)


def _remove_abandoned(place: PostgresPlace) -> None:
    with closing(PostgresDb(place)) as db:
        found = db.execute("SELECT nspname FROM pg_namespace WHERE nspname ~ ?", (f"^{place.schema[:25]}_new_[0-9a-f]{{8}}$",)).fetchall()
    for (schema,) in found:
        with suppress(StrongroomError), held(place.sibling(schema), _MAKING, busy="being made"):
            _drop(place, schema)


def _drop(place: PostgresPlace, schema: str) -> None:
    with closing(PostgresDb(place)) as db:
        db.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def put_in_place(new: PostgresPlace, place: PostgresPlace) -> PostgresPlace | None:
    """Make `new` the catalogue, at once and whole. Where the one that was there before is now, if it held anything.

    Raises StrongroomError if another run uses the old one.
    """
    before = condition(place)
    aside = place.sibling(f"{place.schema[:25]}_{re.sub('[^0-9]', '', utc_now())}")
    with closing(PostgresDb(place)) as db:
        _alone(db)
        with transaction(db):
            if before in (Condition.SOUND, Condition.EMPTY):
                _take_runs(db, new.schema)
            if before is Condition.EMPTY:
                db.execute(f"DROP SCHEMA {place.schema} CASCADE")
            elif before is Condition.ABSENT:
                db.execute(f"DROP SCHEMA IF EXISTS {place.schema}")  # which is empty, or this fails
            else:
                db.execute(f"ALTER SCHEMA {place.schema} RENAME TO {aside.schema}")
            db.execute(f"ALTER SCHEMA {new.schema} RENAME TO {place.schema}")
    return aside if before in (Condition.SOUND, Condition.UNUSABLE) else None


def _alone(db: PostgresDb) -> None:
    end = time.monotonic() + _WAIT
    while db.execute("SELECT 1 WHERE pg_try_advisory_lock(?)", (db.used,)).fetchone() is None:
        if time.monotonic() > end:
            raise StrongroomError(f"{db.place}: in use by another run; wait for it to end, and rebuild again")
        time.sleep(0.1)


def _take_runs(db: PostgresDb, new: str) -> None:
    """The runs that the catalogue remembers, and their numbering."""
    db.execute(f"INSERT INTO {new}.runs SELECT * FROM runs ON CONFLICT DO NOTHING")  # noqa: S608 -- checked names
    last = f"(SELECT max(number) FROM {new}.runs)"  # noqa: S608 -- as above
    db.execute(f"SELECT setval(pg_get_serial_sequence('{new}.runs', 'number'), {last}) WHERE {last} IS NOT NULL")
