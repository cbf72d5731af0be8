"""What the logs of stores say about the bags of some collections, and of no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from strongroom.core.batch import LIMIT, parse_batch
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, StoreUnreachableError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.sealed.places import Places

_BAG: Final = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})/v[1-9][0-9]{0,8}\Z")


def events_about(names: frozenset[str], places: Places) -> Iterator[dict[str, Any]]:
    """Each event once, with the writer and number of its batch: those that name a bag of `names` and none of another collection."""
    seen: set[str] = set()
    for store in places:
        with suppress(StoreUnreachableError):
            for key in _batches(store):
                batch = _read(store, key)
                for event in batch["events"] if batch is not None else ():
                    identifier = str(event.get("eventIdentifier")) if isinstance(event, dict) else ""
                    if identifier and identifier not in seen and _about(event, names):
                        seen.add(identifier)
                        yield {"writer": batch["writer"], "seq": batch["seq"], "event": event} if batch is not None else {}


def _about(event: dict[str, Any], names: frozenset[str]) -> bool:
    objects = event.get("linkingObjectIdentifier")
    found = {match[1] for text in objects if isinstance(text, str) and (match := _BAG.match(text))} if isinstance(objects, list) else set()
    return bool(found) and found <= names


def _batches(store: Store) -> Iterator[StoreKey]:
    yield from (stat.key for stat in store.list("log/"))


def _read(store: Store, key: StoreKey) -> dict[str, Any] | None:
    """A batch that makes sense, in whatever generation; None for anything else."""
    with suppress(NotFoundInStoreError, DamagedInStoreError, InvalidValueError):
        data = read_all(store, key, LIMIT)
        return parse_batch(data, key)
    return None
