"""What the logs of the stores tell of a time, whichever installation wrote them (docs/format.md, section 7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from strongroom.core import canonical
from strongroom.core.errors import InvalidValueError, StoreError
from strongroom.core.keys import StoreKey
from strongroom.core.plural import plural
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.known import known_bags

_LIMIT: Final = 64 << 20  # bytes of one batch
_KEPT: Final = 100  # events that did not go well, with their words


@dataclass(slots=True)
class Logged:
    """Events are counted once, however many stores hold a copy of their batch."""

    read: list[str] = field(default_factory=list)  # URLs
    unreachable: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # batches, which audits judge
    events: Counter[tuple[str, str]] = field(default_factory=Counter)  # by type and outcome
    bad: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        counts = [{"type": kind, "outcome": outcome, "count": count} for (kind, outcome), count in sorted(self.events.items())]
        return {"read": self.read, "unreachable": self.unreachable, "unreadable": self.unreadable, "events": counts, "not_well": self.bad}

    def lines(self) -> Iterator[str]:
        yield f"Events of that time in the logs of {plural(len(self.read), 'store')}:"
        yield from (f"  {count:,} {kind}: {outcome}" for (kind, outcome), count in sorted(self.events.items()))
        yield from (f"  {one['time']} {one['type']}: {one['outcome']}: {one['detail']} {one['note']}".rstrip() for one in self.bad)
        yield from (f"  could not be read: {url}" for url in (*self.unreachable, *self.unreadable))


def logged(context: Context, since: str) -> Logged:
    """The events at `since` (UTC) or later in the stores that the catalogue knows and that answer."""
    from strongroom.usecases.sealed.places import open_address  # noqa: PLC0415 -- boto3, and only when asked

    found = Logged()
    seen: set[str] = set()  # keys that were read in another store
    known = known_bags(context)
    for row in known.stores:
        try:
            store = open_address(known.address(row.id, row.url), patient=False)
            for writer in store.list_folders("log/"):
                _chain(store, writer, since, seen, found)
        except StoreError:
            found.unreachable.append(row.url)
        else:
            found.read.append(row.url)
    return found


def _chain(store: Store, writer: str, since: str, seen: set[str], found: Logged) -> None:
    """Batches from the newest back to the first that is wholly older: a chain is in the order of time, near enough."""
    batches = {stat.key.base[0].text: stat.key.text for stat in store.list(f"log/{writer}/")}
    for base in sorted(batches, reverse=True):
        if base in seen:
            continue
        try:
            batch = canonical.loads(read_all(store, StoreKey(batches[base]), _LIMIT), what=base)
            events = [_event(event) for event in batch["events"]]
        except (InvalidValueError, KeyError, TypeError):
            found.unreadable.append(f"{store.url}: {batches[base]}")
            continue
        seen.add(base)
        recent = [event for event in events if event["time"] >= since]
        for event in recent:
            found.events[event["type"], event["outcome"]] += 1
            if event["outcome"] != "success" and len(found.bad) < _KEPT:
                found.bad.append(event)
        if events and not recent:
            return


def _event(event: dict[str, Any]) -> dict[str, str]:
    return {
        "type": str(event["eventType"]), "outcome": str(event["eventOutcome"]), "time": str(event["eventDateTime"]),
        "detail": str(event["eventDetail"]), "note": str(event["eventOutcomeDetailNote"]),
    }
