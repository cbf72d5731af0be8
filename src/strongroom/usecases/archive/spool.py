"""The state of one archive run, in an SQLite file, so that memory does not grow with the number of files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Final

from strongroom.database import Database, Slice, Where, attached

#: The digests of the payload, for the slices of a catalogue (strongroom.catalogue.slices).
CONTENTS: Final = "SELECT DISTINCT sha256 FROM files WHERE sha256 IS NOT NULL"
_CACHE: Final = 16_000  # KiB
_TABLES: Final = """
CREATE TABLE files (           -- the payload to be
  id     INTEGER PRIMARY KEY,
  path   TEXT NOT NULL,        -- data/…; SQLite compares TEXT by its UTF-8 bytes, which is the order of manifests
  name   BLOB,                 -- path below the source where it is not what `path` says (format.md, 4.1)
  size   INTEGER NOT NULL,
  mtime  INTEGER NOT NULL,
  ctime  INTEGER NOT NULL,
  inode  INTEGER NOT NULL,
  mode   INTEGER NOT NULL,
  pin    TEXT,                 -- of an object in a bucket: its version and ETag
  sha256 BLOB,                 -- NULL: to be read
  others BLOB,                 -- digests by the other algorithms, one after the other
  read   INTEGER NOT NULL DEFAULT 0,  -- read in this run (1), or carried over from the bag before (2)
  type   TEXT                  -- MIME type, where the bag before said it
);
CREATE TABLE structure (
  path    TEXT PRIMARY KEY,
  kind    TEXT NOT NULL,
  mode    INTEGER,
  mtime   INTEGER,
  target  BLOB,                -- of a link
  reason  TEXT,                -- why it is excluded
  name    BLOB,                -- of what is excluded, where the path is not its name
  carried INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE names (path TEXT PRIMARY KEY, name BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE work (seq INTEGER PRIMARY KEY, file INTEGER NOT NULL);
"""


class Spool(Database):
    """One run's database. `path` can be handed to worker processes, which only read it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, f"PRAGMA cache_size = -{_CACHE};" + _TABLES, check_same_thread=False)

    def index_paths(self) -> None:
        """To be called once after the scan: sorting all paths at the end costs a third of keeping them sorted."""
        self.db.execute("CREATE UNIQUE INDEX files_by_path ON files (path)")

    @contextmanager
    def frugal(self) -> Iterator[None]:
        """Around a question that sorts every file: SQLite sorts in as much memory as its cache may take, beside that cache."""
        self.db.execute(f"PRAGMA cache_size = -{_CACHE // 8}")
        try:
            yield
        finally:
            self.db.execute(f"PRAGMA cache_size = -{_CACHE}")

    def totals(self) -> tuple[int, int]:
        """(files, bytes) of the payload."""
        count, size = self.db.execute("SELECT count(*), coalesce(sum(size), 0) FROM files").fetchone()
        return int(count), int(size)

    def unread(self) -> tuple[int, int]:
        """(files, bytes) of the payload that are still to be read."""
        count, size = self.db.execute("SELECT count(*), coalesce(sum(size), 0) FROM files WHERE sha256 IS NULL").fetchone()
        return int(count), int(size)

    def with_catalogue(self, catalogue: Where, *needed: Slice) -> AbstractContextManager[sqlite3.Connection]:
        """The database with the catalogue attached as `cat`, for questions that join the two and need this much of it."""
        return attached(self.db, catalogue, "cat", needed)

    # -- the payload paths, as metadata validation wants them (strongroom.metadata)

    def __contains__(self, path: str) -> bool:
        return self.db.execute("SELECT 1 FROM files WHERE path = ?", (path,)).fetchone() is not None

    def __iter__(self) -> Iterator[str]:
        for (path,) in self.db.cursor().execute("SELECT path FROM files ORDER BY path"):
            yield path

    def __len__(self) -> int:
        return self.totals()[0]
