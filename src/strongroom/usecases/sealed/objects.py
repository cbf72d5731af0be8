"""Reading single objects of a store in whichever generation is sound (docs/format.md, section 1.2)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from strongroom.core.digests import new_hash
from strongroom.core.errors import DamagedInStoreError, NotFoundInStoreError, StoreUnreachableError, UnreadableInStoreError
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import answers, first_sound
from strongroom.stores.interface import Store

CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Expected:
    """The digest an object must have: BagIt algorithm name, lower-case hexadecimal."""

    algorithm: str
    hex: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """How fetching an object went: the key it was read from (None: no sound copy), the keys that held wrong bytes, and those that
    could not be read, with the reason."""

    key: StoreKey | None
    damaged: tuple[StoreKey, ...]
    unread: tuple[tuple[StoreKey, str], ...]


def read_up_to(store: Store, key: StoreKey, start: int, length: int) -> bytearray:
    """At most `length` bytes from byte `start`: fewer only where the object ends. Raises NotFoundInStoreError."""
    data, error = read_as_far(store, key, start, length)
    if error is not None:
        raise error
    return data


def read_as_far(store: Store, key: StoreKey, start: int, length: int) -> tuple[bytearray, StoreUnreachableError | None]:
    """read_up_to, or as many bytes as could be read and why there are not more."""
    buffer = bytearray(length)
    filled = 0
    try:
        with store.get(key, start, length) as reader, memoryview(buffer) as view:
            while filled < length:
                with view[filled:] as rest:
                    count = reader.readinto(rest)
                if count == 0:
                    break
                filled += count
    except StoreUnreachableError as error:
        return buffer[:filled], error
    del buffer[filled:]
    return buffer, None


def fetch(store: Store, key: StoreKey, expected: Expected, target: Path) -> Fetched:
    """Write the object to `target`, from the first generation that has the expected digest.

    Every generation with the right digest has the same bytes, so the key itself is tried first and the store listed only if it fails.
    `target` appears whole or not at all. Raises StoreUnreachableError if the store as a whole does not answer.
    """
    damaged: list[StoreKey] = []
    unread: list[tuple[StoreKey, str]] = []
    part = target.with_name(".fetching")  # no segment of a key starts with a full stop, so this is no tag file

    def attempt(at: StoreKey) -> StoreKey | None:
        hashing = new_hash(expected.algorithm)
        try:
            with store.get(at) as reader, part.open("wb") as out:
                while chunk := reader.read(CHUNK):
                    hashing.update(chunk)
                    out.write(chunk)
        except (StoreUnreachableError, UnreadableInStoreError) as error:
            unread.append((at, str(error)))
            raise
        if hashing.hexdigest() == expected.hex:
            os.replace(part, target)
            return at
        damaged.append(at)
        return None

    found = None
    try:
        found = first_sound(store, key, attempt)
    except StoreUnreachableError:
        if not answers(store):
            raise
    except (NotFoundInStoreError, DamagedInStoreError):
        pass
    finally:
        part.unlink(missing_ok=True)
    return Fetched(found, tuple(damaged), tuple(unread))


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
