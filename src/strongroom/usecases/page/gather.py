"""The figures, from the catalogue; stores are read only for bags whose payload was never counted, and for logs where they are asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from strongroom.catalogue import BagRow, Catalogue
from strongroom.catalogue.checks import count_unsound
from strongroom.catalogue.formats import FormatTotal, bag_formats
from strongroom.catalogue.holdings import new_by_version, notable_of, shared_with, sharing, stored_in
from strongroom.catalogue.reads import bytes_by_age, last_audited
from strongroom.catalogue.runs import RunRow, count_runs, recent_runs
from strongroom.catalogue.withheld import withheld_contents
from strongroom.collections.model import CollectionManifest
from strongroom.core.events import utc_text
from strongroom.core.formats import Format
from strongroom.runner.progress import Display
from strongroom.usecases.access import today
from strongroom.usecases.context import Context
from strongroom.usecases.page import facts, finds, likes
from strongroom.usecases.page.attest import Attestations
from strongroom.usecases.page.counting import NOTABLE, count
from strongroom.usecases.page.evidence import judge
from strongroom.usecases.page.figures import AGES, CollectionFigures, Figures, NamedFile, StoreFigures, VersionFigures
from strongroom.usecases.page.request import PageRequest
from strongroom.usecases.page.scope import Scope, find_scope
from strongroom.usecases.report.logged import logged
from strongroom.usecases.sealed.collector import Collector
from strongroom.usecases.sealed.known import Known
from strongroom.usecases.status.manifests import all_manifests
from strongroom.usecases.status.run import status

RUNS: Final = 50  # that are listed


def gather(request: PageRequest, context: Context, attestations: Attestations, collector: Collector, display: Display) -> Figures:
    """Everything the page says. Findings about what could not be read go to `collector`."""
    now = datetime.now(UTC)
    scope, known = find_scope(context, request.name, request.curator, collector, today())
    figures = Figures(utc_text(now), request.curator, request.name, attestations=attestations.file and Path(attestations.file).name)
    if not context.has_catalogue():
        return figures
    rows = [row for row in known.rows if row.bag.name in scope.shown]
    with Catalogue.open(context.catalogue) as catalogue:
        failed = count(context, known, rows, catalogue, collector, display)
        figures.uncounted = tuple(str(row.bag) for row in rows if row.seal.hex in failed)
        manifests = all_manifests(known, Collector())
        figures.collections = tuple(_collections(catalogue, rows, manifests, scope, failed))
        _hide(figures, known, scope)
        withheld = withheld_contents(catalogue)
        figures.withheld = sum(withheld.get(name, 0) for name in scope.shown)
        names = scope.shown if scope.hidden or scope.name is not None else None
        figures.sharing = sharing(catalogue, names)
        if scope.name is not None:
            figures.shared = shared_with(catalogue, scope.name, scope.seen)
        standing = status(context, now=now)
        figures.stores = tuple(_stores(catalogue, known, rows, scope, manifests, attestations, now))
        _formats(figures, catalogue, rows)
        finds.findings(figures, catalogue, scope, standing, request.since or "")
        likes.near_copies(figures, catalogue, scope)
        _notable(figures, catalogue, rows)
        _runs(figures, catalogue, scope, request.since or "")
        told = facts.facts(figures, catalogue, rows, manifests, standing, attestations, context)
        figures.levels = judge(told, attestations)
    if request.log:
        figures.log = log = logged(context, request.since or "")
        for places in (log.unreachable, log.unreadable):
            places[:] = [one if scope.may_tell(one) else "a store whose address may not be shown" for one in places]
    return figures


def latest_rows(rows: Iterable[BagRow]) -> list[BagRow]:
    """The newest bag of each collection; of a forked one, as everywhere, the last by its seal. `rows` are by name and version."""
    return list({row.bag.name: row for row in rows}.values())


def _collections(
    catalogue: Catalogue, rows: Sequence[BagRow], manifests: dict[str, CollectionManifest], scope: Scope, failed: set[str]
) -> Iterable[CollectionFigures]:
    new = new_by_version(catalogue, scope.shown)
    versions: dict[str, list[VersionFigures]] = {}
    for row in rows:
        fresh = None if row.seal.hex in failed else new.get((row.bag.name, row.bag.version), (0, 0))
        versions.setdefault(row.bag.name, []).append(
            VersionFigures(row.bag.version, row.sealed, row.files, row.bytes, fresh, len(row.stores)))
    for name, found in versions.items():
        manifest = manifests.get(name)
        yield CollectionFigures(name, manifest.title if manifest else None, tuple(found))


def _hide(figures: Figures, known: Known, scope: Scope) -> None:
    hidden = [row for row in known.rows if row.bag.name in scope.hidden]
    figures.hidden.bags = len(hidden)
    for row in latest_rows(hidden):
        figures.hidden.collections += 1
        figures.hidden.files += row.files
        figures.hidden.bytes += row.bytes


def _stores(
    catalogue: Catalogue, known: Known, rows: Sequence[BagRow], scope: Scope, manifests: dict[str, CollectionManifest],
    attestations: Attestations, now: datetime,
) -> Iterable[StoreFigures]:
    """All stores, or those that hold a bag of the one collection."""
    for store in known.stores:
        mine = [row for row in (rows if scope.name is not None else known.rows) if store.id in row.stores]
        if scope.name is not None and not mine:
            continue
        number = catalogue.store_number(store.id)
        naming = [one for manifest in manifests.values() for one in manifest.stores if one.names(store.id, store.url)]
        place = attestations.store(store.id, store.url)
        url = store.url if scope.may_tell(store.url) else f"store {store.id}"
        yield StoreFigures(
            url, store.id, store.seen, bool(naming) and all(one.offline for one in naming), len(mine), sum(row.bytes for row in mine),
            stored_in(catalogue, number), tuple(bytes_by_age(catalogue, number, AGES, now=now)),
            last_audited(catalogue, number), count_unsound(catalogue, number), place.location, place.media,
        )


def _formats(figures: Figures, catalogue: Catalogue, rows: Sequence[BagRow]) -> None:
    totals: dict[Format, tuple[int, int]] = {}
    for row in latest_rows(rows):
        for one in bag_formats(catalogue, row.seal):
            files, size = totals.get(one.format, (0, 0))
            totals[one.format] = files + one.files, size + one.bytes
    figures.formats = tuple(sorted(
        (FormatTotal(kind, files, size) for kind, (files, size) in totals.items()), key=lambda one: (-one.bytes, -one.files, one.format)))


def _notable(figures: Figures, catalogue: Catalogue, rows: Sequence[BagRow]) -> None:
    latest = {row.seal: str(row.bag) for row in latest_rows(rows)}
    largest: list[NamedFile] = []
    oldest: list[NamedFile] = []
    for seal, notable in notable_of(catalogue, latest):
        largest = sorted(
            [*largest, *(NamedFile(latest[seal], *one) for one in notable["largest"])], key=lambda one: -one.value)[:NOTABLE]
        oldest = sorted([*oldest, *(NamedFile(latest[seal], *one) for one in notable["oldest"])], key=lambda one: one.value)[:NOTABLE]
    figures.largest, figures.oldest = tuple(largest), tuple(oldest)


def _runs(figures: Figures, catalogue: Catalogue, scope: Scope, since: str) -> None:
    """Runs over what is shown; of a run over several collections only that it was, where some are not shown."""
    jobs: Counter[tuple[str, str]] = Counter()
    for job, collection, outcome, number in count_runs(catalogue, since):
        if collection in scope.shown or (not collection and scope.name is None):
            jobs[job, outcome] += number
    listed: list[RunRow] = []
    for run in recent_runs(catalogue, since):
        if run.collection in scope.shown or (not run.collection and scope.name is None):
            listed.append(run)
            if len(listed) == RUNS:
                break
    figures.runs, figures.jobs = tuple(listed), jobs
