"""Finding out what packs hold, in a worker process: by their indexes, by their headers, or by reading all of them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedInStoreError, InvalidValueError, NotFoundInStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey
from strongroom.core.pack import BLOCK, INDEX_LIMIT, Frame, Member, format_index, parse_index
from strongroom.core.plural import plural
from strongroom.database import read_only
from strongroom.stores.generations import find_generation, generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.packcheck import PackCheck, check_pack
from strongroom.usecases.restore.indexes import scan_pack

_ROW: Final = struct.Struct("<32sQ")  # sha256, length
_THREADS: Final = 4  # a store across a network is waited for


@dataclass(frozen=True, slots=True)
class PackJob:
    """Objects `first` to `last` of the scratch. `deep`: read all of each."""

    store: Store
    scratch: Path
    first: int
    last: int
    deep: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """What an object holds. `rows`: of _ROW, (sha256, length). `sound`: None if it was not read whole."""

    kind: str
    digest: Digest
    size: int
    rows: bytes
    sound: bool | None
    findings: tuple[Finding, ...] = ()
    members: Digest | None = None  # of a pack that was read whole and in which nothing lies: the digest of its index

    def contents(self) -> Iterator[tuple[bytes, int]]:
        return _ROW.iter_unpack(self.rows)


@dataclass(slots=True)
class PackResult:
    objects: list[Opened] = field(default_factory=list)
    size: int = 0  # bytes as stored


def read_packs(job: PackJob) -> PackResult:
    """What lies in each object. Raises StoreUnreachableError."""
    scratch = read_only(job.scratch)
    try:
        sql = "SELECT kind, digest, size, newest FROM objects WHERE number BETWEEN ? AND ? ORDER BY number"
        found = scratch.execute(sql, (job.first, job.last)).fetchall()
    finally:
        scratch.close()
    result = PackResult()
    with ThreadPoolExecutor(_THREADS) as threads:
        for one in threads.map(lambda row: _open(job, row[0], Digest.from_bytes(row[1]), row[2], StoreKey(row[3])), found):
            result.objects.append(one)
            result.size += one.size
    return result


def _open(job: PackJob, kind: str, digest: Digest, size: int, newest: StoreKey) -> Opened:
    if kind == "content":
        return _content(job, digest, size)
    if job.deep:
        return _read_whole(job.store, kind, digest, size)
    findings: list[Finding] = []
    members = _by_index(job.store, kind, digest, size, findings)
    if members is None:
        try:
            with job.store.get(newest) as reader:
                rows = b"".join(_ROW.pack(member.digest.raw, member.length) for member in scan_pack(newest, reader))
        except NotFoundInStoreError:
            rows = b""  # swept since it was listed
    else:
        rows = b"".join(_ROW.pack(member.digest.raw, member.length) for member in members)
    return Opened(kind, digest, size, rows, None, tuple(findings))


def _content(job: PackJob, digest: Digest, size: int) -> Opened:
    row = _ROW.pack(digest.raw, size)
    if not job.deep:
        return Opened("content", digest, size, row, None)
    try:
        find_generation(job.store, keys.content(digest), digest)
    except (DamagedInStoreError, NotFoundInStoreError) as error:
        damaged = Finding(Code.CONTENT_DAMAGED, f"{job.store.url}: {keys.content(digest)}", str(error))
        return Opened("content", digest, size, row, False, (damaged,))
    return Opened("content", digest, size, row, True)


# -- by indexes, which are hints

def _by_index(store: Store, kind: str, digest: Digest, size: int, findings: list[Finding]) -> list[Member] | None:
    """What the newest index that fits the pack says; None if there is none."""
    base = keys.pack_index(digest)
    found, problem = _index(store, kind, base, size)
    if found is None:
        for key in generations(store, base):
            if found is None and key != base:
                found, problem = _index(store, kind, key, size)
    if found is None:
        findings.append(Finding(Code.INDEX_WRONG, f"{store.url}: {base}", f"{problem}; the headers of the pack were read instead"))
    return found


def _index(store: Store, kind: str, key: StoreKey, size: int) -> tuple[list[Member] | None, str]:
    try:
        data = read_all(store, key, INDEX_LIMIT)
        members = parse_index(data)
    except NotFoundInStoreError:
        return None, "is not there"
    except (InvalidValueError, DamagedInStoreError) as error:
        return None, str(error)
    if not (frames_fit if kind == "zstd" else fits)(members, size):
        return None, "does not fit the length of the pack, or places members where none can be"
    return members, ""


def fits(members: list[Member], size: int) -> bool:
    """Whether an index can be that of a pack of `size` bytes: members one after the other, then the index itself, then the end."""
    at = 0
    for member in members:
        if member.offset != at + BLOCK:
            return False
        at = member.offset + member.length + -member.length % BLOCK
    index = len(format_index(members))
    return at + BLOCK + index + -index % BLOCK + 2 * BLOCK == size


def frames_fit(members: list[Member], size: int) -> bool:
    """The same for a compressed pack: frames one after the other, members one after the other in each, then room for the index."""
    end = at = 0
    last: Frame | None = None
    for member in members:
        if member.frame is None:
            return False
        if member.frame != last:
            if member.frame.offset != end:
                return False
            last, end, at = member.frame, member.frame.offset + member.frame.length, 0
        if member.offset != at + BLOCK:
            return False
        at = member.offset + member.length + -member.length % BLOCK
    return end < size


# -- by reading

def _read_whole(store: Store, kind: str, digest: Digest, size: int) -> Opened:
    """The generation that has its digest; failing that, what is sound in any of them."""
    sound: dict[Digest, int] = {}
    for key in generations(store, keys.stored(kind, digest)):
        try:
            check: PackCheck = check_pack(store, key)
        except NotFoundInStoreError:
            continue  # swept since it was listed
        if check.digest == digest:
            return Opened(kind, digest, check.size, _rows(dict(check.sound)), True, members=check.members())
        sound |= dict(check.sound)
    what = f"does not have the digest that is its name in any generation; {plural(len(sound), 'member is', 'members are')} sound"
    return Opened(kind, digest, size, _rows(sound), False, (Finding(Code.PACK_DAMAGED, f"{store.url}: {keys.stored(kind, digest)}", what),))


def _rows(contents: dict[Digest, int]) -> bytes:
    return b"".join(_ROW.pack(content.raw, length) for content, length in contents.items())
