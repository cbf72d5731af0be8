"""The events that the logs of stores hold: `strongroom log show`."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from strongroom.core.batch import LIMIT, parse_batch, parse_key
from strongroom.core.digests import Digest
from strongroom.core.errors import InvalidValueError, StoreError
from strongroom.core.plural import plural
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.context import Context
from strongroom.usecases.history.run import addresses
from strongroom.usecases.sealed.places import open_address, parse_bag


@dataclass(slots=True)
class Told:
    """Events in the order of their times, which is a hint; each with `store`, `writer` and `seq` of its batch."""

    events: list[dict[str, Any]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)  # URLs
    unreachable: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)  # batches, which `log verify` judges
    left: int = 0  # older ones that were not asked for

    @property
    def exit_status(self) -> int:
        return 3 if self.unreachable else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/log-events.schema.json."""
        return {
            "format": "strongroom-log-events/1", "events": self.events, "older": self.left, "read": self.read,
            "unreachable": self.unreachable, "unreadable": self.unreadable,
        }

    def lines(self) -> Iterator[str]:
        if self.left:
            yield f"… {plural(self.left, 'older event')} (--last 0 shows all)"
        for event in self.events:
            yield f"{event['eventDateTime']}  {event['eventType']}: {event['eventOutcome']}  {' '.join(event['linkingObjectIdentifier'])}"
            yield f"    {event.get('eventDetail', '')} {event.get('eventOutcomeDetailNote', '')}".rstrip()
        yield from (f"could not be read: {place}" for place in (*self.unreachable, *self.unreadable))


def show_log(bag: str | None, stores: Sequence[str], context: Context, *, last: int = 100) -> Told:
    """The newest `last` events (0: all) of these stores (URLs; none: those known), or those that name a bag or collection.

    Raises UsageError if no store is known, InvalidValueError if `bag` is no NAME[/vN].
    """
    wanted = None if bag is None else parse_bag(bag)
    told, seen, kept = Told(), set[Digest](), list[tuple[str, int, str, int, dict[str, Any]]]()
    for address in addresses(stores, context):
        try:
            store = open_address(address, patient=False)
            for event in _events(store, wanted, seen, told):
                entry = (event["eventDateTime"], event["seq"], event["writer"], len(kept) + told.left, event)
                if last and len(kept) == last:
                    heapq.heappushpop(kept, entry)
                    told.left += 1
                else:
                    heapq.heappush(kept, entry)
        except StoreError as error:
            told.unreachable.append(f"{address.url}: {error}")
        else:
            told.read.append(store.url)
    told.events = [entry[-1] for entry in sorted(kept)]
    return told


def _events(store: Store, wanted: tuple[str, int | None] | None, seen: set[Digest], told: Told) -> Iterator[dict[str, Any]]:
    """Those of every batch that no other store gave, in the order of each chain."""
    for stat in store.list("log/"):
        named = parse_key(stat.key)
        if named is None:
            continue
        try:
            data = read_all(store, stat.key, LIMIT)
            digest = Digest.of(data)
            if digest in seen:
                continue
            batch = parse_batch(data, stat.key)
        except InvalidValueError:
            told.unreadable.append(f"{store.url}: {stat.key}")
            continue
        seen.add(digest)
        for event in batch["events"]:
            if wanted is None or any(_is_meant(text, wanted) for text in event["linkingObjectIdentifier"]):
                yield event | {"store": batch["store"], "writer": named[0], "seq": named[1]}


def _is_meant(text: str, wanted: tuple[str, int | None]) -> bool:
    name, slash, version = text.partition("/v")
    return bool(slash) and name == wanted[0] and (wanted[1] is None or version == str(wanted[1]))
