"""Until when the bytes of what was withheld stay, in stores that keep them locked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.keeping import objects_holding
from strongroom.core.digests import Digest
from strongroom.core.errors import NotFoundInStoreError, StoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey, content
from strongroom.core.retention import Lock
from strongroom.runner.interface import Progress
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.withheld.request import Locked

_NAMED: Final = 20  # objects of a store that are findings of their own; all of them are in the report


def find_locked(
    store: Store, catalogue: Catalogue, number: int, contents: Iterable[Digest], collector: Collector, progress: Progress
) -> Iterator[Locked]:
    """The objects of a store that hold any of these contents and are locked, as far as the catalogue knows what holds them. Each is a
    finding; so is that it could not be found out."""
    seen: set[str] = set()  # one for each pack that holds something withheld, which is what the report lists
    said = 0
    try:
        for digest in contents:
            for base in (content(digest), *objects_holding(catalogue, number, [digest])):
                if base.text in seen:
                    continue
                seen.add(base.text)
                for key, lock in _locks(store, base):
                    said += 1
                    if said <= _NAMED:
                        collector.add(Finding(Code.WITHHELD_LOCKED, f"{store.url}: {key}", _words(lock)))
                    yield Locked(store.url, key.text, lock.text, lock.mode)
            progress.advance(1)
    except StoreError as error:
        collector.add(Finding(Code.WITHHELD_LOCKED, store.url, f"until when the bytes stay there could not be found out: {error}"))
    if said > _NAMED:
        collector.add(Finding(Code.WITHHELD_LOCKED, store.url, f"{said - _NAMED:,} more objects are locked; `--json` names them"))


def _locks(store: Store, base: StoreKey) -> Iterator[tuple[StoreKey, Lock]]:
    for key in generations(store, base):
        try:
            lock = store.lock(key, every_version=True)
        except NotFoundInStoreError:
            continue
        if lock is not None and not lock.is_over(datetime.now(UTC)):
            yield key, lock


def _words(lock: Lock) -> str:
    if lock.until is None:
        return f"its bytes stay until {lock.text}; a sweep removes them then"
    who = "by nobody" if lock.mode == "compliance" else "only by somebody with permission to bypass governance mode"
    return f"its bytes stay until {lock.text} and can be removed before {who}; a sweep removes them then. Nothing gives them out meanwhile"
