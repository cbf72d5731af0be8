"""Getting the contents of one bag into a store, from wherever they can be had."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from strongroom.catalogue.slices import source_files
from strongroom.core.errors import InvalidValueError, StoreUnreachableError, WrongStoreError
from strongroom.core.findings import Code, Finding
from strongroom.core.ids import BagId
from strongroom.core.paths import from_payload_text
from strongroom.database import Where, attached
from strongroom.runner.interface import Runner
from strongroom.sources.interface import Source
from strongroom.stores.interface import Store
from strongroom.usecases.replicate.copying import CopyBatch, CopyResult, copy_batch, weigh
from strongroom.usecases.replicate.from_source import CANDIDATES, SourceBatch, copy_from_source
from strongroom.usecases.replicate.sink import Written
from strongroom.usecases.restore.gather import groups
from strongroom.usecases.restore.locate import Level, locate
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag
from strongroom.usecases.sealed.collector import Collector

_BATCHES: Final = 24
_SMALLEST: Final = 32 << 20  # bytes a batch
_SOURCE_BATCH: Final = 2000  # contents


@dataclass(frozen=True, slots=True)
class Origin:
    """A collection's source."""

    name: str  # of the collection
    source: Source


def load_contents(plan: Plan, bag: SealedBag) -> None:
    """The contents of a bag into the plan, with their lengths where fetch.txt gives them. Raises DamagedBagError."""
    with plan.transaction():
        plan.db.executemany("INSERT OR IGNORE INTO content (sha) VALUES (?)", ((entry.digest.raw,) for entry in bag.manifest()))
        lengths = ((length, entry.digest.raw) for entry, length in bag.fetch_lines() if length is not None)
        plan.db.executemany("UPDATE content SET size = ? WHERE sha = ?", lengths)


class Transfer:
    """Brings what a plan lacks into `target`. `record` is told of each object that lies there and was read back."""

    def __init__(self, plan: Plan, target: Store, runner: Runner, collector: Collector, record: Callable[[Written], None]) -> None:
        self._plan, self._target, self._runner, self._collector, self._record = plan, target, runner, collector, record
        self.contents = 0
        self.size = 0  # bytes written
        self.silent = False  # whether a source stopped answering

    def from_stores(self, bag: BagId, stores: Sequence[tuple[int, Store]], level: Level) -> None:
        """Look in each store as hard as `level` says, and bring what is found. A store keeps its number from call to call."""
        for number, store in stores:
            if not self._plan.missing():
                return
            try:
                locate(self._plan, number, store, level, bag, self._runner, self._collector)
                while self._plan.assign(number):
                    batches = [CopyBatch(self._plan.path, store, self._target, keys) for keys in groups(self._plan, smallest=_SMALLEST)]
                    files = self._plan.one("SELECT count(*) FROM job")
                    for result in self._runner.map("copy contents", copy_batch, batches, files=files, weigh=weigh):
                        self._take(result)
                        for key in result.bad_keys:
                            what = "not everything that should lie here does, with the right digest; other copies are looked for"
                            self._collector.add(Finding(Code.COPY_DAMAGED, f"{store.url}: {key}", what))
            except StoreUnreachableError as error:
                if str(error).startswith(self._target.url):  # every message begins with the store that it is about
                    raise
                self.silent = True
                self._collector.add(Finding(Code.STORE_SKIPPED, store.url, f"stopped answering: {error}"))

    def from_source(self, bag: SealedBag, origin: Origin, catalogue: Where) -> None:
        """Bring what the collection's source still has, by digest: under the names it has in the bag, and where it was last seen."""
        plan = self._plan
        if not plan.missing() or origin.source.identity() is None:
            return
        plan.db.execute(CANDIDATES)
        with plan.transaction():
            insert = "INSERT OR IGNORE INTO candidate SELECT id, ? FROM content WHERE sha = ? AND done = 0"
            plan.db.executemany(insert, _names(plan, bag))
        with attached(plan.db, catalogue, "cat", [source_files(origin.name)]) as db:
            db.execute(
                "INSERT OR IGNORE INTO candidate SELECT c.id, substr(CAST(s.path AS BLOB), 6) FROM cat.source_files s "
                "JOIN content c ON c.sha = s.sha256 WHERE s.collection = ? AND c.done = 0 "
                "AND s.path NOT LIKE 'data/\\_names/%' ESCAPE '\\'",
                (origin.name,),
            )
        first, last = plan.one("SELECT min(id) FROM content"), plan.one("SELECT max(id) FROM content")
        size = max(_SOURCE_BATCH, -(-(last - first + 1) // _BATCHES))
        batches = [SourceBatch(plan.path, origin.source, self._target, at, at + size - 1) for at in range(first, last + 1, size)]
        try:
            for result in self._runner.map("copy from the source", copy_from_source, batches, weigh=weigh):
                self._take(result)
        except (StoreUnreachableError, WrongStoreError) as error:
            if not str(error).startswith((f"{origin.source.place}:", f"{origin.source.place}/")):  # every message begins so
                raise
            self._collector.add(Finding(Code.STORE_SKIPPED, origin.source.place, f"stopped answering: {error}"))

    def _take(self, result: CopyResult) -> None:
        self._plan.finish_keys(result.keys, result.failed)
        for written in result.written:
            self._record(written)
            self._plan.db.executemany("UPDATE content SET done = 1 WHERE sha = ?", ((sha256,) for sha256, _ in written.contents))
        self.contents += result.contents
        self.size += result.size


def _names(plan: Plan, bag: SealedBag) -> Iterator[tuple[bytes, bytes]]:
    """(name below the source, SHA-256) of each file of the bag."""
    for line in bag.lines("metadata/names.jsonl"):
        plan.db.execute("INSERT OR IGNORE INTO name VALUES (?, ?)", (line["path"], base64.b64decode(line["bytes"])))
    for entry in bag.manifest():
        row = plan.db.execute("SELECT bytes FROM name WHERE path = ?", (entry.path,)).fetchone()
        try:
            yield from_payload_text(entry.path, {entry.path: row[0]} if row else {}), entry.digest.raw
        except InvalidValueError:
            continue  # a path no source can have
