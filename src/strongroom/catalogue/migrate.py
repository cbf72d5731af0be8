"""Bringing the tables of an older catalogue up to date, by Alembic."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from alembic.config import Config
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, NullPool, create_engine, text
from sqlalchemy.exc import DBAPIError

from strongroom.database import Where
from strongroom.database.postgres.place import PostgresPlace

_SCRIPTS: Final = Path(__file__).with_name("migrations")


def scripts(*more: Path) -> ScriptDirectory:
    """The migrations there are. `more`: folders with further ones."""
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(str, (_SCRIPTS / "versions", *more))))
    return ScriptDirectory.from_config(config)


def migrate(where: Where, found: str, directory: ScriptDirectory | None = None) -> bool:
    """Bring the tables from the revision `found` to the newest, all or nothing. Whether that revision is known.

    Raises what the database's library raises."""
    directory = directory or scripts()
    if found not in {one.revision for one in directory.walk_revisions()}:
        return False
    try:
        _migrate(where, directory)
    except DBAPIError as error:
        raise error.orig or error from error
    return True


def _migrate(where: Where, directory: ScriptDirectory) -> None:
    with engine(where).begin() as connection:
        if connection.dialect.name == "postgresql" and isinstance(where, PostgresPlace):
            from strongroom.database.postgres.connection import lock_key  # noqa: PLC0415 -- only who uses it pays for it

            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key(where.schema, "write")})
        else:
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # pysqlite begins too late for statements that make tables
        upgrade(connection, directory)


def upgrade(connection: Connection, directory: ScriptDirectory) -> None:
    """Every migration that this catalogue lacks, in the transaction of the connection."""
    context = MigrationContext.configure(
        connection, opts={"fn": lambda revision, _: directory._upgrade_revs("heads", revision), "render_as_batch": True})
    with Operations.context(context):
        context.run_migrations()


def engine(where: Where) -> Engine:
    """SQLAlchemy's way to a catalogue, one connection at a time."""
    if isinstance(where, Path):
        return create_engine(f"sqlite:///{where}", poolclass=NullPool)
    from strongroom.database.postgres.connection import dial  # noqa: PLC0415 -- as above

    return create_engine("postgresql+psycopg://", creator=lambda: dial(where, autocommit=False), poolclass=NullPool)
