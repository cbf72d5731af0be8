"""Reading stored objects and judging them, in a worker process. What is wrong at first is read again past caches before it is said."""

from __future__ import annotations

import copy
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strongroom.core import canonical
from strongroom.core.digests import Digest, new_hash
from strongroom.core.errors import NotFoundInStoreError, UnreadableInStoreError
from strongroom.core.keys import StoreKey
from strongroom.core.outcomes import CheckOutcome
from strongroom.database import read_only
from strongroom.stores.answering import AnsweringStore
from strongroom.stores.generations import is_cold
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.audit.shapes import SHAPED, wrong_shape
from strongroom.usecases.audit.units import Item, Unit, describe
from strongroom.usecases.packcheck import PackCheck, check_pack
from strongroom.usecases.streams import PIECE, Pieces, SideBySide

_CHUNK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LookJob:
    """The units chosen at positions `first` to `last`, by reference."""

    store: AnsweringStore
    store_id: str
    scratch: Path
    first: int
    last: int
    deadline: float | None  # time.time() after which nothing more is begun


@dataclass(frozen=True, slots=True)
class Look:
    """What became of one key."""

    key: str
    outcome: CheckOutcome  # sound, damaged, missing (vanished since it was listed), unreadable or cold
    size: int = 0  # bytes read, once
    expected: str | None = None  # hexadecimal SHA-256 where one is known
    found: str | None = None
    first: str | None = None  # what the first look found, where there was a second
    reason: str = ""
    sound: bytes = b""  # of a damaged pack: the digests of its sound members, 32 bytes each
    broken: tuple[str, ...] = ()  # … and the names of those that are not
    members: Digest | None = None  # of a sound pack that was looked into: the digest of its index
    contents: tuple[tuple[bytes, int], ...] = ()  # … and the (sha256, length) of its members


@dataclass(slots=True)
class LookResult:
    looks: list[Look] = field(default_factory=list)
    size: int = 0  # bytes read, second looks left out
    left: int = 0  # units for which there was no time


def look(job: LookJob) -> LookResult:
    """Read and judge each unit. Raises StoreUnreachableError if the store as a whole does not answer."""
    result = LookResult()
    with closing(read_only(job.scratch)) as scratch:
        units = list(describe(scratch, job.first, job.last))
    buffers = memoryview(bytearray(_CHUNK)), memoryview(bytearray(_CHUNK))  # once: fresh memory costs as much as reading into it
    for unit in units:
        if job.deadline is not None and time.time() >= job.deadline:
            result.left += 1
            continue
        for one in _Unit(job, unit, buffers).judge():
            result.looks.append(one)
            result.size += one.size
    return result


@dataclass(frozen=True, slots=True)
class _Bytes:
    """What one reading gave."""

    digests: dict[str, str]
    size: int
    data: bytes | None = None  # where the shape is to be judged
    pieces: tuple[str, ...] = ()
    pack: PackCheck | None = None


class _Unit:
    def __init__(self, job: LookJob, unit: Unit, buffers: tuple[memoryview, memoryview]) -> None:
        self._job, self._unit, self._buffers = job, unit, buffers
        self._index: str | None = None  # SHA-256 that the index of a sound pack must have
        self._pieces: tuple[str, ...] = ()  # of a sound content
        self._wants_pieces = any(name_of(StoreKey(item.key)).kind is Kind.PIECES for item in unit.items)

    def judge(self) -> list[Look]:
        # Packs and contents before what is derived from them.
        return [self._item(item) for item in sorted(self._unit.items, key=lambda item: (_derived(item.key), item.key))]

    def _item(self, item: Item) -> Look:
        key = item.key
        try:
            first = self._read(self._job.store, key, into=item.members is None)
            wrong = self._wrong(item, first)
            if wrong is None:
                return self._sound(item, first, None, "")
            fresh = copy.deepcopy(self._job.store)  # connections of its own: what a proxy or a broken connection did is not done again
            second = self._read(fresh, key, into=True)
            again = self._wrong(item, second)
        except NotFoundInStoreError:
            return Look(key, CheckOutcome.MISSING, expected=self._expected(item))
        except UnreadableInStoreError as error:
            return Look(key, CheckOutcome.COLD if is_cold(error) else CheckOutcome.UNREADABLE, reason=str(error))
        if again is None:
            return self._sound(item, second, first, wrong)
        members = second.pack.sound if second.pack else ()
        return Look(key, CheckOutcome.DAMAGED, second.size, self._expected(item), second.digests["sha256"],
                    first.digests["sha256"], again, b"".join(digest.raw for digest, _ in members),
                    second.pack.damaged if second.pack else ())

    def _sound(self, item: Item, read: _Bytes, first: _Bytes | None, reason: str) -> Look:
        members = read.pack.members() if read.pack else None
        self._index = members.hex if members else item.members or self._index
        self._pieces = read.pieces or self._pieces
        found = read.digests["sha256"]
        contents = tuple(read.pack.contents()) if read.pack else ()
        return Look(item.key, CheckOutcome.SOUND, read.size, found, found, first.digests["sha256"] if first else None, reason,
                    members=members, contents=contents)

    def _read(self, store: Store, key: str, *, into: bool) -> _Bytes:
        """`into`: look into a pack, member by member. One whose members were compared with their names has no others while it has
        the digest that is its own."""
        name = name_of(StoreKey(key))
        if name.kind is Kind.PACK and into:
            pack = check_pack(store, StoreKey(key), uncached=True)
            return _Bytes({"sha256": pack.digest.hex}, pack.size, pack=pack)
        hashes = {algorithm: new_hash(algorithm) for algorithm in {"sha256", *(text.partition(":")[0] for text in self._unit.expected)}}
        limit = SHAPED.get(name.kind, -1)
        kept: list[bytes] | None = [] if limit >= 0 else None
        pieces = Pieces() if name.kind is Kind.CONTENT and self._wants_pieces else None
        size = 0
        buffer, other = self._buffers
        with SideBySide([*hashes.values(), *([pieces] if pieces else [])]) as running, store.get(StoreKey(key), uncached=True) as reader:
            while count := reader.readinto(buffer):
                size += count
                chunk = buffer[:count]
                running.update(chunk)
                if kept is not None:
                    kept.append(bytes(chunk))
                    if size > limit:
                        kept = None
                buffer, other = other, buffer
        digests = {algorithm: one.hexdigest() for algorithm, one in hashes.items()}
        return _Bytes(digests, size, None if kept is None else b"".join(kept), tuple(pieces.digests()) if pieces else ())

    def _wrong(self, item: Item, read: _Bytes) -> str | None:
        """Why the bytes are not what they should be, or None."""
        name, found, data = name_of(StoreKey(item.key)), read.digests["sha256"], read.data or b""
        if item.accused is not None:
            return item.accused
        if name.kind is Kind.PIECES and self._pieces:
            wrong = wrong_shape(name, data, self._job.store_id)
            return wrong or (None if _names_pieces(data, self._pieces) else "does not name the pieces of its content")
        if name.base == self._unit.base and self._unit.expected and name.kind not in (Kind.PACK, Kind.CONTENT):
            if any(read.digests[text.partition(":")[0]] == text.partition(":")[2] for text in self._unit.expected):
                return None
            return f"should have {' or '.join(self._unit.expected)}, and has sha256:{found}"
        expected = self._expected(item)
        if expected is not None:
            return _lies(read.pack) if found == expected else f"should have SHA-256 {expected}, and has {found}"
        if name.kind not in SHAPED:
            return None
        return "is longer than any such object" if read.data is None else wrong_shape(name, data, self._job.store_id)

    def _expected(self, item: Item) -> str | None:
        """The SHA-256 the key should have, by its name, by its pack, by other objects, or as it had it before."""
        name = name_of(StoreKey(item.key))
        if name.digest is not None and name.kind in (Kind.PACK, Kind.CONTENT):
            return name.digest.hex
        if name.kind is Kind.INDEX and self._index is not None:
            return self._index
        named = [text.removeprefix("sha256:") for text in self._unit.expected if text.startswith("sha256:")]
        return named[0] if named and name.base == self._unit.base else item.recorded


def _lies(pack: PackCheck | None) -> str | None:
    """What is wrong in a pack that has its digest: whoever made it gave a true name to it, and false ones to what is in it."""
    if pack is None or pack.honest:
        return None
    what = f"{len(pack.damaged)} of its members are not what their names say" if pack.damaged else "it is no pack up to its end"
    return f"has the SHA-256 that is its name, but {what}: it was made so"


def _derived(key: str) -> bool:
    return name_of(StoreKey(key)).kind in (Kind.INDEX, Kind.PIECES)


def _names_pieces(data: bytes, pieces: tuple[str, ...]) -> bool:
    value = canonical.loads(data, what="pieces")
    return bool(value["piece"] == PIECE and tuple(value["sha256"]) == pieces)
