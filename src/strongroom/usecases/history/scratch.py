"""What a verification of logs knows while it runs, in SQLite so that memory does not grow with the logs.

Stores are numbered as they were named; one number more stands for what is kept at home.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from strongroom.database import Database

_TABLES: Final = """
CREATE TABLE batches (           -- every object of every chain; digest NULL: it is no batch that belongs there
  store INTEGER NOT NULL, writer TEXT NOT NULL, seq INTEGER NOT NULL, key TEXT NOT NULL, digest TEXT, previous TEXT,
  origin TEXT, names TEXT NOT NULL, altered INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (writer, seq, store, key)
) WITHOUT ROWID;
CREATE INDEX batches_by_digest ON batches (digest);
CREATE INDEX batches_by_store ON batches (store, writer, seq);
CREATE TABLE seals (             -- every object that is a seal or should be; digest NULL: it is none; attempt NULL: it voids the number
  store INTEGER NOT NULL, bag TEXT NOT NULL, key TEXT NOT NULL, digest TEXT, attempt TEXT, made TEXT, previous_bag TEXT, previous TEXT,
  doubtful TEXT, trusted INTEGER NOT NULL DEFAULT 0,  -- trusted: its signature is
  PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE INDEX seals_by_bag ON seals (bag, digest);
CREATE INDEX seals_trusted ON seals (digest) WHERE trusted;
CREATE TABLE heads (             -- batches named by seals
  writer TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, seal TEXT NOT NULL, made TEXT NOT NULL, bag TEXT NOT NULL,
  PRIMARY KEY (writer, seq, digest, seal)
) WITHOUT ROWID;
CREATE INDEX heads_by_seal ON heads (seal);
CREATE TABLE takings (           -- events by which a store (its id) took a bag; batch: digest of the batch that says so
  holder TEXT NOT NULL, bag TEXT NOT NULL, seal TEXT NOT NULL, batch TEXT NOT NULL, PRIMARY KEY (holder, bag, seal, batch)
) WITHOUT ROWID;
CREATE TABLE remembered (        -- batches that the catalogue knows to have lain in a store (its id); own: this installation wrote them
  holder TEXT NOT NULL, writer TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL, own INTEGER NOT NULL,
  PRIMARY KEY (writer, seq, holder)
) WITHOUT ROWID;
CREATE TABLE remembered_bags (holder TEXT NOT NULL, bag TEXT NOT NULL, seal TEXT NOT NULL, PRIMARY KEY (holder, bag, seal)) WITHOUT ROWID;
"""


class Scratch(Database):
    """The database of one verification."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES)
        tables = [name for (name,) in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()]
        self._columns = {name: [row[1] for row in self.db.execute(f"PRAGMA table_info({name})")] for name in tables}

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Insert rows, each as long as its table from the first column on; what is there stays."""
        with self.transaction():
            for row in rows:
                names, marks = ", ".join(self._columns[table][: len(row)]), ", ".join("?" * len(row))
                self.db.execute(f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({marks})", row)  # noqa: S608 -- our names
