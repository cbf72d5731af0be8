"""Reading the bags of a store, in a worker process: seals, tag files, and where the contents are said to lie."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from strongroom.core import canonical, keys
from strongroom.core.errors import (
    DamagedBagError,
    DamagedInStoreError,
    InvalidValueError,
    NotFoundInStoreError,
    RefusedError,
    UsageError,
)
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.placement import PLACEMENT_LIMIT, parse_place
from strongroom.core.plural import plural, sentence
from strongroom.signing import Trust
from strongroom.stores.generations import generations, read_all
from strongroom.stores.interface import Store
from strongroom.usecases.rebuild.formats import LearnedFormats
from strongroom.usecases.rebuild.scratch import open_part
from strongroom.usecases.rebuild.signed import SignedSeal, judge
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.sealed.seals import FoundSeal, read_seals
from strongroom.usecases.signatures.settling import Arbiter


@dataclass(frozen=True, slots=True)
class BagJob:
    """Labels whose bags are to be read; formats and scopes go into the database `part`."""

    store: Store
    labels: tuple[BagId, ...]
    part: Path
    trust: Trust


@dataclass(slots=True)
class BagResult:
    part: Path
    seals: list[FoundSeal] = field(default_factory=list)
    signed: list[SignedSeal] = field(default_factory=list)
    findings: tuple[Finding, ...] = ()
    files: int = 0  # payload files that were read about


def read_bags(job: BagJob) -> BagResult:
    """Read every bag under these labels. What is damaged is a finding, and the rest counts. Raises StoreUnreachableError."""
    result, collector, arbiter = BagResult(job.part), Collector(), Arbiter(lambda _: job.trust)
    db = open_part(job.part)
    try:
        for label in job.labels:
            seals = arbiter.settle(job.store, read_seals(job.store, label))
            collector.extend(seals.findings)
            result.seals += seals.found
            for found in seals.found:
                result.signed.append(judge(job.store, found, job.trust))
                with tempfile.TemporaryDirectory(dir=job.part.parent) as folder:
                    result.files += _read_bag(job.store, found, Path(folder), db, collector)
        db.execute("COMMIT")
    finally:
        db.close()
    result.findings = collector.findings()
    return result


def _read_bag(store: Store, found: FoundSeal, folder: Path, db: sqlite3.Connection, collector: Collector) -> int:
    try:
        bag = open_bag(Target(found.bag, found.digest, Places([], collector, [store])), folder, collector)
        scope = _scope(bag)
        if scope is not None:
            rows = ((kind, digest, scope) for kind, digest in _placed(store, found.bag, collector))
            db.executemany("INSERT OR IGNORE INTO scopes VALUES (?, ?, ?)", rows)
        return _read_payload(bag, db, collector)
    except (DamagedBagError, RefusedError, UsageError) as error:  # RefusedError: equal seals of which none can be chosen
        collector.add(Finding(Code.TAG_FILE_DAMAGED, f"{store.url}: {found.bag}", f"{sentence(error)} `strongroom repair` brings it back"))
        return 0


def _scope(bag: SealedBag) -> str | None:
    """With whom its contents may be shared; None if that cannot be read: with nobody."""
    document = bag.document("metadata/collection.json")
    if not isinstance(document, dict):
        return None
    return bag.id.name if document.get("dedup") == "collection" else ""


def _placed(store: Store, bag: BagId, collector: Collector) -> Iterator[tuple[str, bytes]]:
    """(kind, digest) of the packs and large contents that the placement names, in any generation: one may be of an attempt that lost."""
    for key in generations(store, keys.placement(bag)):
        try:
            for text in read_all(store, key, PLACEMENT_LIMIT).splitlines():
                line = canonical.loads(text, what=str(key))
                with suppress(InvalidValueError):  # a line that names nothing
                    kind, digest = parse_place(line)
                    yield kind, digest.raw
        except (InvalidValueError, DamagedInStoreError, NotFoundInStoreError) as error:
            what = f"{sentence(error)} What only it names is shared with no other bag until an archive run stores it again"
            collector.add(Finding(Code.PLACEMENT_WRONG, f"{store.url}: {key}", what))


def _read_payload(bag: SealedBag, db: sqlite3.Connection, collector: Collector) -> int:
    """Take in the formats of its contents, and count; how many payload files there are."""
    files = size = 0
    whole = True
    formats = LearnedFormats(bag, db)
    for entry, detail in bag.described():
        files += 1
        length = detail.get("size")
        if type(length) is int:
            size += length
            formats.note(entry.path, entry.digest.raw, length, detail.get("format"))
        else:
            whole = False
    formats.close()
    sealed = (bag.seal.payload_files, bag.seal.payload_bytes)
    if files != sealed[0] or (whole and size != sealed[1]):
        what = f"its seal counts {plural(sealed[0], 'file')} and {sealed[1]:,} bytes, its tag files {files:,} and {size:,}"
        collector.add(Finding(Code.BAG_INVALID, str(bag.id), what))
    return files
