"""Which batch of a run stores a content that several batches meet: the first to claim it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Final

from strongroom.database.shared import journal_mode
from strongroom.usecases.given import GIVEN

_CLAIM: Final = GIVEN + "INSERT OR IGNORE INTO claims SELECT sha256, ?2 FROM given WHERE true RETURNING sha256"  # noqa: S608 -- constants


def make_claims(path: Path) -> None:
    """An empty set of claims, for one round of one run."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute(f"PRAGMA journal_mode = {journal_mode(path)}")
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

    def claim(self, digests: Collection[bytes]) -> set[bytes]:
        """Those of `digests` that are now this batch's to store; the others are another batch's."""
        if not digests:
            return set()
        rows = self._db.execute(_CLAIM, (b"".join(sorted(digests)), self._batch)).fetchall()
        return {sha256 for (sha256,) in rows}

    def close(self) -> None:
        self._db.close()
