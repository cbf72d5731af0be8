"""Telling the logs of stores of a handover, and keeping its papers at home."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from strongroom.catalogue import Catalogue
from strongroom.core.errors import StoreError
from strongroom.core.events import Event, EventType, Outcome
from strongroom.core.findings import Code, Finding
from strongroom.core.handover import HandedBag
from strongroom.durable import write_new
from strongroom.usecases import log
from strongroom.usecases.context import Context
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import known_bags
from strongroom.usecases.sealed.places import open_address


def tell(
    bags: Sequence[HandedBag], detail: str, objects: Sequence[str], context: Context, collector: Collector, *,
    outcome: Outcome = Outcome.SUCCESS, note: str = "",
) -> tuple[str, ...]:
    """Add an event to the log of each known store that holds any of the bags; it names only those. The URLs of the stores.

    A store that cannot be reached, or not be written, is a finding: the others tell of it.
    """
    known = known_bags(context)
    rows = {(row.bag, row.seal): set(row.stores) for row in known.rows}
    told = []
    for store in known.stores:
        here = [str(one.bag) for one in bags if store.id in rows.get((one.bag, one.seal), ())]
        if not here:
            continue
        event = Event(EventType.TRANSFER, detail, (*here, *objects), outcome, note)
        try:
            opened = open_address(known.address(store.id, store.url))
            with Catalogue.open(context.catalogue) as catalogue:
                log.append(catalogue, opened, catalogue.store_number(store.id), store.id, [event])
        except StoreError as error:
            collector.add(Finding(Code.STORE_SKIPPED, store.url, f"its log was not told of this handover: {error}"))
        else:
            told.append(store.url)
    return tuple(told)


def papers(context: Context, handover: str) -> Path:
    """Where the inventory of a handover, and later its receipt, are kept."""
    return context.home / "handovers" / handover


def keep(folder: Path, name: str, data: bytes) -> None:
    """Write a paper durably; one that is there already stays, and a second of other content gets a number."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    number = 1
    path = folder / name
    while path.exists() and path.read_bytes() != data:
        number += 1
        path = folder / f"{number}-{name}"
    if not path.exists():
        write_new(path, [data])
