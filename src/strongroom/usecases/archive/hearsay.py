"""Contents that nobody but the catalogue says to lie in the store (docs/decisions/0004-archiving.md).

The catalogue is a cache that several machines may write, and correctness does not rest on it: before a bag relies on such a content, the
index of the pack that is said to hold it is asked; it lies in the store, and an audit compares it with the pack.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final

from strongroom.catalogue import ObjectRow
from strongroom.catalogue.slices import trusted_places
from strongroom.core import canonical, keys
from strongroom.core.digests import Digest
from strongroom.core.errors import ColdInStoreError, DamagedBagError, DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.pack import INDEX_LIMIT, parse_index
from strongroom.core.placement import PLACEMENT_LIMIT, parse_place
from strongroom.core.plural import plural
from strongroom.database import Database, Where, attached
from strongroom.stores.generations import exists, generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.archive.previous import SealedTagFiles
from strongroom.usecases.archive.reliance import CHOICE, Place, object_key

_THREADS: Final = 8  # for look-ups that only wait


def doubtful(
    lists: Database, contents: str, catalogue: Where, place: Place, relied: Collection[ObjectRow], passed: Collection[int],
    before: SealedTagFiles | None, found: Callable[[Finding], None],
) -> list[ObjectRow]:
    """Those of the packs in `relied`, but for the numbers `passed`, whose index does not name everything that they are said to hold, or
    cannot be had; each a finding.

    `contents`: a SELECT of those that are relied upon, out of `lists`. `relied`: all objects chosen for them that the caller saw to be
    there. `before`: the last bag in this store, which has what it lists, as long as everything is there that its placement names.
    """
    asked = [row for row in relied if row.kind != "content" and row.id not in passed]
    if not asked:
        return []
    strange = _take_word(lists, place.store, relied, asked, before)
    _note(lists, contents, catalogue, place, strange)
    unnamed = unconfirmed(lists, place.store, asked)
    for row, count in unnamed:
        what = plural(count, "content that the catalogue says it holds", "contents that the catalogue says it holds")
        found(Finding(Code.INDEX_WRONG, f"{place.store.url}: {object_key(row)}",
                      f"its index does not name {what}; the pack is read, and what it does not hold is stored again"))
    return [row for row, _ in unnamed]


def _take_word(
    lists: Database, store: Store, relied: Collection[ObjectRow], asked: Collection[ObjectRow], before: SealedTagFiles | None
) -> list[int]:
    """Into `sealed`: what the bag before vouches for. The numbers of those packs that it does not name, for which that does not hold."""
    with lists.transaction() as db:
        for table in ("sealed (sha256 BLOB PRIMARY KEY)", "placed (kind TEXT, digest BLOB, PRIMARY KEY (kind, digest))"):
            db.execute(f"DROP TABLE IF EXISTS {table.partition(' ')[0]}")
            db.execute(f"CREATE TABLE {table} WITHOUT ROWID")
        if before is None:
            return []
        db.executemany("INSERT OR IGNORE INTO placed VALUES (?, ?)", ((kind, digest.raw) for kind, digest in _placement(store, before)))
        strange = [row.id for row in asked if not _is_placed(lists, row)]
        there = {(row.kind, row.digest.raw) for row in relied}
        others = [keys.stored(kind, Digest.from_bytes(digest)) for kind, digest in lists.rows("SELECT kind, digest FROM placed")
                  if (kind, digest) not in there]
        with ThreadPoolExecutor(_THREADS) as threads:
            whole = all(threads.map(lambda key: exists(store, key) or bool(generations(store, key)), others))
        if whole:
            with suppress(DamagedBagError):  # what was read until then is right
                db.executemany("INSERT OR IGNORE INTO sealed VALUES (?)", ((bytes.fromhex(digest),) for _, digest in before.paths()))
    return strange


def _is_placed(lists: Database, row: ObjectRow) -> bool:
    return lists.db.execute("SELECT 1 FROM placed WHERE kind = ? AND digest = ?", (row.kind, row.digest.raw)).fetchone() is not None


def _placement(store: Store, before: SealedTagFiles) -> Iterator[tuple[str, Digest]]:
    """What the newest placement of the bag names that can be read."""
    for key in generations(store, keys.placement(before.bag)):
        with suppress(InvalidValueError, NotFoundInStoreError, DamagedInStoreError):
            lines = read_all(store, key, PLACEMENT_LIMIT).splitlines()
            found = [parse_place(canonical.loads_line(line, what="a line of a placement")) for line in lines]
            yield from found
            return


def _note(lists: Database, contents: str, catalogue: Where, place: Place, strange: Collection[int]) -> None:
    """Keep in `hearsay` the contents that nothing but the catalogue speaks of, each with the object chosen for it."""
    with lists.transaction() as db:
        db.execute("DROP TABLE IF EXISTS strange")
        db.execute("CREATE TABLE strange (object INTEGER PRIMARY KEY)")
        db.executemany("INSERT INTO strange VALUES (?)", ((number,) for number in strange))
    doubted = " OR w.object IN (SELECT object FROM strange)" if strange else ""
    with attached(lists.db, catalogue, "cat", trusted_places(place.number, place.scope, contents)) as db:
        db.execute("DROP TABLE IF EXISTS hearsay")
        db.execute(
            f"CREATE TABLE hearsay AS SELECT sha256, object FROM (SELECT f.sha256, ({CHOICE}) AS object FROM ({contents}) f) w "  # noqa: S608 -- constants
            f"WHERE NOT EXISTS (SELECT 1 FROM sealed s WHERE s.sha256 = w.sha256){doubted}",
            (place.number, place.scope),
        )
        db.execute("CREATE INDEX hearsay_by_object ON hearsay (object)")


def unconfirmed(lists: Database, store: Store, rows: Collection[ObjectRow]) -> list[tuple[ObjectRow, int]]:
    """Those of the packs of which the index does not say all, with the number of such contents."""
    asked = [(row, {sha256 for (sha256,) in lists.db.execute("SELECT sha256 FROM hearsay WHERE object = ?", (row.id,))}) for row in rows]
    asked = [(row, contents) for row, contents in asked if contents]
    with ThreadPoolExecutor(_THREADS) as threads:
        named = threads.map(lambda one: _named(store, one[0]), asked)
        return [(row, left) for (row, contents), names in zip(asked, named, strict=True) if (left := len(contents - names))]


def _named(store: Store, row: ObjectRow) -> set[bytes]:
    try:
        return {member.digest.raw for member in parse_index(read_all(store, keys.pack_index(row.digest), INDEX_LIMIT))}
    except (InvalidValueError, NotFoundInStoreError, DamagedInStoreError, ColdInStoreError):
        return set()
