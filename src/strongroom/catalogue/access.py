"""What each sealed bag says of access to its collection: learned once, since a seal never changes what it seals."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.catalogue.catalogue import Catalogue
from strongroom.core.digests import Digest


def note_access(catalogue: Catalogue, seal: Digest, level: str, embargo_until: str | None) -> None:
    """Remember the `access` member of the bag's metadata/collection.json, as it is written there."""
    with catalogue.transaction() as db:
        db.execute(
            "INSERT INTO bag_access (seal, level, embargo_until) VALUES (?, ?, ?) "
            "ON CONFLICT (seal) DO UPDATE SET level = excluded.level, embargo_until = excluded.embargo_until",
            (seal.raw, level, embargo_until),
        )


def noted_access(catalogue: Catalogue, seals: Iterable[Digest]) -> dict[Digest, tuple[str, str | None]]:
    """(level, embargo_until) by seal, of those that were noted."""
    found: dict[Digest, tuple[str, str | None]] = {}
    with catalogue.transaction() as db:
        for seal in seals:
            row = db.execute("SELECT level, embargo_until FROM bag_access WHERE seal = ?", (seal.raw,)).fetchone()
            if row is not None:
                found[seal] = (row[0], row[1])
    return found
