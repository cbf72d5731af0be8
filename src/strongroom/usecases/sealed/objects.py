"""Reading single objects of a store in whichever generation is sound (docs/format.md, section 1.2)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.digests import new_hash
from strongroom.core.errors import NotFoundInStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store

CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """The digest an object must have: BagIt algorithm name, lower-case hexadecimal."""

    algorithm: str
    hex: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """How fetching an object went: the key it was read from (None: no sound copy), and the keys that held wrong bytes."""

    key: StoreKey | None
    damaged: tuple[StoreKey, ...]


def read_up_to(store: Store, key: StoreKey, start: int, length: int) -> bytearray:
    """At most `length` bytes from byte `start`: fewer only where the object ends. Raises NotFoundInStoreError."""
    buffer = bytearray(length)
    filled = 0
    with store.get(key, start, length) as reader, memoryview(buffer) as view:
        while filled < length:
            with view[filled:] as rest:
                count = reader.readinto(rest)
            if count == 0:
                break
            filled += count
    del buffer[filled:]
    return buffer


def fetch(store: Store, key: StoreKey, expected: Expected, target: Path) -> Fetched:
    """Write the object to `target`, from the first generation that has the expected digest.

    Every generation with the right digest has the same bytes, so the key itself is tried first and the store listed only if it fails.
    `target` appears whole or not at all.
    """
    damaged: list[StoreKey] = []
    part = target.with_name(".fetching")  # no segment of a key starts with a full stop, so this is no tag file
    for candidate in _candidates(store, key):
        hashing = new_hash(expected.algorithm)
        try:
            with store.get(candidate) as reader, part.open("wb") as out:
                while chunk := reader.read(CHUNK):
                    hashing.update(chunk)
                    out.write(chunk)
        except NotFoundInStoreError:
            continue
        if hashing.hexdigest() == expected.hex:
            os.replace(part, target)
            return Fetched(candidate, tuple(damaged))
        damaged.append(candidate)
    part.unlink(missing_ok=True)
    return Fetched(None, tuple(damaged))


def _candidates(store: Store, key: StoreKey) -> Iterator[StoreKey]:
    yield key
    yield from (other for other in generations(store, key) if other != key)


def has_digest(path: Path, expected: Expected) -> bool:
    """Whether a regular file lies at `path` with the expected digest."""
    hashing = new_hash(expected.algorithm)
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                hashing.update(chunk)
    except OSError:
        return False
    return hashing.hexdigest() == expected.hex
