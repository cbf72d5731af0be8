"""What a sweep knows of a store while it runs, in SQLite so that memory does not grow with the store. Workers open it to read."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.database import Database

_TABLES: Final = """
CREATE TABLE things (
  key TEXT PRIMARY KEY, base TEXT NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL, bag TEXT, attempt TEXT
) WITHOUT ROWID;
CREATE INDEX things_by_base ON things (base);
CREATE INDEX things_by_attempt ON things (bag, attempt);
CREATE TABLE seals (bag TEXT, digest TEXT, attempt TEXT, PRIMARY KEY (bag, digest)) WITHOUT ROWID;
CREATE TABLE decided (bag TEXT PRIMARY KEY) WITHOUT ROWID;     -- labels that have a seal, void ones too
CREATE TABLE promised (attempt TEXT PRIMARY KEY) WITHOUT ROWID; -- attempts that are sealed elsewhere, and may be under way here as replicas
CREATE TABLE needed (sha BLOB PRIMARY KEY) WITHOUT ROWID;      -- contents of any sealed bag
CREATE TABLE due (sha BLOB PRIMARY KEY) WITHOUT ROWID;         -- withheld, and past the grace
CREATE TABLE condemned (key TEXT PRIMARY KEY, why TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID; -- what this sweep finds
CREATE TABLE tagwanted (base TEXT, digest TEXT, PRIMARY KEY (base, digest)) WITHOUT ROWID; -- of tag files with generations
"""


class Scratch(Database):
    """One database for one look at one store."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES)
