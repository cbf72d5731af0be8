"""Which contents are withheld, as a set that workers can ask."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from strongroom.core.findings import Finding
from strongroom.core.tombstone import Action
from strongroom.database import read_only
from strongroom.stores.interface import Store

if TYPE_CHECKING:
    from strongroom.signing import Trust
    from strongroom.usecases.withheld.stones import Stone

_TABLES: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE stones (
  digest BLOB PRIMARY KEY, content BLOB NOT NULL, action TEXT NOT NULL, reason TEXT NOT NULL, size INTEGER
) WITHOUT ROWID;
CREATE TABLE replaced (digest BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE withheld (sha256 BLOB PRIMARY KEY, reason TEXT NOT NULL, size INTEGER) WITHOUT ROWID;
BEGIN;
"""


class Withheld:
    """A set of contents (SHA-256 as 32 bytes) in an SQLite file, table `withheld`. Can be pickled to another process."""

    def __init__(self, path: Path, count: int) -> None:
        self.path = path
        self._count = count
        self._db: sqlite3.Connection | None = None

    @classmethod
    def load(
        cls, stores: Store | Iterable[Store], trust: Trust, folder: Path, add_finding: Callable[[Finding], None],
        memory: Path | None = None,
    ) -> Withheld:
        """What the tombstones of these stores together withhold; `folder` is where the file is made. `memory`: what was read of them
        before (memory.py), so that only what is new is read.

        Raises StoreUnreachableError: who does not know what is withheld must not go on.
        """
        from strongroom.usecases.withheld.memory import read_remembered  # noqa: PLC0415 -- workers need none of it
        from strongroom.usecases.withheld.stones import read_accepted  # noqa: PLC0415

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "withheld.sqlite"
        path.unlink(missing_ok=True)
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.executescript(_TABLES)
            for store in [stores] if isinstance(stores, Store) else stores:
                stones = None if memory is None else read_remembered(store, memory, add_finding)
                for one in read_accepted(store, trust, add_finding, stones):
                    _note(db, one)
            db.execute(
                "INSERT OR IGNORE INTO withheld SELECT content, reason, size FROM stones WHERE action = ? "
                "AND digest NOT IN (SELECT digest FROM replaced) ORDER BY digest", (Action.WITHHOLD,))
            count = db.execute("SELECT count(*) FROM withheld").fetchone()[0]
            db.execute("COMMIT")
        finally:
            db.close()
        return cls(path, count)

    def __contains__(self, raw: bytes) -> bool:
        return self._count > 0 and self._ask("SELECT 1 FROM withheld WHERE sha256 = ?", raw) is not None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[bytes]:
        if self._count:
            for (raw,) in self._open().execute("SELECT sha256 FROM withheld ORDER BY sha256"):
                yield raw

    def reason(self, raw: bytes) -> str | None:
        """Why a content is withheld; None if it is not."""
        return self._ask("SELECT reason FROM withheld WHERE sha256 = ?", raw) if self._count else None

    def may_have(self, size: int) -> bool:
        """Whether one of them may be of so many bytes."""
        return self._count > 0 and self._ask("SELECT 1 FROM withheld WHERE size = ? OR size IS NULL LIMIT 1", size) is not None

    def close(self) -> None:
        if self._db is not None:
            self._db.close()
            self._db = None

    def _ask(self, sql: str, raw: bytes | int) -> Any:
        row = self._open().execute(sql, (raw,)).fetchone()
        return None if row is None else row[0]

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = read_only(self.path, check_same_thread=False)
        return self._db

    def __getstate__(self) -> tuple[Path, int]:
        return self.path, self._count

    def __setstate__(self, state: tuple[Path, int]) -> None:
        self.__init__(*state)  # type: ignore[misc]


def _note(db: sqlite3.Connection, stone: Stone) -> None:
    says = stone.says
    db.execute("INSERT OR IGNORE INTO stones VALUES (?, ?, ?, ?, ?)",
               (stone.digest.raw, says.content.raw, says.action, says.reason, says.size))
    db.executemany("INSERT OR IGNORE INTO replaced VALUES (?)", ((before.raw,) for before in says.previous))
