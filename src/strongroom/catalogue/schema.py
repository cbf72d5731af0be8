"""The catalogue's tables, and opening its database."""

from __future__ import annotations

import sqlite3
import time
import zlib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

from strongroom.catalogue.trouble import explain, way_out
from strongroom.core.errors import StrongroomError

_TABLES: Final = """
CREATE TABLE stores (
  number INTEGER PRIMARY KEY,
  id     TEXT NOT NULL UNIQUE,
  url    TEXT NOT NULL,
  writer TEXT NOT NULL,               -- this installation's log in that store (format.md, 7)
  seen   TEXT NOT NULL,
  dirty  INTEGER NOT NULL DEFAULT 1   -- may hold objects this catalogue has not heard of
);
CREATE TABLE collections (
  name         TEXT PRIMARY KEY,
  manifest     TEXT,
  last_archive TEXT,
  last_outcome TEXT
) WITHOUT ROWID;
CREATE TABLE bags (
  seal       BLOB PRIMARY KEY,        -- a bag's identity; a forked version is two rows
  name       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  collection TEXT NOT NULL,
  attempt    TEXT NOT NULL,
  sealed     TEXT NOT NULL,
  files      INTEGER NOT NULL,
  bytes      INTEGER NOT NULL,
  state      BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX bags_by_label ON bags (name, version);
CREATE TABLE bag_stores (
  seal  BLOB NOT NULL,
  store INTEGER NOT NULL,
  PRIMARY KEY (seal, store)
) WITHOUT ROWID;
CREATE TABLE bag_access (             -- what sealed bags say of access to their collection (access.py)
  seal          BLOB PRIMARY KEY,
  level         TEXT NOT NULL,
  embargo_until TEXT
) WITHOUT ROWID;
CREATE TABLE objects (                -- packs and large contents of each store
  id       INTEGER PRIMARY KEY,
  store    INTEGER NOT NULL,
  kind     TEXT NOT NULL CHECK (kind IN ('pack', 'zstd', 'content')),
  digest   BLOB NOT NULL,
  size     INTEGER NOT NULL,
  verified INTEGER NOT NULL DEFAULT 0, -- read whole and found to have its digest, and places says what is in it
  members  BLOB,                       -- of a pack whose members were compared with their names: SHA-256 of the index they ask for
  damaged  INTEGER NOT NULL DEFAULT 0, -- known damaged or missing: never relied upon again
  since    TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), -- when this catalogue first heard of it
  UNIQUE (store, kind, digest)
);
CREATE TABLE places (                 -- where a content lies; scope is '' or the collection it may be shared within
  store  INTEGER NOT NULL,
  scope  TEXT NOT NULL,
  sha256 BLOB NOT NULL,
  object INTEGER NOT NULL,
  length INTEGER NOT NULL,
  PRIMARY KEY (store, scope, sha256, object)
) WITHOUT ROWID;
CREATE INDEX places_by_object ON places (object);
CREATE INDEX places_by_length ON places (store, length) WHERE length > 4194304;
CREATE TABLE verdicts (               -- what contents are identified as (formats.py); '' is: not known
  number     INTEGER PRIMARY KEY,
  mime       TEXT NOT NULL,
  puid       TEXT NOT NULL,           -- PRONOM's id
  name       TEXT NOT NULL,
  version    TEXT NOT NULL,
  basis      TEXT NOT NULL,
  flags      TEXT NOT NULL,
  signatures TEXT NOT NULL,           -- what judged, and by which signatures
  UNIQUE (puid, mime, name, version, basis, flags, signatures)
);
CREATE TABLE formats (                -- the verdict about a content in files of an extension
  sha256    BLOB NOT NULL,
  extension TEXT NOT NULL,            -- in lower case; '' for none
  verdict   INTEGER NOT NULL,
  PRIMARY KEY (sha256, extension)
) WITHOUT ROWID;
CREATE TABLE scans (                  -- what a virus scanner said of a content (scans.py)
  sha256     BLOB PRIMARY KEY,
  outcome    TEXT NOT NULL,
  detail     TEXT NOT NULL,
  signatures TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE bag_formats (            -- what the payload of a bag is made of
  seal    BLOB NOT NULL,
  verdict INTEGER NOT NULL,
  files   INTEGER NOT NULL,
  bytes   INTEGER NOT NULL,
  PRIMARY KEY (seal, verdict)
) WITHOUT ROWID;
CREATE TABLE source_files (           -- what a collection's source held when it was last read
  collection TEXT NOT NULL,
  path       TEXT NOT NULL,
  size       INTEGER NOT NULL,
  mtime      INTEGER NOT NULL,
  ctime      INTEGER NOT NULL,
  inode      INTEGER NOT NULL,
  sha256     BLOB NOT NULL,
  others     BLOB NOT NULL,           -- digests by the other algorithms, in the order of source_reads.algorithms
  PRIMARY KEY (collection, path)
) WITHOUT ROWID;
CREATE TABLE source_reads (
  collection TEXT PRIMARY KEY,
  source     BLOB NOT NULL,          -- the folder's path as bytes
  algorithms TEXT NOT NULL,
  seal       BLOB NOT NULL            -- the bag that holds what source_files says
) WITHOUT ROWID;
CREATE TABLE checks (                 -- the last result of looking at each key of a store (checks.py)
  store    INTEGER NOT NULL,
  base     TEXT NOT NULL,             -- the key without its generation
  key      TEXT NOT NULL,
  seq      INTEGER NOT NULL,
  outcome  TEXT NOT NULL,
  time     TEXT NOT NULL,
  size     INTEGER,
  expected TEXT,
  found    TEXT,
  PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE INDEX checks_by_seq ON checks (store, seq);
CREATE INDEX checks_by_base ON checks (store, base);
CREATE INDEX checks_unsound ON checks (store, key) WHERE outcome IN ('damaged', 'missing');
CREATE TABLE unread (                 -- keys that the store, which answered, could not give when an audit last asked for them
  store INTEGER NOT NULL,
  base  TEXT NOT NULL,                -- the key without its generation
  key   TEXT NOT NULL,
  seq   INTEGER NOT NULL,             -- of that audit
  PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE TABLE audits (                 -- full audits of this installation
  store INTEGER NOT NULL,
  seq   INTEGER NOT NULL,
  scope TEXT NOT NULL,
  round INTEGER NOT NULL,
  began TEXT NOT NULL,
  ended TEXT,
  complete INTEGER NOT NULL DEFAULT 0,
  published INTEGER NOT NULL DEFAULT 0, -- its results lie in the store
  PRIMARY KEY (store, seq)
) WITHOUT ROWID;
CREATE TABLE withheld_files (         -- files of bags with contents that are withheld (withheld.py); a figure for people
  name    TEXT NOT NULL,
  version INTEGER NOT NULL,
  sha256  BLOB NOT NULL,
  files   INTEGER NOT NULL,
  PRIMARY KEY (name, version, sha256)
) WITHOUT ROWID;
CREATE INDEX withheld_files_by_content ON withheld_files (sha256);
CREATE TABLE counted_bags (           -- bags whose payload is in `held` (holdings.py); figures for people
  seal    BLOB PRIMARY KEY,
  notable TEXT NOT NULL               -- JSON: its largest and its oldest files
) WITHOUT ROWID;
CREATE TABLE held (                   -- the contents of each collection, over all its bags that were counted
  collection TEXT NOT NULL,
  sha256     BLOB NOT NULL,
  length     INTEGER NOT NULL,
  files      INTEGER NOT NULL,        -- with this content, in all bags together
  bags       INTEGER NOT NULL,        -- that have it
  first      INTEGER NOT NULL,        -- the lowest version that has it
  PRIMARY KEY (collection, sha256)
) WITHOUT ROWID;
CREATE INDEX held_by_content ON held (sha256, length);
CREATE TABLE likeness_contents (      -- what was compared with what (likeness.py)
  number  INTEGER PRIMARY KEY,
  sha256  BLOB NOT NULL UNIQUE,
  length  INTEGER,                    -- bytes
  type    TEXT,                       -- MIME type as the bag says
  method  TEXT,                       -- how it was read; absent: not yet
  kind    TEXT,                       -- 'text', 'image' or 'none'
  note    TEXT NOT NULL DEFAULT '',   -- why nothing could be compared
  compared INTEGER NOT NULL DEFAULT 0 -- with all others that were
);
CREATE INDEX likeness_unread ON likeness_contents (number) WHERE method IS NULL;
CREATE TABLE likeness_members (       -- the collections that have a content; a figure for people, and who may see it
  collection TEXT NOT NULL,
  content    INTEGER NOT NULL,
  path       TEXT NOT NULL,           -- one of its paths
  files      INTEGER NOT NULL,        -- with this content, in the newest version that has it
  first      INTEGER NOT NULL,        -- the first and the last version that have it
  last       INTEGER NOT NULL,
  PRIMARY KEY (collection, content)
) WITHOUT ROWID;
CREATE INDEX likeness_members_by_content ON likeness_members (content);
CREATE TABLE likeness_bags (          -- bags whose payload likeness_members knows
  seal BLOB PRIMARY KEY
) WITHOUT ROWID;
CREATE TABLE likeness_boilerplate (   -- what many documents of a collection share (strongroom.likeness.boilerplate)
  collection TEXT PRIMARY KEY,
  documents  INTEGER NOT NULL,        -- of the collection, when it was found
  shingles   BLOB NOT NULL
) WITHOUT ROWID;
CREATE TABLE likeness_pairs (         -- a < b
  a       INTEGER NOT NULL,
  b       INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  jaccard REAL NOT NULL,
  a_in_b  REAL NOT NULL,
  b_in_a  REAL NOT NULL,
  differs TEXT NOT NULL,              -- what b has that a has not, in words
  turned  TEXT NOT NULL,              -- and what a has that b has not
  PRIMARY KEY (a, b)
) WITHOUT ROWID;
CREATE INDEX likeness_pairs_by_b ON likeness_pairs (b);
CREATE TABLE runs (                   -- jobs of this installation (runs.py)
  number      INTEGER PRIMARY KEY,
  job         TEXT NOT NULL,          -- archive, audit, …
  collection  TEXT NOT NULL,          -- '' for all, or several
  store       TEXT NOT NULL,          -- URL; '' for all, or those of the collection
  started     TEXT NOT NULL,
  ended       TEXT,                   -- absent: under way, or cut off
  outcome     TEXT NOT NULL,
  exit_status INTEGER,
  summary     TEXT NOT NULL           -- JSON
);
CREATE INDEX runs_by_job ON runs (job, collection, number);
CREATE INDEX runs_by_start ON runs (started);
"""
#: Kept in `PRAGMA user_version`: it follows from the tables, so that nobody can change them and forget it. A catalogue with other tables
#: is refused: it is a cache, and is made again.
VERSION: Final = zlib.crc32(_TABLES.encode()) & 0x7FFFFFFF



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
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        db.execute("BEGIN IMMEDIATE")  # two first runs at once: the second waits here and finds it made
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:
            for statement in _TABLES.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {VERSION}")
        db.execute("COMMIT")
    elif version != VERSION:
        raise StrongroomError(f"{path}: a catalogue of another version of Strongroom, with other tables. {way_out(path)}")
