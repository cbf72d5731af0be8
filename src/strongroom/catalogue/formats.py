"""What contents were identified as, and how much of each format the bags hold.

A verdict belongs to a content and to the extension of the file that has it: some formats are known by that alone, and what is no mismatch
in one file is one in another. Most contents occur under one extension. Verdicts are rows of their own, since there are few.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core.digests import Digest
from strongroom.core.formats import MISMATCH, Format
from strongroom.database import Db

_COLUMNS: Final = "v.mime, v.puid, v.name, v.version, v.basis, v.flags, v.signatures"
#: Of several verdicts about a content the one without mismatch first, then that which PRONOM knows, then by extension.
_BEST: Final = f"(v.flags LIKE '%{MISMATCH}%'), (v.puid = ''), f.extension"


@dataclass(frozen=True, slots=True)
class FormatTotal:
    """How much of the payload of bags was identified so. Files count as often as they occur."""

    format: Format
    files: int
    bytes: int


def record_formats(catalogue: Catalogue, rows: Iterable[tuple[bytes, str, Format]]) -> None:
    """Remember (SHA-256, extension, verdict) of contents; a later verdict replaces an earlier one about the same content and extension."""
    with catalogue.transaction() as db:
        numbers: dict[Format, int] = {}
        db.executemany(
            "INSERT INTO formats (sha256, extension, verdict) VALUES (?, ?, ?) "
            "ON CONFLICT (sha256, extension) DO UPDATE SET verdict = excluded.verdict",
            ((sha256, extension, _number(db, verdict, numbers)) for sha256, extension, verdict in rows),
        )


def format_of(catalogue: Catalogue, sha256: bytes, extension: str | None = None) -> Format | None:
    """The verdict about a content (32 bytes) in a file of that extension (core.formats.extension_of); None for the extension: in any.

    None if it was never identified.
    """
    with reading(catalogue) as db:
        row = db.execute(
            f"SELECT {_COLUMNS} FROM formats f JOIN verdicts v ON v.number = f.verdict "  # noqa: S608 -- constants
            f"WHERE f.sha256 = ?1 AND (?2 IS NULL OR f.extension = ?2) ORDER BY {_BEST} LIMIT 1",
            (sha256, extension),
        ).fetchone()
    return None if row is None else Format(*row)


def compare_formats(catalogue: Catalogue, rows: Iterable[tuple[bytes, str, Format]]) -> Iterator[tuple[Format | None, Format]]:
    """For each (SHA-256, extension, verdict) what is remembered (None: nothing), and that verdict. Before `record_formats`."""
    with reading(catalogue) as db:
        for sha256, extension, verdict in rows:
            row = db.execute(
                f"SELECT {_COLUMNS} FROM formats f JOIN verdicts v ON v.number = f.verdict "  # noqa: S608 -- constants
                "WHERE f.sha256 = ? AND f.extension = ?",
                (sha256, extension),
            ).fetchone()
            yield None if row is None else Format(*row), verdict


def note_bag_formats(catalogue: Catalogue, seal: Digest, totals: Iterable[FormatTotal]) -> None:
    """Remember what the payload of a bag is made of, instead of what was remembered."""
    with catalogue.transaction() as db:
        numbers: dict[Format, int] = {}
        db.execute("DELETE FROM bag_formats WHERE seal = ?", (seal.raw,))
        db.executemany(
            "INSERT INTO bag_formats (seal, verdict, files, bytes) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (seal, verdict) DO UPDATE SET files = bag_formats.files + excluded.files, "
            "bytes = bag_formats.bytes + excluded.bytes",
            [(seal.raw, _number(db, one.format, numbers), one.files, one.bytes) for one in totals],
        )


def bag_formats(catalogue: Catalogue, seal: Digest) -> tuple[FormatTotal, ...]:
    """What the payload of the bag with this seal is made of, most files first; nothing if nobody identified it."""
    return _totals(catalogue, "b.seal = ?", (seal.raw,))


def formats_now(catalogue: Catalogue, collection: str | None = None) -> tuple[FormatTotal, ...]:
    """What the latest bag of a collection is made of, or those of all collections together; most files first."""
    latest = ("SELECT seal FROM bags b WHERE (?1 IS NULL OR name = ?1) AND version = (SELECT max(version) FROM bags l "
              "WHERE l.name = b.name)")
    return _totals(catalogue, f"b.seal IN ({latest})", (collection,))


def _totals(catalogue: Catalogue, where: str, values: tuple[object, ...]) -> tuple[FormatTotal, ...]:
    with reading(catalogue) as db:
        rows = db.execute(
            f"SELECT sum(b.files) AS files, sum(b.bytes), {_COLUMNS} FROM bag_formats b "  # noqa: S608 -- constants
            f"JOIN verdicts v ON v.number = b.verdict WHERE {where} GROUP BY v.number ORDER BY files DESC, v.puid, v.mime, v.number",
            values,
        ).fetchall()
    return tuple(FormatTotal(Format(*row), files, size) for files, size, *row in rows)


def _number(db: Db, verdict: Format, numbers: dict[Format, int]) -> int:
    if verdict not in numbers:
        columns = "mime, puid, name, version, basis, flags, signatures"
        db.execute(f"INSERT INTO verdicts ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING", verdict)  # noqa: S608 -- constants
        sql = ("SELECT number FROM verdicts WHERE mime = ? AND puid = ? AND name = ? AND version = ? AND basis = ? AND flags = ? "
               "AND signatures = ?")
        numbers[verdict] = db.execute(sql, verdict).fetchone()[0]
    return numbers[verdict]
