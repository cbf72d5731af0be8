"""The PREMIS events of an audit (docs/format.md, section 7.1), one batch a run and store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from strongroom.catalogue.checks import AuditRow
from strongroom.core.events import Event, EventType, Outcome
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.core.plural import plural
from strongroom.core.sizes import human_size
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.report import Unsound

#: Damaged objects that are named one by one; `checks/` names them all.
NAMED: Final = 1000


def audit_events(
    store_id: str, audit: AuditRow, outcomes: Mapping[CheckOutcome, int], read: int, left: int,
    unsound: Sequence[Unsound],
) -> list[Event]:
    """One event for the run, and one for each damaged or missing object.

    None links to a bag: where a bag may not be replicated to, neither may the log that names it, and these are of the store's doing.
    """
    counts = ", ".join(f"{count} {outcome.value}" for outcome, count in outcomes.items() if count)
    bad = [one for one in unsound if not one.repaired]
    detail = f"audit {audit.seq} of the store: {human_size(read)} read; {plural(left, 'object')} left for the next run"
    what = (f"store:{store_id}",)
    events = [Event(EventType.FIXITY_CHECK, detail, what, Outcome.FAIL if bad else Outcome.SUCCESS, counts)]
    for one in bad[:NAMED]:
        detail = f"audit {audit.seq}: {one.key} is {one.outcome.value}: {one.reason}"
        events.append(Event(EventType.FIXITY_CHECK, detail, (*what, *_identifier(one)), Outcome.FAIL, _looks(one)))
    return events


def _identifier(one: Unsound) -> tuple[str, ...]:
    name = name_of(StoreKey(one.key))
    if name.digest is None:
        return ()
    return (f"pack:{name.digest}",) if name.kind is Kind.PACK else (f"sha256:{name.digest}",) if name.kind is Kind.CONTENT else ()


def _looks(one: Unsound) -> str:
    if one.outcome is CheckOutcome.MISSING:
        return "not there when looked for again"
    return f"expected SHA-256 {one.expected or 'not known'}; first look {one.first}, second look {one.found}; {one.size:,} bytes"
