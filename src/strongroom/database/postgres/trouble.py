"""What PostgreSQL complains of, in words that help: where the catalogue lies, what became of the run, and the way out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg import errors

from strongroom.core.errors import StrongroomError, UsageError
from strongroom.database.postgres.limits import Limits
from strongroom.database.postgres.place import PASSWORD_FILE, VARIABLE, PostgresPlace

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


#: Of what a server says before it has let anybody in, the client library keeps the words and not the code.
_FULL: Final = ("too many clients", "too many connections", "connection slots")


@contextmanager
def explained(place: PostgresPlace) -> Iterator[None]:
    """Raise CatalogueError for what psycopg raises inside; UsageError where nobody was asked, since the URL makes no sense to it."""
    try:
        yield
    except psycopg.Error as error:
        if _is_misspelt(error):
            raise UsageError(f"{VARIABLE}: {place}: {' '.join(str(error).split())}; correct it") from error
        kind = CatalogueBusyError if isinstance(error, errors.LockNotAvailable) else CatalogueError
        raise kind(f"{place}: {_words(error)}") from error


def held_for(seconds: float) -> str:
    return f"in use by another run for more than {seconds:g} s; wait for it to end"


def _words(error: psycopg.Error) -> str:
    said = " ".join(str(error).split())
    match error:
        case errors.LockNotAvailable():
            return held_for(Limits.from_environment().others)
        case errors.InsufficientPrivilege():
            return (f"permission denied ({said}). The role must own its schema: an administrator says CREATE SCHEMA NAME AUTHORIZATION "
                    "ROLE, or grants it CREATE on the database")
        case errors.DiskFull() | errors.OutOfMemory() | errors.ReadOnlySqlTransaction():
            return f"the catalogue's server cannot write ({said}). Make room there, or have it take writes, and run the same command again"
        case _ if isinstance(error, errors.TooManyConnections) or any(one in said for one in _FULL):
            return f"the catalogue's server has no connection free ({said}). Raise its max_connections, or use fewer --workers"
        case _ if isinstance(error, _DAMAGED):
            return f"the catalogue is damaged or gone ({said}). {WAY_OUT}"
        case psycopg.OperationalError() if error.sqlstate is None or error.sqlstate[:2] in ("08", "57", "28", "3D"):
            return _no_answer(error, said)
        case _:
            return f"the catalogue's server refused a question ({said}). {WAY_OUT}"


def _no_answer(error: psycopg.Error, said: str) -> str:
    if "startup parameter" in said:  # as PgBouncer says it
        return f"{POOLED} ({said})"
    if error.pgconn is not None and error.pgconn.used_password:
        return (f"the catalogue's server let nobody in ({said}). Correct user or database in {VARIABLE}, or the password: in the file "
                f"that {PASSWORD_FILE} names, in {VARIABLE} itself, in PGPASSWORD or in a PGPASSFILE (mode 0600)")
    if isinstance(error, errors.ConnectionTimeout):
        said = f"nobody greeted within {Limits.from_environment().greeting} s: {said}"
    return (f"the catalogue's server cannot be reached, or stopped answering ({said}). What was sealed is sealed; run the same command "
            f"again when it answers. If it is lost: {WAY_OUT[0].lower()}{WAY_OUT[1:]}, in another database that {VARIABLE} names")


def _is_misspelt(error: psycopg.Error) -> bool:
    """An option that is none, or has a value that is none: libpq looks at them before it asks anybody."""
    said = str(error)
    if isinstance(error, psycopg.ProgrammingError):
        return error.sqlstate is None and ("URI" in said or "percent-encoded" in said)
    return isinstance(error, psycopg.OperationalError) and error.sqlstate is None and said.startswith("connection is bad: invalid")
