"""What an audit knows of a store while it runs, in SQLite so that memory does not grow with the store."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from strongroom.database import Database
from strongroom.usecases.signatures.columns import COLUMNS

_TABLES: Final = """
CREATE TABLE things (          -- every key there is
  key        TEXT PRIMARY KEY,
  base       TEXT NOT NULL,    -- without its generation
  unit       TEXT NOT NULL,
  kind       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  stated     TEXT,             -- SHA-256 the store itself keeps
  bag        TEXT,
  attempt    TEXT,
  seq        INTEGER,          -- of the audit that read it last
  time       TEXT,
  recorded   TEXT,             -- SHA-256 it had when it was sound
  was        TEXT,             -- outcome of that audit
  tried      INTEGER,          -- the audit to which the store could not give it, if it was asked for since it was read
  accused    TEXT,
  members    TEXT,             -- of a pack whose members were compared with their names: SHA-256 of the index they ask for
  skip       TEXT              -- the outcome of what is not to be read
) WITHOUT ROWID;
CREATE INDEX things_by_base ON things (base);
CREATE INDEX things_by_unit ON things (unit);
CREATE INDEX things_by_bag ON things (bag, attempt);
CREATE TABLE wanted (base TEXT, digest TEXT, seal TEXT, PRIMARY KEY (base, digest, seal)) WITHOUT ROWID;
CREATE TABLE seals (
  key TEXT PRIMARY KEY, previous_bag TEXT,
  signed_key TEXT,  -- base of its signature""" + COLUMNS + """  credible INTEGER NOT NULL DEFAULT 1
) WITHOUT ROWID;
CREATE INDEX seals_by_bag ON seals (bag);
CREATE TABLE attempts (bag TEXT, attempt TEXT, PRIMARY KEY (bag, attempt)) WITHOUT ROWID;  -- those that are bags
CREATE TABLE placed (bag TEXT, base TEXT, PRIMARY KEY (bag, base)) WITHOUT ROWID;
CREATE TABLE logs (base TEXT, key TEXT, found TEXT, previous TEXT, store TEXT, problem TEXT, PRIMARY KEY (base, key)) WITHOUT ROWID;
CREATE TABLE chosen (position INTEGER PRIMARY KEY, unit TEXT NOT NULL, size INTEGER NOT NULL);  -- what this run reads, in order
CREATE TABLE looks (
  key TEXT PRIMARY KEY, base TEXT NOT NULL, outcome TEXT NOT NULL, size INTEGER, expected TEXT, found TEXT, first TEXT, reason TEXT
) WITHOUT ROWID;
CREATE INDEX looks_by_base ON looks (base);
CREATE TABLE members (unit TEXT, sha256 BLOB, PRIMARY KEY (unit, sha256)) WITHOUT ROWID;  -- sound ones, of damaged packs
CREATE TABLE absent (base TEXT PRIMARY KEY, expected TEXT, why TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE vanished (key TEXT PRIMARY KEY) WITHOUT ROWID;  -- generations that were there before, and are not listed
CREATE TABLE bad (sha256 BLOB, base TEXT, PRIMARY KEY (sha256, base)) WITHOUT ROWID;  -- contents, by what should hold them
CREATE TABLE withheld (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;  -- not missed by anybody
CREATE TABLE held (sha256 BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE opened (base TEXT PRIMARY KEY) WITHOUT ROWID;  -- packs whose members are in `held`
CREATE TABLE traced (bag TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE hits (sha256 BLOB, bag TEXT, path TEXT, PRIMARY KEY (sha256, bag, path)) WITHOUT ROWID;
"""


class Scratch(Database):
    """One database for one store. Workers open it by its path, to read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES)
