"""Opening the database of a catalogue, which is made if it is absent."""

from __future__ import annotations

import sqlite3
import time
import zlib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from strongroom.catalogue.trouble import explain, way_out
from strongroom.core.errors import StrongroomError

#: What makes the tables, by dialect: written from tables.py.
MADE: Final = Path(__file__).with_name("made")
_TABLES: Final = (MADE / "sqlite.sql").read_text(encoding="utf-8")
#: The revision of the tables, as Alembic keeps it (migrations/). It follows from the tables, so that nobody can change them and forget it.
REVISION: Final = f"first_{zlib.crc32(_TABLES.encode()):08x}"


def connect(path: Path) -> sqlite3.Connection:
    """Open the catalogue, making it if it is absent. Raises StrongroomError with the way out where it cannot be used."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        with ExitStack() as opened:  # closes it unless it is handed out
            opened.enter_context(closing(db))
            _use_wal(db)
            db.execute("PRAGMA synchronous = NORMAL")
            _prepare(db, path)
            opened.pop_all()
    except sqlite3.DatabaseError as error:
        raise StrongroomError(explain(error, path.parent)) from error
    return db


def _use_wal(db: sqlite3.Connection) -> None:
    """Switching to WAL does not wait for a lock as other statements do: two first runs at once would disturb each other."""
    for _ in range(600):
        try:
            db.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            time.sleep(0.1)
        else:
            return
    raise sqlite3.OperationalError("database is locked")


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    if _revision(db) is None:
        db.execute("BEGIN IMMEDIATE")  # two first runs at once: the second waits here and finds it made
        if _revision(db) is None:
            for statement in _TABLES.split(";\n"):
                db.execute(statement)
            db.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            db.execute("INSERT INTO alembic_version VALUES (?)", (REVISION,))
        db.execute("COMMIT")
    elif (found := _revision(db)) != REVISION:
        from strongroom.catalogue.migrate import migrate  # noqa: PLC0415 -- it costs more time than most commands take

        if not migrate(path, str(found)):
            raise StrongroomError(f"{path}: a catalogue of another version of Strongroom, with other tables. {way_out(path)}")


def _revision(db: sqlite3.Connection) -> str | None:
    """That of the tables; "" if they are no catalogue's that can be told; None if there are none."""
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "alembic_version" not in tables:
        return "" if tables or db.execute("PRAGMA user_version").fetchone()[0] else None
    row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return "" if row is None else str(row[0])
