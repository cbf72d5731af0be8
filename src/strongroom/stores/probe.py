"""What a store really does, tried out with small objects below `probe/` that are removed afterwards where that is allowed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Barrier

from strongroom.core.digests import Digest
from strongroom.core.errors import (
    ChecksumRefusedError,
    KeyExistsError,
    StoreError,
    StoreRefusedError,
    WriteConflictError,
)
from strongroom.core.ids import new_id
from strongroom.core.keys import StoreKey
from strongroom.stores.generations import exists, read_all
from strongroom.stores.interface import Capabilities, Store

_DATA = b"strongroom was here: this object may be deleted\n" * 20
_OTHER = _DATA.upper()
_WRITERS, _ROUNDS = 4, 2


def probe(store: Store, in_parts: Store | None = None) -> Capabilities:
    """Capabilities as found. `in_parts` is the same store, made to upload in parts, where that is another way of writing.

    Raises StoreError where the place is no store at all: bytes come back altered, ranges or listing do not work, no permission.
    """
    with _scratch(store) as scratch:
        create_only = _creates_only(store, scratch("plain"), store.put) and _has_one_winner(scratch, store.put)
        if in_parts is not None:
            create_only = _creates_only(store, scratch("parts"), _putting_streams(in_parts)) and create_only
        checks = _checks(store, scratch("wrong"))
        if not _gives_ranges(store, scratch("plain")):
            raise StoreRefusedError(f"{store.url}: the server gives no ranges of objects; it cannot hold a store")
        prefix = scratch("x").text[:-1]
        if scratch("plain") not in [stat.key for stat in store.list(prefix)]:
            raise StoreError(f"{store.url}: an object just written is not listed; a store needs a server whose lists are up to date")
        notes = list(store.check_key_space())
    if not create_only:
        notes.append("an existing object can be replaced here (no create-only writes): this store can hold replicas, but not be the first")
    if not checks:
        notes.append("the server does not check SHA-256: damage on the way is found only by reading back")
    known = store.capabilities
    return Capabilities(
        create_only=create_only, checks_sha256=known.checks_sha256 and checks, ranges=True,
        max_object=known.max_object, late_naming=known.late_naming, notes=tuple(notes),
    )


@contextmanager
def _scratch(store: Store) -> Iterator[Callable[[str], StoreKey]]:
    """A maker of fresh keys; what lies at them is deleted at the end."""
    folder = f"probe/{new_id()}"
    used: set[StoreKey] = set()

    def key(name: str) -> StoreKey:
        made = StoreKey(f"{folder}/{name}")
        used.add(made)
        return made

    try:
        yield key
    finally:
        for made in sorted(used):
            with suppress(StoreError):  # not there, or this account may not delete, which is no fault
                store.delete(made)


def _creates_only(store: Store, key: StoreKey, put: Callable[..., None]) -> bool:
    """Whether a second write is refused, and the first one's bytes are still there."""
    put(key, _DATA, sha256=Digest.of(_DATA))
    if read_all(store, key, 2 * len(_DATA)) != _DATA:
        raise StoreError(f"{store.url}: the server gives back other bytes than it was given (does it keep upload framing as data?)")
    try:
        put(key, _OTHER, sha256=Digest.of(_OTHER))
    except KeyExistsError:
        return read_all(store, key, 2 * len(_DATA)) == _DATA
    return False


def _has_one_winner(scratch: Callable[[str], StoreKey], put: Callable[..., None]) -> bool:
    """Whether of several writers at the same moment one wins. A server that looks first and writes then fails this, mostly."""
    for _ in range(_ROUNDS):
        key = scratch(new_id())
        barrier = Barrier(_WRITERS)

        def write(number: int, key: StoreKey = key, barrier: Barrier = barrier) -> bool:
            data = _DATA + b"%d" % number
            barrier.wait()
            try:
                put(key, data, sha256=Digest.of(data))
            except (KeyExistsError, WriteConflictError):
                return False
            return True

        with ThreadPoolExecutor(_WRITERS) as pool:
            if sum(pool.map(write, range(_WRITERS))) != 1:
                return False
    return True


def _putting_streams(store: Store) -> Callable[..., None]:
    def put(key: StoreKey, data: bytes, *, sha256: Digest) -> None:
        store.put_stream(key, io.BytesIO(data), len(data), sha256=sha256)

    return put


def _checks(store: Store, key: StoreKey) -> bool:
    """Whether bytes with a wrong digest are refused, and nothing is left of them."""
    try:
        store.put(key, _DATA, sha256=Digest.of(_OTHER))
    except ChecksumRefusedError:
        return not exists(store, key)
    return False


def _gives_ranges(store: Store, key: StoreKey) -> bool:
    size = len(_DATA)
    for start, length, expected in ((3, 7, 7), (size - 2, None, 2), (size - 2, 100, 2), (size + 5, 3, 0)):
        try:
            with store.get(key, start, length) as reader:
                data = reader.read()
        except StoreRefusedError:
            return False
        if len(data) != expected or data not in (_DATA[start : start + expected], _OTHER[start : start + expected]):
            return False
    return True
