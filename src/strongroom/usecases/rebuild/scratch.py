"""What a rebuild knows of a store while it runs, in SQLite so that memory does not grow with the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.catalogue.relearn import PART_FORMATS
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError
from strongroom.database import Database, attached
from strongroom.stores.interface import Stat
from strongroom.usecases.archive.scopes import NOBODY
from strongroom.usecases.audit.kinds import name_of
from strongroom.usecases.rebuild.signed import SignedSeal
from strongroom.usecases.signatures.columns import COLUMNS

_TABLES: Final = """
CREATE TABLE objects (           -- packs and large contents, one row whatever the generations
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, digest BLOB NOT NULL, size INTEGER NOT NULL, newest TEXT NOT NULL,
  UNIQUE (kind, digest)
);
CREATE TABLE scopes (kind TEXT, digest BLOB, scope TEXT, PRIMARY KEY (kind, digest, scope)) WITHOUT ROWID;
CREATE TABLE seals (""" + COLUMNS + """PRIMARY KEY (bag, digest)) WITHOUT ROWID;
"""
_AT_ONCE: Final = 5000


class Scratch(Database):
    """One database for one store. Workers open it by its path, to read."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES)

    def note_signed(self, seals: Iterable[SignedSeal]) -> None:
        """Note what the signatures of seals are worth."""
        self.db.executemany(
            "INSERT OR IGNORE INTO seals (bag, digest, attempt, previous, signer, standing, said, said_code) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (one.row() for one in seals))

    def note(self, stats: Iterator[Stat]) -> Iterator[tuple[int, int]]:
        """Note what a listing has of packs and large contents; (keys, bytes) as it goes. The newest generation counts."""
        while some := list(islice(stats, _AT_ONCE)):
            rows = []
            for stat in some:
                name = name_of(stat.key)
                if name.stored is not None:
                    rows.append((name.stored[0], name.stored[1].raw, stat.size, stat.key.text, name.generation))
            rows.sort(key=lambda row: row[4])  # keys come in the order of their bytes: ~10 before ~2
            with self.transaction() as db:
                db.executemany(
                    "INSERT INTO objects (kind, digest, size, newest) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (kind, digest) "
                    "DO UPDATE SET size = excluded.size, newest = excluded.newest", (row[:4] for row in rows))
            yield len(some), sum(stat.size for stat in some)

    def take_scopes(self, part: Path) -> None:
        """Take in the table `scopes` of another database."""
        with attached(self.db, part, "part") as db:
            db.execute("INSERT OR IGNORE INTO scopes SELECT kind, digest, scope FROM part.scopes")

    def scopes_of(self, kind: str, digest: Digest) -> set[str]:
        """With whom an object may be shared: as usecases.archive.scopes has it."""
        rows = self.db.execute("SELECT scope FROM scopes WHERE kind = ? AND digest = ?", (kind, digest.raw))
        found = {scope for (scope,) in rows}
        return found - {""} if len(found) > 1 else found or {NOBODY}


def open_part(path: Path) -> sqlite3.Connection:
    """A new database for what a worker finds; of a try that was cut off nothing is kept."""
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path, isolation_level=None)
    db.executescript(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN;"
        "CREATE TABLE scopes (kind TEXT, digest BLOB, scope TEXT, PRIMARY KEY (kind, digest, scope)) WITHOUT ROWID;" + PART_FORMATS)
    return db


def digest_of(text: object) -> Digest | None:
    """The digest that a line of a hint names, if it is one."""
    try:
        return Digest(str(text))
    except InvalidValueError:
        return None
