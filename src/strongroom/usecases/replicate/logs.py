"""Copying what every store holds of the log, and of attempts that ended without a bag (docs/format.md, section 7)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from strongroom.core import canonical, keys
from strongroom.core.batch import LIMIT, parse_batch, parse_key
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import generations, parsable, put_or_generation
from strongroom.stores.interface import Store

_BAG: Final = re.compile(r"([a-z0-9][a-z0-9._-]{0,63})/v[1-9][0-9]{0,8}\Z")


def copy_logs(sources: Sequence[Store], target: Store, allowed: frozenset[str] | None, own: str | None = None) -> list[StoreKey]:
    """Bring every batch of every chain that `target` lacks, unchanged and in order; those of them that were written to it first, so
    that it had them before (`own` is its id).

    A chain stops before the first batch that names a bag of a collection that is not in `allowed` (None: all are): the log of
    material that does not belong in a store stays out of it as well. So does what follows, for a chain has no holes.
    """
    lost: list[StoreKey] = []
    for source in sources:
        for writer in source.list_folders("log/"):
            there = set(_bases(target, f"log/{writer}/"))
            for key in _bases(source, f"log/{writer}/"):
                if parse_key(key) is None or key in there:
                    continue
                data = _read(source, key, lambda data, key=key: parse_batch(data, key))  # type: ignore[misc]
                if data is None or (allowed is not None and not _collections(data) <= allowed):
                    break
                if own is not None and _origin(data) == own and not generations(target, key):  # nor was it written since we looked
                    lost.append(key)
                put_or_generation(target, key, data, Digest.of(data))
    return lost


def copy_marks(sources: Sequence[Store], target: Store, name: str) -> None:
    """Bring the `closed` markers of a collection's attempts."""
    prefix = keys.collection_prefix(name)
    there = {key for key in _bases(target, prefix) if key.text.endswith("/closed")}
    for source in sources:
        for key in _bases(source, prefix):
            if key.text.endswith("/closed") and key not in there:
                data = _read(source, key, lambda _: None)
                if data is not None:
                    put_or_generation(target, key, data, Digest.of(data))


def _origin(data: bytes) -> str:
    """The id of the store that a batch was written to."""
    return str(canonical.loads(data, what="a batch of the log").get("store"))


def _collections(data: bytes) -> frozenset[str]:
    """The collections whose bags the events of a batch name."""
    found = set()
    for event in canonical.loads(data, what="a batch of the log")["events"]:
        objects = event.get("linkingObjectIdentifier", []) if isinstance(event, dict) else []
        found |= {match[1] for text in objects if isinstance(text, str) and (match := _BAG.match(text))}
    return frozenset(found)


def _bases(store: Store, prefix: str) -> list[StoreKey]:
    """The keys below `prefix` without their generations, in order, each once."""
    return list(dict.fromkeys(stat.key.base[0] for stat in store.list(prefix)))


def _read(store: Store, key: StoreKey, check: Callable[[bytes], object]) -> bytes | None:
    """The newest generation that passes `check`; None if none does."""

    def parse(data: bytes) -> bytes:
        check(data)
        return data

    try:
        found = parsable(store, key, parse, LIMIT)
    except (NotFoundInStoreError, DamagedInStoreError):
        return None
    return found[0][1] if found else None
