"""Findings: how things stand, and what the last run of each job over each collection found."""

from __future__ import annotations

from collections import Counter
from typing import Final

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import latest_of_each
from strongroom.core.findings import Severity
from strongroom.usecases.page.figures import Figures, FoundFigure
from strongroom.usecases.page.scope import Scope
from strongroom.usecases.status.report import StatusReport

LISTED: Final = 200
_ORDER: Final = {severity.value: number for number, severity in enumerate(Severity)}


def findings(figures: Figures, catalogue: Catalogue, scope: Scope, standing: StatusReport, since: str) -> None:
    """All are counted that concern what the page is about; those are listed that can be told, the gravest first."""
    counts: Counter[str] = Counter()
    listed: list[FoundFigure] = []
    urls = frozenset(store.url for store in figures.stores)
    for finding in standing.findings:
        if scope.covers(finding, urls):
            listed.append(FoundFigure(finding.severity.value, finding.code.label, finding.place, finding.message, None, "status"))
        if scope.covers(finding, urls) or scope.name is None:
            counts[finding.severity.value] += 1
    for run in latest_of_each(catalogue):
        if run.started < since or (scope.name is not None and run.collection != scope.name):
            continue
        counts.update(run.summary.get("counts", {}))
        if scope.tells(run.collection):
            listed += [
                FoundFigure(one["severity"], one["code"], one["place"], one["message"], run.started, run.job)
                for one in run.summary.get("findings", ()) if scope.may_tell(one["place"], one["message"])
            ]
        if len(listed) > 10 * LISTED:
            listed = _gravest(listed)
    figures.found = tuple(_gravest(listed))
    figures.counts = +counts
    figures.unlisted = counts.total() - len(figures.found)


def _gravest(found: list[FoundFigure]) -> list[FoundFigure]:
    return sorted(found, key=lambda one: _ORDER.get(one.severity, len(_ORDER)))[:LISTED]
