"""Opening a catalogue in PostgreSQL, which is made if it is absent."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Final

from strongroom.catalogue.schema import MADE, REVISION
from strongroom.database.postgres.connection import PostgresDb
from strongroom.database.postgres.place import PostgresPlace
from strongroom.database.postgres.trouble import WAY_OUT, CatalogueError, explained
from strongroom.database.sqlite import transaction

_REVISION: Final = "SELECT version_num FROM alembic_version"


def connect(place: PostgresPlace) -> PostgresDb:
    """Open the catalogue, making it if it is absent. Raises StrongroomError with the way out where it cannot be used."""
    with ExitStack() as opened:  # closes it unless it is handed out
        db = opened.enter_context(closing(PostgresDb(place)))
        db.hold()
        if (found := revision(db)) is None:
            with transaction(db):  # two first runs at once: the second waits here and finds it made
                if revision(db) is None:
                    _make(db)
        elif found != REVISION:
            from strongroom.catalogue.migrate import migrate  # noqa: PLC0415 -- it costs more time than most commands take

            with explained(place):
                known = migrate(place, found)
            if not known:
                what = "a catalogue of another version of Strongroom, or tables of others"
                raise CatalogueError(f"{place}: {what}. {WAY_OUT} and keeps these under another name")
        opened.pop_all()
    return db


def revision(db: PostgresDb) -> str | None:
    """That of the tables; "" if they are no catalogue's that can be told; None if there are none."""
    made, others = db.execute(
        "SELECT to_regclass(?) IS NOT NULL, EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = ?)",
        (f"{db.place.schema}.alembic_version", db.place.schema),
    ).fetchone() or (False, False)
    if not made:
        return "" if others else None
    row = db.execute(_REVISION).fetchone()
    return "" if row is None else str(row[0])


def _make(db: PostgresDb) -> None:
    if not (db.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", (db.place.schema,)).fetchone()):
        db.execute(f"CREATE SCHEMA {db.place.schema}")
    db.connection.execute((MADE / "postgresql.sql").read_bytes())
    db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
    db.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))


