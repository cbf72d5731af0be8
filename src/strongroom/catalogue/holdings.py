"""How often each content is given, by file, bag, version and collection: what deduplication saves, and by what. Figures for people.

A bag is counted once, whenever somebody reads its payload manifest for it; a sealed bag never changes. Everything here can be counted anew.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.catalogue.rows import BagRow
from strongroom.core.digests import Digest

_BATCH: Final = 10_000
# ?1: names of collections as a JSON array, or NULL for all
_OF: Final = "(?1 IS NULL OR collection IN (SELECT value FROM json_each(?1)))"


@dataclass(frozen=True, slots=True)
class Sharing:
    """What bags were given, and why less than that has to be stored. Sizes in bytes; given = within + versions + across + distinct."""

    files: int = 0
    given: int = 0
    within: int = 0  # further copies of a content within one bag
    versions: int = 0  # contents that an earlier or later version of the same collection has, too
    across: int = 0  # contents that another of these collections has, too
    contents: int = 0  # that differ
    distinct: int = 0


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store holds, as far as the catalogue knows. Sizes in bytes; stored = distinct + again + frames."""

    objects: int = 0  # packs and large contents
    contents: int = 0  # that differ
    distinct: int = 0
    again: int = 0  # contents that lie there more than once: collections that do not share, packs made anew
    frames: int = 0  # what tar adds, less what compression takes away; negative where compression outweighs
    saved: int = 0  # by compressed packs alone
    stored: int = 0


class Spool:
    """The contents of one bag, while it is read; on disk, in a file of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE part (sha256 BLOB PRIMARY KEY, length INTEGER NOT NULL, files INTEGER NOT NULL) WITHOUT ROWID")

    def add(self, contents: Iterable[tuple[bytes, int]]) -> None:
        """(SHA-256, length) of each file."""
        sql = "INSERT INTO part VALUES (?, ?, 1) ON CONFLICT (sha256) DO UPDATE SET files = files + 1"
        self._db.execute("BEGIN")
        for number, row in enumerate(contents, 1):
            self._db.execute(sql, row)
            if number % _BATCH == 0:
                self._db.execute("COMMIT")
                self._db.execute("BEGIN")
        self._db.execute("COMMIT")

    def close(self) -> None:
        self._db.close()


def uncounted(catalogue: Catalogue, rows: Iterable[BagRow]) -> list[BagRow]:
    """Those of the bags that were not counted yet. Where bags were counted that are none any more, all counts are forgotten first."""
    with catalogue.transaction() as db:
        if db.execute("SELECT 1 FROM counted_bags c WHERE NOT EXISTS (SELECT 1 FROM bags WHERE seal = c.seal) LIMIT 1").fetchone():
            db.execute("DELETE FROM counted_bags")
            db.execute("DELETE FROM held")
        counted = {seal for (seal,) in db.execute("SELECT seal FROM counted_bags")}
    return [row for row in rows if row.seal.raw not in counted]


def count_bag(catalogue: Catalogue, row: BagRow, spool: Path, notable: dict[str, Any]) -> None:
    """Add a bag's contents, out of the file of a closed Spool, and what is notable about it. A bag that was counted is left alone."""
    with closing(sqlite3.connect(spool)) as part:
        rows = part.execute("SELECT ?, sha256, length, files, 1, ? FROM part ORDER BY sha256", (row.bag.name, row.bag.version))
        with catalogue.transaction() as db:
            if db.execute("SELECT 1 FROM counted_bags WHERE seal = ?", (row.seal.raw,)).fetchone():
                return
            db.execute("INSERT INTO counted_bags (seal, notable) VALUES (?, ?)", (row.seal.raw, json.dumps(notable)))
            db.executemany(
                "INSERT INTO held (collection, sha256, length, files, bags, first) VALUES (?, ?, ?, ?, ?, ?) "
                "ON CONFLICT (collection, sha256) DO UPDATE SET files = held.files + excluded.files, "
                "bags = held.bags + 1, first = CASE WHEN excluded.first < held.first THEN excluded.first ELSE held.first END", rows,
            )


def notable_of(catalogue: Catalogue, seals: Iterable[Digest]) -> Iterator[tuple[Digest, dict[str, Any]]]:
    """What `count_bag` was told is notable, of those bags that were counted."""
    with reading(catalogue) as db:
        for seal in seals:
            row = db.execute("SELECT notable FROM counted_bags WHERE seal = ?", (seal.raw,)).fetchone()
            if row is not None:
                yield seal, json.loads(row[0])


def sharing(catalogue: Catalogue, collections: Collection[str] | None) -> Sharing:
    """Of the counted bags of these collections (None: of all), as if no other collection were there."""
    names = (_names(collections),)
    with reading(catalogue) as db:
        files, given, within, versions, each = db.execute(
            "SELECT coalesce(sum(files), 0), coalesce(sum(files * length), 0), coalesce(sum((files - bags) * length), 0), "  # noqa: S608
            f"coalesce(sum((bags - 1) * length), 0), coalesce(sum(length), 0) FROM held WHERE {_OF}", names,
        ).fetchone()
        contents, distinct = db.execute(  # by the index, which is in the order of contents
            "SELECT count(*), coalesce(sum(length), 0) FROM "  # noqa: S608
            f"(SELECT min(length) AS length FROM held INDEXED BY held_by_content WHERE {_OF} GROUP BY sha256) AS each", names,
        ).fetchone()
    return Sharing(files, given, within, versions, each - distinct, contents, distinct)


def shared_with(catalogue: Catalogue, collection: str, others: Collection[str] | None) -> tuple[int, int]:
    """Contents of the collection that some of the others (None: any) have, too, and their bytes."""
    with reading(catalogue) as db:
        row = db.execute(
            "SELECT count(*), coalesce(sum(length), 0) FROM held h WHERE collection = ?2 AND EXISTS (SELECT 1 FROM held WHERE "  # noqa: S608
            f"sha256 = h.sha256 AND collection != ?2 AND {_OF})", (_names(others), collection),
        ).fetchone()
    return int(row[0]), int(row[1])


def scanned(catalogue: Catalogue, collections: Collection[str] | None) -> tuple[int, int]:
    """Contents of the counted bags of these collections (None: of all), and how many of them a virus scanner has seen."""
    with reading(catalogue) as db:
        row = db.execute(
            "SELECT count(*), count(s.sha256) FROM "  # noqa: S608
            f"(SELECT DISTINCT sha256 FROM held INDEXED BY held_by_content WHERE {_OF}) h "
            "LEFT JOIN scans s ON s.sha256 = h.sha256 AND s.outcome IN ('clean', 'infected')", (_names(collections),),
        ).fetchone()
    return int(row[0]), int(row[1])


def new_by_version(catalogue: Catalogue, collections: Collection[str] | None) -> dict[tuple[str, int], tuple[int, int]]:
    """By collection and version: how many contents no lower version of the collection has, and their bytes."""
    with reading(catalogue) as db:
        rows = db.execute(
            f"SELECT collection, first, count(*), sum(length) FROM held WHERE {_OF} GROUP BY collection, first",  # noqa: S608
            (_names(collections),),
        ).fetchall()
    return {(name, version): (contents, size) for name, version, contents, size in rows}


def stored_in(catalogue: Catalogue, store: int) -> Stored:
    """What the store (its number here) holds of packs and large contents; damaged ones count, since they lie there."""
    with reading(catalogue) as db:
        objects, size = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM objects WHERE store = ?", (store,)).fetchone()
        contents, distinct = db.execute(
            "SELECT count(*), coalesce(sum(length), 0) FROM "
            "(SELECT min(length) AS length FROM places WHERE store = ? GROUP BY sha256) AS each",
            (store,),
        ).fetchone()
        placed, squeezed = db.execute(
            "SELECT coalesce(sum(p.length), 0), coalesce(sum(CASE o.kind WHEN 'zstd' THEN p.length END), 0) FROM "
            "(SELECT DISTINCT sha256, object, length FROM places WHERE store = ?) p JOIN objects o ON o.id = p.object", (store,),
        ).fetchone()
        packed = db.execute("SELECT coalesce(sum(size), 0) FROM objects WHERE store = ? AND kind = 'zstd'", (store,)).fetchone()[0]
    return Stored(objects, contents, distinct, placed - distinct, size - placed, max(0, squeezed - packed), size)


def _names(collections: Collection[str] | None) -> str | None:
    return None if collections is None else json.dumps(sorted(collections))
