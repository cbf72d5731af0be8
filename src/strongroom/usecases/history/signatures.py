"""What the signatures of the seals of one store are worth."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

from strongroom.core.findings import Code, Finding
from strongroom.signing import Trust
from strongroom.usecases.signatures.columns import COLUMNS
from strongroom.usecases.signatures.grouping import in_groups

#: Each of these is said of a seal of its own; the others once for all of which the same is to say.
_ONE_BY_ONE: Final = (Code.SIGNATURE_BROKEN, Code.SIGNATURE_MISSING, Code.SIGNATURE_REVOKED)


class Signatures:
    """The signatures of the store at `url`, in a database of their own."""

    def __init__(self, path: Path, url: str, trust: Trust) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute(f"CREATE TABLE seals ({COLUMNS} PRIMARY KEY (bag, digest))")
        self.url, self.trust = url, trust

    def add(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of survey.Read."""
        self._db.executemany(
            "INSERT OR IGNORE INTO seals (bag, digest, attempt, previous, signer, standing, said, said_code) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def say(self, say: Callable[[Finding], None]) -> None:
        for code in _ONE_BY_ONE:
            for bag, said in self._db.execute("SELECT bag, said FROM seals WHERE said_code = ? ORDER BY name, version", (code.label,)):
                say(Finding(code, f"{self.url}: {bag}", said))
        for _, finding in in_groups(self._db, self.url, self.trust):
            say(finding)

    def close(self) -> None:
        self._db.close()
