"""The one place in which a run of a job is remembered, whatever engine runs it, and told to whom it may concern.

The command line and the flows both put this around the use case. Nothing here can fail a run: what goes wrong is said to `warn`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

from strongroom.catalogue import Catalogue
from strongroom.catalogue.runs import RunRow, begin_run, end_run
from strongroom.core.errors import StrongroomError
from strongroom.core.findings import Severity
from strongroom.usecases.context import Context

_LINES: Final = 60  # of a report's summary that are kept
_SHOWN: Final = 50  # findings that are kept with their words
#: Members of a document that are not kept with it: findings are kept apart, and names that not everybody may see not at all.
_NOT_KEPT: Final = frozenset({"findings", "unsound", "clusters", "unreadable"})
_LARGEST: Final = 64 * 1024  # characters of a report's document that are kept
_OUTCOMES: Final = {0: "good", 1: "errors", 3: "incomplete"}


class Report(Protocol):
    """What a use case gives back, as far as this goes."""

    @property
    def exit_status(self) -> int: ...
    def summary(self) -> list[str]: ...
    def to_json(self) -> dict[str, Any]: ...


@dataclass(slots=True)
class Recording:
    """The run under way. Whoever runs the use case puts its report here; `row` is there afterwards."""

    report: Report | None = None
    row: RunRow | None = None


@contextmanager
def recording(context: Context, job: str, parameters: Mapping[str, Any], warn: Callable[[str], None]) -> Iterator[Recording]:
    """Remember what is done inside as a run of `job`, and notify of it. `parameters` are those of the flow of that name.

    A dry run is no run. What is raised inside is remembered and passes through.
    """
    run = Recording()
    if parameters.get("dry_run"):
        yield run
        return
    number = _begin(context, job, parameters, warn)
    try:
        yield run
    except BaseException as error:
        outcome, status = ("failed", getattr(error, "exit_status", 3)) if isinstance(error, Exception) else ("interrupted", 130)
        run.row = _end(context, number, outcome, status, failure(error), warn)
        if run.row is not None and outcome == "failed":
            _notify(context, run.row, parameters, warn)
        raise
    if run.report is not None:
        status = run.report.exit_status
        run.row = _end(context, number, _OUTCOMES.get(status, "errors"), status, digest(run.report), warn)
        if run.row is not None:
            _notify(context, run.row, parameters, warn)


def digest(report: Report) -> dict[str, Any]:
    """What is kept of a report: its lines, how many findings of each severity, the gravest of them, its document if that is small."""
    document = report.to_json()
    order = [severity.value for severity in Severity]
    counts = dict.fromkeys(order, 0)
    shown: list[dict[str, str]] = []
    for finding in _findings(document):
        if finding not in shown:  # a report of several jobs may hold one finding twice
            counts[finding["severity"]] += 1
            shown.append(finding)
    shown.sort(key=lambda finding: order.index(finding["severity"]))
    small = _without_findings(document)
    kept = {"lines": report.summary()[:_LINES], "counts": counts, "findings": shown[:_SHOWN]}
    return kept | ({"report": small} if len(json.dumps(small)) <= _LARGEST else {})


def failure(error: BaseException) -> dict[str, Any]:
    """What is kept of a run that ended without a report."""
    text = str(error) if isinstance(error, StrongroomError) else f"{type(error).__name__}: {error}".rstrip(": ")
    return {"lines": text.splitlines()[:_LINES], "counts": dict.fromkeys((one.value for one in Severity), 0), "findings": []}


def _begin(context: Context, job: str, parameters: Mapping[str, Any], warn: Callable[[str], None]) -> int | None:
    collection = parameters.get("collection") or parameters.get("name") or ""
    stores: Sequence[str] = parameters.get("stores") or ()
    store = parameters.get("source") or (stores[0] if len(stores) == 1 else "")
    try:
        with Catalogue.open(context.catalogue) as catalogue:
            return begin_run(catalogue, job, str(collection), str(store))
    except (StrongroomError, sqlite3.Error, OSError) as error:
        warn(f"this run is not remembered: {error}")
        return None


def _end(
    context: Context, number: int | None, outcome: str, status: int, summary: dict[str, Any], warn: Callable[[str], None]
) -> RunRow | None:
    if number is None:
        return None
    try:
        with Catalogue.open(context.catalogue) as catalogue:
            return end_run(catalogue, number, outcome, status, summary)
    except (StrongroomError, sqlite3.Error, OSError) as error:
        warn(f"how this run ended is not remembered: {error}")
        return None


def _notify(context: Context, row: RunRow, parameters: Mapping[str, Any], warn: Callable[[str], None]) -> None:
    from strongroom.usecases import notifying  # noqa: PLC0415 -- most runs have nobody to tell

    try:
        notifying.notify(context, row, parameters.get("manifest"), warn)
    except Exception as error:  # the run is over, and stays what it was
        warn(f"nobody was notified of this run: {type(error).__name__}")  # its words may hold an address with a password


def _findings(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "findings" and isinstance(inner, list):
                yield from inner
            else:
                yield from _findings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _findings(inner)


def _without_findings(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_findings(inner) for name, inner in value.items() if name not in _NOT_KEPT}
    return [_without_findings(inner) for inner in value] if isinstance(value, list) else value
