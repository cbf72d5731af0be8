"""The search for near-copies from beginning to end. Run again, it looks at what is new and compares that with everything."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from strongroom.catalogue import BagRow, Catalogue
from strongroom.catalogue.likeness import ALIKE, CONTAINED, clusters, count_clusters, members, unreadable
from strongroom.catalogue.likeness_work import Unread, counts, forget, record_looked, renew, unread
from strongroom.core.errors import DamagedBagError, RefusedError, StoreError, UsageError
from strongroom.core.events import Event, EventType
from strongroom.core.findings import Code, Finding
from strongroom.core.plural import plural
from strongroom.likeness.features import METHOD, ImageFeatures, TextFeatures
from strongroom.likeness.guard import Limits
from strongroom.likeness.shelf import Looked, Shelf
from strongroom.runner.interface import Runner
from strongroom.stores.describe import read_description
from strongroom.stores.interface import Store
from strongroom.usecases import log
from strongroom.usecases.access import shown_names
from strongroom.usecases.context import Context
from strongroom.usecases.likeness.gather import gather
from strongroom.usecases.likeness.reading import HINTS, read_all
from strongroom.usecases.likeness.report import Shown, SimilarReport
from strongroom.usecases.locks import locked
from strongroom.usecases.replicate.keep import open_kept
from strongroom.usecases.restore.plan import Plan
from strongroom.usecases.sealed.bag import open_bag
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known, known_bags
from strongroom.usecases.sealed.places import Places, Target
from strongroom.usecases.withheld.loading import load_withheld
from strongroom.usecases.withheld.tombstones import Withheld

_AT_ONCE = 5000
_UNREADABLE_SHOWN = 1000


@dataclass(frozen=True, slots=True)
class SimilarRequest:
    """`names`: the collections that are asked about, each named one being shown; none: all that everybody may see."""

    names: tuple[str, ...] = ()
    threshold: float = ALIKE  # Jaccard
    contained: float = CONTAINED
    most: int = 1000  # clusters that are told
    pairs: int = 100  # of each
    limits: Limits = field(default_factory=Limits)


def similar(request: SimilarRequest, context: Context, runner: Runner) -> SimilarReport:
    """Find the near-copies of what the collections hold, among all contents that were ever looked at here.

    What lies only in collections that not everybody may see, and that were not named, is compared and not told. Raises UsageError where a
    collection is not known, StrongroomError where another search is under way.
    """
    collector = Collector(runner.finding)
    known = known_bags(context)
    everybody = shown_names(context, collector)
    names = request.names or tuple(sorted(everybody))
    rows = [row for row in known.rows if row.bag.name in names]
    if strange := set(request.names) - {row.bag.name for row in rows}:
        raise UsageError(f"no bag of a collection {sorted(strange)[0]!r} is known here; `strongroom list` shows those that are")
    with (
        locked(context.catalogue, "likeness-search", "another search for near-copies is under way here; wait for it to end"),
        context.scratch("similar") as scratch,
        Catalogue.open(context.catalogue) as catalogue,
    ):
        search = _Search(context, catalogue, known, runner, scratch, collector, request.limits)
        looked, compared = search.go(names, rows)
        return _report(request, names, catalogue, everybody | set(request.names), looked, compared, collector)


class _Search:
    def __init__(
        self, context: Context, catalogue: Catalogue, known: Known, runner: Runner, scratch: Path, collector: Collector, limits: Limits
    ) -> None:
        self._context, self._catalogue, self._known, self._runner = context, catalogue, known, runner
        self._scratch, self._collector, self._limits = scratch, collector, limits
        self._shelf = context.home / "likeness.sqlite"
        self._kept = open_kept(context)
        self._stores: dict[str, Store] = {}  # that contents were read from

    def go(self, names: tuple[str, ...], rows: Sequence[BagRow]) -> tuple[int, int]:
        """How many contents were looked at, how many pairs compared in full."""
        from strongroom.usecases.likeness.compare import compare_images, compare_texts, find_boilerplate  # noqa: PLC0415 -- numpy

        gather(self._catalogue, self._known, rows, self._kept, self._runner, self._scratch, self._collector)
        with Shelf(self._shelf, write=True) as shelf:
            renew(self._catalogue, self._shelf, METHOD)
            looked = sum(self._look(name, [row for row in rows if row.bag.name == name], shelf) for name in names)
        find_boilerplate(self._catalogue, self._shelf, names, self._runner)
        compared = compare_texts(self._catalogue, self._shelf, self._scratch, self._runner)
        compared += compare_images(self._catalogue, self._shelf, self._runner)
        if looked or compared:
            self._log(names, looked, compared)
        return looked, compared

    # -- one collection

    def _look(self, name: str, rows: Sequence[BagRow], shelf: Shelf) -> int:
        """Look at the contents of a collection that were not looked at yet."""
        newest = rows[-1]
        places = Places(self._known.addresses(rows), self._collector)
        withheld = self._withheld(places)
        try:
            shelf.forget(forget(self._catalogue, withheld))
            with Plan(self._scratch / f"plan-{name}.sqlite", create=True) as plan:
                self._plan(plan, name, withheld)
                if not plan.missing():
                    return 0
                done = 0
                bag = open_bag(Target(newest.bag, newest.seal, places), self._scratch / f"read-{name}", self._collector)

                def take(looked: list[tuple[bytes, Looked]]) -> None:
                    nonlocal done
                    shelf.put(looked)
                    record_looked(self._catalogue, METHOD, ((sha, *_kind(what)) for sha, what in looked))
                    done += len(looked)

                read_all(bag, plan, self._runner, self._collector, self._limits, take)
                for store in places.opened:
                    self._stores[store.url] = store
                return done
        except (StoreError, DamagedBagError, RefusedError) as error:
            self._collector.add(Finding(Code.NOT_REACHED, name, f"its contents could not be read: {error}"))
            return 0
        finally:
            withheld.close()

    def _withheld(self, places: Places) -> Withheld:
        folder = self._scratch / f"withheld-{len(list(self._scratch.iterdir()))}"
        return load_withheld(self._context.home, list(islice(places, 1)), folder, self._collector.add)

    def _plan(self, plan: Plan, name: str, withheld: Withheld) -> None:
        """Which contents are to be read; those that have nothing to compare are done with at once."""
        from strongroom.likeness.look import is_worth_reading  # noqa: PLC0415 -- lxml and others

        plan.db.execute(HINTS)
        rows = unread(self._catalogue, name)
        while batch := list(islice(rows, _AT_ONCE)):
            wanted: list[Unread] = []
            others: list[Unread] = []
            for one in batch:
                if one.sha256 not in withheld:
                    (wanted if is_worth_reading(one.type, one.length or 0) else others).append(one)
            record_looked(self._catalogue, METHOD, ((one.sha256, "none", "") for one in others))
            with plan.transaction():
                plan.db.executemany("INSERT OR IGNORE INTO content (sha, size) VALUES (?, ?)", ((one.sha256, one.length) for one in wanted))
                plan.db.executemany("INSERT INTO hint SELECT id, ?, ? FROM content WHERE sha = ?",
                                    ((one.type, one.path, one.sha256) for one in wanted))

    # -- the log

    def _log(self, names: tuple[str, ...], looked: int, compared: int) -> None:
        """One event for each store that contents were read from."""
        done = f"{plural(looked, 'content')} looked at, {plural(compared, 'pair')} compared in full"
        detail = f"searched for near-copies, method {METHOD}: {done}"
        for store in self._stores.values():
            try:
                described = read_description(store).id
                number = self._catalogue.see_store(described, store.url)
                what = (*(f"collection:{name}" for name in names), f"store:{described}")
                log.append(self._catalogue, store, number, described, [Event(EventType.METADATA_EXTRACTION, detail, what)])
            except (StoreError, sqlite3.Error) as error:  # read-only, full: what was found stays found
                self._collector.add(Finding(Code.STORE_LIMIT, store.url, f"the search could not be written to its log: {error}"))


def _kind(what: Looked) -> tuple[str, str]:
    match what:
        case TextFeatures():
            return "text", ""
        case ImageFeatures():
            return "image", ""
    return "none", what.why


def _report(
    request: SimilarRequest, names: tuple[str, ...], catalogue: Catalogue, seen: frozenset[str], looked: int, compared: int,
    collector: Collector,
) -> SimilarReport:
    totals: dict[str, int] = {}
    for name in names:
        for kind, count in counts(catalogue, name).items():
            totals[kind] = totals.get(kind, 0) + count
    shown: list[Shown] = []
    bars = {"jaccard": request.threshold, "containment": request.contained}
    for cluster in islice(clusters(catalogue, seen=seen, collection=names, pairs=request.pairs, **bars), request.most):
        where = {content: tuple(members(catalogue, content, seen=seen)) for content in cluster.contents}
        shown.append(Shown(cluster, where))
    more = count_clusters(catalogue, seen=seen, collection=names, **bars) - len(shown)
    return SimilarReport(
        names, request.threshold, request.contained, totals, looked, compared,
        tuple(unreadable(catalogue, names, _UNREADABLE_SHOWN)), tuple(shown), more, collector.findings(),
    )
