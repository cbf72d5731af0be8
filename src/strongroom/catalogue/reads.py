"""How long ago the bytes of a store were read, from the results of audits and from what the catalogue knows to lie there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from strongroom.catalogue.catalogue import Catalogue, reading
from strongroom.core.events import utc_text


@dataclass(frozen=True, slots=True)
class Reads:
    """Sizes in bytes. Of what no audit has met, only packs and large contents are known here; tag files are small."""

    bytes: int
    recent: int  # read within the days asked about; not a time in the future, nor what could not be read since
    late: int  # not read for longer than that; or known for longer than that, and never read
    never: int  # never read by an audit
    oldest: str | None  # UTC: since when that is unread which is unread longest (read then, or known since then); None: nothing is known


def reads(catalogue: Catalogue, store: int, days: float, *, now: datetime, judged: datetime) -> Reads:
    """How the bytes of the store stand against "everything within `days`", as of `judged`, which is at most `now`."""
    since, until = utc_text(judged - timedelta(days=days)), utc_text(now)
    with reading(catalogue) as db:
        size, recent, late, oldest = db.execute(
            "SELECT coalesce(sum(size), 0), coalesce(sum(CASE WHEN time BETWEEN ?1 AND ?2 "
            "AND key NOT IN (SELECT key FROM unread WHERE store = ?3 AND NOT cold) THEN size END), 0), "
            "coalesce(sum(CASE WHEN time NOT BETWEEN ?1 AND ?2 THEN size END), 0), min(time) "
            "FROM checks WHERE store = ?3 AND outcome IN ('sound', 'damaged')",
            (since, until, store),
        ).fetchone()
        never, never_late, known = db.execute(
            "SELECT coalesce(sum(size), 0), coalesce(sum(CASE WHEN since NOT BETWEEN ?1 AND ?2 THEN size END), 0), min(since) FROM ("
            "SELECT size, since, CASE kind WHEN 'content' THEN 'content/' ELSE 'packs/' END || substr(lower(hex(digest)), 1, 2) || '/' || "
            "lower(hex(digest)) || CASE kind WHEN 'pack' THEN '.tar' WHEN 'zstd' THEN '.tar.zst' ELSE '' END AS base "
            "FROM objects WHERE store = ?3) "
            "AS o WHERE NOT EXISTS (SELECT 1 FROM checks WHERE store = ?3 AND base = o.base AND outcome != 'never checked')",
            (since, until, store),
        ).fetchone()
    return Reads(size + never, recent, late + never_late, never, min((one for one in (oldest, known) if one), default=None))


def bytes_by_age(catalogue: Catalogue, store: int, days: Sequence[int], *, now: datetime) -> list[int]:
    """Bytes of a store by how long ago they were read: within each of `days` (ascending) and not sooner, then longer ago than that, then
    "in the future", which proves nothing, then never. Together they are `Reads.bytes`."""
    since = [utc_text(now - timedelta(days=day)) for day in days]
    cases = " ".join(f"WHEN time >= ? THEN {number}" for number in range(len(days)))
    sizes = [0] * (len(days) + 3)
    with reading(catalogue) as db:
        for bucket, size in db.execute(
            f"SELECT CASE WHEN time > ? THEN {len(days) + 1} {cases} ELSE {len(days)} END AS bucket, coalesce(sum(size), 0) "  # noqa: S608
            "FROM checks WHERE store = ? AND outcome IN ('sound', 'damaged') GROUP BY bucket", (utc_text(now), *since, store),
        ):
            sizes[bucket] = size
    sizes[-1] = reads(catalogue, store, days[-1], now=now, judged=now).never
    return sizes


def last_audited(catalogue: Catalogue, store: int, name: str | None = None) -> str | None:
    """UTC: when the last audit of the store by this installation ended, of all of it or of one collection; None if none did."""
    with reading(catalogue) as db:
        sql = "SELECT max(ended) FROM audits WHERE store = ? AND (scope = '' OR scope = ?)"
        row = db.execute(sql, (store, name or "")).fetchone()
        return None if row is None else row[0]
