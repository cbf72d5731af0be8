"""Whether what a bag is about to rely on is really there (docs/format.md, section 6)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from strongroom.catalogue import Catalogue, ObjectRow
from strongroom.catalogue.slices import TRUSTED, objects_of, trusted_places
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import NotFoundInStoreError
from strongroom.database import Where
from strongroom.stores.interface import Store
from strongroom.usecases.archive.spool import CONTENTS, Spool

_THREADS: Final = 8  # for look-ups that only wait


@dataclass(frozen=True, slots=True)
class Place:
    """Where contents go: the store, its number in the catalogue, and within which scope contents are shared ("" or a collection)."""

    store: Store
    number: int
    scope: str


def object_key(row: ObjectRow) -> keys.StoreKey:
    return keys.stored(row.kind, row.digest)


_UNPLACED: Final = (
    "FROM files f WHERE f.sha256 IS NOT NULL AND {} AND NOT EXISTS (SELECT 1 FROM cat.places p JOIN cat.objects o ON o.id = p.object "  # noqa: S608
    f"WHERE p.store = ? AND p.scope = ? AND p.sha256 = f.sha256 AND {TRUSTED})"
)


#: The trusted object of a content `f.sha256`, in store ?1 and scope ?2: verified ones before others, older before newer, so that a bag
#: leans on few packs and equal runs choose alike.
CHOICE: Final = (
    "SELECT o.id FROM cat.places p JOIN cat.objects o ON o.id = p.object "  # noqa: S608 -- constants
    f"WHERE p.store = ?1 AND p.scope = ?2 AND p.sha256 = f.sha256 AND {TRUSTED} ORDER BY o.verified DESC, o.id LIMIT 1"
)


def queue_missing(spool: Spool, catalogue: Where, store: int, scope: str) -> int:
    """Queue for reading (in `work`) one file of the source for each content that has no trusted place in the store. How many."""
    with spool.with_catalogue(catalogue, *trusted_places(store, scope, CONTENTS)) as db:
        db.execute("DELETE FROM work")
        where = _UNPLACED.format("f.read < 2")
        db.execute(f"INSERT INTO work (file) SELECT min(f.id) {where} GROUP BY f.sha256 ORDER BY min(f.path)", (store, scope))
        return int(db.execute("SELECT count(*) FROM work").fetchone()[0])


def unplaced(spool: Spool, catalogue: Where, store: int, scope: str) -> list[str]:
    """The first few payload paths whose content has no trusted place in the store."""
    with spool.with_catalogue(catalogue, *trusted_places(store, scope, CONTENTS)) as db:
        where = _UNPLACED.format("1")
        return [path for (path,) in db.execute(f"SELECT f.path {where} ORDER BY f.path LIMIT 10", (store, scope))]


def choose_places(spool: Spool, catalogue: Where, store: int, scope: str) -> bool:
    """Choose one trusted object for each content of the payload: `chosen`, with the objects that are then relied upon. Whether every
    content has one."""
    with spool.with_catalogue(catalogue, *trusted_places(store, scope, CONTENTS)) as db:
        db.execute("DROP TABLE IF EXISTS chosen")
        db.execute(
            f"CREATE TABLE chosen AS SELECT DISTINCT ({CHOICE}) AS object FROM files f WHERE f.sha256 IS NOT NULL",  # noqa: S608 -- constants
            (store, scope),
        )
        return db.execute("SELECT 1 FROM chosen WHERE object IS NULL").fetchone() is None


def chosen(spool: Spool, catalogue: Where) -> Iterator[ObjectRow]:
    """The objects relied upon. All are read before the first is given, so the database is free meanwhile."""
    with spool.with_catalogue(catalogue, objects_of("SELECT object FROM chosen WHERE object IS NOT NULL")) as db:
        rows = db.execute(
            "SELECT o.id, o.kind, o.digest, o.size, o.verified FROM chosen c JOIN cat.objects o ON o.id = c.object ORDER BY o.id"
        ).fetchall()
    for number, kind, digest, size, verified in rows:
        yield ObjectRow(number, kind, Digest.from_bytes(digest), size, bool(verified))


def find_gone(store: Store, catalogue: Catalogue, rows: list[ObjectRow]) -> tuple[list[ObjectRow], list[ObjectRow]]:
    """Those objects that are no longer in the store with their length in any generation, and those to be read before they are relied upon.

    The first are marked damaged and relied upon no more. The second are what no run of ours has read, or what lies in a later generation.
    """
    with ThreadPoolExecutor(_THREADS) as threads:
        odd = [row for row, as_known in zip(rows, threads.map(lambda row: _is_there(store, row), rows), strict=True) if not as_known]
    moved = [row for row in odd if _has_generation(store, row)]
    gone = [row for row in odd if row not in moved]
    catalogue.mark_damaged(row.id for row in gone)
    catalogue.mark_unverified(row.id for row in moved)
    return gone, [row for row in rows if row in moved or (not row.verified and row not in gone)]


def _is_there(store: Store, row: ObjectRow) -> bool:
    try:
        return store.head(object_key(row)).size == row.size
    except NotFoundInStoreError:
        return False


def _has_generation(store: Store, row: ObjectRow) -> bool:
    key = object_key(row)
    return any(stat.key.base[0] == key and stat.size == row.size for stat in store.list(key.text))
