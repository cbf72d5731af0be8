"""The digest of the last run, or of all that were begun since some day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import RunRow, last_run, runs_since
from strongroom.core.events import utc_now
from strongroom.core.plural import plural
from strongroom.usecases.context import Context
from strongroom.usecases.report.logged import Logged, logged
from strongroom.usecases.report.totals import Totals, total
from strongroom.usecases.report.words import run_lines

_FINDINGS = 50  # of a run that are named


@dataclass(frozen=True, slots=True)
class Digest:
    """What was done by this installation; with `log`, what the logs of the stores tell of that time, whoever did it."""

    since: str | None  # UTC; None: the last run alone
    until: str  # UTC
    runs: tuple[RunRow, ...]
    totals: Totals
    log: Logged | None

    @property
    def exit_status(self) -> int:
        """0: what was found then was said then. 3 if a log that was asked for could not be read."""
        return 3 if self.log is not None and self.log.unreachable else 0

    def to_json(self) -> dict[str, Any]:
        """Valid against schemas/report.schema.json."""
        return {
            "format": "strongroom-report/1", "since": self.since, "until": self.until, "runs": [_run(run) for run in self.runs],
            "totals": self.totals.to_json(), "log": self.log.to_json() if self.log else None,
        }

    def summary(self) -> list[str]:
        """The digest for people."""
        return list(self._lines())

    def _lines(self) -> Iterator[str]:
        if not self.runs:
            yield f"No run began since {self.since}." if self.since else "Nothing was run yet."
        elif self.since:
            yield f"{plural(len(self.runs), 'run')} from {self.since} to {self.until}."
            yield from (f"  {line}" for line in self.totals.lines())
        for run in self.runs:
            yield ""
            yield from run_lines(run, findings=_FINDINGS)
        if self.log:
            yield ""
            yield from self.log.lines()


def report(context: Context, *, since: str | None = None, log: bool = False) -> Digest:
    """The runs that began at `since` (UTC) or later; without it the last one.

    `log`: read the logs of the stores that answer, too; of that time, or of the last run's.
    """
    runs: tuple[RunRow, ...] = ()
    if context.has_catalogue():
        with Catalogue.open(context.catalogue) as catalogue:
            last = last_run(catalogue) if since is None else None
            runs = tuple(runs_since(catalogue, since)) if since is not None else (last,) if last else ()
    begin = since or (runs[0].started if runs else None)
    return Digest(since, utc_now(), runs, total(runs), logged(context, begin) if log and begin else None)


def _run(run: RunRow) -> dict[str, Any]:
    return {
        "number": run.number, "job": run.job, "collection": run.collection or None, "store": run.store or None, "started": run.started,
        "ended": run.ended, "outcome": run.outcome, "exit_status": run.exit_status, "lines": run.summary.get("lines", []),
        "counts": run.summary.get("counts", {}), "findings": run.summary.get("findings", []), "report": run.summary.get("report"),
    }
