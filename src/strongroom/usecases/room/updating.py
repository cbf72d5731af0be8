"""Bringing the room's index up to what the catalogue knows: new bags are read, those that are gone are forgotten."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Collection
from contextlib import closing
from pathlib import Path

from strongroom.catalogue import BagRow
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreError, StrongroomError
from strongroom.usecases.context import Context
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.room.building import index_bag
from strongroom.usecases.room.database import index_path, open_index
from strongroom.usecases.room.shelves import Shelves
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known
from strongroom.usecases.sealed.places import Places, Target


def update_index(
    context: Context, known: Known, shelves: Shelves, scratch: Path, *, skip: Collection[Digest] = (),
    say: Callable[[str], None] = lambda _: None,
) -> dict[Digest, str]:
    """Read every bag that is not in the index; why, for each that could not be read. `skip`: bags not to be tried now.

    One process at a time writes; what it does to a collection is seen whole or not at all.
    """
    failed: dict[Digest, str] = {}
    with closing(open_index(index_path(context))) as db:
        seals = {row.seal.raw for row in known.rows}
        for name in {name for seal, name in db.execute("SELECT seal, name FROM bag") if seal not in seals}:
            _forget(db, name)
        there = {seal for (seal,) in db.execute("SELECT seal FROM bag")}
        missing = [row for row in known.rows if row.seal.raw not in there and row.seal not in skip]
        for number, row in enumerate(missing, 1):
            say(f"reading what is in {row.bag} ({number} of {len(missing)})")
            folder = Path(tempfile.mkdtemp(dir=scratch))
            try:
                _read(db, context, row, shelves, folder)
            except StrongroomError as error:
                failed[row.seal] = str(error)
            except (ValueError, RecursionError) as error:  # one bag of a stranger must not keep the room closed
                failed[row.seal] = f"its tag files make no sense: {error}"
            finally:
                shutil.rmtree(folder, ignore_errors=True)
    return failed


def _forget(db: sqlite3.Connection, name: str) -> None:
    """All that is known of a collection; its folders stay, which nothing leads to any more."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM found WHERE name = ?)", (name,))
    for table in ("found", "held", "bag"):
        db.execute(f"DELETE FROM {table} WHERE name = ?", (name,))  # noqa: S608 -- three names
    db.execute("COMMIT")


def _read(db: sqlite3.Connection, context: Context, row: BagRow, shelves: Shelves, folder: Path) -> None:
    collector = Collector()
    opened, silent = [open_kept(context)], False
    for address in shelves.addresses(row.stores):
        try:
            opened.append(shelves.open(address))
        except StoreError:
            silent = True
    places = Places([], collector, opened)
    places.skipped = silent
    index_bag(db, open_bag(Target(row.bag, row.seal, places), folder / "tags", collector), folder)
