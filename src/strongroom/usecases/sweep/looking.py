"""What lies in a store and what its sealed bags need, read from the store itself: what a sweep judges by."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

from strongroom.catalogue import Catalogue
from strongroom.core import canonical, keys
from strongroom.core.errors import DamagedBagError, DamagedInStoreError, InvalidValueError, NotFoundInStoreError, RefusedError, UsageError
from strongroom.core.findings import Code, Finding, Severity
from strongroom.core.keys import StoreKey
from strongroom.runner.interface import Runner
from strongroom.stores.generations import read_all
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import Kind, name_of
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.sealed.seals import FoundSeal, find_seals
from strongroom.usecases.sweep.scratch import Scratch

_AT_ONCE: Final = 5000
_LOG_LIMIT: Final = 64 << 20
_TOOK: Final = ("ingestion", "replication")


def look(scratch: Scratch, store: Store, store_id: str, catalogue: Catalogue, runner: Runner, folder: Path) -> list[Finding]:
    """Fill `scratch` with the listing, the seals and what the bags need.

    Findings, where not all that is needed is known: then nothing may be condemned. Raises StoreUnreachableError.
    """
    with runner.stage("list the store") as progress:
        stats = store.list()
        while some := list(islice(stats, _AT_ONCE)):
            with scratch.transaction() as db:
                for stat in some:
                    name = name_of(stat.key)
                    db.execute("INSERT OR REPLACE INTO things VALUES (?, ?, ?, ?, ?, ?)",
                               (stat.key.text, name.base, name.kind.value, stat.size, name.bag, name.attempt))
            progress.advance(len(some))
    findings: list[Finding] = []
    with runner.stage("read what bags need") as progress:
        for seals in find_seals(store):
            if seals.found or seals.void:
                scratch.db.execute("INSERT OR IGNORE INTO decided VALUES (?)", (str(seals.bag),))
            findings += [_unknown(one.place, one.message) for one in seals.findings if one.code is Code.SEAL_DAMAGED]
            for number, one in enumerate(seals.found):
                findings += _take_bag(scratch, store, one, folder / f"{seals.bag.name}-{seals.bag.version}-{number}")
            progress.advance(1)
        findings += _lost_seals(scratch, store, store_id, catalogue)
    return [one for one in findings if one.severity is Severity.ERROR]


def _take_bag(scratch: Scratch, store: Store, found: FoundSeal, folder: Path) -> Iterator[Finding]:
    folder.mkdir(parents=True)
    collector = Collector()
    try:
        bag = open_bag(Target(found.bag, found.digest, Places([], collector, [store])), folder, collector)
        _note_needs(scratch, bag)
    except (DamagedBagError, RefusedError, UsageError) as error:
        yield _unknown(f"{store.url}: {found.bag}", str(error))
        return
    scratch.db.execute("INSERT OR IGNORE INTO seals VALUES (?, ?, ?)", (str(found.bag), found.digest.hex, found.seal.attempt))
    for path, expected in bag.tag_files.items():
        base = keys.tag_file(found.bag, found.seal.attempt, path).text
        if scratch.one("SELECT count(*) FROM things WHERE base = ?", base) > 1:
            scratch.db.execute("INSERT OR IGNORE INTO tagwanted VALUES (?, ?)", (base, f"{expected.algorithm}:{expected.hex}"))
    shutil.rmtree(folder)
    for one in collector.findings():
        if one.severity is Severity.ERROR:
            yield _unknown(one.place, one.message)


def _note_needs(scratch: Scratch, bag: SealedBag) -> None:
    entries = bag.manifest()
    while some := list(islice(entries, _AT_ONCE)):
        with scratch.transaction() as db:
            db.executemany("INSERT OR IGNORE INTO needed VALUES (?)", ((entry.digest.raw,) for entry in some))


def _lost_seals(scratch: Scratch, store: Store, store_id: str, catalogue: Catalogue) -> Iterator[Finding]:
    """Bags that this store is known to have taken, by the catalogue and by its own log, and whose seals are gone: what they need cannot
    be known from this store."""
    known = {(str(row.bag), row.seal.hex) for row in catalogue.bags() if store_id in row.stores} | set(_logged(scratch, store, store_id))
    for bag, digest in sorted(known):
        if scratch.one("SELECT 1 FROM seals WHERE bag = ? AND digest = ?", bag, digest) is None:
            yield _unknown(f"{store.url}: bags/{bag}/seal.json", "this store had the bag, and its seal is gone or damaged")
    for row in catalogue.bags():
        scratch.db.execute("INSERT OR IGNORE INTO promised VALUES (?)", (row.attempt,))


def _logged(scratch: Scratch, store: Store, store_id: str) -> Iterator[tuple[str, str]]:
    for (key,) in scratch.rows("SELECT key FROM things WHERE kind = ?", Kind.LOG):
        with suppress(InvalidValueError, NotFoundInStoreError, DamagedInStoreError):  # a log is judged by audits, and others bear witness
            batch = canonical.loads(read_all(store, StoreKey(key), _LOG_LIMIT), what=key)
            for event in _dicts(batch.get("events") if isinstance(batch, dict) else None):
                linked = event.get("linkingObjectIdentifier")
                objects = [one for one in linked if isinstance(one, str)] if isinstance(linked, list) else []
                if event.get("eventType") in _TOOK and f"store:{store_id}" in objects:
                    bags = [one for one in objects if "/v" in one]
                    seals = [one.partition(":")[2] for one in objects if one.startswith("sha256:")]
                    if bags and seals:
                        yield bags[0], seals[0]


def _dicts(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _unknown(place: str, what: str) -> Finding:
    return Finding(Code.SWEEP_REFUSED, place, f"{what}. While it is not known what every bag needs, nothing is condemned here; run "
                   "`strongroom audit` and `strongroom repair` first")
