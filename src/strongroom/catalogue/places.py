"""Where a content lies, as far as the catalogue knows: a hint, as everything here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.keys import StoreKey


@dataclass(frozen=True, slots=True)
class ContentPlace:
    """A pack or object of a store that holds a content."""

    store: str  # id
    kind: str  # "pack", "zstd", "content"
    digest: Digest  # of the pack or object
    damaged: bool
    verified: bool

    @property
    def key(self) -> StoreKey:
        return keys.stored(self.kind, self.digest)


def content_places(catalogue: Catalogue, sha256: bytes, names: Collection[str]) -> list[ContentPlace]:
    """Where the content lies, for collections of these names: sound places first. What is shared only within others is not told."""
    scopes = ["", *sorted(names)]
    marks = ",".join("?" * len(scopes))
    with reading(catalogue) as db:
        rows = db.execute(
            "SELECT DISTINCT s.id, o.kind, o.digest, o.damaged, o.verified, s.number, o.id FROM stores s "  # noqa: S608 -- question marks
            f"CROSS JOIN places p ON p.store = s.number AND p.scope IN ({marks}) AND p.sha256 = ? "  # in this order, by its key
            "CROSS JOIN objects o ON o.id = p.object ORDER BY o.damaged, s.number, o.id",
            (*scopes, sha256),
        ).fetchall()
    return [
        ContentPlace(store, kind, Digest.from_bytes(digest), bool(damaged), bool(seen))
        for store, kind, digest, damaged, seen, *_ in rows
    ]
