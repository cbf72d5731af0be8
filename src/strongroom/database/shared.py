"""Lists of a run that workers on other machines read, too: in a folder that all see, with locks that reach from one to another."""

from __future__ import annotations

import os
import socket
import sqlite3
import uuid
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Final

from strongroom.core.errors import UsageError

VARIABLE: Final = "STRONGROOM_SCRATCH"
_LOCKS: Final = "locks.sqlite"


def shared_scratch() -> Path | None:
    """The folder that STRONGROOM_SCRATCH names: where runs keep their lists, and other machines may see them. Raises UsageError."""
    named = os.environ.get(VARIABLE)
    if named and not named.startswith("/"):
        raise UsageError(f"{VARIABLE}: expected a folder's path from / on, the same on every machine, found {named!r}")
    return Path(named) if named else None


def journal_mode(path: Path) -> str:
    """SQLite's for the database of a run at `path`. WAL, in which who reads holds up nobody, needs memory that all its users share, and so
    one machine; elsewhere a reader has to finish each statement before somebody can write."""
    shared = shared_scratch()
    return "WAL" if shared is None or not path.is_relative_to(shared) else "TRUNCATE"


@cache
def this_machine() -> str:
    """The same in all processes of one machine, those in containers included, until it is started again; on no other."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return f"{socket.gethostname()}-{uuid.getnode():x}"


def hold(folder: Path) -> sqlite3.Connection:
    """A lock in `folder`, which is made, until the connection is closed. Several may have it. Raises OSError, sqlite3.Error."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(folder / _LOCKS, timeout=120, isolation_level=None, check_same_thread=False)
    db.execute("CREATE TABLE IF NOT EXISTS held (one)")
    db.execute("BEGIN")
    db.execute("SELECT count(*) FROM held").fetchone()
    return db


def doubt(folder: Path) -> str | None:
    """Why lists in `folder` cannot be shared with whoever holds its lock; None if they can."""
    uri = f"{(folder / _LOCKS).as_uri()}?mode=rw"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=0, isolation_level=None)) as db:
            db.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            return None
        return f"{folder} cannot be used there ({error})"
    return f"locks in {folder} do not reach there: it is another folder of that name, or its file system has no locks between machines"
