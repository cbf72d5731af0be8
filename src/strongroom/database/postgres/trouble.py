"""What PostgreSQL complains of, in words that help: where the catalogue lies, what became of the run, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors

from strongroom.core.errors import StrongroomError
from strongroom.database.postgres.place import VARIABLE, PostgresPlace

WAY_OUT: Final = "It is only a cache, and no bag is lost with it: `strongroom rebuild --store URL` makes it again, from each store"
POOLED: Final = (
    "a pool of connections (PgBouncer, say) stands before the catalogue's server, and a catalogue's locks belong to one connection each. "
    f"Name the server itself in {VARIABLE}: its port is usually 5432, where a pool's is 6432"
)
_DAMAGED: Final = (errors.DataCorrupted, errors.IndexCorrupted, errors.UndefinedTable, errors.UndefinedColumn, errors.InvalidSchemaName)


class CatalogueError(StrongroomError):
    """The shared catalogue could not be asked. What was sealed stays sealed, and the same command can be run again."""

    exit_status = 3


class CatalogueBusyError(CatalogueError):
    """Others held it for longer than anybody waits."""


@contextmanager
def explained(place: PostgresPlace) -> Iterator[None]:
    """Raise CatalogueError for what psycopg raises inside."""
    try:
        yield
    except psycopg.Error as error:
        kind = CatalogueBusyError if isinstance(error, errors.LockNotAvailable) else CatalogueError
        raise kind(f"{place}: {_words(error)}") from error


def _words(error: psycopg.Error) -> str:
    said = " ".join(str(error).split())
    match error:
        case errors.LockNotAvailable():
            return "in use by another run for more than two minutes; wait for it to end"
        case errors.InsufficientPrivilege():
            return (f"permission denied ({said}). The role must own its schema: an administrator says CREATE SCHEMA NAME AUTHORIZATION "
                    "ROLE, or grants it CREATE on the database")
        case errors.DiskFull() | errors.OutOfMemory() | errors.ReadOnlySqlTransaction():
            return f"the catalogue's server cannot write ({said}). Make room there, or have it take writes, and run the same command again"
        case errors.TooManyConnections():
            return f"the catalogue's server has no connection free ({said}). Raise its max_connections, or use fewer --workers"
        case _ if isinstance(error, _DAMAGED):
            return f"the catalogue is damaged or gone ({said}). {WAY_OUT}"
        case psycopg.OperationalError() if "startup parameter" in said:  # as PgBouncer says it
            return f"{POOLED} ({said})"
        case psycopg.OperationalError() if error.sqlstate is None or error.sqlstate[:2] in ("08", "57", "28", "3D"):
            return (f"the catalogue's server cannot be reached, or stopped answering ({said}). What was sealed is sealed; run the same "
                    f"command again when it answers. If it is lost: {WAY_OUT[0].lower()}{WAY_OUT[1:]}, in another database that {VARIABLE} "
                    "names")
        case _:
            return f"the catalogue's server refused a question ({said}). {WAY_OUT}"
