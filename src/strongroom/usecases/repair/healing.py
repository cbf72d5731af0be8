"""A worker's share of a repair: look again at packs and large contents, and copy the same object from a store that has it sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    DamagedInStoreError,
    InvalidValueError,
    NotFoundInStoreError,
    StoreUnreachableError,
    UnreadableInStoreError,
)
from strongroom.core.keys import StoreKey
from strongroom.core.pack import INDEX_LIMIT, Member, parse_index
from strongroom.stores.generations import find_generation, generations, holds, is_cold, put_stream_or_generation, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.packcheck import PackCheck, check_pack
from strongroom.usecases.repair.misplaced import Whereabouts
from strongroom.usecases.replicate.copying import open_range
from strongroom.usecases.restore.indexes import scan_pack
from strongroom.usecases.withheld.tombstones import Withheld


@dataclass(frozen=True, slots=True)
class HealBatch:
    """Packs and large contents of `target`, as (kind, digest); `sources` are the other stores, in the order in which to ask them, and
    `misplaced` is where else such bytes were seen."""

    target: Store
    sources: tuple[Store, ...]
    objects: tuple[tuple[str, Digest], ...]
    withheld: Withheld
    misplaced: Mapping[Digest, Whereabouts]


@dataclass(frozen=True, slots=True)
class Healed:
    """An object that is sound now. `source` None: it was sound when it was looked at again."""

    kind: str
    digest: Digest
    key: StoreKey
    size: int
    source: str | None
    contents: tuple[tuple[bytes, int], ...]  # (sha256, length)
    members: Digest | None = None  # of a pack: the digest of its index


@dataclass(frozen=True, slots=True)
class Left:
    """An object that no store has sound. `members`: of a pack, in order, with whether this store's copy of each is sound."""

    kind: str
    digest: Digest
    members: tuple[tuple[Member, bool], ...] = ()


@dataclass(slots=True)
class HealResult:
    healed: list[Healed] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    unread: list[tuple[str, Digest]] = field(default_factory=list)  # that the target cannot give, and no other store has sound


def heal_objects(batch: HealBatch) -> HealResult:
    """Heal what can be healed by copying. Raises StoreError of the target; a source that does not answer is passed over."""
    result = HealResult()
    for kind, digest in batch.objects:
        key = keys.stored(kind, digest)
        try:
            at, source = find_generation(batch.target, key, digest, uncached=True), None
        except (DamagedInStoreError, NotFoundInStoreError) as error:
            unread = isinstance(error, UnreadableInStoreError)
            if len(batch.withheld) and _holds_withheld(batch, kind, digest):
                left = _look_into(batch, kind, digest)
                if left.members and not unread:  # what is not withheld of a pack goes into a new one
                    result.left.append(left)
                continue
            found = copy_object(batch.target, batch.sources, key, digest, batch.misplaced.get(digest, ()))
            if found is None and unread:
                result.unread.append((kind, digest))  # it may be sound: nothing is taken for lost, or made anew of its members
                continue
            if found is None:
                result.left.append(_look_into(batch, kind, digest))
                continue
            at, source = found
        size = batch.target.head(at).size
        if kind == "content":
            result.healed.append(Healed(kind, digest, at, size, source, ((digest.raw, size),)))
            continue
        check = _check(batch, key, at, digest)
        if check.digest == digest and check.honest:
            result.healed.append(Healed(kind, digest, at, size, source, tuple(check.contents()), check.members()))
        else:
            result.left.append(_look_into(batch, kind, digest))
    return result


def _check(batch: HealBatch, key: StoreKey, at: StoreKey, digest: Digest) -> PackCheck:
    """What lies in a sound pack; of one that is cold since a moment ago, in the copy that it was made from."""
    try:
        return check_pack(batch.target, at)
    except UnreadableInStoreError as error:
        if not is_cold(error):
            raise
        for source in batch.sources:
            with suppress(NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
                return check_pack(source, find_generation(source, key, digest))
        raise


def copy_object(
    target: Store, sources: Sequence[Store], key: StoreKey, digest: Digest, misplaced: Whereabouts = ()
) -> tuple[StoreKey, str] | None:
    """Write the object as the next generation of its key, read it back, and give where it is and where it came from: from a source that
    has it under its key, or from where it is `misplaced`."""
    for source, stray in chain(((source, None) for source in sources), misplaced):
        try:
            if stray is not None and not holds(source, stray, digest):
                continue
            good = stray or find_generation(source, key, digest)
            size = source.head(good).size
        except (NotFoundInStoreError, DamagedInStoreError, StoreUnreachableError):
            continue
        at = put_stream_or_generation(target, key, partial(open_range, source, good, 0, size), size, digest)
        if holds(target, at, digest, uncached=True, as_stated=True):
            return at, source.url if good.base[0] == key else f"{source.url}, where it lay at {good}"
    return None


def _holds_withheld(batch: HealBatch, kind: str, digest: Digest) -> bool:
    """Whether what is withheld would come back with this object."""
    if kind == "content":
        return digest.raw in batch.withheld
    return any(member.digest.raw in batch.withheld for member in _all_members(batch, kind, digest))


def _look_into(batch: HealBatch, kind: str, digest: Digest) -> Left:
    if kind == "content":
        return Left(kind, digest)
    sound: set[Digest] = set()
    for at in generations(batch.target, keys.stored(kind, digest)):
        with suppress(UnreadableInStoreError):
            sound |= {sha for sha, _ in check_pack(batch.target, at, uncached=True).sound}
    return Left(kind, digest, tuple((member, member.digest in sound) for member in _members(batch, kind, digest)))


def _members(batch: HealBatch, kind: str, digest: Digest) -> list[Member]:
    """What should lie in a pack, but for what is withheld."""
    return [member for member in _all_members(batch, kind, digest) if member.digest.raw not in batch.withheld]


def _all_members(batch: HealBatch, kind: str, digest: Digest) -> list[Member]:
    """What should lie in a pack: by any copy of its index, else by the headers of what is left of it."""
    for store in (batch.target, *batch.sources):
        try:
            for at in generations(store, keys.pack_index(digest)):
                try:
                    return parse_index(read_all(store, at, INDEX_LIMIT))
                except (InvalidValueError, DamagedInStoreError):
                    continue
        except StoreUnreachableError:
            if store is batch.target:
                raise
    found: dict[Digest, Member] = {}
    for at in generations(batch.target, keys.stored(kind, digest)):
        with suppress(UnreadableInStoreError):
            for member in members_by_headers(batch.target, at):
                found.setdefault(member.digest, member)
    return list(found.values())


def members_by_headers(store: Store, key: StoreKey) -> Iterator[Member]:
    """The members that the headers of a tar announce, in its order; their digests are not verified."""
    with store.get(key) as reader:
        yield from scan_pack(key, reader)
