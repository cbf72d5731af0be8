"""Making packs again from their members: byte for byte where all can be had, else a new pack of those that can."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.core import keys
from strongroom.core.digests import Digest
from strongroom.core.errors import NotFoundInStoreError
from strongroom.core.frames import FramePackBuilder
from strongroom.core.keys import StoreKey
from strongroom.core.pack import Member, PackBuilder
from strongroom.database import read_only
from strongroom.stores.generations import generations, holds, put_or_generation
from strongroom.stores.interface import Store
from strongroom.usecases.repair.healing import Healed, Left, copy_object
from strongroom.usecases.replicate.sink import Sink, Written
from strongroom.usecases.restore.contents import read_run
from strongroom.usecases.restore.plan import Need
from strongroom.usecases.sealed.objects import read_up_to

#: A pack of more than this is not rebuilt in memory; its members get new packs instead. Ours have about 32 MiB.
MOST = 256 << 20


@dataclass(frozen=True, slots=True)
class RebuildBatch:
    """Objects that no store has whole. What could be gathered of the contents lies in `staging`, at the places of the table `staged`."""

    target: Store
    staging: Store
    places: Path  # SQLite: staged (sha, key, offset, length)
    objects: tuple[Left, ...]


@dataclass(slots=True)
class RebuildResult:
    healed: list[Healed] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)  # new packs, of what is left of those that could not be rebuilt
    lost: list[bytes] = field(default_factory=list)  # SHA-256 of contents that are nowhere


def rebuild(batch: RebuildBatch) -> RebuildResult:
    """Carry out the batch; running it again writes nothing twice."""
    result = RebuildResult()
    db = read_only(batch.places)
    try:
        for left in batch.objects:
            if left.kind == "content":
                _content(batch, db, left.digest, result)
            else:
                _pack(batch, db, left, result)
    finally:
        db.close()
    return result


def _content(batch: RebuildBatch, db: sqlite3.Connection, digest: Digest, result: RebuildResult) -> None:
    """A content that is nowhere in the store becomes an object of its own, whatever its size."""
    key = keys.content(digest)
    found = copy_object(batch.target, (batch.staging,), key, digest)
    at = found[0] if found else None
    if at is None and (data := _staged(batch, db, digest)) is not None:
        written = put_or_generation(batch.target, key, data, digest)
        at = written if holds(batch.target, written, digest, uncached=True, as_stated=True) else None
    if at is None:
        result.lost.append(digest.raw)
        return
    size = batch.target.head(at).size
    result.healed.append(Healed("content", digest, at, size, "its members", ((digest.raw, size),)))


def _pack(batch: RebuildBatch, db: sqlite3.Connection, left: Left, result: RebuildResult) -> None:
    key = keys.stored(left.kind, left.digest)
    copies = generations(batch.target, key)
    builder = FramePackBuilder() if left.kind == "zstd" else PackBuilder()
    missing = [] if left.members else [left.digest.raw]
    fits = sum(member.length for member, _ in left.members) <= MOST
    for member, sound in left.members if fits else ():
        data = _read(batch, copies, member) if sound else _staged(batch, db, member.digest)
        if data is None:
            missing.append(member.digest.raw)
        else:
            builder.add(member.digest, data)
    if fits and left.members and not missing:
        tar, index, digest, members = builder.finish()
        if digest == left.digest:
            at = put_or_generation(batch.target, key, tar, digest)
            if holds(batch.target, at, digest, uncached=True, as_stated=True):
                contents = tuple((member.digest.raw, member.length) for member in members)
                result.healed.append(Healed(left.kind, digest, at, len(tar), "its members", contents, Digest.of(index)))
                return
    sink = Sink(batch.target)
    for member, sound in left.members:
        data = _read(batch, copies, member) if sound else _staged(batch, db, member.digest)
        if data is not None:
            sink.add(member.digest, data, compress=left.kind == "zstd")
        elif fits or not sound:
            result.lost.append(member.digest.raw)
    sink.flush()
    result.written += sink.written
    result.lost += sink.failed


def _read(batch: RebuildBatch, copies: list[StoreKey], member: Member) -> bytes | None:
    for at in copies:
        data = _member(batch.target, at, member)
        if data is not None:
            return data
    return None


def _member(store: Store, key: StoreKey, member: Member) -> bytes | None:
    if member.frame is None:
        return _verified(store, key, member.offset, member.length, member.digest)
    need = Need(0, member.digest.raw, member.offset, member.length, member.frame.offset, member.frame.length)
    return next((bytes(data) for _, data in read_run(store, key, [need]) if data is not None), None)


def _staged(batch: RebuildBatch, db: sqlite3.Connection, digest: Digest) -> bytes | None:
    row = db.execute("SELECT key, offset, length FROM staged WHERE sha = ?", (digest.raw,)).fetchone()
    return _verified(batch.staging, StoreKey(row[0]), row[1], row[2], digest) if row else None


def _verified(store: Store, key: StoreKey, start: int, length: int, digest: Digest) -> bytes | None:
    try:
        data = read_up_to(store, key, start, length)
    except NotFoundInStoreError:
        return None
    return bytes(data) if hashlib.sha256(data).digest() == digest.raw else None
