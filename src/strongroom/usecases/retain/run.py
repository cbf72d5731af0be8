"""Extending the locks of what bags need, in every store whose policy says so. Run again it goes on: what was extended is left alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.keeping import last_retained, note_retained, objects_holding
from strongroom.core.digests import Digest
from strongroom.core.errors import StoreUnreachableError, UsageError, WrongStoreError
from strongroom.core.events import parse_utc, utc_text
from strongroom.core.findings import Code, Finding
from strongroom.core.keys import StoreKey, content
from strongroom.core.retention import Retention
from strongroom.database import Database
from strongroom.runner.interface import Runner
from strongroom.stores.describe import read_description
from strongroom.stores.interface import Store
from strongroom.usecases.audit.kinds import NOT_READ, Kind, index_of, name_of
from strongroom.usecases.context import Context
from strongroom.usecases.policies import Policies
from strongroom.usecases.retain.report import RetainReport, StoreRetention
from strongroom.usecases.retain.worker import Fate, RetainJob, RetainResult, extend
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Address, known_bags
from strongroom.usecases.sealed.places import open_address
from strongroom.usecases.sweep.condemned import Condemned
from strongroom.usecases.withheld.loading import load_withheld
from strongroom.usecases.withheld.tombstones import Withheld

_KEYS_EACH: Final = 1000
_NAMED: Final = 20  # refusals of a store that are findings of their own
_TABLES: Final = """
CREATE TABLE keys (position INTEGER PRIMARY KEY, key TEXT NOT NULL);
CREATE TABLE taken (base TEXT PRIMARY KEY) WITHOUT ROWID;  -- what holds something that is withheld
"""


def retain(
    context: Context, runner: Runner, *, stores: Sequence[str] = (), dry_run: bool = False, only_due: bool = False
) -> RetainReport:
    """Look at the locks in these stores (URLs; none: every one the catalogue knows) as far as collection manifests give them a
    `retention`. `only_due`: only where the last complete look is long enough ago.

    Raises UsageError for a store that is named and has none.
    """
    collector, policies = Collector(runner.finding), Policies.known(context)
    wanted = list(_wanted(context, policies, stores))
    results: list[StoreRetention] = []
    unreachable = False
    if not wanted:
        return RetainReport((), (), dry_run)
    with Catalogue.open(context.catalogue) as catalogue, context.scratch("retain") as scratch:
        for address, retention in wanted:
            if only_due and not _is_due(catalogue, address, retention):
                continue
            try:
                store = open_address(address, options=policies.options(address.id, address.url, runner.workers))
                number = catalogue.see_store(read_description(store).id, address.url)
                withheld = load_withheld(context.home, [store], scratch / f"withheld-{number}", collector.add)
                runner.say(f"looking at the locks in {store.url}")
                results.append(_Run(store, number, retention, catalogue, runner, scratch, collector, withheld, dry_run=dry_run).run())
            except (StoreUnreachableError, WrongStoreError) as error:
                absent = not stores and policies.is_offline(address.id, address.url)
                code = Code.STORE_ABSENT if absent else Code.STORE_SKIPPED
                collector.add(Finding(code, address.url, f"its locks were not extended: {error}"))
                unreachable |= not absent
    return RetainReport(tuple(results), collector.findings(), dry_run, unreachable)


def _wanted(context: Context, policies: Policies, stores: Sequence[str]) -> Iterator[tuple[Address, Retention]]:
    known = known_bags(context)
    by_url = {row.url: known.address(row.id, row.url) for row in known.stores}
    for address in [by_url.get(url, Address(url)) for url in stores] if stores else by_url.values():
        retention = policies.retention(address.id, address.url)
        if retention is not None:
            yield address, retention
        elif stores:
            raise UsageError(f"{address.url}: no collection manifest that is known here gives this store a `retention`")


def _is_due(catalogue: Catalogue, address: Address, retention: Retention) -> bool:
    if address.id is None:
        return True
    now, last = datetime.now(UTC), parse_utc(last_retained(catalogue, catalogue.store_number(address.id)) or "")
    return last is None or not last <= now < last + retention.look_after  # a time in the future proves nothing


class _Run:
    def __init__(
        self, store: Store, number: int, retention: Retention, catalogue: Catalogue, runner: Runner, folder: Path, collector: Collector,
        withheld: Withheld, *, dry_run: bool,
    ) -> None:
        self._store, self._number, self._retention, self._catalogue = store, number, retention, catalogue
        self._runner, self._folder, self._findings, self._withheld, self._dry_run = runner, folder, collector, withheld, dry_run
        self._scratch = Database(folder / f"retain-{number}.sqlite", _TABLES)

    def run(self) -> StoreRetention:
        try:
            count, left = self._list()
            result = self._extend(count)
        finally:
            self._scratch.close()
        fates = result.fates
        if not self._dry_run and not fates[Fate.REFUSED]:
            note_retained(self._catalogue, self._number)
        return StoreRetention(
            self._store.url, self._retention, fates[Fate.KEPT], fates[Fate.EXTENDED], fates[Fate.SHORT], fates[Fate.REFUSED], left,
            None if result.earliest is None else utc_text(result.earliest),
        )

    def _list(self) -> tuple[int, int]:
        """Into `keys` what is to be kept: how many they are, and how many others there are."""
        condemned = Condemned.load(self._store, self._folder)
        self._take_down()
        kept = left = 0
        with self._runner.stage("list the store") as progress, self._scratch.transaction() as db:
            for stat in self._store.list():
                name = name_of(stat.key)
                if name.kind in NOT_READ:
                    continue
                if stat.key in condemned or db.execute("SELECT 1 FROM taken WHERE base = ?", (name.base,)).fetchone():
                    left += 1
                else:
                    kept += 1
                    db.execute("INSERT INTO keys VALUES (?, ?)", (kept, stat.key.text))
                progress.advance(1)
        return kept, left

    def _take_down(self) -> None:
        """What holds something that is withheld is to go when its time is over, and what else lies in it is then stored anew."""
        with self._scratch.transaction() as db:
            for raw in self._withheld:
                digest = Digest.from_bytes(raw)
                for key in (content(digest), *objects_holding(self._catalogue, self._number, [digest])):
                    db.executemany("INSERT OR IGNORE INTO taken VALUES (?)", ((base,) for base in _with_hints(key)))

    def _extend(self, count: int) -> RetainResult:
        jobs = [RetainJob(self._store, self._retention, self._scratch.path, first, first + _KEYS_EACH - 1, self._dry_run)
                for first in range(1, count + 1, _KEYS_EACH)]
        total = RetainResult()
        fates: Counter[Fate] = total.fates
        for result in self._runner.map("look at locks", extend, jobs, files=count, weigh=_weigh) if jobs else ():
            fates.update(result.fates)
            for key, why in result.refused[: max(0, _NAMED - len(total.refused))]:
                total.refused.append((key, why))
                self._findings.add(Finding(Code.NOT_RETAINED, f"{self._store.url}: {key}", why))
            ends = [end for end in (total.earliest, result.earliest) if end is not None]
            total.earliest = min(ends, default=None)
        if (more := fates[Fate.REFUSED] - len(total.refused)) > 0:
            self._findings.add(Finding(Code.NOT_RETAINED, self._store.url, f"{more:,} more objects could not be extended either"))
        return total


def _with_hints(key: StoreKey) -> set[str]:
    kind = name_of(key).kind
    return {key.text, index_of(key.text)} if kind is Kind.PACK else {key.text, f"{key.text}.pieces"}


def _weigh(result: RetainResult) -> tuple[int, int]:
    return sum(result.fates.values()), 0
