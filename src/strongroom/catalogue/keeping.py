"""What a store was found to do, how long it keeps what lies in it, and which of its objects hold given contents."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from strongroom.catalogue.catalogue import Catalogue
from strongroom.core.digests import Digest
from strongroom.core.events import utc_now
from strongroom.core.keys import StoreKey, stored


def note_retained(catalogue: Catalogue, store: int) -> None:
    """Every object of the store was looked at now, and what was due is kept for longer."""
    with catalogue.transaction() as db:
        db.execute("UPDATE stores SET retained = ? WHERE number = ?", (utc_now(), store))


def last_retained(catalogue: Catalogue, store: int) -> str | None:
    """UTC, when that was last so; None: never."""
    with catalogue.transaction() as db:
        row = db.execute("SELECT retained FROM stores WHERE number = ?", (store,)).fetchone()
    return row[0] if row else None


def note_found(catalogue: Catalogue, store: int, found: dict[str, Any]) -> None:
    """What the store was found to do when it was asked now; replaces what was noted before."""
    with catalogue.transaction() as db:
        db.execute("UPDATE stores SET found = ? WHERE number = ?", (json.dumps({**found, "at": utc_now()}), store))


def last_found(catalogue: Catalogue, store: int) -> dict[str, Any] | None:
    """What was noted last, with the time as "at"; None if nothing was."""
    with catalogue.transaction() as db:
        row = db.execute("SELECT found FROM stores WHERE number = ?", (store,)).fetchone()
    value: dict[str, Any] | None = json.loads(row[0]) if row and row[0] else None
    return value


def objects_holding(catalogue: Catalogue, store: int, contents: Iterable[Digest]) -> Iterator[StoreKey]:
    """The packs and large contents of a store that hold any of these contents, as far as the catalogue knows; a pack may come again."""
    sql = "SELECT DISTINCT o.kind, o.digest FROM places p JOIN objects o ON o.id = p.object WHERE p.store = ? AND p.sha256 = ?"
    for content in contents:
        with catalogue.transaction() as db:
            rows = db.execute(sql, (store, content.raw)).fetchall()
        for kind, digest in rows:
            yield stored(kind, Digest.from_bytes(digest))
