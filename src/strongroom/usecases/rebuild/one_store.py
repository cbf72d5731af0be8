"""Learning one store. The methods of StoreRebuild stand in the order in which they run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeVar

from strongroom.catalogue import Catalogue
from strongroom.catalogue.relearn import take_formats
from strongroom.core.errors import InvalidValueError
from strongroom.core.findings import Code
from strongroom.core.ids import BagId, check_collection_name, check_id
from strongroom.runner.interface import Runner
from strongroom.signing import Keyring
from strongroom.stores.interface import Store
from strongroom.usecases.archive import batches
from strongroom.usecases.rebuild.bags import BagJob, BagResult, read_bags
from strongroom.usecases.rebuild.history import LogJob, learn_audits, read_logs
from strongroom.usecases.rebuild.packs import Opened, PackJob, PackResult, read_packs
from strongroom.usecases.rebuild.report import StoreRebuilt
from strongroom.usecases.rebuild.scratch import Scratch
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.seals import find_versions
from strongroom.usecases.signatures.grouping import in_groups
from strongroom.usecases.signatures.store_keys import trust_in

T = TypeVar("T")
_BATCHES: Final = 24


class StoreRebuild:
    """Everything that one store tells, into `catalogue`. `archived` is filled with the last ingestions the log tells of."""

    def __init__(
        self, store: Store, store_id: str, catalogue: Catalogue, runner: Runner, folder: Path, collector: Collector,
        archived: dict[str, str], keyring: Keyring, *, deep: bool,
    ) -> None:
        self._store, self._catalogue, self._runner, self._folder, self._collector = store, catalogue, runner, folder, collector
        self._archived, self._keyring, self._deep = archived, keyring, deep
        self._number = catalogue.see_store(store_id, store.url)
        self.done = StoreRebuilt(store.url, store_id)

    def run(self) -> StoreRebuilt:
        """Raises StoreUnreachableError."""
        self._folder.mkdir()
        with Scratch(self._folder / "store.sqlite") as scratch:
            self._list(scratch)
            self._read_bags(scratch)
            self._read_packs(scratch)
        self._read_logs()
        with self._runner.stage("learn the results of audits"):
            audits = learn_audits(self._catalogue, self._store, self.done.id, self._number, self._collector)
        self.done.audits, self.done.checks = audits.audits, audits.checks
        return self.done

    def _list(self, scratch: Scratch) -> None:
        with self._runner.stage("list the store") as progress:
            for prefix in ("packs/", "content/"):
                for keys, size in scratch.note(self._store.list(prefix)):
                    progress.advance(keys, size)

    def _read_bags(self, scratch: Scratch) -> None:
        labels = [BagId(name, version) for name in self._names() for version in find_versions(self._store, name)]
        trust = trust_in(self._keyring, [self._store])
        jobs = [BagJob(self._store, some, self._folder / f"bags-{at}.sqlite", trust) for at, some in enumerate(_cut(labels))]
        for result in self._runner.map("read the bags", read_bags, jobs, weigh=_weigh_bags) if jobs else ():
            for found in result.seals:
                self._catalogue.record_bag(found.seal, found.digest, self._number)
            self._collector.extend(result.findings)
            scratch.note_signed(result.signed)
            self._collector.extend(one.said for one in result.signed if one.said and one.said.code is not Code.SIGNATURE_UNKNOWN_KEY)
            scratch.take_scopes(result.part)
            take_formats(self._catalogue, result.part)
            result.part.unlink()
            self.done.bags += len(result.seals)
            self.done.files += result.files
        self._collector.extend(finding for _, finding in in_groups(scratch.db, self._store.url, trust))

    def _names(self) -> list[str]:
        names = []
        for folder in self._store.list_folders("bags/"):
            try:
                names.append(check_collection_name(folder))
            except InvalidValueError:
                continue  # a stranger's folder: format.md gives it no meaning
        return names

    def _read_packs(self, scratch: Scratch) -> None:
        count, total = scratch.db.execute("SELECT count(*), coalesce(sum(size), 0) FROM objects").fetchone()
        sizes = (size for (size,) in scratch.db.cursor().execute("SELECT size FROM objects ORDER BY number"))
        cuts = batches.cut(sizes, count, total) if self._deep else _ranges(count)
        jobs = [PackJob(self._store, scratch.path, first, last, self._deep) for first, last in cuts]
        name = "read the packs" if self._deep else "read the indexes of packs"
        for result in self._runner.map(name, read_packs, jobs, files=count, size=total, weigh=_weigh_packs) if jobs else ():
            for opened in result.objects:
                self._take(scratch, opened)

    def _take(self, scratch: Scratch, opened: Opened) -> None:
        number, sound = 0, opened.sound is True
        for scope in scratch.scopes_of(opened.kind, opened.digest):
            number = self._catalogue.record_object(
                self._number, opened.kind, opened.digest, opened.size, scope=scope, contents=opened.contents(), verified=sound,
                members=opened.members)
        if opened.sound is False:
            self._catalogue.mark_damaged([number])
        self._collector.extend(opened.findings)
        self.done.bytes += opened.size
        if opened.kind == "content":
            self.done.contents += 1
        else:
            self.done.packs += 1
            self.done.members += sum(1 for _ in opened.contents())

    def _read_logs(self) -> None:
        writers = []
        for folder in self._store.list_folders("log/"):
            try:
                writers.append(check_id(folder))
            except InvalidValueError:
                continue  # no chain
        jobs = [LogJob(self._store, some) for some in _cut(writers)]
        for result in self._runner.map("read the log", read_logs, jobs) if jobs else ():
            self.done.log_batches += result.batches
            self._collector.extend(result.findings)
            for name, time in result.archived.items():
                self._archived[name] = max(time, self._archived.get(name, ""))


def _cut(items: Sequence[T]) -> list[tuple[T, ...]]:
    return [tuple(items[first - 1 : last]) for first, last in _ranges(len(items))]


def _ranges(count: int) -> list[tuple[int, int]]:
    """First and last position (from 1) of each batch."""
    size = max(1, -(-count // _BATCHES))
    return [(first, min(first + size - 1, count)) for first in range(1, count + 1, size)]


def _weigh_bags(result: BagResult) -> tuple[int, int]:
    return result.files, 0


def _weigh_packs(result: PackResult) -> tuple[int, int]:
    return len(result.objects), result.size
