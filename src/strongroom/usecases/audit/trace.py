"""Which bags need a content, in worker processes: payload manifests, streamed, against what is damaged and what is held."""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.core.digests import Digest
from strongroom.core.errors import DamagedBagError, NotFoundInStoreError, RefusedError, UsageError
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.stores.interface import Store
from strongroom.usecases.audit.scratch import read_scratch
from strongroom.usecases.packcheck import check_pack
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target

_AT_ONCE: Final = 5000


@dataclass(frozen=True, slots=True)
class TraceJob:
    store: Store
    scratch: Path
    bags: tuple[tuple[str, str], ...]  # (NAME/vN, digest of its seal)
    out: Path  # a database of (sha256, bag, path), made here


@dataclass(frozen=True, slots=True)
class TraceResult:
    out: Path
    unread: tuple[str, ...]  # bags whose manifests cannot be read in this store


def trace(job: TraceJob) -> TraceResult:
    """Note, for each bag, the payload paths whose content is in `bad` or not in `held`. Raises StoreUnreachableError."""
    job.out.unlink(missing_ok=True)
    unread = []
    with (
        closing(read_scratch(job.scratch)) as scratch, closing(sqlite3.connect(job.out, isolation_level=None)) as out,
        tempfile.TemporaryDirectory(dir=job.out.parent) as folder,
    ):
        out.execute("PRAGMA synchronous = OFF")
        out.execute("CREATE TABLE hits (sha256 BLOB, bag TEXT, path TEXT)")
        for bag, seal in job.bags:
            try:
                _bag(job.store, bag, seal, Path(folder) / bag.replace("/", "-"), scratch, out)
            except (DamagedBagError, UsageError, RefusedError):
                unread.append(bag)
    return TraceResult(job.out, tuple(unread))


def _bag(store: Store, bag: str, seal: str, folder: Path, scratch: sqlite3.Connection, out: sqlite3.Connection) -> None:
    folder.mkdir(parents=True)
    collector = Collector()  # what is wrong with tag files is found where they are judged
    opened = open_bag(Target(BagId.parse(bag), Digest(seal), Places((), collector, [store])), folder, collector)
    entries = opened.manifest()
    while some := list(islice(entries, _AT_ONCE)):
        out.execute("BEGIN")
        for entry in some:
            raw = entry.digest.raw
            sql = "SELECT EXISTS (SELECT 1 FROM bad WHERE sha256 = ?1) OR NOT EXISTS (SELECT 1 FROM held WHERE sha256 = ?1)"
            if scratch.execute(sql, (raw,)).fetchone()[0]:
                out.execute("INSERT INTO hits VALUES (?, ?, ?)", (raw, bag, entry.path))
        out.execute("COMMIT")


@dataclass(frozen=True, slots=True)
class MembersJob:
    store: Store
    tars: tuple[str, ...]


def sound_members(job: MembersJob) -> list[tuple[str, bytes]]:
    """For each pack, the digests of the members that are sound, 32 bytes each, found by reading it whole."""
    found = []
    for tar in job.tars:
        try:
            check = check_pack(job.store, StoreKey(tar))
        except NotFoundInStoreError:
            continue
        found.append((tar, b"".join(digest.raw for digest, _ in check.sound)))
    return found
