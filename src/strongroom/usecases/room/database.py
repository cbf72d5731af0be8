"""The room's own index below STRONGROOM_HOME: folders, names and metadata of bags, and the words in them. A cache: it can be deleted.

Folders are named by what is in them, as contents are, so that a version costs only what differs from the one before.
"""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from strongroom.database import read_only
from strongroom.usecases.context import Context

_TABLES: Final = """
CREATE TABLE bag (
  id      INTEGER PRIMARY KEY,
  seal    BLOB NOT NULL UNIQUE,
  name    TEXT NOT NULL,
  version INTEGER NOT NULL,
  sealed  TEXT NOT NULL,
  root    INTEGER NOT NULL,            -- its top folder
  links   INTEGER NOT NULL,            -- symbolic links
  refused INTEGER NOT NULL,            -- lines of the payload manifest that name no file
  about   TEXT NOT NULL                -- JSON: what describes the collection, events up to the seal, counts
);
CREATE INDEX bag_by_label ON bag (name, version);
CREATE INDEX bag_by_root ON bag (root);
CREATE TABLE folder (
  id     INTEGER PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,         -- of what is in it
  files  INTEGER NOT NULL,             -- in it and below
  bytes  INTEGER NOT NULL
);
CREATE TABLE entry (                   -- a folder, a file or a symbolic link in a folder
  folder INTEGER NOT NULL,
  name   BLOB NOT NULL,
  child  INTEGER,                      -- of a folder
  sha    BLOB,                         -- of a file
  size   INTEGER,
  mtime  INTEGER,                      -- nanoseconds since 1970 UTC
  type   TEXT,
  record INTEGER,                      -- descriptive metadata
  target BLOB,                         -- of a link
  PRIMARY KEY (folder, name)
) WITHOUT ROWID;
CREATE INDEX entry_by_child ON entry (child) WHERE child IS NOT NULL;
CREATE INDEX entry_by_sha ON entry (sha) WHERE sha IS NOT NULL;
CREATE TABLE record (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, json TEXT NOT NULL);
CREATE TABLE held (                    -- which collections have a content in any version
  sha  BLOB NOT NULL,
  name TEXT NOT NULL,
  size INTEGER,
  PRIMARY KEY (sha, name)
) WITHOUT ROWID;
CREATE TABLE found (                   -- what a search finds: a path of a collection, in the newest version that has it; '' the collection
  id     INTEGER PRIMARY KEY,
  name   TEXT NOT NULL,
  path   BLOB NOT NULL,
  bag    INTEGER NOT NULL,
  record INTEGER,
  UNIQUE (name, path)
);
CREATE VIRTUAL TABLE words USING fts5 (path, record, tokenize = "unicode61 remove_diacritics 2");
"""
#: Kept in `PRAGMA user_version`; an index with other tables is made anew.
VERSION: Final = zlib.crc32(_TABLES.encode()) & 0x7FFFFFFF


def index_path(context: Context) -> Path:
    return context.home / "room.sqlite"


def open_index(path: Path) -> sqlite3.Connection:
    """For writing; made if absent, made anew if it is damaged or of another version."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with ExitStack() as opened:  # closes it unless it is handed out
        try:
            db = opened.enter_context(closing(_connect(path)))
            version = db.execute("PRAGMA user_version").fetchone()[0]
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:  # no database any more
            version = -1
        if version != VERSION:
            opened.close()
            if version != 0:
                discard_index(path)
            db = opened.enter_context(closing(_connect(path)))
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(f"BEGIN IMMEDIATE; {_TABLES} PRAGMA user_version = {VERSION}; COMMIT;")
        opened.pop_all()
        return db


def read_index(path: Path) -> closing[sqlite3.Connection]:
    """For reading, for as long as it is open."""
    return closing(read_only(path))


def discard_index(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = OFF")  # after a power cut it is made anew
    except sqlite3.Error:
        db.close()
        raise
    return db
