"""What this run reads: never read first, then longest unread, by the numbers of audits; within a budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from strongroom.catalogue.checks import AuditRow
from strongroom.core.events import utc_now, utc_text
from strongroom.usecases.audit.kinds import NOT_READ
from strongroom.usecases.audit.request import AuditRequest
from strongroom.usecases.audit.scratch import Scratch

#: A batch is so small that little is lost when a run is cut off.
_UNITS_EACH: Final = 500
_BYTES_EACH: Final = 256 << 20


@dataclass(frozen=True, slots=True)
class Choice:
    """How much is read now, and how much of the round is left for a later run."""

    units: int
    size: int  # bytes
    left: int  # units


def begin(last: AuditRow | None, request: AuditRequest, seq: int) -> AuditRow:
    """The audit number `seq`. It goes on with the round of the last one if that was cut off, or if it reads within a budget and the
    round is not complete; otherwise it begins a round of its own, in which everything is read once."""
    goes_on = last is not None and (last.ended is None or (request.limited and not last.complete))
    return AuditRow(seq, request.scope, last.round if last is not None and goes_on else seq, utc_now())


def choose(scratch: Scratch, round_: int, request: AuditRequest) -> Choice:
    """Choose, into `chosen`, what to read within `max_bytes`; the last unit may overrun it."""
    units = total = left = 0
    with scratch.transaction() as db:
        for unit, size in _due(scratch, round_, request):
            if request.max_bytes is not None and total >= request.max_bytes:
                left += 1
                continue
            units += 1
            total += size
            db.execute("INSERT INTO chosen (position, unit, size) VALUES (?, ?, ?)", (units, unit, size))
    return Choice(units, total, left)


def _due(scratch: Scratch, round_: int, request: AuditRequest) -> Iterator[tuple[str, int]]:
    """Every unit not read in this round, and its bytes: never read first, then by number of the audit that read it, then by key.

    What was written and never read is not recent, nor is what is known to be damaged or could not be read: it is said again until it is
    healed. What could not be read has had its turn, and does not keep the rest from being read.
    """
    kinds = ", ".join(f"'{kind.value}'" for kind in sorted(NOT_READ))
    since = now = "~"  # after every time, so that none counts as recent
    days = request.reread_days or request.max_age_days
    if days is not None:
        since = utc_text(datetime.now(UTC) - timedelta(days=days))
        now = utc_now()  # a time after it is no proof, and the unit is due
    damaged = "was = 'damaged' AND NOT EXISTS (SELECT 1 FROM things s WHERE s.base = things.base AND s.was = 'sound')"
    sql = (
        "SELECT unit, sum(size), min(max(coalesce(seq, 0), coalesce(tried, 0))) AS oldest FROM things "  # noqa: S608 -- names of our own
        f"WHERE skip IS NULL AND kind NOT IN ({kinds}) GROUP BY unit "
        f"HAVING oldest < ?1 AND (oldest = 0 OR max({damaged}) OR count(tried) OR "
        "NOT (min(coalesce(time, '')) >= ?2 AND max(coalesce(time, '')) <= ?3)) ORDER BY oldest, unit"
    )
    return ((unit, size) for unit, size, _ in scratch.rows(sql, round_, since, now))


def cut(scratch: Scratch) -> list[tuple[int, int]]:
    """First and last position of each batch of what was chosen."""
    batches: list[tuple[int, int]] = []
    first, size, at = 1, 0, 0
    for position, length in scratch.rows("SELECT position, size FROM chosen ORDER BY position"):
        if position > first and (position - first >= _UNITS_EACH or size + length > _BYTES_EACH):
            batches.append((first, at))
            first, size = position, 0
        size, at = size + length, position
    return [*batches, (first, at)] if at else []
