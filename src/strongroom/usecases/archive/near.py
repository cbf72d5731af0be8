"""metadata/near-duplicates.jsonl: the near-copies in a bag that were known when it was sealed (docs/format.md, section 4.6)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from strongroom.catalogue.likeness import ALIKE, CONTAINED
from strongroom.catalogue.slices import near_copies
from strongroom.core import canonical
from strongroom.database import Where
from strongroom.usecases.archive.spool import CONTENTS, Spool

# Only contents of this bag: what other collections hold is not told here.
_NEAR: Final = (
    "INSERT OR IGNORE INTO near SELECT c.number, c.sha256 FROM files f JOIN cat.likeness_contents c ON c.sha256 = f.sha256 "
    "WHERE EXISTS (SELECT 1 FROM cat.likeness_pairs p WHERE p.a = c.number) "
    "OR EXISTS (SELECT 1 FROM cat.likeness_pairs p WHERE p.b = c.number)"
)
_PAIRS: Final = (
    "SELECT x.sha256, y.sha256, p.kind, p.jaccard, p.a_in_b, p.b_in_a, p.differs, p.turned FROM near x "
    "JOIN cat.likeness_pairs p ON p.a = x.number JOIN near y ON y.number = p.b "
    "WHERE p.jaccard >= ?1 OR p.a_in_b >= ?2 OR p.b_in_a >= ?2 ORDER BY min(x.sha256, y.sha256), max(x.sha256, y.sha256)"
)


def near_duplicates(spool: Spool, catalogue: Where) -> Iterator[bytes]:
    """The lines of the tag file, by what the catalogue knows."""
    with spool.with_catalogue(catalogue, *near_copies(CONTENTS)) as db:
        if db.execute("SELECT 1 FROM cat.likeness_pairs LIMIT 1").fetchone() is None:
            return
        db.execute("CREATE TEMP TABLE IF NOT EXISTS near (number INTEGER PRIMARY KEY, sha256 BLOB NOT NULL)")
        db.execute("DELETE FROM near")
        db.execute(_NEAR)
        cursor = db.cursor()
        try:
            for a, b, kind, jaccard, a_in_b, b_in_a, differs, turned in cursor.execute(_PAIRS, (ALIKE, CONTAINED)):
                if a > b:
                    a, b, a_in_b, b_in_a, differs = b, a, b_in_a, a_in_b, turned  # noqa: PLW2901
                yield canonical.dumps({
                    "a": a.hex(), "a_in_b": _thousandths(a_in_b), "b": b.hex(), "b_in_a": _thousandths(b_in_a), "differs": differs,
                    "jaccard": _thousandths(jaccard), "kind": kind,
                })
        finally:
            cursor.close()


def _thousandths(share: float) -> int:
    """There are no fractions in canonical JSON."""
    return round(1000 * share)
