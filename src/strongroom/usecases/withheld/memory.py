"""What was read of a store's tombstones, remembered: keys never change, so that later runs list them and read what is new.

A file of its own below STRONGROOM_HOME, and a cache: without it everything is read once more. But for one thing, which only it knows: what
was here and is gone. Tombstones are never removed (docs/format.md, section 13), so that is a finding, and what they say still counts.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import groupby, islice
from pathlib import Path
from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, UnreadableInStoreError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.tombstone import LIMIT, parse_tombstone
from strongroom.stores.describe import read_description
from strongroom.stores.generations import exists, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.withheld.stones import Stone, check_tombstone_object, read_stones

_TABLES: Final = """
CREATE TABLE IF NOT EXISTS read_parts (  -- tombstones and signatures, by the store's id
  store TEXT NOT NULL, key TEXT NOT NULL, size INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (store, key)
) WITHOUT ROWID;
CREATE TEMP TABLE listed (key TEXT PRIMARY KEY, size INTEGER NOT NULL) WITHOUT ROWID;
"""
_NEW: Final = "SELECT key FROM listed WHERE key NOT IN (SELECT key FROM read_parts WHERE store = ?) ORDER BY key"
_GONE: Final = "SELECT key FROM read_parts WHERE store = ? AND key NOT IN (SELECT key FROM listed) ORDER BY key"
_OTHER: Final = "SELECT key FROM listed JOIN read_parts USING (key) WHERE store = ? AND listed.size != read_parts.size ORDER BY key"
_THREADS: Final = 8  # for reads that only wait
_AT_ONCE: Final = 1000

Add = Callable[[Finding], None]


def memory_of(home: Path) -> Path:
    """Where an installation remembers them."""
    return home / "tombstones.sqlite"


def read_remembered(store: Store, memory: Path, add_finding: Add) -> Iterator[Stone]:
    """Every tombstone of the store as `read_stones` gives them, but without lists of files. Raises StoreUnreachableError.

    A store that does not say which it is is read from beginning to end.
    """
    try:
        store_id = read_description(store).id
    except (WrongStoreError, DamagedInStoreError):
        yield from read_stones(store, add_finding)
        return
    with closing(_open(memory)) as db:
        _list(db, store)
        _read_new(db, store, store_id, add_finding)
        for (key,) in db.execute(_OTHER, (store_id,)).fetchall():
            what = "has other bytes than when it was first read, and keys never change; what was read then counts"
            _damaged(add_finding, store, key, what)
        _miss(db, store, store_id, add_finding)
        yield from _stones(db, store_id)


def _open(memory: Path) -> sqlite3.Connection:
    memory.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    db = sqlite3.connect(memory, timeout=60, isolation_level=None)
    try:
        db.executescript(_TABLES)
    except sqlite3.OperationalError:
        db.close()
        raise
    except sqlite3.DatabaseError:  # no database any more
        db.close()
        memory.unlink()
        return _open(memory)
    return db


def _list(db: sqlite3.Connection, store: Store) -> None:
    rows = ((stat.key.text, stat.size) for stat in store.list("withheld/") if _part(stat.key) in ("json", "minisig"))
    while some := list(islice(rows, _AT_ONCE)):
        db.execute("BEGIN")
        db.executemany("INSERT OR REPLACE INTO listed VALUES (?, ?)", some)
        db.execute("COMMIT")


def _part(key: StoreKey) -> str:
    parsed = keys.parse_tombstone_key(key)
    return "" if parsed is None else parsed[2]


def _read_new(db: sqlite3.Connection, store: Store, store_id: str, add_finding: Add) -> None:
    """Read what was not read before. What cannot be understood is not remembered: it is looked at again, and said, each time."""
    new = [StoreKey(key) for (key,) in db.execute(_NEW, (store_id,))]
    wrong: dict[StoreKey, str] = {}
    unread: dict[StoreKey, str] = {}

    def read(key: StoreKey) -> bytes | None:
        try:
            data = read_all(store, key, LIMIT)
            check_tombstone_object(key, data)
        except NotFoundInStoreError:
            return None
        except UnreadableInStoreError as error:
            unread[key] = str(error)
            return None
        except (InvalidValueError, DamagedInStoreError) as error:
            if _part(key) == "json":
                wrong[key] = str(error)
            return None
        return data

    with ThreadPoolExecutor(_THREADS) as threads:
        for at in range(0, len(new), _AT_ONCE):
            some = new[at : at + _AT_ONCE]
            found = zip(some, threads.map(read, some), strict=True)
            rows = [(store_id, key.text, len(data), data) for key, data in found if data is not None]
            db.execute("BEGIN IMMEDIATE")
            db.executemany("INSERT OR IGNORE INTO read_parts VALUES (?, ?, ?, ?)", rows)
            db.execute("COMMIT")
    for key, why in sorted(wrong.items()):
        if not _has_sound(db, store_id, key):  # beside a sound generation a damaged one is no loss
            _damaged(add_finding, store, key.text, f"{why}; it is not acted upon")
    for key, why in sorted(unread.items()):
        add_finding(Finding(Code.UNREACHABLE, f"{store.url}: {key}", f"{why}; it is not acted upon until it can be read"))


def _has_sound(db: sqlite3.Connection, store_id: str, key: StoreKey) -> bool:
    base = key.base[0].text
    rows = db.execute("SELECT key FROM read_parts WHERE store = ? AND key >= ? AND key <= ?", (store_id, base, base + "~\x7f"))
    return any(StoreKey(text).base[0].text == base for (text,) in rows)


def _miss(db: sqlite3.Connection, store: Store, store_id: str, add_finding: Add) -> None:
    """Say what is gone. Another run may have read what came after we listed: each is looked for by itself."""
    for (text,) in db.execute(_GONE, (store_id,)).fetchall():
        key = StoreKey(text)
        if not exists(store, key):
            what = ("lay here and is gone; tombstones are never removed, so it still counts here. `strongroom replicate` brings it back "
                    "from another store or from home. Find out who removed it, or whether the store was put back to an older state")
            add_finding(Finding(Code.TOMBSTONE_MISSING, f"{store.url}: {key}", what))


def _damaged(add_finding: Add, store: Store, key: str, what: str) -> None:
    add_finding(Finding(Code.TOMBSTONE_DAMAGED, f"{store.url}: {key}", f"{what}. `strongroom repair` brings it back from another store"))


def _stones(db: sqlite3.Connection, store_id: str) -> Iterator[Stone]:
    rows = db.cursor().execute("SELECT key, data FROM read_parts WHERE store = ? ORDER BY key", (store_id,))
    parts = ((keys.parse_tombstone_key(StoreKey(key)), StoreKey(key), bytes(data)) for key, data in rows)
    for _, group in groupby(((named, key, data) for named, key, data in parts if named is not None), lambda one: one[0][0]):
        yield from _of_one_content(list(group))


def _of_one_content(parts: list[tuple[tuple[Digest, int, str], StoreKey, bytes]]) -> list[Stone]:
    signatures: dict[int, list[bytes]] = {}
    for (_, number, part), _, data in parts:
        if part == "minisig":
            signatures.setdefault(number, []).append(data)
    stones = [
        Stone(key, data, parse_tombstone(data, what=str(key)), tuple(signatures.get(number, ())))
        for (_, number, part), key, data in parts if part == "json"
    ]
    return sorted(stones, key=lambda one: (one.says.number, one.key))
