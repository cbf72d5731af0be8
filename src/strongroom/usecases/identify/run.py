"""A run of `identify` from beginning to end. One that was stopped is carried on by running it again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.formats import FormatTotal, compare_formats, record_formats
from strongroom.core.errors import DamagedBagError, StoreError, StoreUnreachableError, UsageError
from strongroom.core.events import AGENT
from strongroom.core.findings import Code, Finding
from strongroom.core.formats import Format
from strongroom.core.ids import new_id
from strongroom.runner.interface import Runner
from strongroom.stores.describe import read_description
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.archive.formats import Examples, failed_finding
from strongroom.usecases.archive.happened import identification
from strongroom.usecases.context import Context
from strongroom.usecases.export.versions import every_version
from strongroom.usecases.identify.report import IdentifyReport
from strongroom.usecases.identify.wanted import Payload
from strongroom.usecases.identify.worker import IdentifyBatch, current_signatures, identify_batch, weigh
from strongroom.usecases.restore.fill import report_lost
from strongroom.usecases.restore.gather import gather, groups
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import SealedBag, open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import known_bags
from strongroom.usecases.sealed.places import Target, resolve
from strongroom.usecases.withheld.loading import load_withheld

_SMALLEST: Final = 32 << 20
_FILE_COST: Final = 1 << 20  # identifying a content costs what hashing so many bytes does
_CHANGES: Final = 1000  # that are told apart


def identify(
    context: Context, runner: Runner, *, name: str | None = None, version: int | None = None, source: str | None = None
) -> IdentifyReport:
    """Identify the contents of one bag, of all bags of a collection, or of all that are known, as far as the signatures of now did not
    yet. `source`: a store to read from first.

    Without a name, collections that say `identify: false` are passed over. Raises UsageError if there is no such bag, StoreUnreachableError
    if no store answers; what is damaged is a finding.
    """
    with context.scratch("identify") as scratch, Catalogue.open(context.catalogue) as catalogue:
        run = _Run(context, runner, scratch, catalogue)
        for target in _targets(context, run.collector, name, version, source):
            run.bag(target, asked=name is not None)
        report = run.report()
        runner.artifact("identify", "\n".join(report.summary()))
        return report


def _targets(context: Context, collector: Collector, name: str | None, version: int | None, source: str | None) -> list[Target]:
    if name is not None and version is not None:
        return [resolve(name, version, context, collector, source=source)]
    names = [name] if name is not None else sorted({row.bag.name for row in known_bags(context).rows})
    if not names:
        raise UsageError("no bags are known here; archive something, or `strongroom rebuild --store URL`")
    return [target for one in names for target in every_version(one, context, collector, source=source)]


class _Run:
    def __init__(self, context: Context, runner: Runner, scratch: Path, catalogue: Catalogue) -> None:
        self._context, self._runner, self._scratch, self._catalogue = context, runner, scratch, catalogue
        self.collector = Collector(runner.finding)
        self._signatures = ""
        self._bags = self._contents = self._known = self._bytes = 0
        self._changes: Counter[tuple[str, str]] = Counter()
        self._failed = Examples()
        self._unreachable = False

    def bag(self, target: Target, *, asked: bool) -> None:
        folder = self._scratch / new_id()
        folder.mkdir()
        try:
            bag = open_bag(target, folder, self.collector)
            document = bag.document("metadata/collection.json")
            if not asked and isinstance(document, dict) and document.get("identify") is False:
                return
            self._bag(bag, folder)
            self._bags += 1
        except StoreUnreachableError as error:
            self._unreachable = True
            self.collector.add(Finding(Code.STORE_SKIPPED, str(target.bag), str(error)))
        except DamagedBagError as error:
            self.collector.add(Finding(Code.TAG_FILE_DAMAGED, str(target.bag), str(error)))

    def _bag(self, bag: SealedBag, folder: Path) -> None:
        self._runner.say(f"{bag.id}: which contents are to be identified")
        if not self._signatures:
            (self._signatures,) = self._runner.map("load signatures", current_signatures, [self._scratch])
        with Plan(folder / "plan.sqlite", create=True) as plan:
            bag.places.first()
            payload = Payload(plan, self._catalogue, bag, load_withheld(self._context.home, bag.places.opened, folder, self.collector.add))
            self._known += payload.want(self._signatures)
            before = self._contents
            if plan.missing():
                gather(bag, plan, self._runner, self.collector, lambda store: self._carry_out(plan, store))
                report_lost(bag, plan, self.collector)
            totals = payload.note()
            if self._contents > before:
                self._log(bag, totals, self._contents - before)

    def _carry_out(self, plan: Plan, store: Store) -> None:
        batches = [IdentifyBatch(plan.path, self._scratch, store, keys)
                   for keys in groups(plan, smallest=_SMALLEST, file_cost=_FILE_COST)]
        total = plan.one("SELECT count(*) FROM job")
        size = plan.one("SELECT sum(c.size) FROM job j JOIN content c ON c.id = j.content")
        for result in self._runner.map("identify", identify_batch, batches, files=total, size=size, weigh=weigh):
            for old, new in compare_formats(self._catalogue, result.rows):
                self._compare(old, new)
            record_formats(self._catalogue, result.rows)
            result.settle(plan, store, self.collector)
            for path, why in result.unidentified:
                self._failed.add(path, why)
            self._contents += result.contents
            self._bytes += result.size

    def _compare(self, old: Format | None, new: Format) -> None:
        if old is None or old[:4] == new[:4]:
            return
        change = _words(old), _words(new)
        if change in self._changes or len(self._changes) < _CHANGES:
            self._changes[change] += 1

    def _log(self, bag: SealedBag, totals: tuple[FormatTotal, ...], contents: int) -> None:
        """Say so in the log of the first store that takes it; replication brings it to the others."""
        event = identification(totals, contents, (str(bag.id), f"sha256:{bag.digest}"), (AGENT,))
        for store in bag.places.opened:
            try:
                store_id = read_description(store).id
                log.append(self._catalogue, store, self._catalogue.see_store(store_id, store.url), store_id, [event])
            except StoreError as error:
                self.collector.add(Finding(Code.STORE_LIMIT, store.url, f"{bag.id}: its log does not say what was identified: {error}"))
            else:
                return

    def report(self) -> IdentifyReport:
        if self._failed.count:
            self.collector.add(failed_finding(self._failed))
        changes = tuple((old, new, count) for (old, new), count in self._changes.most_common())
        return IdentifyReport(self._bags, self._signatures, self._contents, self._known, self._bytes, changes, self.collector.findings(),
                              self._unreachable)


def _words(verdict: Format) -> str:
    """"Acrobat PDF 1.4 (fmt/18, application/pdf)"."""
    ids = ", ".join(one for one in (verdict.puid, verdict.mime) if one)
    return f"{verdict.title or 'unidentified'}" + (f" ({ids})" if ids else "")
