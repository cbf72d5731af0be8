"""What only a rebuild does to a catalogue: taking in whole tables, and saying whether an existing one can be used."""

from __future__ import annotations

import sqlite3
from enum import Enum
from pathlib import Path
from typing import Final

from strongroom.catalogue.catalogue import Catalogue
from strongroom.catalogue.checks import AuditRow
from strongroom.catalogue.trouble import NOT_ITS_FAULT
from strongroom.core.errors import StrongroomError


class Condition(Enum):
    """How the file at a catalogue's place is."""

    ABSENT = "absent"
    EMPTY = "empty"  # knows no store and no bag
    SOUND = "sound"
    UNUSABLE = "unusable"  # damaged, of another version, or none


def condition(path: Path) -> Condition:
    """Look at every page of it. Raises StrongroomError where that cannot be told: it is in use, or the disk fails."""
    if not path.exists():
        return Condition.ABSENT
    try:
        with Catalogue.open(path) as catalogue, catalogue.transaction() as db:
            if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                return Condition.UNUSABLE
            return Condition.SOUND if db.execute("SELECT 1 FROM stores UNION SELECT 1 FROM bags").fetchone() else Condition.EMPTY
    except StrongroomError as error:
        if isinstance(error.__cause__, sqlite3.Error) and not _its_fault(error.__cause__):
            raise
    except sqlite3.Error as error:
        if not _its_fault(error):
            raise
    return Condition.UNUSABLE


def _its_fault(error: sqlite3.Error) -> bool:
    """Whether the error says something of the database itself: a journal that was cut off reads like a failing disk."""
    code = int(getattr(error, "sqlite_errorcode", 0))
    return code == sqlite3.SQLITE_IOERR_SHORT_READ or code & 0xFF not in NOT_ITS_FAULT


#: A verdict as another database has it: its columns are those of `verdicts` but the number.
PART_FORMATS: Final = """
CREATE TABLE verdicts (number INTEGER PRIMARY KEY, mime TEXT, puid TEXT, name TEXT, version TEXT, basis TEXT, flags TEXT, signatures TEXT);
CREATE TABLE formats (sha256 BLOB, extension TEXT, verdict INTEGER, PRIMARY KEY (sha256, extension)) WITHOUT ROWID;
CREATE TABLE bag_formats (seal BLOB, verdict INTEGER, files INTEGER, bytes INTEGER);
"""
_COLUMNS: Final = "mime, puid, name, version, basis, flags, signatures"
_SAME: Final = " AND ".join(f"m.{name} = p.{name}" for name in _COLUMNS.split(", "))
# WHERE, or SQLite takes what follows for a part of the join.
_KNOWN: Final = f"JOIN part.verdicts p ON p.number = x.verdict JOIN verdicts m ON {_SAME} WHERE TRUE"
_PART: Final = {
    "verdicts": "number BIGINT, " + ", ".join(f"{name} TEXT" for name in _COLUMNS.split(", ")),
    "formats": "sha256 BYTEA, extension TEXT, verdict BIGINT",
    "bag_formats": "seal BYTEA, verdict BIGINT, files BIGINT, bytes BIGINT",
}


def take_formats(catalogue: Catalogue, part: Path) -> None:
    """Take in the verdicts that another database with the tables of PART_FORMATS holds; what is known already stays."""
    with catalogue.beside(part, "part", _PART) as db:
        db.execute(f"INSERT INTO verdicts ({_COLUMNS}) SELECT {_COLUMNS} FROM part.verdicts WHERE TRUE ON CONFLICT DO NOTHING")  # noqa: S608
        db.execute("INSERT INTO formats (sha256, extension, verdict) SELECT x.sha256, x.extension, m.number "  # noqa: S608 -- constants
                   f"FROM part.formats x {_KNOWN} ON CONFLICT DO NOTHING")
        db.execute("INSERT INTO bag_formats (seal, verdict, files, bytes) SELECT x.seal, m.number, sum(x.files), sum(x.bytes) "  # noqa: S608
                   f"FROM part.bag_formats x {_KNOWN} GROUP BY x.seal, m.number ON CONFLICT DO NOTHING")


def take_runs(catalogue: Catalogue, old: Path) -> None:
    """Take over the runs that an older catalogue of this installation remembers. Raises sqlite3.Error if it cannot be read."""
    with catalogue.beside(old, "part", {}) as db:
        db.execute("INSERT OR IGNORE INTO runs SELECT * FROM part.runs")


def put_collection(catalogue: Catalogue, name: str, manifest: str | None, last_archive: str | None) -> None:
    """What is known of a collection whose runs are not remembered; `last_archive`: UTC, when its last bag was made."""
    with catalogue.transaction() as db:
        db.execute(
            "INSERT INTO collections (name, manifest, last_archive, last_outcome) VALUES (?, ?, ?, 'sealed') ON CONFLICT (name) DO UPDATE "
            "SET manifest = excluded.manifest, last_archive = excluded.last_archive, last_outcome = excluded.last_outcome",
            (name, manifest, last_archive),
        )


def put_audit(catalogue: Catalogue, store: int, audit: AuditRow) -> None:
    """An audit that ended, as its results in the store tell of it. Of two with one number the later stays."""
    with catalogue.transaction() as db:
        db.execute(
            "INSERT INTO audits (store, seq, scope, round, began, ended, complete) VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (store, seq) "
            "DO UPDATE SET scope = excluded.scope, round = excluded.round, began = excluded.began, ended = excluded.ended, "
            "complete = excluded.complete WHERE excluded.ended > audits.ended",
            (store, audit.seq, audit.scope, audit.round, audit.began, audit.ended, audit.complete),
        )
