"""Which batch of a run stores a content that several batches meet: the first to claim it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path


def make_claims(path: Path) -> None:
    """An empty set of claims, for one round of one run."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE claims (sha256 BLOB PRIMARY KEY, batch INTEGER NOT NULL) WITHOUT ROWID")
    db.close()


class Claims:
    """The claims as one batch sees them, safe among worker processes."""

    def __init__(self, path: Path, batch: int) -> None:
        self._batch = batch
        self._db = sqlite3.connect(path, timeout=120, isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        # A try that died before this one may have claimed contents and never reported where it put them.
        self._db.execute("DELETE FROM claims WHERE batch = ?", (batch,))

    def claim(self, digests: Iterable[bytes]) -> set[bytes]:
        """Those of `digests` that are now this batch's to store; the others are another batch's."""
        won = set()
        self._db.execute("BEGIN IMMEDIATE")
        for digest in digests:
            if self._db.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", (digest, self._batch)).rowcount:
                won.add(digest)
        self._db.execute("COMMIT")
        return won

    def close(self) -> None:
        self._db.close()
