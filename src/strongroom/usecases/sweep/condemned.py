"""The keys that any sweep of a store named: never written again, by anybody (docs/format.md, section 15)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final

from strongroom.core.condemning import Condemnation, parse_condemnation, parse_sweep_key
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.ids import new_id
from strongroom.core.keys import StoreKey
from strongroom.database import read_only
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store

#: Bytes of a part of a record: 20,000 lines of at most some 1,000 bytes, and room.
PART_LIMIT: Final = 64 << 20
_TABLES: Final = """
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;
CREATE TABLE condemned (key TEXT, seq INTEGER, PRIMARY KEY (key, seq)) WITHOUT ROWID;
CREATE TABLE kept (key TEXT, seq INTEGER, PRIMARY KEY (key, seq)) WITHOUT ROWID;
BEGIN;
"""


class Condemned:
    """A set of keys in an SQLite file. Can be pickled to another process."""

    def __init__(self, path: Path | None, count: int) -> None:
        self._path = path
        self._count = count
        self._db: sqlite3.Connection | None = None

    @classmethod
    def load(cls, store: Store, folder: Path) -> Condemned:
        """Everything that the records of the store name, finished or not; `folder` is where the file is made, if there are any.

        Raises StoreUnreachableError: who does not know what is condemned must not write.
        """
        rows = read_condemned(store, "keys")
        first = next(rows, None)
        if first is None:
            return cls(None, 0)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"condemned-{new_id()}.sqlite"
        db = sqlite3.connect(path, isolation_level=None)
        try:
            db.executescript(_TABLES)
            db.executemany("INSERT OR IGNORE INTO condemned VALUES (?, ?)", ((one.key.text, seq) for seq, one in chain([first], rows)))
            db.executemany("INSERT OR IGNORE INTO kept VALUES (?, ?)", ((one.key.text, seq) for seq, one in read_condemned(store, "kept")))
            db.execute("COMMIT")
            count = db.execute("SELECT count(*) FROM condemned").fetchone()[0]
        finally:
            db.close()
        return cls(path, count)

    def __contains__(self, key: StoreKey) -> bool:
        return self._count > 0 and self._open().execute("SELECT 1 FROM condemned WHERE key = ?", (key.text,)).fetchone() is not None

    def __len__(self) -> int:
        return self._count

    def is_deleted(self, key: StoreKey) -> bool:
        """Whether a sweep deleted it, or is about to: it named the key and did not take it back."""
        sql = ("SELECT 1 FROM condemned c WHERE key = ?1 AND NOT EXISTS (SELECT 1 FROM kept k WHERE k.key = ?1 AND k.seq = c.seq)")
        return self._count > 0 and self._open().execute(sql, (key.text,)).fetchone() is not None

    def __iter__(self) -> Iterator[StoreKey]:
        if self._count:
            for (text,) in self._open().execute("SELECT DISTINCT key FROM condemned ORDER BY key"):
                yield StoreKey(text)

    def _open(self) -> sqlite3.Connection:
        if self._db is None:
            assert self._path is not None
            self._db = read_only(self._path, check_same_thread=False)
        return self._db

    def __getstate__(self) -> tuple[Path | None, int]:
        return self._path, self._count

    def __setstate__(self, state: tuple[Path | None, int]) -> None:
        self.__init__(*state)  # type: ignore[misc]


def read_condemned(store: Store, kind: str, seq: int | None = None) -> Iterator[tuple[int, Condemnation]]:
    """What sweeps, or the one of this number, condemned (`kind` "keys") or took back ("kept"), each with the number of its sweep, in order
    of sweeps and parts. Every generation of a part counts: to pass over a key too many costs nothing.

    A line that cannot be read is passed over: no sweep deletes by a record that is not whole, so what it named is in nobody's way.
    """
    prefix = "sweep/" if seq is None else f"sweep/{seq:012d}/"
    for stat in store.list(prefix):
        named = parse_sweep_key(stat.key)
        if named is None or not named[1].startswith(f"{kind}-"):
            continue
        with suppress(NotFoundInStoreError, DamagedInStoreError):
            for line in read_all(store, stat.key, PART_LIMIT).splitlines():
                with suppress(InvalidValueError):
                    yield named[0], parse_condemnation(line, what=str(stat.key))
