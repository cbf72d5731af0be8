"""Which bags need a content, in worker processes: payload manifests, streamed, against what is damaged and what is held."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from strongroom.core import keys
from strongroom.core.bag.fetch import digest_from_ni_url, parse_fetch_lines
from strongroom.core.bag.manifest import parse_manifest_lines
from strongroom.core.bag.problems import Problem
from strongroom.core.digests import Digest
from strongroom.core.errors import (
    DamagedBagError,
    InvalidValueError,
    NotFoundInStoreError,
    RefusedError,
    UnreadableInStoreError,
    UsageError,
)
from strongroom.core.ids import BagId
from strongroom.core.keys import StoreKey
from strongroom.database import read_only
from strongroom.stores.generations import generations
from strongroom.stores.interface import Store
from strongroom.usecases.given import GIVEN
from strongroom.usecases.packcheck import check_pack
from strongroom.usecases.sealed.bag import Entry, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target

_AT_ONCE: Final = 5000
_WANTED: Final = (
    GIVEN + "SELECT g.sha256 FROM given g WHERE EXISTS (SELECT 1 FROM bad b WHERE b.sha256 = g.sha256) "  # noqa: S608 -- constants
    "OR NOT EXISTS (SELECT 1 FROM held h WHERE h.sha256 = g.sha256)"
)


@dataclass(frozen=True, slots=True)
class TraceJob:
    store: Store
    scratch: Path
    bags: tuple[tuple[str, str, str | None], ...]  # (NAME/vN, attempt, digest of its seal where it can be believed)
    out: Path  # a database of (sha256, bag, path), made here


@dataclass(frozen=True, slots=True)
class TraceResult:
    out: Path
    unread: tuple[str, ...]  # bags whose manifests cannot be verified in this store: they may need more than was noted


def trace(job: TraceJob) -> TraceResult:
    """Note, for each bag, the payload paths whose content is in `bad` or not in `held`. Raises StoreUnreachableError."""
    job.out.unlink(missing_ok=True)
    unread = []
    with (
        closing(read_only(job.scratch)) as scratch, closing(sqlite3.connect(job.out, isolation_level=None)) as out,
        tempfile.TemporaryDirectory(dir=job.out.parent) as folder,
    ):
        out.execute("PRAGMA synchronous = OFF")
        out.execute("CREATE TABLE hits (sha256 BLOB, bag TEXT, path TEXT)")
        for bag, attempt, seal in job.bags:
            place = Path(folder) / bag.replace("/", "-")
            if seal is None or not _verified(job.store, bag, seal, place, scratch, out):
                unread.append(bag)
                _unverified(job.store, bag, attempt, scratch, out)
    return TraceResult(job.out, tuple(unread))


def _verified(store: Store, bag: str, seal: str, folder: Path, scratch: sqlite3.Connection, out: sqlite3.Connection) -> bool:
    """Whether the bag's seal, tag manifests and manifest could be read and agree."""
    folder.mkdir(parents=True)
    collector = Collector()  # what is wrong with tag files is found where they are judged
    try:
        opened = open_bag(Target(BagId.parse(bag), Digest(seal), Places((), collector, [store])), folder, collector)
        _entries(bag, opened.manifest(), scratch, out)
    except (DamagedBagError, UsageError, RefusedError):
        return False
    return True


def _entries(bag: str, entries: Iterator[Entry], scratch: sqlite3.Connection, out: sqlite3.Connection) -> None:
    while some := [(entry.digest.raw, entry.path) for entry in islice(entries, _AT_ONCE)]:
        wanted = {raw for (raw,) in scratch.execute(_WANTED, (b"".join(raw for raw, _ in some),))}
        out.execute("BEGIN")
        out.executemany("INSERT INTO hits VALUES (?, ?, ?)", ((raw, bag, path) for raw, path in some if raw in wanted))
        out.execute("COMMIT")


def _unverified(store: Store, bag: str, attempt: str, scratch: sqlite3.Connection, out: sqlite3.Connection) -> None:
    """Name what a bag, whose seal or tag manifests are damaged, needs of what is bad: its manifest and its fetch.txt, which says the same
    in another file, will do for that as they are. What is not held is not asked: a line may be what is damaged."""
    for name, lines in (("manifest-sha256.txt", _manifest_lines), ("fetch.txt", _fetch_lines)):
        for at in generations(store, keys.tag_file(BagId.parse(bag), attempt, name)):
            out.execute("BEGIN")
            with suppress(NotFoundInStoreError, UnreadableInStoreError), store.get(at) as reader:  # what was read of it will do, too
                for raw, path in lines(iter(lambda: reader.read(1 << 20), b"")):
                    if scratch.execute("SELECT 1 FROM bad WHERE sha256 = ?", (raw,)).fetchone():
                        out.execute("INSERT INTO hits VALUES (?, ?, ?)", (raw, bag, path))
            out.execute("COMMIT")


def _manifest_lines(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, str]]:
    for item in parse_manifest_lines(chunks, algorithm="sha256"):
        if not isinstance(item, Problem) and len(item.digest) == 64:
            yield bytes.fromhex(item.digest), item.path


def _fetch_lines(chunks: Iterator[bytes]) -> Iterator[tuple[bytes, str]]:
    for item in parse_fetch_lines(chunks):
        with suppress(InvalidValueError):
            if not isinstance(item, Problem):
                yield digest_from_ni_url(item.url).raw, item.path


@dataclass(frozen=True, slots=True)
class MembersJob:
    store: Store
    tars: tuple[str, ...]


def sound_members(job: MembersJob) -> list[tuple[str, bytes | None]]:
    """For each pack, the digests of the members that are sound, 32 bytes each, found by reading it whole; None where the store cannot
    give it."""
    found: list[tuple[str, bytes | None]] = []
    for tar in job.tars:
        try:
            check = check_pack(job.store, StoreKey(tar))
        except NotFoundInStoreError:
            continue
        except UnreadableInStoreError:
            found.append((tar, None))
            continue
        found.append((tar, b"".join(digest.raw for digest, _ in check.sound)))
    return found
