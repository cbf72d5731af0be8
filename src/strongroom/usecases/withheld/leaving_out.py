"""Keeping what is withheld out of a payload that is being made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from strongroom.core.findings import Code, Finding
from strongroom.database import attached
from strongroom.usecases.archive.spool import Spool
from strongroom.usecases.withheld.tombstones import Withheld

REASON = "withheld"


def leave_out_withheld(spool: Spool, withheld: Withheld, found: Callable[[Finding], None]) -> None:
    """Take every file out of the payload whose content is withheld, and list it as excluded. May be called again."""
    if not len(withheld):
        return
    with attached(spool.db, withheld.path, "gone") as db:
        sql = "SELECT f.id, w.reason FROM files f JOIN gone.withheld w ON w.sha256 = f.sha256 ORDER BY f.path"
        rows = db.execute(sql).fetchall()
    for number, reason in rows:
        with spool.transaction() as db:
            leave_out_file(db, number, reason, found)


def leave_out_file(db: sqlite3.Connection, number: int, reason: str | None, found: Callable[[Finding], None]) -> None:
    """Take one file, by its number in the spool `db`, out of the payload."""
    path, name, read = db.execute("SELECT path, name, read FROM files WHERE id = ?", (number,)).fetchone()
    escaped = db.execute("SELECT name FROM names WHERE path = ?", (path,)).fetchone()
    row = (path, "excluded", REASON, escaped[0] if escaped else name)
    db.execute("INSERT OR REPLACE INTO structure (path, kind, reason, name) VALUES (?, ?, ?, ?)", row)
    db.execute("DELETE FROM names WHERE path = ?", (path,))
    db.execute("DELETE FROM files WHERE id = ?", (number,))
    if read < 2:
        what = f"is withheld ({reason or 'by a tombstone'}), so it was left out of the bag. It lies in the source; remove it there"
        found(Finding(Code.SOURCE_WITHHELD, path, what))
