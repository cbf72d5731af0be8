"""What the bags hold: their contents, brought to the catalogue once for each bag."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.catalogue import BagRow, Catalogue
from strongroom.catalogue.likeness_work import Held, listed_bags, record_listed, record_members
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import Code, Finding
from strongroom.runner.interface import Runner
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known
from strongroom.usecases.sealed.places import Places, Target

_AT_ONCE: Final = 5000
_BY_CONTENT: Final = (
    "SELECT sha256, max(length), max(type), min(path), count(*) FROM line GROUP BY sha256 ORDER BY sha256"
)


def gather(
    catalogue: Catalogue, known: Known, rows: Sequence[BagRow], kept: Store, runner: Runner, scratch: Path, collector: Collector
) -> None:
    """Bring the contents of these bags to the catalogue. A bag that cannot be read is a finding, and tried again next time."""
    there = listed_bags(catalogue)
    left = [row for row in rows if row.seal not in there]
    if not left:
        return
    with runner.stage("list contents", files=sum(row.files for row in left)) as progress:
        for number, row in enumerate(left):
            folder = scratch / f"bag-{number}"
            try:
                bag = open_bag(Target(row.bag, row.seal, Places(known.addresses([row]), collector, [kept])), folder, collector)
                _one(catalogue, bag, scratch / f"lines-{number}.sqlite", progress.advance)
            except StrongroomError as error:
                collector.add(Finding(Code.NOT_REACHED, str(row.bag), f"what it holds could not be read: {error}"))
                continue
            record_listed(catalogue, row.seal)


def _one(catalogue: Catalogue, bag: SealedBag, scratch: Path, advance: Callable[[int], None]) -> None:
    with closing(sqlite3.connect(scratch, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("CREATE TABLE line (sha256 BLOB, path TEXT, length INTEGER, type TEXT)")
        lines = _lines(bag)
        while batch := list(islice(lines, _AT_ONCE)):
            db.execute("BEGIN")
            db.executemany("INSERT INTO line VALUES (?, ?, ?, ?)", batch)
            db.execute("COMMIT")
            advance(len(batch))
        rows = map(Held._make, db.execute(_BY_CONTENT))
        while held := list(islice(rows, _AT_ONCE)):
            record_members(catalogue, bag.id, held)
    scratch.unlink()


def _lines(bag: SealedBag) -> Iterator[tuple[bytes, str, int | None, str | None]]:
    for entry, detail in bag.described():
        size, kind = detail.get("size"), detail.get("type")
        yield (entry.digest.raw, entry.path, size if type(size) is int and 0 <= size < 1 << 63 else None,
               kind if isinstance(kind, str) else None)
