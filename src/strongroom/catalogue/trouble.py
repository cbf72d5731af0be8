"""What SQLite complains of, in words that help. It says neither which file it means nor what to do."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Final

_NO_ROOM: Final = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_TOOBIG,
    sqlite3.SQLITE_NOMEM,
})
#: The primary codes of what says nothing about a database itself.
NOT_ITS_FAULT: Final = _NO_ROOM | {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def explain(error: sqlite3.Error, home: Path) -> str:
    """`error`, which came up in a database below `home` (STRONGROOM_HOME), with where and the remedy."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest is the extended code
    if code in _NO_ROOM and (shut := _shut(home)) is not None:
        return (f"{shut}: permission denied ({error}). Whoever runs this must be allowed to read and write it: it belongs to another "
                "user, or its mode was changed (chmod u+rw, and u+x for a folder)")
    if code in _NO_ROOM:
        return (f"{home}: the disk that holds STRONGROOM_HOME is full, read-only or failing ({error}). Make room there, or set "
                "STRONGROOM_HOME to a folder on another disk, and run the same command again")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return f"{home / 'catalogue.sqlite'}: in use by another run for more than a minute; wait for it to end"
    return f"{home / 'catalogue.sqlite'}: the catalogue is damaged ({error}). {way_out(home / 'catalogue.sqlite')}"


def _shut(home: Path) -> Path | None:
    """What of the database this process may not read and write, where the disk is not to blame."""
    for place in (home, *(home / f"catalogue.sqlite{end}" for end in ("", "-wal", "-shm"))):
        with suppress(OSError):
            wanted = os.R_OK | os.W_OK | (os.X_OK if place.is_dir() else 0)
            if place.exists() and not os.access(place, wanted) and not os.statvfs(place).f_flag & os.ST_RDONLY:
                return place
    return None


def way_out(catalogue: Path) -> str:
    return (f"It is only a cache: move {catalogue.name} away (with its -wal and -shm), and make it again with "
            "`strongroom rebuild --store URL`, or let the next run learn from the stores")
