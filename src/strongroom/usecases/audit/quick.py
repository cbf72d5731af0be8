"""The quick audit: listing, sizes and checksums that the store itself keeps, against what is known. No byte is read."""

from __future__ import annotations

from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.catalogue import reading
from strongroom.core.digests import Digest
from strongroom.core.keys import stored
from strongroom.core.outcomes import CheckOutcome
from strongroom.usecases.audit.scratch import Scratch


def compare(scratch: Scratch, catalogue: Catalogue, number: int, store_id: str) -> None:
    """Note what is listed with another size or checksum than it had, as damaged in `looks`; what is not listed is `absent` already,
    but for seals of bags that were never audited."""
    with reading(catalogue) as db, scratch.transaction() as notes:
        sizes = db.execute("SELECT key, size FROM checks WHERE store = ? AND outcome = 'sound' AND size IS NOT NULL", (number,))
        for key, size in sizes:
            notes.execute(_SIZE, (size, key, size))
        for kind, digest, size in db.execute("SELECT kind, digest, size FROM objects WHERE store = ? AND NOT damaged", (number,)):
            notes.execute(_SIZE, (size, stored(kind, Digest.from_bytes(digest)).text, size))
        notes.execute(
            "INSERT OR IGNORE INTO looks SELECT key, base, 'damaged', size, recorded, stated, NULL, "
            "'the store keeps another checksum for it than its bytes had when they were read last' FROM things "
            "WHERE stated != recorded AND skip IS NULL"
        )
        for row in catalogue.bags():
            base = f"bags/{row.bag}/seal.json"
            if store_id in row.stores and scratch.one("SELECT 1 FROM things WHERE base = ?", base) is None:
                notes.execute("INSERT OR IGNORE INTO absent VALUES (?, ?, 'the catalogue knows this bag')", (base, row.seal.hex))
            notes.execute("INSERT OR IGNORE INTO attempts VALUES (?, ?)", (str(row.bag), row.attempt))
        notes.execute(
            "UPDATE things SET skip = ? WHERE attempt IS NOT NULL AND recorded IS NULL AND NOT EXISTS "
            "(SELECT 1 FROM attempts a WHERE a.bag = things.bag AND a.attempt = things.attempt)", (CheckOutcome.PENDING,))


_SIZE: Final = (
    "INSERT OR IGNORE INTO looks SELECT key, base, 'damaged', size, recorded, NULL, NULL, "
    "'has another size than the ' || ? || ' bytes it had' FROM things WHERE key = ? AND size != ? AND skip IS NULL"
)
