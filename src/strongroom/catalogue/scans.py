"""What virus scanners said of contents. A cache: what is lost is scanned again."""

from __future__ import annotations

from collections.abc import Iterable

from strongroom.catalogue.catalogue import Catalogue
from strongroom.core.scans import Scan


def record_scans(catalogue: Catalogue, signatures: str, rows: Iterable[tuple[bytes, Scan]]) -> None:
    """Remember (SHA-256, verdict) of contents, instead of what was remembered."""
    with catalogue.transaction() as db:
        db.executemany(
            "INSERT INTO scans (sha256, outcome, detail, signatures) VALUES (?, ?, ?, ?) ON CONFLICT (sha256) "
            "DO UPDATE SET outcome = excluded.outcome, detail = excluded.detail, signatures = excluded.signatures",
            ((sha256, scan.outcome, scan.detail, signatures) for sha256, scan in rows),
        )
