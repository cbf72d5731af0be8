"""Contents that nobody but the catalogue says to lie in the store (docs/decisions/0004-archiving.md).

The catalogue is a cache that several machines may write, and correctness does not rest on it: before a bag relies on such a content, the
index of the pack that is said to hold it is asked; it lies in the store, and an audit compares it with the pack.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from strongroom.catalogue import ObjectRow
from strongroom.catalogue.slices import trusted_places
from strongroom.core import keys
from strongroom.core.errors import ColdInStoreError, DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.pack import INDEX_LIMIT, parse_index
from strongroom.database import Where
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.archive.reliance import CHOICE
from strongroom.usecases.archive.spool import CONTENTS, Spool

_THREADS: Final = 8  # for look-ups that only wait


def note_hearsay(spool: Spool, catalogue: Where, store: int, scope: str, sealed: Iterable[str]) -> None:
    """Keep in `hearsay` the contents of the payload, each with the object chosen for it, but for those with a SHA-256 in `sealed`
    (hexadecimal): a bag in this store has them."""
    with spool.transaction() as db:
        db.execute("DROP TABLE IF EXISTS sealed")
        db.execute("CREATE TABLE sealed (sha256 BLOB PRIMARY KEY) WITHOUT ROWID")
        db.executemany("INSERT OR IGNORE INTO sealed VALUES (?)", ((bytes.fromhex(digest),) for digest in sealed))
    with spool.with_catalogue(catalogue, *trusted_places(store, scope, CONTENTS)) as db:
        db.execute("DROP TABLE IF EXISTS hearsay")
        db.execute(
            f"CREATE TABLE hearsay AS SELECT DISTINCT f.sha256, ({CHOICE}) AS object FROM files f "  # noqa: S608 -- constants
            "WHERE f.sha256 IS NOT NULL AND NOT EXISTS (SELECT 1 FROM sealed s WHERE s.sha256 = f.sha256)",
            (store, scope),
        )
        db.execute("CREATE INDEX hearsay_by_object ON hearsay (object)")


def unconfirmed(spool: Spool, store: Store, rows: Collection[ObjectRow]) -> list[tuple[ObjectRow, int]]:
    """Those of the packs whose index does not name everything that they are said to hold, or cannot be had, with the number of such
    contents."""
    asked = [(row, {sha256 for (sha256,) in spool.db.execute("SELECT sha256 FROM hearsay WHERE object = ?", (row.id,))}) for row in rows]
    asked = [(row, contents) for row, contents in asked if contents]
    with ThreadPoolExecutor(_THREADS) as threads:
        named = threads.map(lambda one: _named(store, one[0]), asked)
        return [(row, left) for (row, contents), names in zip(asked, named, strict=True) if (left := len(contents - names))]


def _named(store: Store, row: ObjectRow) -> set[bytes]:
    try:
        return {member.digest.raw for member in parse_index(read_all(store, keys.pack_index(row.digest), INDEX_LIMIT))}
    except (InvalidValueError, NotFoundInStoreError, DamagedInStoreError, ColdInStoreError):
        return set()
