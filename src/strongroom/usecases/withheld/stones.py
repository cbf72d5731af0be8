"""The tombstones of a store: read, judged, written, and brought from one store to another (docs/format.md, section 13)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError, UnreadableInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.tombstone import BAGS_LIMIT, LIMIT, Tombstone, WithheldFiles, parse_files, parse_tombstone
from strongroom.signing import Signature, Standing, Trust, judge
from strongroom.stores.generations import put_or_generation, read_all
from strongroom.stores.interface import Store

_THREADS: Final = 8  # for reads that only wait
_AT_ONCE: Final = 256  # contents


@dataclass(frozen=True, slots=True)
class Stone:
    """A tombstone as it lies in a store: its bytes, every signature beside it, and the files it was asked for, if they are there."""

    key: StoreKey
    data: bytes
    says: Tombstone
    signatures: tuple[bytes, ...] = ()
    files: bytes | None = None

    @property
    def digest(self) -> Digest:
        return Digest.of(self.data)

    def standing(self, trust: Trust) -> Standing:
        """What the best of its signatures is worth."""
        found = {judge(self.data, one, trust) for one in self.signatures} or {Standing.UNSIGNED}
        return next(one for one in Standing if one in found)  # in the order of their definition, trusted first


def read_accepted(
    store: Store, trust: Trust, add_finding: Callable[[Finding], None], stones: Iterable[Stone] | None = None,
) -> Iterator[Stone]:
    """Every tombstone (of `stones`, if they were read already) that is to be acted upon, by content and number. What is not is a finding.

    Raises StoreUnreachableError.
    """
    for stone in read_stones(store, add_finding) if stones is None else stones:
        if accepted(stone, store.url, trust, add_finding):
            yield stone


def accepted(stone: Stone, place: str, trust: Trust, add_finding: Callable[[Finding], None]) -> bool:
    """Whether a tombstone is to be acted upon: every one, where nobody is trusted; else those with a signature that is trusted."""
    if not trust.keys:
        return True
    standing = stone.standing(trust)
    if standing is Standing.TRUSTED:
        return True
    remedy = "if it is right, `strongroom withhold` by somebody who is trusted says so again; else, remove it"
    what = f"its signature is {standing.value}" if standing is not Standing.UNSIGNED else "it is not signed"
    say = f"says to {stone.says.action.value} {stone.says.content}; {what}, so it is not acted upon ({remedy})"
    add_finding(Finding(Code.TOMBSTONE_REFUSED, f"{place}: {stone.key}", say))
    return False


def read_stones(store: Store, add_finding: Callable[[Finding], None], content: Digest | None = None) -> Iterator[Stone]:
    """Every tombstone of the store, or of one content, trusted or not. One that cannot be read as such is a finding."""
    prefix = "withheld/" if content is None else f"withheld/{content.hex[:2]}/{content.hex}/"
    found = (stat.key for stat in store.list(prefix))
    contents = (list(some) for named, some in groupby(found, _content) if named is not None)
    with ThreadPoolExecutor(_THREADS) as threads:
        while chunk := list(islice(contents, _AT_ONCE)):
            for group in threads.map(lambda some: _read(store, some), chunk):
                for one in group.damaged:
                    add_finding(one)
                yield from sorted(group.stones, key=lambda one: (one.says.number, one.key))


def _content(key: StoreKey) -> Digest | None:
    parsed = keys.parse_tombstone_key(key)
    return None if parsed is None else parsed[0]


@dataclass(slots=True)
class _Group:
    stones: list[Stone] = field(default_factory=list)
    damaged: list[Finding] = field(default_factory=list)


def _read(store: Store, found: list[StoreKey]) -> _Group:
    group = _Group()
    parts: dict[tuple[int, str], list[bytes]] = {}
    tombstones: list[tuple[StoreKey, Tombstone, bytes]] = []
    damaged: list[tuple[StoreKey, Finding]] = []
    for key in found:
        _, number, part = keys.parse_tombstone_key(key) or _no_key(key)
        try:
            data = read_all(store, key, BAGS_LIMIT if part == "bags.json" else LIMIT)
            if part != "json":
                parts.setdefault((number, part), []).append(data)
                continue
            check_tombstone_object(key, data)
            tombstones.append((key, parse_tombstone(data, what=str(key)), data))
        except NotFoundInStoreError:
            continue
        except UnreadableInStoreError as error:
            damaged.append((key, Finding(Code.UNREACHABLE, f"{store.url}: {key}", f"{error}; it is not acted upon until it can be read")))
        except (InvalidValueError, DamagedInStoreError) as error:
            what = f"{error}; it is not acted upon. `strongroom repair` brings it back from another store"
            damaged.append((key, Finding(Code.TOMBSTONE_DAMAGED, f"{store.url}: {key}", what)))
    for key, says, data in tombstones:
        files = next((one for one in parts.get((says.number, "bags.json"), ()) if Digest.of(one) == says.bags), None)
        group.stones.append(Stone(key, data, says, tuple(parts.get((says.number, "minisig"), ())), files))
    sound = {one.key.base[0] for one in group.stones}  # beside a sound generation a damaged one is no loss
    group.damaged = [finding for key, finding in damaged if key.base[0] not in sound]
    return group


def check_tombstone_object(key: StoreKey, data: bytes) -> None:
    """Raises InvalidValueError if these bytes cannot lie at this key below withheld/."""
    content, number, part = keys.parse_tombstone_key(key) or _no_key(key)
    if part == "minisig":
        Signature.parse(data, what=str(key))
    elif part == "bags.json":
        if parse_files(data, what=str(key)).content != content:
            raise InvalidValueError(f"{key}: speaks of another content")
    else:
        says = parse_tombstone(data, what=str(key))
        if (says.content, says.number) != (content, number):
            raise InvalidValueError(f"{key}: speaks of another content or number: {says.content}, {says.number}")


def _no_key(key: StoreKey) -> tuple[Digest, int, str]:
    raise InvalidValueError(f"{key}: not of a tombstone")


def put_stone(store: Store, stone: Stone, *, with_files: bool = True) -> int:
    """Make sure that a tombstone lies in the store: list of files, signatures, then itself. How many keys were taken by other bytes.

    Two that were made at the same time under one number become generations, and both count.
    """
    content, number = stone.says.content, stone.says.number
    parts = [("bags.json", stone.files)] if with_files and stone.files is not None else []
    later = 0
    for part, data in [*parts, *(("minisig", one) for one in stone.signatures), ("json", stone.data)]:
        if data is not None:
            key = keys.tombstone(content, number, part)
            later += put_or_generation(store, key, data, Digest.of(data)) != key
    return later


def files_of(stone: Stone) -> WithheldFiles | None:
    """The payload files it was asked for; None where that list is not here or cannot be read."""
    try:
        return None if stone.files is None else parse_files(stone.files, what=str(stone.key))
    except InvalidValueError:
        return None


def standing_of(stones: Iterable[Stone]) -> list[Stone]:
    """Those of one content that no other replaces."""
    every = {one.digest: one for one in stones}
    replaced = {digest for one in every.values() for digest in one.says.previous}
    return [one for digest, one in every.items() if digest not in replaced]
