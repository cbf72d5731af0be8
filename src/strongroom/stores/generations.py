"""Generations of a key (docs/format.md, sections 1.1 and 1.2): repair beside, not over; read the one that holds."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import IO, Final, TypeVar

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    ColdInStoreError,
    CondemnedKeyError,
    DamagedInStoreError,
    GenerationsDifferError,
    InvalidValueError,
    KeyExistsError,
    NotFoundInStoreError,
    StoreError,
    StoreUnreachableError,
    UnreadableInStoreError,
)
from strongroom.core.keys import DESCRIPTION, StoreKey
from strongroom.stores.interface import Store

T = TypeVar("T")

_CHUNK: Final = 1 << 20
_READS: Final = 2  # bytes that fail once may have been hurt on the way; what fails twice is damaged
_RETRY_PAUSES: Final = (0.1, 0.5)  # seconds, for a key that is said to exist and not to exist: another writer is just finishing


def put_or_generation(store: Store, key: StoreKey, data: bytes | bytearray | memoryview, sha256: Digest) -> StoreKey:
    """Make sure that `data` lie in the store; the key that holds them: `key`, or a later generation where it was taken by other bytes.

    Equal bytes already there (an earlier run's, another writer's, our own with a lost reply) were read back and count as written.
    Raises as Store.put, but no KeyExistsError.
    """
    return _put(store, key, len(data), sha256, lambda at: store.put(at, data, sha256=sha256))


def put_stream_or_generation(store: Store, key: StoreKey, open_source: Callable[[], IO[bytes]], length: int, sha256: Digest) -> StoreKey:
    """put_or_generation for any size; `open_source` opens the bytes anew for every try."""

    def put(at: StoreKey) -> None:
        with open_source() as source:
            store.put_stream(at, source, length, sha256=sha256)

    return _put(store, key, length, sha256, put)


def _put(store: Store, key: StoreKey, length: int, sha256: Digest, put: Callable[[StoreKey], None]) -> StoreKey:
    number = 0
    pauses = iter(_RETRY_PAUSES)
    while True:
        at = key.generation(number)
        try:
            put(at)
        except CondemnedKeyError:
            number += 1
        except KeyExistsError:
            try:
                if store.head(at).size == length and holds(store, at, sha256):
                    return at
            except NotFoundInStoreError:
                pause = next(pauses, None)
                if pause is not None:
                    time.sleep(pause)
                    continue
            except (UnreadableInStoreError, ColdInStoreError):
                pass  # nobody can say that it holds them
            number += 1
        else:
            return at


def holds(store: Store, key: StoreKey, digest: Digest, *, uncached: bool = False, as_stated: bool = False) -> bool:
    """Whether the bytes of exactly this key have the digest. Raises NotFoundInStoreError, ColdInStoreError.

    `as_stated`: of what lies in a cold storage class the checksum counts that the store keeps. It compared that when the bytes came, which
    is all that can be known of what was written a moment ago and is not to be thawed for it.
    """
    try:
        for _ in range(_READS):
            running = hashlib.sha256()
            with store.get(key, uncached=uncached) as reader:
                while chunk := reader.read(_CHUNK):
                    running.update(chunk)
            if running.hexdigest() == digest.hex:
                return True
    except (ColdInStoreError, UnreadableInStoreError) as error:
        if not as_stated or not is_cold(error):
            raise
        return store.head(key).sha256 == digest
    return False


def is_cold(error: StoreError) -> bool:
    """Whether an object could not be read only because it lies in a cold storage class (as stores/answering.py says it, too)."""
    return isinstance(error, ColdInStoreError) or isinstance(error.__cause__, ColdInStoreError)


def exists(store: Store, key: StoreKey) -> bool:
    """Whether exactly this key is there. Raises StoreUnreachableError."""
    try:
        store.head(key)
    except NotFoundInStoreError:
        return False
    except UnreadableInStoreError:
        return True  # at least, nobody can say that it is not
    return True


def answers(store: Store) -> bool:
    """Whether the store answers at all, so that one object that could not be read (a bad sector) is that object's trouble."""
    try:
        return exists(store, DESCRIPTION)  # an empty folder where a disk was mounted is no store
    except StoreUnreachableError:
        return False


def instead_of(store: Store, key: StoreKey) -> StoreKey | None:
    """The newest generation of a key that is itself gone, as after a sweep; None while it is there, or where no other is."""
    return None if exists(store, key) else next(iter(generations(store, key)), None)


def generations(store: Store, key: StoreKey) -> list[StoreKey]:
    """The generations of `key` that exist, newest first; a key that is not there at all gives []."""
    found = []
    for stat in store.list(key.text):
        base, number = stat.key.base
        if stat.key == key:
            found.append((0, stat.key))
        elif base == key:
            found.append((number, stat.key))
    return [at for _, at in sorted(found, reverse=True)]


def find_generation(store: Store, key: StoreKey, digest: Digest, *, uncached: bool = False, as_stated: bool = False) -> StoreKey:
    """The generation of `key` whose bytes have the digest, found by reading (or `as_stated`, as in `holds`). Of several it gives any: they
    are equal.

    Raises NotFoundInStoreError if the key exists in no generation, DamagedInStoreError if none holds, StoreUnreachableError (or
    UnreadableInStoreError: stores/answering.py) if one could not be read and no other holds.
    """
    return first_sound(store, key, lambda at: at if holds(store, at, digest, uncached=uncached, as_stated=as_stated) else None)


def read_all(store: Store, key: StoreKey, limit: int) -> bytes:
    """The bytes of exactly this key. Raises DamagedInStoreError if they are more than `limit`: nothing that is meant to be read into
    memory is as long as that."""
    with store.get(key, 0, limit + 1) as reader:
        data = reader.read()
    if len(data) > limit:
        raise DamagedInStoreError(f"{store.url}: {key} has more than {limit} bytes; no such object is that long")
    return data


def read_verified(store: Store, key: StoreKey, digest: Digest, limit: int) -> bytes:
    """The bytes with this digest, from whichever generation of `key` has them. Raises as find_generation."""

    def read(at: StoreKey) -> bytes | None:
        for _ in range(_READS):
            try:
                data = read_all(store, at, limit)
            except UnreadableInStoreError:
                raise
            except DamagedInStoreError:
                return None
            if Digest.of(data) == digest:
                return data
        return None

    return first_sound(store, key, read)


def first_sound(store: Store, key: StoreKey, attempt: Callable[[StoreKey], T | None]) -> T:
    """What the first generation gives that `attempt` accepts. Begins with the plain key, so that the usual case needs no listing.

    Raises as find_generation.
    """
    tried: list[str] = []
    unreachable: StoreUnreachableError | UnreadableInStoreError | None = None

    def one(at: StoreKey) -> T | None:
        nonlocal unreachable
        try:
            result = attempt(at)
        except NotFoundInStoreError:
            return None
        except (StoreUnreachableError, UnreadableInStoreError) as error:  # one bad sector says nothing about the other generations
            unreachable = error
            return None
        if result is None:
            tried.append(at.text)
        return result

    if (result := one(key)) is not None:
        return result
    for at in generations(store, key):
        if at != key and (result := one(at)) is not None:
            return result
    if unreachable is not None:
        raise unreachable
    if tried:
        raise DamagedInStoreError(f"{store.url}: {', '.join(tried)}: the bytes do not have the digest they should. "
                                  "Restore from another store, or repair this one from a replica")
    raise NotFoundInStoreError(f"{store.url}: no {key}, in any generation")


def parsable(store: Store, key: StoreKey, parse: Callable[[bytes], T], limit: int) -> list[tuple[StoreKey, T]]:
    """Every generation of `key` that `parse` accepts (it raises InvalidValueError for the others), newest first; [] if none does.

    Raises NotFoundInStoreError if the key exists in no generation, StoreUnreachableError if one could not be read.
    """
    found: list[tuple[StoreKey, T]] = []
    existing = generations(store, key)
    if not existing:
        raise NotFoundInStoreError(f"{store.url}: no {key}, in any generation")
    for at in existing:
        try:
            found.append((at, parse(read_all(store, at, limit))))
        except (InvalidValueError, DamagedInStoreError, NotFoundInStoreError):  # the last: swept meanwhile
            continue
    return found


def newest_parsable(store: Store, key: StoreKey, parse: Callable[[bytes], T], limit: int) -> T:
    """What the newest generation that parses says. Raises as `parsable`, DamagedInStoreError if none parses, and
    GenerationsDifferError if two do and differ."""
    found = parsable(store, key, parse, limit)
    if not found:
        raise DamagedInStoreError(f"{store.url}: {key} is damaged in every generation; copy it from a replica as the next generation")
    at, value = found[0]
    for other, says in found[1:]:
        if says != value:
            raise GenerationsDifferError(f"{store.url}: {at} and {other} are both well-formed and differ; a person must decide")
    return value


def first_good(stores: Iterable[Store], key: StoreKey, good: Callable[[bytes], bool], limit: int) -> bytes | None:
    """The newest bytes of `key` that are `good`, from the first of the stores that has such; what cannot be read is passed over."""

    def parse(data: bytes) -> bytes:
        if not good(data):
            raise InvalidValueError(f"{key}: not what it should be")
        return data

    for store in stores:
        with suppress(NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
            for _, data in parsable(store, key, parse, limit):
                return data
    return None


class VerifyingReader(io.RawIOBase):
    """One key's bytes as a stream that raises DamagedInStoreError at its end if they do not have the digest: what was read before
    that is not to be used. Closing early verifies nothing."""

    def __init__(self, store: Store, key: StoreKey, digest: Digest, *, uncached: bool = False) -> None:
        super().__init__()
        self._reader = store.get(key, uncached=uncached)
        self._running = hashlib.sha256()
        self._digest = digest
        self._place = f"{store.url}/{key}"

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        size = self._reader.readinto(buffer)
        if size:
            self._running.update(memoryview(buffer)[:size])
        elif len(buffer) and self._running.hexdigest() != self._digest.hex:
            raise DamagedInStoreError(f"{self._place}: the bytes have SHA-256 {self._running.hexdigest()}, expected was {self._digest}")
        return size

    def close(self) -> None:
        self._reader.close()
        super().close()


def open_verified(store: Store, key: StoreKey, digest: Digest, *, uncached: bool = False) -> VerifyingReader:
    """A stream over exactly this key, verified when its end is reached. On damage, try those of `generations`."""
    return VerifyingReader(store, key, digest, uncached=uncached)
